#include "mail/auth_results.h"

#include "base/base64.h"
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

/* Enough to see any domain in U-labels; what stands behind is not looked at. */
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

static int
hex_value(int digit)
{
	return digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10;
}

/* RFC 2047 4.2: "_" is a space, "=2E" an octet. */
static void
decode_q(struct view text, struct buffer *out)
{
	struct cursor c = cursor_over(text);

	while (!cursor_end(&c)) { /* ends: each turn takes an octet */
		struct view octet = cursor_take_n(&c, 1);
		struct view hex = VIEW_EMPTY;
		if (view_is(octet, "="))
			hex = cursor_take_max(&c, CC_HEXDIG, 2);
		if (hex.n == 2)
			buffer_add_char(out, (char)(hex_value(hex.p[0]) << 4 | hex_value(hex.p[1])));
		else
			buffer_add_char(out, view_is(octet, "_") ? ' ' : octet.p[0]);
	}
}

/* encoded-word = "=?" charset "?" encoding "?" encoded-text "?="           RFC 2047 2 */
static bool
take_encoded_word(struct cursor *c, struct arena *arena, struct buffer *out)
{
	size_t from = cursor_offset(c);
	struct view octets;

	if (!cursor_text(c, VIEW_LIT("=?")))
		return false;
	cursor_until(c, '?');
	bool q = cursor_text_nocase(c, VIEW_LIT("?q?"));
	bool b = !q && cursor_text_nocase(c, VIEW_LIT("?b?"));
	struct view text = cursor_until(c, '?');
	if (q && cursor_text(c, VIEW_LIT("?="))) {
		decode_q(text, out);
		return true;
	}
	if (b && cursor_text(c, VIEW_LIT("?=")) && base64_decode(text, arena, &octets, NULL)) {
		buffer_add(out, octets);
		return true;
	}
	cursor_back(c, from);
	return false;
}

/* Webmail and scripts decode every field before they look at it, this one too, against RFC 2047 5. */
static struct view
without_encoded_words(struct view value, struct arena *arena)
{
	struct cursor c = cursor_over(value);
	struct buffer out = buffer_in(arena);

	while (!cursor_end(&c)) { /* ends: each turn takes something */
		if (take_encoded_word(&c, arena, &out))
			continue;
		buffer_add(&out, cursor_take_n(&c, 1));
		buffer_add(&out, cursor_until(&c, '='));
	}
	return buffer_view(&out);
}

bool
auth_results_claims(struct view value, struct view authserv_id, struct arena *arena)
{
	struct view ascii = authserv_id;
	bool is_domain = domain_to_ascii(authserv_id, arena, &ascii, NULL);
	struct view id = is_domain ? ascii : authserv_id;
	struct view reading[2] = { value, without_encoded_words(value, arena) };
	size_t readings = view_eq(reading[0], reading[1]) ? 1 : 2;

	for (size_t i = 0; i < readings; i++) {
		if (claims_in_ascii(reading[i], id, arena))
			return true;
		if (is_domain && !view_is_ascii(reading[i]) && claims_in_u_labels(reading[i], id, arena))
			return true;
	}
	return false;
}
