#ifndef ASSAY_DMARC_DMARC_PSL_H
#define ASSAY_DMARC_DMARC_PSL_H

#include "base/arena.h"
#include "base/err.h"

/*
 * dmarc_psl - the public suffix list, for discovery = psl and for comparison with the tree walk.
 * Sources: RFC 7489 3.2; https://github.com/publicsuffix/list/wiki/Format.  Both sections count, ICANN
 * and PRIVATE, as OpenDMARC reads the file.  Rules in U-labels are converted to A-labels.
 * Immutable once made: any number of threads may read it.
 */
struct dmarc_psl;

#define DMARC_PSL_OCTETS_MAX (16 * 1024 * 1024) /* of the file: today's has 0.25 million */

/* From text.  Lines that are no rule are counted and passed over.  False: there is not one rule in it. */
bool dmarc_psl_read(struct view text, struct arena *arena, const struct dmarc_psl **psl, struct err *err);
/* From a file.  err names it. */
bool dmarc_psl_load(const char *path, struct arena *arena, const struct dmarc_psl **psl, struct err *err);

size_t dmarc_psl_rules(const struct dmarc_psl *psl);
size_t dmarc_psl_bad_lines(const struct dmarc_psl *psl);
/* Seconds since the epoch: its "// VERSION:" line, else the file's own time; -1: unknown. */
int64_t dmarc_psl_dated(const struct dmarc_psl *psl);

/* The longest public suffix of a domain (mail/domain.h's spelling); a part of domain, never empty. */
struct view dmarc_psl_suffix(const struct dmarc_psl *psl, struct view domain);
/* The organizational domain: the suffix and one label more; a public suffix itself is its own. */
struct view dmarc_psl_org(const struct dmarc_psl *psl, struct view domain);

#endif
