#include "mail/auth_results.h"

#include "base/buffer.h"
#include "base/cursor.h"
#include "mail/domain.h"

#include <assert.h>

#define COLUMNS_MAX 76 /* of 77, one is left for the ";" behind */
#define TAB_COLUMNS 8

struct writer {
	struct buffer text;
	struct arena *arena;
	size_t column; /* octets on the line so far, the tab counted as it is shown */
};

static void
put_fold(struct writer *w)
{
	buffer_add_cstr(&w->text, "\n\t");
	w->column = TAB_COLUMNS;
}

/* An atom behind a space, or on a new line when this one would grow too long. */
static void
put_atom(struct writer *w, struct view atom)
{
	if (w->column + 1 + atom.n > COLUMNS_MAX) {
		put_fold(w);
	} else {
		buffer_add_char(&w->text, ' ');
		w->column++;
	}
	buffer_add(&w->text, atom);
	w->column += atom.n;
}

/* Octets of the well-formed UTF-8 character at the start of v; 0: there is none. */
static size_t
character_length(struct view v)
{
	for (size_t n = 1; n <= 4 && n <= v.n; n++)
		if (view_is_utf8(view_sub(v, 0, n)))
			return n;
	return 0;
}

/* How much of v can stand between such delimiters as it is. */
static size_t
plain_length(char open, struct view v, char close)
{
	size_t n = 0;

	while (n < v.n && (v.p[n] == ' ' || char_in(v.p[n], CC_VCHAR)) && v.p[n] != '\\' && v.p[n] != open && v.p[n] != close)
		n++;
	return n;
}

/* One character; 0 octets of it are well-formed: one octet. */
static size_t
add_character(struct buffer *b, char open, struct view v, char close)
{
	size_t length = character_length(v);

	if (length > 1) {
		buffer_add(b, view_sub(v, 0, length));
		return length;
	}
	bool bad = length == 0 || char_in(v.p[0], CC_CTL);
	char c = bad ? '?' : v.p[0];
	if (c == '\\' || c == open || c == close)
		buffer_add_char(b, '\\');
	buffer_add_char(b, c);
	return 1;
}

/*
 * v between two delimiters, these and backslashes behind a backslash, controls and malformed UTF-8 as "?".
 * What would pass AUTH_RESULTS_VALUE_MAX is cut, and "..." says so.
 */
static void
add_delimited(struct buffer *b, char open, struct view v, char close)
{
	size_t from = b->n;

	buffer_add_char(b, open);
	while (v.n > 0) { /* ends: each turn takes an octet at least */
		size_t before = b->n, room = AUTH_RESULTS_VALUE_MAX - (before - from);
		size_t plain = plain_length(open, view_sub(v, 0, room), close);
		if (plain > 0) {
			buffer_add(b, view_sub(v, 0, plain));
			v = view_from(v, plain);
			continue;
		}
		v = view_from(v, add_character(b, open, v, close));
		if (b->n - from > AUTH_RESULTS_VALUE_MAX) {
			buffer_cut(b, before);
			buffer_add_cstr(b, "...");
			break;
		}
	}
	buffer_add_char(b, close);
}

/* dot-atom-text = 1*atext *("." 1*atext)                                  RFC 5322 3.2.3 */
static bool
is_dot_atom(struct view v)
{
	struct view atom, rest = v;
	bool more;

	do { /* ends: each turn takes an atom */
		more = view_split(rest, '.', &atom, &rest);
		if (atom.n == 0 || !view_all_in(atom, CC_ATEXT))
			return false;
	} while (more);
	return true;
}

/* value = token / quoted-string                                           RFC 8601 2.2, RFC 2045 5.1 */
static void
add_value(struct buffer *b, struct view v)
{
	if (v.n > 0 && v.n <= AUTH_RESULTS_VALUE_MAX && view_all_in(v, CC_TOKEN))
		buffer_add(b, v);
	else
		add_delimited(b, '"', v, '"');
}

/* pvalue = value / [ [ local-part ] "@" ] domain-name */
static void
add_pvalue(struct buffer *b, struct view v)
{
	size_t at = view_find_last(v, '@');

	if (at != VIEW_NONE && v.n <= AUTH_RESULTS_VALUE_MAX && domain_is_fqdn(view_from(v, at + 1)) &&
	    (at == 0 || is_dot_atom(view_sub(v, 0, at))))
		buffer_add(b, v);
	else
		add_value(b, v);
}

static void
put_property(struct writer *w, const struct auth_property *property)
{
	struct buffer atom = buffer_in(w->arena);

	buffer_add_cstr(&atom, property->ptype);
	buffer_add_char(&atom, '.');
	buffer_add_cstr(&atom, property->name);
	buffer_add_char(&atom, '=');
	add_pvalue(&atom, property->value);
	put_atom(w, buffer_view(&atom));
}

static void
put_reason(struct writer *w, struct view reason)
{
	struct buffer atom = buffer_in(w->arena);

	buffer_add_cstr(&atom, "reason=");
	add_delimited(&atom, '"', reason, '"');
	put_atom(w, buffer_view(&atom));
}

static void
put_comment(struct writer *w, struct view comment)
{
	struct buffer atom = buffer_in(w->arena);

	add_delimited(&atom, '(', comment, ')');
	struct view rest = buffer_view(&atom), word;
	if (TAB_COLUMNS + rest.n <= COLUMNS_MAX) {
		put_atom(w, rest);
		return;
	}
	bool more;
	do { /* too long for a line of its own: folded at its spaces; ends: each turn takes a word */
		more = view_split(rest, ' ', &word, &rest);
		if (word.n > 0)
			put_atom(w, word);
	} while (more);
}

/* resinfo = ";" methodspec [ reasonspec ] [ 1*propspec ]; each on a line of its own, for those who grep */
static void
put_fact(struct writer *w, const struct auth_fact *fact, bool comments)
{
	const char *method = name_of(auth_method_names, (int)fact->method);
	const char *result = name_of(auth_result_names, (int)fact->result);

	assert(method != NULL && result != NULL);
	buffer_add_char(&w->text, ';');
	put_fold(w);
	size_t from = w->text.n;
	buffer_add_cstr(&w->text, method);
	buffer_add_char(&w->text, '=');
	buffer_add_cstr(&w->text, result);
	w->column += w->text.n - from;
	if (comments && fact->comment.n > 0)
		put_comment(w, fact->comment);
	if (fact->reason.n > 0)
		put_reason(w, fact->reason);
	for (size_t i = 0; i < fact->properties; i++)
		put_property(w, &fact->property[i]);
}

struct view
auth_results_write(struct view authserv_id, const struct auth_facts *facts, bool comments, size_t prefix_columns,
    struct arena *arena)
{
	struct writer w = { .text = buffer_in(arena), .arena = arena, .column = prefix_columns };

	buffer_add_char(&w.text, ' '); /* the id stays on the field's line, however long */
	add_value(&w.text, authserv_id);
	w.column += w.text.n;
	for (size_t i = 0; i < facts->n; i++)
		put_fact(&w, &facts->fact[i], comments);
	if (facts->n == 0) {
		buffer_add_char(&w.text, ';');
		w.column++;
		put_atom(&w, VIEW_LIT("none"));
	}
	return buffer_view(&w.text);
}
