#include "spf/spf_macro.h"

#include "base/cursor.h"

#include <inttypes.h>

#define NAME_MAX_OCTETS 253 /* RFC 7208 7.3 */

/* The parts a value can have: no name has more labels, so a larger number means "all". */
#define PARTS_MAX 128

static const struct view delimiters = { ".-+,/_=", 7 };
static const struct view letters = { "slodiphv", 8 };
static const struct view letters_of_exp = { "crt", 3 };

/* macro-expand with "%{", as written. */
struct macro {
	char letter;	  /* lower case */
	bool escape;	  /* it was upper case: RFC 7208 7.3 */
	bool reverse;
	uint64_t parts;	  /* right-hand parts to keep; 0: all */
	struct view split; /* delimiters; empty: "." */
};

enum macro_place {
	IN_DOMAIN,
	IN_MODIFIER,
	IN_EXP,
};

/* transformers = *DIGIT [ "r" ]					RFC 7208 7.1 */
static bool
take_transformers(struct cursor *c, struct macro *m, struct err *err)
{
	struct view digits = cursor_take(c, CC_DIGIT);

	if (digits.n > 0) {
		if (!view_to_u64(digits, UINT64_MAX, &m->parts))
			m->parts = UINT64_MAX;
		if (m->parts == 0)
			return err_perm(err, "a macro that keeps no part");
	}
	m->reverse = cursor_text_nocase(c, VIEW_LIT("r"));
	return true;
}

static struct view
take_delimiters(struct cursor *c)
{
	size_t start = cursor_offset(c);

	while (cursor_peek(c) > 0 && view_find(delimiters, (char)cursor_peek(c)) != VIEW_NONE)
		(void)cursor_take_n(c, 1); /* ends: each turn takes an octet */
	return cursor_since(c, start);
}

/* What follows "%{" : macro-letter transformers *delimiter "}"	RFC 7208 7.1 */
static bool
take_macro(struct cursor *c, enum macro_place place, struct macro *m, struct err *err)
{
	int letter = cursor_any(c, CC_ALPHA);

	*m = (struct macro){ .split = VIEW_EMPTY };
	if (letter < 0)
		return err_perm(err, "no macro letter behind \"%%{\"");
	m->letter = ascii_lower((char)letter);
	m->escape = m->letter != (char)letter;
	if (view_find(letters, m->letter) == VIEW_NONE &&
	    (place == IN_DOMAIN || view_find(letters_of_exp, m->letter) == VIEW_NONE))
		return err_perm(err, "no macro %%{%c} here", (char)letter);
	if (!take_transformers(c, m, err))
		return false;
	m->split = take_delimiters(c);
	return cursor_char(c, '}') || err_perm(err, "a macro without its \"}\"");
}

/* The pieces of a macro-string: literals, "%%" and its like, macros. */
enum piece {
	PIECE_END,
	PIECE_TEXT,  /* literal */
	PIECE_MACRO,
	PIECE_BAD,
};

/* macro-expand = ( "%{" ... "}" ) / "%%" / "%_" / "%-"; behind the "%"	RFC 7208 7.1 */
static enum piece
take_percent(struct cursor *c, enum macro_place place, struct view *literal, struct macro *m, struct err *err)
{
	if (cursor_char(c, '{'))
		return take_macro(c, place, m, err) ? PIECE_MACRO : PIECE_BAD;
	if (cursor_char(c, '%'))
		*literal = VIEW_LIT("%");
	else if (cursor_char(c, '_'))
		*literal = VIEW_LIT(" ");
	else if (cursor_char(c, '-'))
		*literal = VIEW_LIT("%20");
	else {
		(void)err_perm(err, "a \"%%\" that begins no macro");
		return PIECE_BAD;
	}
	return PIECE_TEXT;
}

/* The next piece; each turn takes at least one octet, or ends. */
static enum piece
take_piece(struct cursor *c, enum macro_place place, struct view *literal, struct macro *m, struct err *err)
{
	size_t start = cursor_offset(c);

	if (cursor_end(c))
		return PIECE_END;
	if (cursor_char(c, '%'))
		return take_percent(c, place, literal, m, err);
	for (;;) { /* ends: each turn takes an octet or returns */
		int next = cursor_peek(c);
		if (next == '%' || next < 0)
			break;
		if (cursor_any(c, CC_VCHAR) < 0 && !(place == IN_EXP && cursor_char(c, ' '))) {
			(void)err_perm(err, "octet %zu is not visible ASCII", cursor_offset(c));
			return PIECE_BAD;
		}
	}
	*literal = cursor_since(c, start);
	return PIECE_TEXT;
}

