#ifndef ASSAY_DNS_DNS_UNBOUND_H
#define ASSAY_DNS_DNS_UNBOUND_H

#include "dns/dns_conf.h"

/*
 * dns_unbound - the settings of libunbound, and its results in our words.
 */
struct ub_ctx;
struct ub_result;

/*
 * UDP ports the library may have open, each a file descriptor: half of what the process may open, within
 * these limits.  Questions in its hands are kept below the ports: beyond them it queues, and then 500
 * questions to silent servers hold up every other for a minute; below them all others are answered at once.
 * Each such question costs 15 KB.
 */
#define DNS_PORTS_MIN 64
#define DNS_PORTS_MAX 2048
unsigned dns_unbound_ports(void);

/* A context that is set up and has refused nothing, not yet working.  NULL: err. */
struct ub_ctx *dns_unbound_new(const struct dns_conf *conf, unsigned ports, struct err *err);

/* error and result as the library hands them to a callback; result NULL when error is not 0. */
void dns_unbound_answer(enum dns_type type, int error, const struct ub_result *result, struct arena *arena,
    struct dns_answer *answer);

#endif
