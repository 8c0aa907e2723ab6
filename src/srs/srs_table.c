#include "srs/srs_table.h"

#include "base/cursor.h"
#include "base/hash.h"
#include "base/mem.h"

#include <stdatomic.h>
#include <string.h>

struct entry {
	struct view key, value; /* key.n = 0: free */
};

struct srs_table {
	atomic_uint refs;
	enum srs_table_kind kind;
	struct view text;
	struct entry *slot; /* open addressing; never more than half of them in use */
	size_t slots, keys;
	size_t mistakes;
	unsigned first_mistake;
	const char *what;
};

/* ---- keys ---- */

/* Where the key is, or the free slot for it. */
static struct entry *
slot_of(const struct srs_table *t, struct view key)
{
	size_t at = (size_t)hash_view_lower(key) & (t->slots - 1);

	while (t->slot[at].key.n > 0 && !view_eq_nocase(t->slot[at].key, key)) /* ends: half of the slots are free */
		at = (at + 1) & (t->slots - 1);
	return &t->slot[at];
}

static void
make_room(struct srs_table *t)
{
	struct entry *before = t->slot;
	size_t n = t->slots;

	if (n > 0 && t->keys < n / 2)
		return;
	t->slots = n == 0 ? 64 : mem_mul(n, 2);
	t->slot = mem_zero(mem_mul(t->slots, sizeof(*t->slot)));
	for (size_t i = 0; i < n; i++)
		if (before[i].key.n > 0)
			*slot_of(t, before[i].key) = before[i];
	mem_free(before);
}

static void
mistake(struct srs_table *t, unsigned line, const char *what)
{
	if (t->mistakes++ > 0)
		return;
	t->first_mistake = line;
	t->what = what;
}

static void
add_entry(struct srs_table *t, struct view key, struct view value, unsigned line)
{
	make_room(t);
	struct entry *e = slot_of(t, key);
	if (e->key.n > 0) {
		mistake(t, line, "the key stands there twice");
		return;
	}
	*e = (struct entry){ key, value };
	t->keys++;
}

/* ---- lines ---- */

/* Up to white space or stop outside quotes.  False: a quote without its end. */
static bool
take_key(struct cursor *c, char stop, struct view *key)
{
	size_t from = cursor_offset(c);
	bool quoted = false;

	for (int next; (next = cursor_peek(c)) >= 0; cursor_take_n(c, 1)) {
		if (next == '"')
			quoted = !quoted;
		else if (next == '\\' && quoted)
			cursor_take_n(c, 1);
		else if (!quoted && (char_in((char)next, CC_FWS) || next == stop))
			break;
	}
	*key = cursor_since(c, from);
	return !quoted;
}

/* postalias: a name with odd marks stands in quotes, which are not part of it. */
static bool
take_alias_key(struct cursor *c, struct view *key)
{
	if (!take_key(c, ':', key))
		return false;
	cursor_take(c, CC_WSP);
	if (view_starts(*key, VIEW_LIT("\"")) && view_ends(*key, VIEW_LIT("\"")) && key->n > 2)
		*key = view_sub(*key, 1, key->n - 2);
	return view_find(*key, '\\') == VIEW_NONE && cursor_char(c, ':');
}

static void
add_line(struct srs_table *t, struct view text, unsigned line)
{
	struct cursor c = cursor_over(text);
	bool alias = t->kind == SRS_TABLE_ALIASES;
	struct view key;

	if (!(alias ? take_alias_key(&c, &key) : take_key(&c, '\0', &key)) || key.n == 0) {
		mistake(t, line, alias ? "wants \"NAME: TARGET\"" : "wants \"KEY VALUE\"");
		return;
	}
	struct view value = view_trim(cursor_rest(&c));
	if (value.n == 0 && t->kind != SRS_TABLE_DOMAINS) {
		mistake(t, line, "nothing behind the key");
		return;
	}
	add_entry(t, key, value, line);
}

