#ifndef ASSAY_SIG_CANON_H
#define ASSAY_SIG_CANON_H

#include "base/view.h"

/*
 * canon - the canonical forms of bodies and header fields, as slices.
 * Sources: RFC 6376 3.4.1 to 3.4.4.
 * Octets that need no change go to the sink straight out of the input, in slices as long as the input
 * allows; short slices are gathered first.  Only CRLF ends a line here (RFC 6376 2.8 and 5.3): a bare CR and a
 * bare LF are octets like others, not white space, and are hashed as they are.
 * Allocates nothing and keeps nothing of the input but counts.
 */
enum canon {
	CANON_SIMPLE,
	CANON_RELAXED,
};

#define CANON_HELD 1024 /* slices shorter than half of it are gathered up to this */

/* Where canonical octets go.  slice is good during the call only. */
struct canon_sink {
	void (*take)(void *ctx, struct view slice);
	void *ctx;
	size_t held;
	char hold[CANON_HELD];
};

void canon_sink_init(struct canon_sink *sink, void (*take)(void *ctx, struct view slice), void *ctx);
void canon_sink_add(struct canon_sink *sink, struct view slice);
void canon_sink_flush(struct canon_sink *sink);

/* A body that comes in pieces. */
struct canon_body {
	enum canon canon;
	struct canon_sink *sink;
	bool started;	/* an octet of content came by */
	bool cr;	/* the last octet was a CR: half a line end, or an octet */
	bool wsp;	/* relaxed: white space before the place we are at (and before that CR) */
	uint64_t crlfs; /* line ends since the last content, held back: they may be the trailing ones */
};

void canon_body_init(struct canon_body *body, enum canon canon, struct canon_sink *sink);
void canon_body_add(struct canon_body *body, struct view chunk); /* flushes the sink, as the next */
void canon_body_end(struct canon_body *body);

/* A field; the final CRLF is added when with_crlf.  Does not flush the sink. */
void canon_field(struct canon_sink *sink, enum canon canon, struct view name, struct view value, bool with_crlf);

#endif
