#ifndef ASSAY_SPF_SPF_CACHE_H
#define ASSAY_SPF_SPF_CACHE_H

#include "spf/spf.h"
#include "spf/spf_record.h"

/*
 * spf_cache - the inside of struct spf_cache.
 */

/*
 * The record of this text, parsed now or before.  Pinned until arena ends.  cache may be NULL.  NULL:
 * it does not parse, err says why (never remembered: bad records are short or rare).
 */
const struct spf_record *spf_cache_get(struct spf_cache *cache, struct view text, struct arena *arena,
    struct err *err);

/* For tests. */
struct spf_cache_stats {
	size_t octets;
	size_t records;
	uint64_t hits;
	uint64_t misses;
};
struct spf_cache_stats spf_cache_stats(struct spf_cache *cache);

#endif
