#ifndef ASSAY_DNS_DNS_H
#define ASSAY_DNS_DNS_H

#include "base/arena.h"
#include "base/err.h"
#include "base/ip.h"

/*
 * dns - questions in, decoded answers out.
 * One resolver serves all threads: libunbound behind a cache of our own (dns_open), or a text
 * file for tests and `assayctl --fake-dns` (dns_open_fake).  Above this room nobody can tell which.
 *
 * A message opens a dns_task, asks as early as it knows what it will need (never blocks), and later
 * collects; answers are decoded once and pinned until the task ends.  Equal questions of all tasks fly
 * once.  A task bounds how many questions a message may cause and how long it may wait in all.
 */
struct dns;
struct dns_task;
struct dns_question;

enum dns_type { /* the numbers of the wire */
	DNS_A = 1,
	DNS_PTR = 12,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	DNS_TLSA = 52,
};

/*
 * why, when DNS_TEMP: "timeout", "SERVFAIL", "bogus" (DNSSEC), "malformed answer", "answer too large",
 * "CNAME loop", "too many queries" and "waited too long" (the task's budget), "resolver busy" (too many questions
 * under way), "resolver failed" (libunbound), or another response code by name.  Good for a log; stays for ever.
 */
enum dns_outcome {
	DNS_DATA,     /* at least one record of the type */
	DNS_NODATA,   /* the name exists, the type does not (RFC 2308 2.2) */
	DNS_NXDOMAIN, /* the name does not exist, nor anything below it; or it cannot be a name */
	DNS_TEMP,     /* no answer that can be trusted: time-out, SERVFAIL, REFUSED, bogus, budget spent */
};

struct dns_mx {
	unsigned preference;
	struct view name; /* no trailing dot, lower case; "" is the root: "null MX" of RFC 7505 */
};

/*
 * Immutable; valid until the task that asked ends.  CNAMEs have been followed.
 * Names in it are printable: an octet that is not %x21-7E, and a dot or a backslash within a label, stand
 * as \DDD (dns/dns_name.h).  TXT and other rdata are octets as received, NUL and all.
 */
struct dns_answer {
	enum dns_outcome outcome;
	bool secure;	 /* validated by DNSSEC, by us or by no one: always false when validation is off */
	const char *why; /* DNS_TEMP: as above; else "" */
	uint32_t ttl;	 /* seconds it may still be used, capped by the cache's limits */
	size_t n;	 /* records: DNS_DATA has at least 1, all others 0 */
	union {
		const struct view *txt;	  /* the strings of each record joined (RFC 7208 3.3, RFC 6376 3.6.2.2) */
		const struct ip *addr;	  /* DNS_A, DNS_AAAA */
		const struct dns_mx *mx;  /* by preference, then as received */
		const struct view *name; /* DNS_PTR: lower case, no trailing dot */
		const struct view *rdata; /* any other type: as on the wire */
	};
};

struct dns_budget {
	unsigned queries; /* questions this task may ask that are not its own repetition */
	int64_t wait_ms;  /* time it may spend waiting, all waits together */
};

/*
 * A task is used by one thread at a time (it may change threads between calls).  Its memory is of
 * arena, and it ends by itself when arena is reset: outstanding questions are let go, never waited for.
 */
struct dns_task *dns_task_new(struct dns *dns, struct arena *arena, struct dns_budget budget);

/*
 * A task of the same message with a count of questions of its own: what one stranger's records make us ask
 * cannot use up what another's answer needs.  The time that all of them wait is counted together; budget.wait_ms is
 * where this one stops, so the one with the largest has a rest for itself.  Same thread, same arena.
 */
struct dns_task *dns_task_beside(struct dns_task *first, struct dns_budget budget);

/*
 * Ask without waiting.  name: A-labels, with or without a final dot, any case; octets other than
 * letters are asked as they are.  Never NULL.  Asking again for the same gives the same question and
 * costs nothing.  A name that cannot be one (empty label, label > 63, > 253 octets) is answered
 * DNS_NXDOMAIN at once; over the budget, DNS_TEMP.
 */
struct dns_question *dns_ask(struct dns_task *task, struct view name, enum dns_type type);

/* NULL: no answer yet.  Never blocks. */
const struct dns_answer *dns_peek(struct dns_task *task, struct dns_question *q);

/* Blocks until there is an answer or the budget of time is spent (then DNS_TEMP, for good). */
const struct dns_answer *dns_wait(struct dns_task *task, struct dns_question *q);

/* dns_ask, then dns_wait. */
const struct dns_answer *dns_get(struct dns_task *task, struct view name, enum dns_type type);

/* How many of the task's questions have their answer by now.  It grows: a reason to look again. */
unsigned dns_task_answered(struct dns_task *task);

/* What the task has cost, for the log and the limits. */
struct dns_task_stats {
	unsigned queries;    /* asked; not counted: repetitions, what cannot be a name, what was over the budget */
	unsigned from_cache; /* of these */
	unsigned temp;	     /* ended in DNS_TEMP, as far as looked at; over the budget, too */
	int64_t waited_ms;
};
struct dns_task_stats dns_task_stats(const struct dns_task *task);

/* Each question of the task in the order asked, for traces; false: no more.  *answer may be NULL. */
bool dns_task_each(struct dns_task *task, size_t i, struct view *name, enum dns_type *type,
    const struct dns_answer **answer);

void dns_close(struct dns *dns); /* no task may be left; NULL is fine */

/* True when `name` can be asked: 1..127 labels of 1..63 octets, at most 253 in all, without a final dot. */
bool dns_name_ok(struct view name);
const char *dns_type_name(enum dns_type type);
bool dns_type_of(struct view name, enum dns_type *type); /* "txt": any case; false: none of ours */
const char *dns_outcome_name(enum dns_outcome outcome);

#endif
