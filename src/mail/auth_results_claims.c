#include "mail/auth_results.h"

#include "base/buffer.h"
#include "base/cursor.h"
#include "mail/domain.h"

/* Ways to read that careless readers differ in; all combinations are tried. */
enum way {
	COMMENTS_NEST = 1 << 0,	  /* else the first ")" ends one */
	COMMENTS_ESCAPE = 1 << 1, /* "\)" does not end one */
	COMMENTS_SPLIT = 1 << 2,  /* a comment ends a word, else it is as if it were not there */
	SPACES_SPLIT = 1 << 3,	  /* the same of white space, controls, NULs and, when malformed, 8-bit octets */
	ALL_WAYS = 1 << 4,
};

enum eight_bit {
	EIGHT_BIT_AS_SPACE, /* malformed UTF-8: readers drop it, or stop at it */
	EIGHT_BIT_SPLITS,   /* well-formed: may make another name than ours, and may be white space */
	EIGHT_BIT_STAYS,
};

/* Enough to see any domain in U-labels; more of the field is never looked at in words. */
#define WORD_MAX 1024

/* Takes the comment under the cursor; false, and nothing taken: it does not end. */
static bool
take_comment(struct cursor *c, unsigned way)
{
	size_t from = cursor_offset(c), depth = 0;

	while (!cursor_end(c)) {
		if (cursor_char(c, '\\')) {
			if (way & COMMENTS_ESCAPE)
				cursor_take_n(c, 1);
		} else if (cursor_char(c, '(')) {
			if (depth == 0 || (way & COMMENTS_NEST))
				depth++;
		} else if (cursor_char(c, ')')) {
			if (--depth == 0)
				return true;
		} else {
			cursor_take_n(c, 1);
		}
	}
	cursor_back(c, from);
	return false;
}

static bool
is_token_octet(char c)
{
	return char_in(c, CC_TOKEN);
}

/* One octet outside comments: what of it is read.  False: it is dropped. */
static bool
read_octet(char octet, unsigned way, enum eight_bit eight_bit, char *as)
{
	bool eight = char_in(octet, CC_UTF8);

	*as = octet;
	if (octet == '"' || octet == '\\')
		return false;
	if (char_in(octet, CC_VCHAR) || (eight && eight_bit == EIGHT_BIT_STAYS))
		return true;
	*as = ' ';
	return (way & SPACES_SPLIT) || (eight && eight_bit == EIGHT_BIT_SPLITS);
}

/*
 * What a reader of that way has before it, up to max octets: a space for whatever splits.  Leading octets of no
 * token are left out.
 */
static void
read_text(struct view value, unsigned way, enum eight_bit eight_bit, size_t max, struct buffer *out)
{
	struct cursor c = cursor_over(value);
	bool comments = true; /* false once one did not end: looking again would only cost time */

	buffer_clear(out);
	while (!cursor_end(&c) && out->n < max) {
		char as = ' ';
		if (comments && cursor_peek(&c) == '(' && (comments = take_comment(&c, way))) {
			if (!(way & COMMENTS_SPLIT))
				continue;
		} else if (!read_octet(cursor_take_n(&c, 1).p[0], way, eight_bit, &as)) {
			continue;
		}
		if (out->n > 0 || is_token_octet(as) || char_in(as, CC_UTF8))
			buffer_add_char(out, as);
	}
}

/* text begins with id, and id ends there. */
static bool
begins_with_id(struct view text, struct view id)
{
	if (!view_eq_nocase(view_sub(text, 0, id.n), id))
		return false;
	struct view rest = view_from(text, id.n);
	if (view_starts(rest, VIEW_LIT(".")))
		rest = view_from(rest, 1);
	return rest.n == 0 || !is_token_octet(rest.p[0]);
}

/* The first word of text has U-labels and is the domain id (A-labels). */
static bool
is_u_label_of(struct view text, struct view id, struct arena *arena)
{
	struct cursor c = cursor_over(text);
	struct view word = cursor_take(&c, CC_TOKEN | CC_UTF8), ascii;

	return !view_is_ascii(word) && domain_to_ascii(word, arena, &ascii, NULL) && view_eq(ascii, id);
}

static bool
claims_in_ascii(struct view value, struct view id, struct arena *arena)
{
	enum eight_bit eight_bit = view_is_utf8(value) ? EIGHT_BIT_SPLITS : EIGHT_BIT_AS_SPACE;
	struct buffer text = buffer_in(arena);

	for (unsigned way = 0; way < ALL_WAYS; way++) {
		read_text(value, way, eight_bit, id.n + 2, &text);
		if (begins_with_id(buffer_view(&text), id))
			return true;
	}
	return false;
}

/* Most ways read the same; libidn2 is slow, so what was just looked at is not looked at again. */
static bool
claims_in_u_labels(struct view value, struct view id, struct arena *arena)
{
	struct buffer text = buffer_in(arena);
	struct view last = VIEW_EMPTY;

	for (unsigned way = 0; way < ALL_WAYS; way++) {
		read_text(value, way, EIGHT_BIT_STAYS, WORD_MAX, &text);
		if (view_eq(buffer_view(&text), last))
			continue;
		last = arena_copy(arena, buffer_view(&text));
		if (is_u_label_of(last, id, arena))
			return true;
	}
	return false;
}

bool
auth_results_claims(struct view value, struct view authserv_id, struct arena *arena)
{
	struct view ascii;

	if (!domain_to_ascii(authserv_id, arena, &ascii, NULL))
		return claims_in_ascii(value, authserv_id, arena);
	return claims_in_ascii(value, ascii, arena) ||
	    (!view_is_ascii(value) && claims_in_u_labels(value, ascii, arena));
}
