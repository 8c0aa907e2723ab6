#ifndef ASSAY_BASE_CURSOR_H
#define ASSAY_BASE_CURSOR_H

#include "base/view.h"

/*
 * cursor - a place in a view that only moves forward and cannot pass its end.
 * The small verbs that every grammar of ours is written in.  Only cursor_* and view_* walk a
 * pointer; the rooms above speak in character classes.
 * Each verb that takes nothing leaves the cursor where it was.
 */
struct cursor {
	struct view text; /* all of it */
	size_t at;	  /* octets taken so far; <= text.n */
};

/* Character classes; join them with |.  RFC names where an RFC names them. */
enum char_class {
	CC_ALPHA = 1 << 0,    /* A-Z a-z */
	CC_DIGIT = 1 << 1,    /* 0-9 */
	CC_HEXDIG = 1 << 2,   /* 0-9 A-F a-f */
	CC_WSP = 1 << 3,      /* SP TAB */
	CC_CRLF = 1 << 4,     /* CR LF, each on its own */
	CC_ATEXT = 1 << 5,    /* RFC 5322 3.2.3 */
	CC_QTEXT = 1 << 6,    /* RFC 5322 3.2.4: %d33 / %d35-91 / %d93-126 */
	CC_CTEXT = 1 << 7,    /* RFC 5322 3.2.2: %d33-39 / %d42-91 / %d93-126 */
	CC_DTEXT = 1 << 8,    /* RFC 5322 3.4.1: %d33-90 / %d94-126 */
	CC_FTEXT = 1 << 9,    /* RFC 5322 3.6.8, a field name: %d33-57 / %d59-126 */
	CC_TOKEN = 1 << 10,   /* RFC 2045 5.1: printable, no space, no tspecials */
	CC_VALCHAR = 1 << 11, /* RFC 6376 3.2: %x21-3A / %x3C-7E */
	CC_BASE64 = 1 << 12,  /* A-Z a-z 0-9 + / =  */
	CC_VCHAR = 1 << 13,   /* %x21-7E */
	CC_UTF8 = 1 << 14,    /* any octet above 127 (RFC 6532 lets them in; not validated here) */
	CC_UNDERSCORE = 1 << 15,
	CC_HYPHEN = 1 << 16,
	CC_DOT = 1 << 17,
	CC_CTL = 1 << 18,     /* %d0-31 / %d127, CR LF TAB among them */

	CC_FWS = CC_WSP | CC_CRLF,			/* as loosely as received mail asks for */
	CC_ALNUM = CC_ALPHA | CC_DIGIT,
	CC_TAGNAME = CC_ALNUM | CC_UNDERSCORE,		/* RFC 6376 3.2 */
	CC_LDH = CC_ALNUM | CC_HYPHEN,			/* a host name's label */
};

extern unsigned char_classes[256]; /* by octet; filled before main() and never written again */

static inline bool
char_in(char c, unsigned classes)
{
	return (char_classes[(unsigned char)c] & classes) != 0;
}

static inline struct cursor
cursor_over(struct view text)
{
	return (struct cursor){ .text = text, .at = 0 };
}

static inline size_t
cursor_offset(const struct cursor *c) /* octets taken so far */
{
	return c->at;
}

static inline bool
cursor_end(const struct cursor *c)
{
	return c->at == c->text.n;
}

static inline struct view
cursor_rest(const struct cursor *c) /* what is not taken yet */
{
	return view_from(c->text, c->at);
}

static inline int /* @UNSAFE: reads the octet under the cursor */
cursor_peek(const struct cursor *c) /* the next octet, 0..255; -1 at the end */
{
	return cursor_end(c) ? -1 : (unsigned char)c->text.p[c->at];
}

static inline bool
cursor_char(struct cursor *c, char wanted) /* that one octet */
{
	if (cursor_peek(c) != (unsigned char)wanted)
		return false;
	c->at++;
	return true;
}

static inline struct view
cursor_take_n(struct cursor *c, size_t n) /* n octets, or what is left */
{
	struct view taken = view_sub(c->text, c->at, n);

	c->at += taken.n;
	return taken;
}

struct view cursor_take(struct cursor *c, unsigned classes); /* the longest run; may be empty */
struct view cursor_take_max(struct cursor *c, unsigned classes, size_t max);
struct view cursor_until(struct cursor *c, char stop);		/* up to stop, or the rest; stop stays */
int cursor_any(struct cursor *c, unsigned classes);		/* one octet of the classes; -1: none */
bool cursor_text(struct cursor *c, struct view wanted);	/* those octets */
bool cursor_text_nocase(struct cursor *c, struct view wanted);
/* Decimal digits, at least one, value at most max.  False leaves *out and the cursor. */
bool cursor_u64(struct cursor *c, uint64_t max, uint64_t *out);
/* Exactly so many digits, value at most max: of dates and times.  False leaves *out and the cursor. */
bool cursor_digits(struct cursor *c, size_t digits, int max, int *out);
/* What was taken since offset `from`. */
struct view cursor_since(const struct cursor *c, size_t from);
/* Go back to an offset that cursor_offset gave, for grammars with alternatives. */
void cursor_back(struct cursor *c, size_t offset);

/* True when every octet of v is in classes; true for the empty view. */
bool view_all_in(struct view v, unsigned classes);

#endif
