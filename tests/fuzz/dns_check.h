#ifndef ASSAY_TESTS_DNS_CHECK_H
#define ASSAY_TESTS_DNS_CHECK_H

#include "dns/dns.h"

/* Abort unless the answer keeps every promise of dns/dns.h. */
void dns_check_answer(enum dns_type type, const struct dns_answer *answer);

/* Of the fuzzer's octets: one of the types we know, or another. */
enum dns_type dns_check_type(unsigned choice);

#endif
