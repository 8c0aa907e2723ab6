#ifndef ASSAY_TESTS_DNS_TEST_H
#define ASSAY_TESTS_DNS_TEST_H

#include "dns/dns.h"

/*
 * dns_test - what the test programs of dns/ share.
 */

/* An answer as a line of arena: outcome, "secure", (why), then the records, each cut at 40 octets. */
const char *answer_text(const struct dns_answer *answer, enum dns_type type, struct arena *arena);

/* Run work in eight threads at once, each with a seed of its own for rand_r, and wait for all. */
void in_threads(void (*work)(unsigned seed));

#endif