/* All pieces of a text; PIECE_END when it has no error.  *wants_p: one of them is %{p}. */
static enum piece
scan(struct view text, enum macro_place place, bool *wants_p, struct err *err)
{
	struct cursor c = cursor_over(text);
	struct view literal;
	struct macro m;
	enum piece piece;

	*wants_p = false;
	do {
		piece = take_piece(&c, place, &literal, &m, err);
		*wants_p |= piece == PIECE_MACRO && m.letter == 'p';
	} while (piece == PIECE_TEXT || piece == PIECE_MACRO);
	return piece;
}

bool
spf_macro_string_check(struct view text, struct err *err)
{
	bool wants_p;

	return scan(text, IN_MODIFIER, &wants_p, err) == PIECE_END;
}

bool
spf_macro_wants_p(struct view text)
{
	bool wants_p;

	(void)scan(text, IN_EXP, &wants_p, NULL);
	return wants_p;
}

/*
 * domain-end = ( "." toplabel [ "." ] ); toplabel is of letters, digits and inner hyphens, not digits only.
 * tail: the literal text behind the last macro, or all of the spec.		RFC 7208 7.1
 */
static bool
check_toplabel(struct view tail, struct err *err)
{
	struct view name = view_sub(tail, 0, tail.n - (view_ends(tail, VIEW_LIT(".")) ? 1 : 0));
	size_t dot = view_find_last(name, '.');

	if (dot == VIEW_NONE)
		return err_perm(err, "a domain of one label");
	struct view label = view_from(name, dot + 1);
	if (label.n == 0 || !view_all_in(label, CC_LDH) || view_all_in(label, CC_DIGIT) ||
	    view_starts(label, VIEW_LIT("-")) || view_ends(label, VIEW_LIT("-")))
		return err_perm(err, "its last label can be none of a domain");
	return true;
}

bool
spf_domain_spec_check(struct view spec, struct err *err)
{
	struct cursor c = cursor_over(spec);
	struct view literal;
	struct macro m;
	size_t tail = 0; /* where the last macro-expand ended */

	if (spec.n == 0)
		return err_perm(err, "an empty domain");
	for (;;) { /* ends: each turn takes a piece or returns */
		bool percent = cursor_peek(&c) == '%';
		switch (take_piece(&c, IN_DOMAIN, &literal, &m, err)) {
		case PIECE_BAD:
			return false;
		case PIECE_TEXT:
		case PIECE_MACRO:
			if (percent)
				tail = cursor_offset(&c);
			continue;
		case PIECE_END:
			break;
		}
		return tail == spec.n || check_toplabel(view_from(spec, tail), err);
	}
}

struct view
spf_dotted_ip(const struct ip *ip, struct arena *arena)
{
	static const char digits[] = "0123456789ABCDEF";
	struct buffer b = buffer_in(arena);

	if (ip->family != 6)
		return ip_text(ip, arena);
	for (int i = 0; i < 16; i++) {
		if (i > 0)
			buffer_add_char(&b, '.');
		buffer_add_char(&b, digits[ip->octet[i] >> 4]);
		buffer_add_char(&b, '.');
		buffer_add_char(&b, digits[ip->octet[i] & 15]);
	}
	return buffer_view(&b);
}

static struct view
macro_value(char letter, const struct spf_macro_values *v, struct arena *arena)
{
	switch (letter) {
	case 's':
		return v->sender;
	case 'l':
		return v->local;
	case 'o':
		return v->sender_domain;
	case 'd':
		return v->domain;
	case 'i':
		return spf_dotted_ip(&v->client, arena);
	case 'p':
		return v->validated;
	case 'h':
		return v->helo;
	case 'v':
		return v->client.family == 6 ? VIEW_LIT("ip6") : VIEW_LIT("in-addr");
	case 'c':
		return ip_text(&v->client, arena);
	case 'r':
		return v->receiver.n > 0 ? v->receiver : VIEW_LIT("unknown"); /* RFC 7208 7.3 */
	default:
		return arena_printf(arena, "%" PRId64, v->now);
	}
}

