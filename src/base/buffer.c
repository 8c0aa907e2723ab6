#include "base/buffer.h"

#include "base/cursor.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

struct buffer
buffer_in(struct arena *arena)
{
	return (struct buffer){ .arena = arena };
}

/* Most texts are names, and stay until their message ends; the newest of an arena grows where it is. */
#define ROOM_LEAST 32

/* Room for n more octets. */
static char *
reserve(struct buffer *b, size_t n)
{
	size_t wanted = mem_add(b->n, n);

	if (wanted > b->room) {
		size_t room = b->room < ROOM_LEAST ? ROOM_LEAST : mem_mul(b->room, 2);
		if (room < wanted)
			room = wanted;
		b->p = arena_grow(b->arena, b->p, b->room, room);
		b->room = room;
	}
	return b->p + b->n;
}

void
buffer_add(struct buffer *b, struct view v)
{
	if (v.n == 0)
		return;
	memcpy(reserve(b, v.n), v.p, v.n);
	b->n += v.n;
}

void
buffer_add_cstr(struct buffer *b, const char *text)
{
	buffer_add(b, view_of(text));
}

void
buffer_add_char(struct buffer *b, char c)
{
	*reserve(b, 1) = c;
	b->n++;
}

#define FORMATTED 64 /* octets that mostly do, so that formatting once is enough */

void /* @UNSAFE: writes only what reserve gave */
buffer_addf(struct buffer *b, const char *fmt, ...)
{
	va_list ap, again;

	va_start(ap, fmt);
	va_copy(again, ap);
	char *p = reserve(b, FORMATTED);
	int n = vsnprintf(p, b->room - b->n, fmt, ap);
	va_end(ap);
	if (n < 0)
		mem_fatal("a format that cannot be printed");
	if ((size_t)n >= b->room - b->n)
		vsnprintf(reserve(b, (size_t)n + 1), (size_t)n + 1, fmt, again);
	va_end(again);
	b->n += (size_t)n;
}

void
buffer_clear(struct buffer *b)
{
	b->n = 0;
}

void
buffer_cut(struct buffer *b, size_t n)
{
	if (n < b->n)
		b->n = n;
}

struct view
buffer_view(const struct buffer *b)
{
	return (struct view){ b->n == 0 ? "" : b->p, b->n };
}

static bool
is_plain(struct view v)
{
	if (v.n == 0)
		return false;
	for (size_t i = 0; i < v.n; i++)
		if (!char_in(v.p[i], CC_VCHAR) || v.p[i] == '"' || v.p[i] == '\\')
			return false;
	return true;
}

void
buffer_add_quoted(struct buffer *b, struct view v, size_t max)
{
	bool cut = v.n > max;

	v = view_sub(v, 0, max);
	if (is_plain(v)) {
		buffer_add(b, v);
	} else {
		buffer_add_char(b, '"');
		for (size_t i = 0; i < v.n; i++) {
			char c = v.p[i];
			if (c == '"' || c == '\\')
				buffer_addf(b, "\\%c", c);
			else if (c == ' ' || char_in(c, CC_VCHAR))
				buffer_add_char(b, c);
			else
				buffer_addf(b, "\\x%02x", (unsigned)(unsigned char)c);
		}
		buffer_add_char(b, '"');
	}
	if (cut)
		buffer_add_cstr(b, "...");
}
