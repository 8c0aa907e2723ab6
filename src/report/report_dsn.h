#ifndef ASSAY_REPORT_REPORT_DSN_H
#define ASSAY_REPORT_REPORT_DSN_H

#include "mail/header.h"

/*
 * report_dsn - the message that tells a sender which recipients were refused.
 * Sources: RFC 3464 (delivery status), RFC 6522 (multipart/report), RFC 3461 4 and 6 (ORCPT, ENVID, RET), RFC 6533 3
 * (addresses in UTF-8), RFC 3834 5 (Auto-Submitted).
 * Pure: no clock, no chance, no memory of other messages.  Thread-safe.
 */
#define DSN_RECIPIENTS_MAX 500		/* named in one notice; the text says how many more there are */
#define DSN_HEADER_OCTETS_MAX 32768	/* of the message's own header that go back */

struct dsn_recipient {
	struct view address;	/* as the client gave it, without brackets */
	struct view orcpt;	/* of RCPT, as it came: "ORCPT=rfc822;ann+2Bx@example.org"; empty: none */
	struct view enhanced;	/* "5.7.1" */
	struct view reply;	/* what this recipient alone would have got: "550 5.7.1 No" */
};

struct dsn {
	struct view reporter;	/* this host's name */
	struct view from;	/* address of the author: "MAILER-DAEMON@mx.example.net" */
	struct view to;		/* the envelope sender without brackets; ASCII */
	struct view envid;	/* of MAIL, as it came: "ENVID=QQ314159"; empty: none */
	struct view queue_id;	/* by which the message is known here; empty: unknown */
	struct view unique;	/* letters and digits that no stranger can guess: of Message-ID and boundary */
	int64_t arrived, now;	/* seconds since the epoch */
	const struct dsn_recipient *rcpt;
	size_t n;
	const struct header *header; /* of the message */
};

/*
 * The whole message: lines of at most 998 octets that end in CRLF, ASCII alone (so any MTA takes it), and nothing a
 * stranger wrote begins a line or a field of ours: what is not visible ASCII or a space is written as "?", characters
 * of UTF-8 in addresses as "\x{E9}".  An address above 890 octets then is cut, and ends in "...".
 *
 * The body of the message is never kept (session.h), so also with RET=FULL its header goes back and no more: whole
 * fields from the top down, as many as fit.
 */
struct view report_dsn(const struct dsn *dsn, struct arena *arena);

#endif
