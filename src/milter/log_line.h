#ifndef ASSAY_MILTER_LOG_LINE_H
#define ASSAY_MILTER_LOG_LINE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/ip.h"

/*
 * log_line - the envelope of a message, read back from its line in the log (session_state.h has the keys).
 * What stands before the queue id (syslog's stamp, host, program) is passed over.  Pure and thread-safe.
 */
struct log_line {
	struct view id;	      /* of the queue; "NOQUEUE" where there was none */
	struct view name;     /* of the client; empty: unknown */
	struct ip client;     /* family 0: not known, or local */
	bool local;	      /* by no SMTP */
	struct view helo;     /* empty: none */
	struct view from;     /* as a MAIL argument: "<a@b.test>", "<>" */
	struct view trust;    /* why SPF was not asked; empty: it was */
	const struct view *to; /* as RCPT arguments; those that the line names */
	size_t recipients;    /* in to */
	size_t more;	      /* recipients that it only counts */
	int64_t when;	      /* seconds since the epoch, of a stamp with a year and a zone at the line's beginning; -1: none */
	bool whole;	      /* of the message; false: of one recipient */
};

/* Views are of arena or of line.  False: it is no such line, or what we need of it was cut. */
bool log_line_parse(struct view line, struct arena *arena, struct log_line *out, struct err *err);

/* The last line for that queue id in a log, those of single recipients only where the message has none.  False: none. */
bool log_line_find(struct view log, struct view id, struct view *line);

#endif
