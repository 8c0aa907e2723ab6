#include "base/view.h"

#include <string.h>

bool
view_eq_nocase(struct view a, struct view b)
{
	return a.n == b.n && view_cmp_nocase(a, b) == 0;
}

bool
view_is_nocase(struct view v, const char *text)
{
	return view_eq_nocase(v, view_of(text));
}

static int
shorter_first(struct view a, struct view b)
{
	return a.n == b.n ? 0 : a.n < b.n ? -1 : 1;
}

int
view_cmp(struct view a, struct view b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int diff = n == 0 ? 0 : memcmp(a.p, b.p, n);

	return diff != 0 ? diff : shorter_first(a, b);
}

int
view_cmp_nocase(struct view a, struct view b)
{
	size_t n = a.n < b.n ? a.n : b.n;

	for (size_t i = 0; i < n; i++) {
		unsigned char x = (unsigned char)ascii_lower(a.p[i]);
		unsigned char y = (unsigned char)ascii_lower(b.p[i]);
		if (x != y)
			return x < y ? -1 : 1;
	}
	return shorter_first(a, b);
}

bool
view_starts(struct view v, struct view prefix)
{
	return v.n >= prefix.n && view_eq(view_sub(v, 0, prefix.n), prefix);
}

bool
view_ends(struct view v, struct view suffix)
{
	return v.n >= suffix.n && view_eq(view_from(v, v.n - suffix.n), suffix);
}

bool
view_ends_nocase(struct view v, struct view suffix)
{
	return v.n >= suffix.n && view_eq_nocase(view_from(v, v.n - suffix.n), suffix);
}

static bool
is_fws(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct view
view_trim_end(struct view v)
{
	while (v.n > 0 && is_fws(v.p[v.n - 1]))
		v.n--;
	return v;
}

struct view
view_trim(struct view v)
{
	while (v.n > 0 && is_fws(v.p[0])) {
		v.p++;
		v.n--;
	}
	return view_trim_end(v);
}

size_t
view_find(struct view v, char c)
{
	const char *at = v.n == 0 ? NULL : memchr(v.p, c, v.n);

	return at == NULL ? VIEW_NONE : (size_t)(at - v.p);
}

size_t
view_find_last(struct view v, char c)
{
	for (size_t i = v.n; i > 0; i--)
		if (v.p[i - 1] == c)
			return i - 1;
	return VIEW_NONE;
}

bool
view_split(struct view v, char c, struct view *head, struct view *tail)
{
	size_t at = view_find(v, c);

	*head = view_sub(v, 0, at);
	*tail = at == VIEW_NONE ? VIEW_EMPTY : view_from(v, at + 1);
	return at != VIEW_NONE;
}

bool
view_to_u64(struct view v, uint64_t max, uint64_t *out)
{
	uint64_t sum = 0;

	if (v.n == 0)
		return false;
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] < '0' || v.p[i] > '9')
			return false;
		uint64_t digit = (uint64_t)(v.p[i] - '0');
		if (digit > max || sum > (max - digit) / 10)
			return false;
		sum = sum * 10 + digit;
	}
	*out = sum;
	return true;
}

bool
view_is_ascii(struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		if ((unsigned char)v.p[i] > 127)
			return false;
	return true;
}

/* Octets of the well-formed sequence that starts at p, of which n are there; 0: none does. */
static size_t
utf8_sequence(const unsigned char *p, size_t n)
{
	unsigned char lo = 0x80, hi = 0xbf;
	size_t len;

	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		len = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		len = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		len = 4;
	else
		return 0;
	if (p[0] == 0xe0) /* RFC 3629 4: the second octet shuts out long forms and surrogates */
		lo = 0xa0;
	else if (p[0] == 0xed)
		hi = 0x9f;
	else if (p[0] == 0xf0)
		lo = 0x90;
	else if (p[0] == 0xf4)
		hi = 0x8f;
	if (n < len || p[1] < lo || p[1] > hi)
		return 0;
	for (size_t i = 2; i < len; i++)
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	return len;
}

/* Eight octets at once: most text is ASCII. */
static bool
starts_with_ascii_word(const unsigned char *p, size_t n)
{
	uint64_t word;

	if (n < sizeof(word))
		return false;
	memcpy(&word, p, sizeof(word));
	return (word & 0x8080808080808080u) == 0;
}

bool
view_is_utf8(struct view v)
{
	const unsigned char *p = (const unsigned char *)v.p;

	for (size_t i = 0; i < v.n;) { /* ends: each turn steps over at least one octet */
		if (starts_with_ascii_word(p + i, v.n - i)) {
			i += sizeof(uint64_t);
			continue;
		}
		size_t step = utf8_sequence(p + i, v.n - i);
		if (step == 0)
			return false;
		i += step;
	}
	return true;
}
