#include "base/lru.h"

#include "base/mem.h"

#define BUCKETS_MIN 16

void
lru_init(struct lru *lru, size_t entries_likely, size_t entries_max, size_t octets_max)
{
	size_t buckets = BUCKETS_MIN;

	while (buckets < entries_likely && buckets <= SIZE_MAX / 4)
		buckets *= 2;
	*lru = (struct lru){ .mask = buckets - 1, .entries_max = entries_max, .octets_max = octets_max };
	lru->bucket = mem_zero(mem_mul(buckets, sizeof(*lru->bucket)));
}

void
lru_close(struct lru *lru)
{
	mem_free(lru->bucket);
	lru->bucket = NULL;
}

/* ---- the order of use --------------------------------------------------------------------- */

static void
leave(struct lru *lru, struct lru_node *node)
{
	*(node->newer != NULL ? &node->newer->older : &lru->newest) = node->older;
	*(node->older != NULL ? &node->older->newer : &lru->oldest) = node->newer;
}

static void
lead(struct lru *lru, struct lru_node *node)
{
	node->newer = NULL;
	node->older = lru->newest;
	*(node->older != NULL ? &node->older->newer : &lru->oldest) = node;
	lru->newest = node;
}

void
lru_use(struct lru *lru, struct lru_node *node)
{
	if (node == lru->newest)
		return;
	leave(lru, node);
	lead(lru, node);
}

/* ---- in and out --------------------------------------------------------------------------- */

void
lru_put(struct lru *lru, struct lru_node *node)
{
	struct lru_node **head = lru_bucket(lru, node->hash);

	node->chain = *head;
	*head = node;
	lead(lru, node);
	lru->entries++;
	lru->octets += node->octets;
}

bool
lru_is_full(const struct lru *lru)
{
	return lru->entries > lru->entries_max || lru->octets > lru->octets_max;
}

void
lru_remove(struct lru *lru, struct lru_node *node)
{
	struct lru_node **at = lru_bucket(lru, node->hash);

	while (*at != node)
		at = &(*at)->chain;
	*at = node->chain;
	leave(lru, node);
	node->chain = node->newer = node->older = NULL;
	lru->entries--;
	lru->octets -= node->octets;
}

struct lru_node *
lru_take_oldest(struct lru *lru)
{
	struct lru_node *node = lru->oldest;

	if (node != NULL)
		lru_remove(lru, node);
	return node;
}
