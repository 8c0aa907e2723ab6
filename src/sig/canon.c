#include "sig/canon.h"

#include "base/cursor.h"

#include <string.h>

void
canon_sink_init(struct canon_sink *sink, void (*take)(void *ctx, struct view slice), void *ctx)
{
	sink->take = take;
	sink->ctx = ctx;
	sink->held = 0;
}

void
canon_sink_flush(struct canon_sink *sink)
{
	if (sink->held > 0)
		sink->take(sink->ctx, (struct view){ sink->hold, sink->held });
	sink->held = 0;
}

void /* @UNSAFE: held never passes CANON_HELD */
canon_sink_add(struct canon_sink *sink, struct view slice)
{
	if (slice.n > CANON_HELD - sink->held)
		canon_sink_flush(sink);
	if (slice.n > CANON_HELD / 2) {
		canon_sink_flush(sink);
		sink->take(sink->ctx, slice);
	} else if (slice.n > 0) {
		memcpy(sink->hold + sink->held, slice.p, slice.n);
		sink->held += slice.n;
	}
}

/* --- bodies ---------------------------------------------------------------------------------- */

void
canon_body_init(struct canon_body *body, enum canon canon, struct canon_sink *sink)
{
	*body = (struct canon_body){ .canon = canon, .sink = sink };
}

/* Line ends that turned out not to be the last ones. */
static void
give_line_ends(struct canon_body *body)
{
	static const char some[] = "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n";
	const uint64_t most = (sizeof(some) - 1) / 2;

	while (body->crlfs > 0) {
		uint64_t n = body->crlfs < most ? body->crlfs : most;
		canon_sink_add(body->sink, (struct view){ some, (size_t)n * 2 });
		body->crlfs -= n;
	}
}

/* Content follows: what was held back before it is part of the body. */
static void
give_held(struct canon_body *body)
{
	give_line_ends(body);
	if (body->wsp)
		canon_sink_add(body->sink, VIEW_LIT(" "));
	if (body->cr)
		canon_sink_add(body->sink, VIEW_LIT("\r"));
	body->wsp = body->cr = false;
	body->started = true;
}

/* One octet, when something is held back or has to be. */
static void
step(struct canon_body *body, const struct view *octet)
{
	char c = octet->p[0];

	if (body->cr && c == '\n') {
		body->crlfs++;
		body->cr = body->wsp = false;
		return;
	}
	if (body->cr)
		give_held(body);
	if (c == '\r') {
		body->cr = true;
	} else if (body->canon == CANON_RELAXED && char_in(c, CC_WSP)) {
		body->wsp = true;
	} else {
		give_held(body);
		canon_sink_add(body->sink, *octet);
	}
}

static bool
holds(const struct canon_body *body)
{
	return body->cr || body->wsp || body->crlfs > 0;
}

/* Octets that may have to be held back when they come last. */
static bool
may_trail(const struct canon_body *body, char c)
{
	return c == '\r' || c == '\n' || (body->canon == CANON_RELAXED && (c == ' ' || c == '\t'));
}

/* @UNSAFE: where the run of such octets at the end of v begins */
static size_t
trail_of(const struct canon_body *body, struct view v)
{
	size_t n = v.n;

	while (n > 0 && may_trail(body, v.p[n - 1]))
		n--;
	return n;
}

typedef uint8_t octets16 __attribute__((vector_size(16)));

#define ALL(c) ((octets16){ c, c, c, c, c, c, c, c, c, c, c, c, c, c, c, c })

static bool
any_set(octets16 v)
{
	uint64_t half[2];

	memcpy(half, &v, sizeof(half));
	return (half[0] | half[1]) != 0;
}

/*
 * @UNSAFE: reads text.p[0 .. text.n - 1].
 * Where relaxed canonicalization must change something: a TAB, or a space before white space or a CR.  Text is
 * mostly words with one space between them, so this looks at sixteen octets and their neighbours at once.
 * VIEW_NONE: nowhere.  The last octet is no space (the caller cut those off).
 */
static size_t
find_change(struct view text)
{
	size_t i = 0;

	for (; i + 17 <= text.n; i += 16) {
		octets16 here, next;
		memcpy(&here, text.p + i, sizeof(here));
		memcpy(&next, text.p + i + 1, sizeof(next));
		octets16 blank_next = (octets16)(next == ALL(' ')) | (octets16)(next == ALL('\t')) | (octets16)(next == ALL('\r'));
		if (any_set((octets16)(here == ALL('\t')) | ((octets16)(here == ALL(' ')) & blank_next)))
			break;
	}
	for (; i < text.n; i++) {
		if (text.p[i] == '\t')
			return i;
		if (text.p[i] == ' ' && i + 1 < text.n && (text.p[i + 1] == ' ' || text.p[i + 1] == '\t' || text.p[i + 1] == '\r'))
			return i;
	}
	return VIEW_NONE;
}

