#include "obvious.h"

#include "base/buffer.h"

static bool
is_line_end(struct view v, size_t at)
{
	return at + 1 < v.n && v.p[at] == '\r' && v.p[at + 1] == '\n';
}

static bool
is_wsp(char c)
{
	return c == ' ' || c == '\t';
}

/* 3.4.4 a: no white space at the end, one space for each run inside. */
static struct view
reduced(struct view line, struct arena *arena)
{
	struct buffer out = buffer_in(arena);

	while (line.n > 0 && is_wsp(line.p[line.n - 1]))
		line.n--;
	for (size_t i = 0; i < line.n; i++) {
		if (!is_wsp(line.p[i]))
			buffer_add_char(&out, line.p[i]);
		else if (i == 0 || !is_wsp(line.p[i - 1]))
			buffer_add_char(&out, ' ');
	}
	return buffer_view(&out);
}

struct view
obvious_body(enum canon canon, struct view body, struct arena *arena)
{
	struct buffer out = buffer_in(arena);
	size_t content_end = 0; /* behind the last line that is not empty, CRLF included */

	for (size_t at = 0; at < body.n;) {
		size_t end = at;
		while (end < body.n && !is_line_end(body, end))
			end++;
		struct view line = view_sub(body, at, end - at);
		if (canon == CANON_RELAXED)
			line = reduced(line, arena);
		buffer_add(&out, line);
		buffer_add_cstr(&out, "\r\n");
		if (line.n > 0)
			content_end = out.n;
		at = end + 2;
	}
	buffer_cut(&out, content_end);
	if (out.n == 0 && canon == CANON_SIMPLE)
		buffer_add_cstr(&out, "\r\n");
	return buffer_view(&out);
}

struct view
obvious_value(struct view value, struct arena *arena)
{
	struct buffer unfolded = buffer_in(arena);

	for (size_t i = 0; i < value.n; i++) {
		if (is_line_end(value, i) && i + 2 < value.n && is_wsp(value.p[i + 2]))
			i++;
		else
			buffer_add_char(&unfolded, value.p[i]);
	}
	struct view line = buffer_view(&unfolded);
	while (line.n > 0 && is_wsp(line.p[0]))
		line = view_from(line, 1);
	return reduced(line, arena);
}

static void
gather(void *ctx, struct view slice)
{
	buffer_add(ctx, slice);
}

struct view
gathered_body(enum canon canon, struct view body, size_t cut, struct arena *arena)
{
	struct buffer out = buffer_in(arena);
	struct canon_sink sink;
	struct canon_body c;

	canon_sink_init(&sink, gather, &out);
	canon_body_init(&c, canon, &sink);
	for (size_t at = 0; at < body.n; at += cut)
		canon_body_add(&c, arena_copy(arena, view_sub(body, at, cut)));
	canon_body_end(&c);
	return buffer_view(&out);
}

struct view
gathered_field(enum canon canon, struct view name, struct view value, bool with_crlf, struct arena *arena)
{
	struct buffer out = buffer_in(arena);
	struct canon_sink sink;

	canon_sink_init(&sink, gather, &out);
	canon_field(&sink, canon, name, value, with_crlf);
	canon_sink_flush(&sink);
	return buffer_view(&out);
}
