#ifndef ASSAY_BASE_VIEW_H
#define ASSAY_BASE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * view - a run of octets that somebody else owns.
 * Never NUL-terminated, may hold any octet, NUL included.  Passed by value.  p is never NULL when
 * n > 0; the empty view may have any p.  Who owns the octets, and how long they live, is said by
 * whoever hands out the view.
 * Nothing here allocates; every function is pure and thread-safe.
 */
struct view {
	const char *p;
	size_t n;
};

#define VIEW_LIT(literal) ((struct view){ "" literal, sizeof(literal) - 1 })
#define VIEW_EMPTY ((struct view){ "", 0 })
/* For "%.*s".  Only for octets that a character class has cleaned: a NUL would cut the text. */
#define VIEW_ARG(v) (int)(v).n, (v).p

/* The smallest ones stand here, so that grammars need no call for each octet, and a literal's length is known. */

static inline struct view
view_of(const char *text) /* NULL: the empty view */
{
	return text == NULL ? VIEW_EMPTY : (struct view){ text, strlen(text) };
}

static inline bool
view_eq(struct view a, struct view b)
{
	/* The first octet mostly tells, and costs no call. */
	return a.n == b.n && (a.n == 0 || (a.p[0] == b.p[0] && memcmp(a.p, b.p, a.n) == 0));
}

static inline bool
view_is(struct view v, const char *text)
{
	return view_eq(v, view_of(text));
}

bool view_eq_nocase(struct view a, struct view b); /* ASCII letters only, whatever the locale */
bool view_is_nocase(struct view v, const char *text);
/* <0, 0, >0: order of octets, the shorter first among equals; _nocase folds ASCII letters. */
int view_cmp(struct view a, struct view b);
int view_cmp_nocase(struct view a, struct view b);
bool view_starts(struct view v, struct view prefix);
bool view_ends(struct view v, struct view suffix);
bool view_ends_nocase(struct view v, struct view suffix);

/* The part from octet `from` on, at most n octets; clipped to what there is. */
static inline struct view
view_sub(struct view v, size_t from, size_t n)
{
	if (from > v.n)
		from = v.n;
	if (n > v.n - from)
		n = v.n - from;
	return (struct view){ n == 0 ? "" : v.p + from, n };
}

static inline struct view
view_from(struct view v, size_t from)
{
	return view_sub(v, from, SIZE_MAX);
}

struct view view_trim(struct view v);	   /* without SP, TAB, CR, LF at both ends */
struct view view_trim_end(struct view v); /* the same, at the end only */

#define VIEW_NONE SIZE_MAX
size_t view_find(struct view v, char c);      /* index of the first c; VIEW_NONE: not there */
size_t view_find_last(struct view v, char c); /* index of the last c; VIEW_NONE: not there */

/*
 * Split at the first c: *head before it, *tail behind it.  False, with *head = v and an empty
 * *tail, when there is no c.
 */
bool view_split(struct view v, char c, struct view *head, struct view *tail);

/*
 * Decimal digits only, no sign, no space, not empty, at most max.  False leaves *out as it was.
 */
bool view_to_u64(struct view v, uint64_t max, uint64_t *out);

bool view_is_ascii(struct view v); /* no octet above 127 */
bool view_is_utf8(struct view v);  /* RFC 3629: shortest forms, no surrogates, up to U+10FFFF */

/* ASCII only, whatever the locale. */
static inline char
ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

#endif
