#include "sig/canon.h"

#include "base/cursor.h"

#include <string.h>
#if defined(__SSE2__) && !defined(CANON_PLAIN)
#include <emmintrin.h>
#endif

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

static bool
holds(const struct canon_body *body)
{
	return body->cr || body->wsp || body->crlfs > 0;
}

/*
 * @UNSAFE: reads text.p[0 .. text.n - 1].
 * Take octets that may have to be held back, up to the first that is content: that one is not taken, but what was
 * held before it has been given then, and nothing is held any more.  How many were taken.
 */
static size_t
hold_back(struct canon_body *body, struct view text)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		if (body->cr && c == '\n') {
			body->crlfs++;
			body->cr = body->wsp = false;
		} else if (body->cr) {
			give_held(body); /* a bare CR: content that is behind us already */
			return i;
		} else if (c == '\r') {
			body->cr = true;
		} else if (body->canon == CANON_RELAXED && (c == ' ' || c == '\t')) {
			body->wsp = true;
		} else {
			give_held(body);
			return i;
		}
	}
	return text.n;
}

/* @UNSAFE: where the run of octets at the end of v begins that may have to be held back */
static size_t
trail_of(const struct canon_body *body, struct view v)
{
	size_t n = v.n;

	while (n > 0 && (v.p[n - 1] == '\r' || v.p[n - 1] == '\n' ||
			    (body->canon == CANON_RELAXED && (v.p[n - 1] == ' ' || v.p[n - 1] == '\t'))))
		n--;
	return n;
}

/*
 * Relaxed text, once nothing is held back: an octet stays as it is, but white space is dropped when white space or
 * CRLF follows, and a TAB that stays becomes a space.  What follows is always there to see, since the last octet of
 * such text is neither white space nor CR.  CANON_PLAIN chooses the portable form, so that it is tested, too.
 */
#define LOOKAHEAD 2

#if defined(__SSE2__) && !defined(CANON_PLAIN)

#define BLOCK 16

static __m128i
is(__m128i octets, char c)
{
	return _mm_cmpeq_epi8(octets, _mm_set1_epi8(c));
}

static __m128i
load(const char *p)
{
	return _mm_loadu_si128((const __m128i *)(const void *)p);
}

/* @UNSAFE: reads p[0 .. BLOCK + LOOKAHEAD - 1].  Bits of the octets that are dropped; *tabs: of the TABs. */
static unsigned
find_changes(const char *p, __m128i *tabs)
{
	__m128i here = load(p), next = load(p + 1);

	*tabs = is(here, '\t');
	__m128i wsp = _mm_or_si128(is(here, ' '), *tabs);
	__m128i wsp_next = _mm_or_si128(is(next, ' '), is(next, '\t'));
	__m128i crlf_next = _mm_and_si128(is(next, '\r'), is(load(p + 2), '\n'));
	return (unsigned)_mm_movemask_epi8(_mm_and_si128(wsp, _mm_or_si128(wsp_next, crlf_next)));
}

/* @UNSAFE: the same octets.  False now and then for a space before a bare CR: cheaper than to look further. */
static bool
is_unchanged(const char *p)
{
	__m128i here = load(p), next = load(p + 1);
	__m128i blank_next = _mm_or_si128(_mm_or_si128(is(next, ' '), is(next, '\t')), is(next, '\r'));
	__m128i changes = _mm_or_si128(is(here, '\t'), _mm_and_si128(is(here, ' '), blank_next));

	return _mm_movemask_epi8(changes) == 0;
}

/* @UNSAFE: reads p[0 .. BLOCK + LOOKAHEAD - 1], writes out[0 .. 2 * BLOCK - 1], of which the first so many count. */
static size_t
squeeze_block(const char *p, char *out)
{
	char spaced[2 * BLOCK];
	__m128i tabs;
	unsigned keep = ~find_changes(p, &tabs) & 0xffff;
	size_t n = 0;

	__m128i octets = _mm_xor_si128(load(p), _mm_and_si128(tabs, _mm_set1_epi8('\t' ^ ' ')));
	_mm_storeu_si128((__m128i *)(void *)spaced, octets);
	memset(spaced + BLOCK, 0, BLOCK);
	while (keep != 0) {	/* ends: each turn takes a run of bits */
		unsigned from = (unsigned)__builtin_ctz(keep);
		unsigned run = (unsigned)__builtin_ctz(~(keep >> from));
		memcpy(out + n, spaced + from, BLOCK);
		n += run;
		keep &= ~0u << (from + run);
	}
	return n;
}

#else

#define BLOCK 8

static bool
is_dropped(const char *p)
{
	if (p[0] != ' ' && p[0] != '\t')
		return false;
	return p[1] == ' ' || p[1] == '\t' || (p[1] == '\r' && p[2] == '\n');
}

