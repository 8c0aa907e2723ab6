#include "mail/header.h"

#include "base/cursor.h"

#include <assert.h>
#include <string.h>

void
header_init(struct header *h, struct arena *arena, size_t octets_max, size_t fields_max)
{
	*h = (struct header){ .arena = arena, .octets_max = octets_max, .fields_max = fields_max };
}

/* One line of text up to LF; *end says which line end was there ("" at the end of the text). */
static struct view
take_line(struct cursor *c, struct view *end)
{
	struct view line = cursor_until(c, '\n');
	bool crlf = view_ends(line, VIEW_LIT("\r"));

	*end = VIEW_EMPTY;
	if (!cursor_char(c, '\n'))
		return line;
	*end = VIEW_LIT("\r\n");
	return view_sub(line, 0, line.n - (crlf ? 1 : 0));
}

/* Every LF that no CR precedes grows into CRLF. */
static size_t
octets_with_crlf(struct view value)
{
	size_t n = value.n;

	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] == '\n' && (i == 0 || value.p[i - 1] != '\r'))
			n++;
	return n;
}

static struct view
copy_with_crlf(struct arena *arena, struct view value, size_t n)
{
	if (n == value.n)
		return arena_copy(arena, value);
	struct cursor c = cursor_over(value);
	char *p = arena_alloc(arena, n);
	size_t at = 0;
	while (!cursor_end(&c)) {
		struct view end, line = take_line(&c, &end);
		if (line.n > 0)
			memcpy(p + at, line.p, line.n);
		at += line.n;
		if (end.n > 0)
			memcpy(p + at, end.p, end.n);
		at += end.n;
	}
	assert(at == n);
	return (struct view){ p, n };
}

static struct header_field *
new_field(struct header *h)
{
	if (h->n == h->room) {
		size_t room = h->room < 16 ? 16 : h->room * 2;
		h->field = arena_grow(h->arena, h->field, h->room * sizeof(*h->field), room * sizeof(*h->field));
		h->room = room;
	}
	return &h->field[h->n++];
}

bool
header_add(struct header *h, struct view name, struct view value, struct err *err)
{
	size_t n = octets_with_crlf(value);
	size_t left = h->octets_max - h->octets;

	if (name.n == 0)
		return err_perm(err, "a header field without a name");
	if (h->n >= h->fields_max)
		return err_perm(err, "more than %zu header fields", h->fields_max);
	if (name.n > left || n > left - name.n || left - name.n - n < strlen(":\r\n"))
		return err_perm(err, "more than %zu octets of header", h->octets_max);
	struct header_field *f = new_field(h);
	f->name = arena_copy(h->arena, name);
	f->value = copy_with_crlf(h->arena, value, n);
	h->octets += name.n + n + strlen(":\r\n");
	return true;
}

size_t
header_count(const struct header *h, struct view name)
{
	size_t count = 0;

	for (size_t i = 0; i < h->n; i++)
		if (view_eq_nocase(h->field[i].name, name))
			count++;
	return count;
}

const struct header_field *
header_nth(const struct header *h, struct view name, size_t k)
{
	for (size_t i = 0; i < h->n; i++)
		if (view_eq_nocase(h->field[i].name, name) && k-- == 0)
			return &h->field[i];
	return NULL;
}

static bool
next_line_is_folded(const struct cursor *c)
{
	int next = cursor_peek(c);

	return next >= 0 && char_in((char)next, CC_WSP);
}

/* field-name ":" unstructured, with its continuation lines; false: the line there is no field. */
static bool
take_field(struct cursor *c, struct header_field *f, size_t *lines)
{
	size_t from = cursor_offset(c);
	struct view end, line;

	f->name = cursor_take(c, CC_FTEXT);
	if (f->name.n == 0 || !cursor_char(c, ':')) {
		cursor_back(c, from);
		return false;
	}
	from = cursor_offset(c);
	size_t value_end;
	do { /* ends: each turn takes a line */
		size_t at = cursor_offset(c);
		line = take_line(c, &end);
		value_end = at + line.n;
		(*lines)++;
	} while (next_line_is_folded(c));
	f->value = view_sub(c->text, from, value_end - from);
	return true;
}

bool
header_read(struct view message, struct header *h, struct view *body, struct err *err)
{
	struct cursor c = cursor_over(message);
	struct header_field f;
	struct view end;
	size_t line = 1;

	if (view_starts(message, VIEW_LIT("From "))) {
		take_line(&c, &end);
		line++;
	}
	for (size_t first = line; take_field(&c, &f, &line); first = line)
		if (!header_add(h, f.name, f.value, err))
			return err_in(err, "line %zu", first);
	if (!cursor_text(&c, VIEW_LIT("\r\n")))
		cursor_char(&c, '\n');
	*body = cursor_rest(&c);
	return true;
}
