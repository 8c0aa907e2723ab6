#ifndef ASSAY_MILTER_DEFERRALS_H
#define ASSAY_MILTER_DEFERRALS_H

#include "base/view.h"

/*
 * deferrals - for how long the temporary errors of a domain have made us defer its mail: what policy_decide, which has no
 * memory, is told as a fact.
 * One for all sessions of a process, over reloads; a new process begins anew.  A domain is forgotten when its DNS gave an
 * answer, or when nothing of it was deferred for DEFERRALS_QUIET_MS.  Bounded (recent.h); thread-safe; now_ms is
 * clock_mono_ms.
 */
#define DEFERRALS_QUIET_MS ((int64_t)12 * 3600000) /* senders try again after some hours at most */
#define DEFERRALS_DOMAINS_MAX 50000

enum deferral_of { /* what the domain is, as one may answer for SPF and not for the author */
	DEFERRAL_SPF,
	DEFERRAL_AUTHOR,
};

struct deferrals;

struct deferrals *deferrals_new(void);
/* Without a memory: mail of each domain has been deferred for so many seconds; for `assayctl explain`. */
struct deferrals *deferrals_of_age(int64_t seconds);
void deferrals_free(struct deferrals *deferrals); /* NULL is fine */

/* Seconds since the first deferral; 0: there was none. */
int64_t deferrals_age(struct deferrals *deferrals, enum deferral_of of, struct view domain, int64_t now_ms);
/* Mail of the domain is deferred now, or would be but for its age. */
void deferrals_note(struct deferrals *deferrals, enum deferral_of of, struct view domain, int64_t now_ms);
/* Its DNS answers. */
void deferrals_forget(struct deferrals *deferrals, enum deferral_of of, struct view domain);

#endif