/* @UNSAFE: reads p[0 .. BLOCK + LOOKAHEAD - 1] */
static bool
is_unchanged(const char *p)
{
	bool changed = false;

	for (int i = 0; i < BLOCK; i++)
		changed |= p[i] == '\t' || is_dropped(p + i);
	return !changed;
}

/* @UNSAFE: reads p[0 .. BLOCK + LOOKAHEAD - 1], writes out[0 .. BLOCK - 1], of which the first so many count. */
static size_t
squeeze_block(const char *p, char *out)
{
	size_t n = 0;

	for (int i = 0; i < BLOCK; i++) {
		out[n] = p[i] == '\t' ? ' ' : p[i];
		n += !is_dropped(p + i);
	}
	return n;
}

#endif

/*
 * @UNSAFE: steps over whole blocks with their lookahead.
 * How many octets stay as they are, in whole blocks.  No more than a hash can read while they are still near.
 */
#define RUN_MAX 16384

static size_t
unchanged(struct view text)
{
	size_t i = 0;

	while (i < RUN_MAX && i + BLOCK + LOOKAHEAD <= text.n && is_unchanged(text.p + i))
		i += BLOCK;
	return i;
}

/* @UNSAFE: the same, and writes no more than there is room for at the sink.  How many octets were given, changed. */
#define SQUEEZE_BLOCKS 4

static size_t
give_squeezed(struct canon_sink *sink, struct view text)
{
	size_t i = 0;

	if (CANON_HELD - sink->held < (SQUEEZE_BLOCKS + 1) * BLOCK)
		canon_sink_flush(sink);
	while (i + BLOCK + LOOKAHEAD <= text.n && i < SQUEEZE_BLOCKS * BLOCK) {
		sink->held += squeeze_block(text.p + i, sink->hold + sink->held);
		i += BLOCK;
	}
	return i;
}

/* The last octets, too few for a block: they are looked at with others behind them that change nothing. */
static void
give_rest(struct canon_sink *sink, struct view text)
{
	char padded[2 * BLOCK + LOOKAHEAD] = { 0 }, out[3 * BLOCK];
	size_t n, extra = 2 * BLOCK - text.n;

	memcpy(padded, text.p, text.n);
	n = squeeze_block(padded, out);
	n += squeeze_block(padded + BLOCK, out + n);
	canon_sink_add(sink, (struct view){ out, n - extra });
}

/* Content, of which the last octet cannot have to be held back; nothing is held.  Line ends inside go along. */
static void
give_content(struct canon_body *body, struct view text)
{
	if (body->canon == CANON_SIMPLE) {
		canon_sink_add(body->sink, text);
		return;
	}
	while (text.n >= BLOCK + LOOKAHEAD) {	/* ends: each turn takes a block at least */
		size_t n = unchanged(text);
		canon_sink_add(body->sink, view_sub(text, 0, n));
		text = view_from(text, n);
		if (n < RUN_MAX)
			text = view_from(text, give_squeezed(body->sink, text));
	}
	give_rest(body->sink, text);
}

void
canon_body_add(struct canon_body *body, struct view chunk)
{
	size_t end = trail_of(body, chunk);
	size_t at = 0;

	while (at < chunk.n) {	/* ends: hold_back takes an octet, or leaves content; content is taken below */
		at += hold_back(body, view_from(chunk, at));
		if (holds(body) || at == chunk.n)
			continue;
		/* Content behind `end` is bare CRs, which hold_back gave, and bare LFs. */
		struct view content = at < end ? view_sub(chunk, at, end - at) : view_sub(chunk, at, chunk.p[at] == '\n');
		give_content(body, content);
		at += content.n;
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

/* @UNSAFE: writes below the size of lower */
static void
give_lower(struct canon_sink *sink, struct view name)
{
	char lower[64];

	while (name.n > 0) {	/* ends: each turn takes an octet at least */
		struct view part = view_sub(name, 0, sizeof(lower));
		for (size_t i = 0; i < part.n; i++)
			lower[i] = ascii_lower(part.p[i]);
		canon_sink_add(sink, (struct view){ lower, part.n });
		name = view_from(name, part.n);
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

	for (;;) {	/* ends: each turn takes an octet or breaks */
		cursor_take(c, CC_VCHAR | CC_UTF8);
		size_t here = cursor_offset(c);
		if (cursor_end(c) || char_in((char)cursor_peek(c), CC_WSP))
			break;
		if (take_fold(c)) {
			cursor_back(c, here);
			break;
		}
		cursor_take_n(c, 1); /* a control octet, a CR or LF that folds nothing */
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
