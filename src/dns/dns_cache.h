#ifndef ASSAY_DNS_DNS_CACHE_H
#define ASSAY_DNS_DNS_CACHE_H

#include "base/lru.h"
#include "dns/dns.h"

#include <stdatomic.h>

/*
 * dns_cache - answers by (type, name), bounded in octets, the longest unused leaves first.
 * An entry is immutable and counted: the cache holds one reference, every question that got it another.
 * The cache itself has no lock: it belongs to whoever guards it (a shard of dns_core.h).
 */
struct dns_entry {
	struct lru_node node; /* first; hash: dns_hash of name and type; octets: of this block; guarded as the cache is */
	atomic_uint refs;
	enum dns_type type;
	struct view name;    /* lower case */
	int64_t expires_ms;  /* monotonic: not to be used from then on */
	struct dns_answer answer; /* ttl: when it came, capped */
};

struct dns_cache {
	struct lru lru;
};

uint64_t dns_hash(struct view name, enum dns_type type); /* case does not matter */

/* A copy of answer and all it points to, in one block, with one reference. */
struct dns_entry *dns_entry_new(struct view name, enum dns_type type, const struct dns_answer *answer,
    int64_t now_ms);
void dns_entry_ref(struct dns_entry *entry);
void dns_entry_unref(struct dns_entry *entry); /* NULL is fine */

void dns_cache_init(struct dns_cache *cache, size_t octets_max);
void dns_cache_clear(struct dns_cache *cache); /* lets go of everything, the table too */

/* The entry that may be used at now_ms, without a reference of its own; NULL: none.  Drops it when it is too old. */
struct dns_entry *dns_cache_find(struct dns_cache *cache, struct view name, enum dns_type type, uint64_t hash,
    int64_t now_ms);

/* Put entry in, in place of another of its key.  Takes a reference of its own, or none when it does not fit. */
void dns_cache_put(struct dns_cache *cache, struct dns_entry *entry);

#endif
