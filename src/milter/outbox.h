#ifndef ASSAY_MILTER_OUTBOX_H
#define ASSAY_MILTER_OUTBOX_H

#include "report/report_smtp.h"

/*
 * outbox - mails of ours on their way to the MTA: a bounded queue in memory, and a thread that empties it.
 * Nobody who posts ever waits for the server.  What is not taken is tried again, each time after twice the time; a
 * server that is not there is left alone for all mails meanwhile.  A mail that is given up, for whatever reason, leaves
 * a line in the log that names its message, sender and recipients: nothing vanishes.  Thread-safe.
 *
 * Lines, each behind the queue id of the message that the mail is about:
 *
 *	event=notice status=sent to=<> rcpts=<>,... tries=
 *	event=notice status=later ... why=		not yet: it will be tried again
 *	event=notice status=lost ... why=		given up
 */
#define OUTBOX_MAILS_MAX 1000
#define OUTBOX_OCTETS_MAX ((size_t)8 * 1024 * 1024)
#define OUTBOX_DOMAINS_MAX 20000 /* whose rate is known */

struct outbox;

struct outbox_mail {
	struct smtp_mail mail;
	struct view id;	    /* of the message it is about, for the log */
	struct view about;  /* "to=<ann@example.org> rcpts=<bob@example.net>": for the log */
	int64_t give_up_ms; /* from now */
};

/* smtp_send, or what does the same in another way; called by the thread alone. */
typedef bool outbox_send(void *ctx, const struct smtp_mail *mail, int64_t wait_ms, bool *reached, struct err *err);

struct outbox *outbox_new(void);
bool outbox_start(struct outbox *outbox, outbox_send *send, void *ctx, struct err *err); /* the thread; once */
void outbox_free(struct outbox *outbox); /* ends the thread, forgets what waits; NULL is fine */

enum outbox_outcome {
	OUTBOX_TAKEN,
	OUTBOX_RATE, /* the domain has had its share of this hour */
	OUTBOX_FULL,
};
/* What mail holds is copied.  domain: whose share it counts for; now_ms: of the rate. */
enum outbox_outcome outbox_post(struct outbox *outbox, const struct outbox_mail *mail, struct view domain, int64_t per_hour,
    int64_t now_ms);

/* Those that were not tried yet, the one under way included. */
size_t outbox_fresh(struct outbox *outbox);
/* At the end: try each once more until then, the monotonic clock; log those that are left. */
void outbox_close(struct outbox *outbox, int64_t until_ms);

/* The oldest, taken out; false: there is none.  For tests, and without the thread. */
bool outbox_take(struct outbox *outbox, struct arena *arena, struct outbox_mail *mail);

#endif