/* Upper-case letters: what is not unreserved in a URI is escaped (RFC 3986 2.3). */
static void
add_value(struct buffer *out, struct view text, bool escape)
{
	struct cursor c = cursor_over(text);

	if (!escape) {
		buffer_add(out, text);
		return;
	}
	while (!cursor_end(&c)) { /* ends: each turn takes a run or an octet */
		buffer_add(out, cursor_take(&c, CC_ALNUM | CC_HYPHEN | CC_DOT | CC_UNDERSCORE));
		if (cursor_char(&c, '~'))
			buffer_add_char(out, '~');
		else if (!cursor_end(&c)) {
			buffer_addf(out, "%%%02X", (unsigned)cursor_peek(&c));
			(void)cursor_take_n(&c, 1);
		}
	}
}

/* The last parts of a value stand in part[], in the order they are written. */
struct parts {
	struct view part[PARTS_MAX];
	size_t n;
};

/* The value split at any of the delimiters; only the last PARTS_MAX are kept, or the first when reversing. */
static void
split_value(struct view value, const struct macro *m, struct parts *parts)
{
	struct view split = m->split.n > 0 ? m->split : VIEW_LIT(".");
	struct cursor c = cursor_over(value);
	size_t seen = 0;

	for (;;) { /* ends: each turn takes a part and its delimiter, or returns */
		size_t start = cursor_offset(&c);
		while (cursor_peek(&c) >= 0 && view_find(split, (char)cursor_peek(&c)) == VIEW_NONE)
			(void)cursor_take_n(&c, 1);
		if (!m->reverse || seen < PARTS_MAX)
			parts->part[seen % PARTS_MAX] = cursor_since(&c, start);
		seen++;
		if (cursor_end(&c))
			break;
		(void)cursor_take_n(&c, 1);
	}
	parts->n = seen;
}

/*
 * Write the part that stands at place i from the left once reversing is done.  A value of more than PARTS_MAX parts
 * cannot make a name; of it the right-hand ones are written.
 */
static struct view
part_at(const struct parts *parts, const struct macro *m, size_t i)
{
	return parts->part[(m->reverse ? parts->n - 1 - i : i) % PARTS_MAX];
}

/* Split, reverse, keep the right-hand parts, join with ".".		RFC 7208 7.3 */
static void
add_macro(struct buffer *out, const struct macro *m, const struct spf_macro_values *values)
{
	struct view value = macro_value(m->letter, values, out->arena);
	struct parts parts;

	if (m->parts == 0 && !m->reverse && m->split.n == 0) {
		add_value(out, value, m->escape);
		return;
	}
	split_value(value, m, &parts);
	size_t keep = m->parts == 0 || m->parts > parts.n ? parts.n : (size_t)m->parts;
	if (keep > PARTS_MAX)
		keep = PARTS_MAX;
	for (size_t i = parts.n - keep; i < parts.n; i++) {
		add_value(out, part_at(&parts, m, i), m->escape);
		if (i + 1 < parts.n)
			buffer_add_char(out, '.');
	}
}

static bool
expand(struct view text, enum macro_place place, const struct spf_macro_values *values, struct buffer *out,
    struct err *err)
{
	struct cursor c = cursor_over(text);
	struct view literal;
	struct macro m;

	for (;;) { /* ends: each turn takes a piece or returns */
		switch (take_piece(&c, place, &literal, &m, err)) {
		case PIECE_END:
			return true;
		case PIECE_BAD:
			return false;
		case PIECE_TEXT:
			buffer_add(out, literal);
			break;
		case PIECE_MACRO:
			add_macro(out, &m, values);
			break;
		}
		if (out->n > SPF_EXPANSION_MAX)
			return err_perm(err, "an expansion of more than %d octets", SPF_EXPANSION_MAX);
	}
}

bool
spf_domain_expand(struct view spec, const struct spf_macro_values *values, struct buffer *scratch,
    struct view *name, struct err *err)
{
	buffer_clear(scratch);
	if (!expand(spec, IN_DOMAIN, values, scratch, err))
		return false;
	struct view v = buffer_view(scratch);
	if (view_ends(v, VIEW_LIT(".")))
		v = view_sub(v, 0, v.n - 1);
	while (v.n > NAME_MAX_OCTETS) { /* ends: each turn drops a label and its dot, or all */
		struct view label;
		(void)view_split(v, '.', &label, &v);
	}
	*name = arena_copy(scratch->arena, v);
	return true;
}

bool
spf_explain_expand(struct view text, const struct spf_macro_values *values, struct buffer *out, struct err *err)
{
	return expand(text, IN_EXP, values, out, err);
}
