#ifndef ASSAY_REPORT_REPORT_SMTP_H
#define ASSAY_REPORT_REPORT_SMTP_H

#include "base/arena.h"
#include "base/err.h"
#include "base/ip.h"

/*
 * report_smtp - hands one mail of ours to the MTA beside us, from the null sender to one recipient.
 * Source: RFC 5321.  Asks for no extension: such mails are ASCII (report_dsn.h).
 */
#define SMTP_LINE_MAX 2000	/* octets of a line of a reply; RFC 5321 4.5.3.1.5 allows 512 */
#define SMTP_REPLY_MAX 16384	/* octets of all lines of one */

enum smtp_outcome {
	SMTP_MORE,  /* so far, so good: read on */
	SMTP_WHOLE,
	SMTP_BAD,   /* no reply, or too long */
};
struct smtp_reply {
	int code;	  /* 200..599 */
	struct view text; /* of the last line, without its code; points into input */
	size_t used;	  /* octets of input */
};
/* Pure.  *reply: when SMTP_WHOLE. */
enum smtp_outcome smtp_reply_take(struct view input, struct smtp_reply *reply);

struct smtp_mail {
	struct ip server;
	unsigned port;
	struct view helo;
	struct view to;	  /* without brackets; no control octets */
	struct view text; /* lines end in CRLF */
};

/*
 * Blocks, for wait_ms in all at most.  True: the server has taken it.  False: err is ERR_TEMP when it may be tried
 * again, *reached tells whether the server was there at all, and of what it said err has a part without control
 * octets.
 */
bool smtp_send(const struct smtp_mail *mail, int64_t wait_ms, bool *reached, struct err *err);

#endif
