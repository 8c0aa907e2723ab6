#ifndef ASSAY_TESTS_ANSWER_TEXT_H
#define ASSAY_TESTS_ANSWER_TEXT_H

#include "dns/dns.h"

/* An answer as a line of arena: outcome, "secure", (why), then the records, each cut at 40 octets. */
const char *answer_text(const struct dns_answer *answer, enum dns_type type, struct arena *arena);

#endif