static bool
is_idle(struct view line)
{
	struct view v = view_trim(line);

	return v.n == 0 || view_starts(v, VIEW_LIT("#"));
}

/* Octets of the text from where the logical line begins to where its last physical line ends. */
static void
add_lines(struct srs_table *t)
{
	struct cursor c = cursor_over(t->text);
	size_t from = 0, to = 0; /* of the logical line; equal: there is none yet */
	unsigned line = 0, first = 0;

	while (!cursor_end(&c)) { /* ends: each turn takes a line */
		size_t begin = cursor_offset(&c);
		struct view physical = cursor_until(&c, '\n');
		cursor_char(&c, '\n');
		line++;
		if (is_idle(physical))
			continue;
		bool goes_on = char_in(physical.p[0], CC_WSP);
		if (goes_on && to == from) {
			mistake(t, line, "white space at the margin of the first line");
			continue;
		}
		if (!goes_on) {
			if (to > from)
				add_line(t, view_sub(t->text, from, to - from), first);
			from = begin;
			first = line;
		}
		to = begin + physical.n;
	}
	if (to > from)
		add_line(t, view_sub(t->text, from, to - from), first);
}

/* ---- a table ---- */

struct srs_table *
srs_table_new(enum srs_table_kind kind, struct view text)
{
	struct srs_table *t = mem_zero(sizeof(*t));

	atomic_init(&t->refs, 1);
	t->kind = kind;
	t->text = text;
	t->what = "";
	if (kind != SRS_TABLE_INCLUDE)
		add_lines(t);
	return t;
}

struct srs_table *
srs_table_ref(struct srs_table *table)
{
	atomic_fetch_add_explicit(&table->refs, 1, memory_order_relaxed);
	return table;
}

void
srs_table_unref(struct srs_table *table)
{
	if (table == NULL || atomic_fetch_sub_explicit(&table->refs, 1, memory_order_acq_rel) != 1)
		return;
	mem_free((void *)table->text.p);
	mem_free(table->slot);
	mem_free(table);
}

size_t
srs_table_keys(const struct srs_table *table)
{
	return table->keys;
}

size_t
srs_table_mistakes(const struct srs_table *table)
{
	return table->mistakes;
}

unsigned
srs_table_first_mistake(const struct srs_table *table, const char **what)
{
	*what = table->what;
	return table->first_mistake;
}

bool
srs_table_find(const struct srs_table *table, struct view key, struct view *value)
{
	if (key.n == 0 || table->slots == 0)
		return false;
	const struct entry *e = slot_of(table, key);
	if (e->key.n == 0)
		return false;
	*value = e->value;
	return true;
}

struct view
srs_table_text(const struct srs_table *table)
{
	return table->text;
}

/* ---- values ---- */

static const struct view include_word = { ":include:", 9 };

/* Up to stop outside quotes, brackets and comments. */
static struct view
take_until(struct cursor *c, unsigned stop, char or_stop)
{
	size_t from = cursor_offset(c);
	bool quoted = false;
	int depth = 0;

	for (int next; (next = cursor_peek(c)) >= 0; cursor_take_n(c, 1)) {
		if (next == '\\' && (quoted || depth > 0))
			cursor_take_n(c, 1);
		else if (next == '"' && depth == 0)
			quoted = !quoted;
		else if (!quoted && next == '(')
			depth++;
		else if (!quoted && next == ')' && depth > 0)
			depth--;
		else if (!quoted && depth == 0 && (char_in((char)next, stop) || next == or_stop))
			break;
	}
	return cursor_since(c, from);
}

/* Commas, white space, and lines that are comments, as far as they go. */
static void
skip_idle(struct cursor *c)
{
	bool margin = cursor_offset(c) == 0;

	for (;;) { /* ends: each turn takes something or returns */
		size_t at = cursor_offset(c);
		struct view blank = cursor_take(c, CC_FWS);
		margin |= view_find(blank, '\n') != VIEW_NONE;
		if (margin && cursor_peek(c) == '#')
			cursor_until(c, '\n');
		else if (cursor_char(c, ','))
			margin = false;
		if (cursor_offset(c) == at)
			return;
	}
}

