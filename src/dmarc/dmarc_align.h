#ifndef ASSAY_DMARC_DMARC_ALIGN_H
#define ASSAY_DMARC_DMARC_ALIGN_H

#include "dmarc/dmarc.h"
#include "dmarc/dmarc_find.h"

/*
 * dmarc_align - Identifier Alignment, RFC 9989 4.10.2 (and 4.4), label by label on A-labels.
 *
 * The organizational domain of a name is the name itself or stands above it.  So an identifier can share
 * the author's only when it lies within it: all others are not aligned, for sure and without a question.
 * This keeps a stranger from causing walks, and from turning a failure into a temperror by names of his own
 * that do not answer.
 */

/* Tree walks of identifiers, by name; shared by all author domains of a message. */
struct dmarc_walks {
	struct dmarc_walk **walk;
	size_t n, max;
};
/* NULL: max is reached.  Never blocks. */
struct dmarc_walk *dmarc_walks_get(struct dmarc_walks *walks, struct view domain, struct dns_task *dns,
    struct arena *arena);

/* Every fact of SPF and DKIM that names a domain, in their order; nothing is aligned yet. */
void dmarc_identifiers(const struct auth_facts *facts, struct arena *arena, struct dmarc_identifier **list, size_t *n);

struct dmarc_aligner {
	struct dmarc_find *find; /* of the author domain; its record is there */
	struct dmarc_walks *walks;
	struct dns_task *dns;
	struct arena *arena;
	struct view temp_why; /* the first trouble that made an alignment DMARC_ALIGN_UNKNOWN */
};
/* Waits as the budget allows.  Fills alignment, org, counts. */
void dmarc_align(struct dmarc_aligner *a, struct dmarc_identifier *list, size_t n);

#endif
