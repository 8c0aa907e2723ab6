#ifndef ASSAY_DMARC_DMARC_VERDICT_H
#define ASSAY_DMARC_DMARC_VERDICT_H

#include "dmarc/dmarc_align.h"

/*
 * dmarc_verdict - from a record and the identifiers to a result, RFC 9989 5.3 and 4.7 (t=).
 */
struct dmarc_case {
	const struct dmarc_input *in;
	struct dmarc_walks *walks;
	struct dns_task *dns;
	struct arena *arena;
	const struct auth_facts *facts;
};
/* One author domain by one way of discovery.  Waits as the budget allows. */
struct dmarc_result *dmarc_verdict(const struct dmarc_case *c, struct dmarc_find *find);

/* A result without discovery: off, nofrom, reject of several author domains, trouble of ours. */
struct dmarc_result *dmarc_verdict_plain(enum dmarc_status status, struct view from_domain, struct view text,
    struct arena *arena);

/* Fills r->fact from the rest of r. */
void dmarc_fact_write(struct dmarc_result *r, struct arena *arena);

#endif
