#include "base/cursor.h"

#include <assert.h>
#include <string.h>

/* RFC 2045 5.1: tspecials are the octets that a token must not hold. */
static const char tspecials[] = "()<>@,;:\\\"/[]?=";
/* RFC 5322 3.2.3: what atext holds beside letters and digits. */
static const char atext_marks[] = "!#$%&'*+-/=?^_`{|}~";

#define IN(c, lo, hi) ((c) >= (lo) && (c) <= (hi))

static unsigned
visible_classes(int c)
{
	unsigned k = CC_VCHAR;

	if (strchr(atext_marks, c) != NULL)
		k |= CC_ATEXT;
	if (c != '"' && c != '\\')
		k |= CC_QTEXT;
	if (c != '(' && c != ')' && c != '\\')
		k |= CC_CTEXT;
	if (c != '[' && c != ']' && c != '\\')
		k |= CC_DTEXT;
	if (c != ':')
		k |= CC_FTEXT;
	if (c != ';')
		k |= CC_VALCHAR;
	if (strchr(tspecials, c) == NULL)
		k |= CC_TOKEN;
	if (c == '+' || c == '/' || c == '=')
		k |= CC_BASE64;
	if (c == '_')
		k |= CC_UNDERSCORE;
	if (c == '-')
		k |= CC_HYPHEN;
	if (c == '.')
		k |= CC_DOT;
	if (IN(c, 'a', 'z') || IN(c, 'A', 'Z'))
		k |= CC_ALPHA | CC_ATEXT | CC_BASE64;
	if (IN(c, '0', '9'))
		k |= CC_DIGIT | CC_HEXDIG | CC_ATEXT | CC_BASE64;
	if (IN(c, 'a', 'f') || IN(c, 'A', 'F'))
		k |= CC_HEXDIG;
	return k;
}

static unsigned
classes_of(int c)
{
	if (c > 127)
		return CC_UTF8;
	if (IN(c, 33, 126))
		return visible_classes(c);
	if (c == ' ')
		return CC_WSP;
	if (c == '\t')
		return CC_WSP | CC_CTL;
	if (c == '\r' || c == '\n')
		return CC_CRLF | CC_CTL;
	return CC_CTL;
}

/* Filled before main() runs, so no thread ever sees it half made. */
unsigned char_classes[256];

__attribute__((constructor)) static void
fill_class_table(void)
{
	for (int c = 0; c < 256; c++)
		char_classes[c] = classes_of(c);
}

bool
view_all_in(struct view v, unsigned classes)
{
	for (size_t i = 0; i < v.n; i++)
		if (!char_in(v.p[i], classes))
			return false;
	return true;
}

struct view /* @UNSAFE: counts octets that are there before it takes them */
cursor_take_max(struct cursor *c, unsigned classes, size_t max)
{
	size_t left = c->text.n - c->at;
	size_t n = 0;

	if (max > left)
		max = left;
	while (n < max && char_in(c->text.p[c->at + n], classes))
		n++;
	return cursor_take_n(c, n);
}

struct view
cursor_take(struct cursor *c, unsigned classes)
{
	return cursor_take_max(c, classes, SIZE_MAX);
}

struct view
cursor_until(struct cursor *c, char stop)
{
	return cursor_take_n(c, view_find(cursor_rest(c), stop));
}

int
cursor_any(struct cursor *c, unsigned classes)
{
	int next = cursor_peek(c);

	if (next < 0 || !char_in((char)next, classes))
		return -1;
	c->at++;
	return next;
}

bool
cursor_text(struct cursor *c, struct view wanted)
{
	if (!view_starts(cursor_rest(c), wanted))
		return false;
	c->at += wanted.n;
	return true;
}

bool
cursor_text_nocase(struct cursor *c, struct view wanted)
{
	if (!view_eq_nocase(view_sub(c->text, c->at, wanted.n), wanted))
		return false;
	c->at += wanted.n;
	return true;
}

bool
cursor_u64(struct cursor *c, uint64_t max, uint64_t *out)
{
	size_t from = c->at;

	if (view_to_u64(cursor_take(c, CC_DIGIT), max, out))
		return true;
	c->at = from;
	return false;
}

bool
cursor_digits(struct cursor *c, size_t digits, int max, int *out)
{
	size_t from = c->at;
	struct view text = cursor_take_max(c, CC_DIGIT, digits);
	uint64_t value;

	if (text.n == digits && view_to_u64(text, (uint64_t)max, &value)) {
		*out = (int)value;
		return true;
	}
	c->at = from;
	return false;
}

struct view
cursor_since(const struct cursor *c, size_t from)
{
	assert(from <= c->at);
	return view_sub(c->text, from, c->at - from);
}

void
cursor_back(struct cursor *c, size_t offset)
{
	assert(offset <= c->at);
	c->at = offset;
}