/*
 * Give text up to the first place that needs a change, and say how far that was.  Nothing is held back, and the
 * last octet is one that cannot trail.  Line ends inside go along: content follows them.
 */
static size_t
give_run(struct canon_body *body, struct view text)
{
	size_t n = body->canon == CANON_RELAXED ? find_change(text) : VIEW_NONE;
	struct view run = view_sub(text, 0, n);

	/* "x \r\n" is found at its space, but "x\r\n" and then a change leaves the line ends in the run: right. */
	body->started = body->started || run.n > 0;
	canon_sink_add(body->sink, run);
	return run.n;
}

void /* @UNSAFE: steps over chunk octet by octet, or by runs that view_sub cut out of it */
canon_body_add(struct canon_body *body, struct view chunk)
{
	size_t end = trail_of(body, chunk);
	size_t at = 0;

	while (at < chunk.n) {
		if (at < end && body->started && !holds(body)) {
			at += give_run(body, view_sub(chunk, at, end - at));
			if (at == end)
				continue;
		}
		struct view octet = view_sub(chunk, at++, 1);
		step(body, &octet);
	}
	canon_sink_flush(body->sink);
}

void
canon_body_end(struct canon_body *body)
{
	if (body->cr) /* a bare CR at the very end is content */
		give_held(body);
	/* 3.4.3: the simple form of an empty body is CRLF; 3.4.4: the relaxed form is nothing. */
	if (body->started || body->canon == CANON_SIMPLE)
		canon_sink_add(body->sink, VIEW_LIT("\r\n"));
	canon_sink_flush(body->sink);
}

/* --- header fields --------------------------------------------------------------------------- */

static void
give_lower(struct canon_sink *sink, struct view name)
{
	for (size_t i = 0; i < name.n; i++) {
		char lower = ascii_lower(name.p[i]);
		canon_sink_add(sink, (struct view){ &lower, 1 });
	}
}

/* CRLF before white space is a fold (3.4.2); the white space behind it is taken by the caller's next turn. */
static bool
take_fold(struct cursor *c)
{
	size_t from = cursor_offset(c);

	if (cursor_text(c, VIEW_LIT("\r\n")) && char_in((char)cursor_peek(c), CC_WSP) && !cursor_end(c))
		return true;
	cursor_back(c, from);
	return false;
}

static bool
take_blank(struct cursor *c)
{
	bool any = false;

	while (cursor_take(c, CC_WSP).n > 0 || take_fold(c))
		any = true;
	return any;
}

/* The longest run without white space and without a fold; at least one octet when there is one. */
static struct view
take_word(struct cursor *c)
{
	size_t from = cursor_offset(c);

	for (;;) {		/* ends: each turn takes an octet or breaks */
		size_t here = cursor_offset(c);
		if (cursor_end(c) || char_in((char)cursor_peek(c), CC_WSP))
			break;
		if (take_fold(c)) {
			cursor_back(c, here);
			break;
		}
		cursor_take_n(c, 1);
	}
	return cursor_since(c, from);
}

static void
give_relaxed_value(struct canon_sink *sink, struct view value)
{
	struct cursor c = cursor_over(value);
	bool first = true;

	take_blank(&c);
	while (!cursor_end(&c)) {
		if (!first)
			canon_sink_add(sink, VIEW_LIT(" "));
		first = false;
		canon_sink_add(sink, take_word(&c));
		take_blank(&c);
	}
}

void
canon_field(struct canon_sink *sink, enum canon canon, struct view name, struct view value, bool with_crlf)
{
	if (canon == CANON_RELAXED) {
		/* 3.4.2: also the white space before the colon (RFC 5322 4.5, obsolete) goes. */
		give_lower(sink, view_trim_end(name));
		canon_sink_add(sink, VIEW_LIT(":"));
		give_relaxed_value(sink, value);
	} else {
		canon_sink_add(sink, name);
		canon_sink_add(sink, VIEW_LIT(":"));
		canon_sink_add(sink, value);
	}
	if (with_crlf)
		canon_sink_add(sink, VIEW_LIT("\r\n"));
}
