#ifndef ASSAY_DNS_DNS_UNBOUND_H
#define ASSAY_DNS_DNS_UNBOUND_H

#include "dns/dns_conf.h"

/*
 * dns_unbound - the settings of libunbound, and its results in our words.
 */
struct ub_ctx;
struct ub_result;

/*
 * Questions in libunbound's hands at once; what is more waits in our queue.  Each may hold a UDP port,
 * which is a file descriptor: the library's own 16 ports would let a few silent servers stop everybody.
 */
#define DNS_CALLS_MAX 1024
#define DNS_PORTS_MAX 512

/* A context that is set up and has refused nothing, not yet working.  NULL: err. */
struct ub_ctx *dns_unbound_new(const struct dns_conf *conf, struct err *err);

/* error and result as the library hands them to a callback; result NULL when error is not 0. */
void dns_unbound_answer(enum dns_type type, int error, const struct ub_result *result, struct arena *arena,
    struct dns_answer *answer);

#endif