/* Name <address>: the address. */
static struct view
without_name(struct view word)
{
	size_t from = view_find_last(word, '<'), to = view_find_last(word, '>');

	return from != VIEW_NONE && to != VIEW_NONE && to > from ? view_sub(word, from + 1, to - from - 1) : word;
}

static bool
is_bracket_ahead(const struct cursor *c)
{
	struct cursor ahead = *c;

	return view_find(take_until(&ahead, CC_CRLF, ','), '<') != VIEW_NONE;
}

/* What the quotes around the whole of it hide: "|command", ":include:/path". */
static struct view
inside_quotes(struct view v)
{
	return v.n > 1 && view_starts(v, VIEW_LIT("\"")) && view_ends(v, VIEW_LIT("\"")) ? view_sub(v, 1, v.n - 2) : v;
}

static bool
take_special(struct cursor *c, enum srs_target_kind *kind, struct view *target)
{
	struct cursor ahead = *c;
	struct view segment = view_trim(take_until(&ahead, CC_CRLF, ','));
	struct view inside = inside_quotes(segment);

	if (view_starts(inside, include_word)) {
		*kind = SRS_TARGET_INCLUDE;
		*target = inside_quotes(view_trim(view_from(inside, include_word.n)));
	} else if (inside.n > 0 && view_find(VIEW_LIT("|/\\"), inside.p[0]) != VIEW_NONE) {
		*kind = SRS_TARGET_OTHER;
		*target = segment;
	} else {
		return false;
	}
	*c = ahead;
	return true;
}

bool
srs_target_next(struct view *rest, enum srs_target_kind *kind, struct view *target)
{
	struct cursor c = cursor_over(*rest);

	do { /* ends: each turn takes something, or the value ends */
		skip_idle(&c);
		if (cursor_end(&c))
			return false;
		if (take_special(&c, kind, target))
			continue;
		*kind = SRS_TARGET_ADDRESS;
		struct view word = take_until(&c, is_bracket_ahead(&c) ? CC_CRLF : CC_FWS, ',');
		*target = view_starts(word, VIEW_LIT("(")) ? VIEW_EMPTY : view_trim(without_name(word));
	} while (target->n == 0);
	*rest = cursor_rest(&c);
	return true;
}

/* @UNSAFE: memmem within the text */
static size_t
find_include(struct view text, size_t from)
{
	const char *p = from >= text.n ? NULL : memmem(text.p + from, text.n - from, include_word.p, include_word.n);

	return p == NULL ? VIEW_NONE : (size_t)(p - text.p);
}

static bool
is_comment_at(struct view text, size_t at)
{
	size_t line = view_find_last(view_sub(text, 0, at), '\n');
	struct view before = view_sub(text, line == VIEW_NONE ? 0 : line + 1, at);

	return view_starts(view_trim(before), VIEW_LIT("#"));
}

bool
srs_table_include(const struct srs_table *table, size_t *at, struct view *path)
{
	if (table->kind != SRS_TABLE_ALIASES && table->kind != SRS_TABLE_INCLUDE)
		return false;
	for (size_t found; (found = find_include(table->text, *at)) != VIEW_NONE;) {
		struct view rest = view_from(table->text, found);
		enum srs_target_kind kind;
		*at = found + include_word.n;
		if (is_comment_at(table->text, found) || !srs_target_next(&rest, &kind, path) ||
		    kind != SRS_TARGET_INCLUDE)
			continue;
		size_t quote = view_find(*path, '"'); /* the one before ":include:" */
		*path = quote == VIEW_NONE ? *path : view_sub(*path, 0, quote);
		return true;
	}
	return false;
}
