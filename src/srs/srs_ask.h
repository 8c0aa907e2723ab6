#ifndef ASSAY_SRS_ASK_H
#define ASSAY_SRS_ASK_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "srs/srs_store.h"

/*
 * srs_ask - asks a socketmap server what the MTA would ask it: "NAME KEY" as a netstring.
 * Source: socketmap_table(5) of Postfix; "unix:PATH:NAME", "inet:ADDRESS:PORT:NAME" with a numeric address.
 *
 * Connections are kept and used again.  After a failure nobody is asked for a second: everybody hears that failure at
 * once, so that a dead server costs a message one time-out, not one for each recipient.  Thread-safe; no lock is
 * held while waiting.
 */
struct srs_ask;

/* NULL: place is none. */
struct srs_ask *srs_ask_open(struct view place, int64_t wait_ms, struct err *err);
void srs_ask_close(struct srs_ask *ask); /* NULL is fine */

/* SRS_FOUND: *value is what the server said, in arena.  SRS_FOUND_ERROR: not known. */
enum srs_found srs_ask(struct srs_ask *ask, struct view key, const struct clock *clock, struct arena *arena,
    struct view *value, struct err *err);

/* What a reply's payload says.  Pure. */
enum srs_found srs_ask_reply(struct view payload, struct view *value, struct err *err);

#endif
