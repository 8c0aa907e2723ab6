#ifndef ASSAY_BASE_LRU_H
#define ASSAY_BASE_LRU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * lru - a table of entries found by their hash, in the order of their use, so that the longest unused can leave.
 * The entries are their owner's, who has a node as the first member of each, compares keys, says what an entry takes,
 * and frees it; nothing here allocates but the table itself.  Without a lock: it belongs to whoever guards it.
 */
struct lru_node {
	uint64_t hash;	/* by the owner, before lru_put; hash_view of base/hash.h where strangers choose keys */
	size_t octets;	/* the same; it must not change while the node is in a table */
	struct lru_node *chain, *newer, *older; /* ours */
};

struct lru {
	struct lru_node **bucket;
	size_t mask; /* buckets - 1 */
	size_t entries_max, octets_max;
	size_t entries, octets;
	struct lru_node *newest, *oldest;
};

/* No limit. */
#define LRU_ANY SIZE_MAX

/* entries_likely: so many find their place without a search; the table does not grow with them. */
void lru_init(struct lru *lru, size_t entries_likely, size_t entries_max, size_t octets_max);
/* The table.  It must be empty: lru_take_oldest. */
void lru_close(struct lru *lru);

/* Above the lowest bits, by which an owner may have chosen one of several tables. */
static inline struct lru_node **
lru_bucket(const struct lru *lru, uint64_t hash)
{
	return &lru->bucket[(hash >> 8) & lru->mask];
}

/*
 * The node of this hash for which is(node, key) holds; NULL: none.  It counts as used by lru_use only.
 * Here, so that `is` is put in its place: caches are asked some times for each message.
 */
static inline struct lru_node *
lru_find(const struct lru *lru, uint64_t hash, bool (*is)(const struct lru_node *node, const void *key), const void *key)
{
	struct lru_node *node = *lru_bucket(lru, hash);

	while (node != NULL && (node->hash != hash || !is(node, key)))
		node = node->chain;
	return node;
}

void lru_use(struct lru *lru, struct lru_node *node);

/* As the newest.  The table may be above its limits then: take the oldest until it is not. */
void lru_put(struct lru *lru, struct lru_node *node);
bool lru_is_full(const struct lru *lru); /* above one of its limits */
void lru_remove(struct lru *lru, struct lru_node *node);
struct lru_node *lru_take_oldest(struct lru *lru); /* removed; NULL: there is none */

#endif
