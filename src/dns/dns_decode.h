#ifndef ASSAY_DNS_DNS_DECODE_H
#define ASSAY_DNS_DNS_DECODE_H

#include "dns/dns.h"

/*
 * dns_decode - the rdata of an answer into typed records.
 * Pure and thread-safe.  Lengths inside rdata are checked, never believed.
 *
 * One record that breaks its format spoils the whole answer: DNS_TEMP "malformed answer".  So does too
 * much of it: DNS_TEMP "answer too large".  Both are no answer rather than a shortened one, because a
 * set of records that lacks one can turn a verdict round (a second SPF record, the MX that matches).
 */
#define DNS_RECORDS_MAX 256 /* a /24 of pool addresses fits; nothing honest is larger */
#define DNS_ANSWER_MAX 65536 /* octets of rdata in all: what one DNS message can carry */

/*
 * Fill outcome, why, n and the records of *answer from n rdata.  n = 0 is DNS_NODATA.  What the
 * records point to is of arena.  Other members are left as they are.
 */
void dns_decode(enum dns_type type, const struct view *rdata, size_t n, struct arena *arena,
    struct dns_answer *answer);

/* A DNS_TEMP without records; why must stay. */
void dns_answer_temp(struct dns_answer *answer, const char *why);

#endif
