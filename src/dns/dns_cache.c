#include "dns/dns_cache.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdalign.h>
#include <string.h>

/* An entry of one short TXT record is about this long; as many as fit are likely. */
#define ENTRY_TYPICAL 512

uint64_t
dns_hash(struct view name, enum dns_type type)
{
	return hash_view_lower(name) ^ (uint64_t)type * UINT64_C(0x9e3779b97f4a7c15);
}

/* The octets behind an entry: records first, for they want alignment, then what they point to. */
struct block {
	char *at;
};

static struct view
block_copy(struct block *block, struct view v)
{
	struct view copy = { block->at, v.n };

	memcpy(block->at, v.n > 0 ? v.p : "", v.n);
	block->at += v.n;
	return copy;
}

static size_t
record_size(enum dns_type type)
{
	if (type == DNS_A || type == DNS_AAAA)
		return sizeof(struct ip);
	return type == DNS_MX ? sizeof(struct dns_mx) : sizeof(struct view);
}

static size_t
text_octets(enum dns_type type, const struct dns_answer *answer)
{
	size_t octets = 0;

	if (type == DNS_A || type == DNS_AAAA)
		return 0;
	for (size_t i = 0; i < answer->n; i++)
		octets = mem_add(octets, type == DNS_MX ? answer->mx[i].name.n : answer->rdata[i].n);
	return octets;
}

static void
copy_records(enum dns_type type, const struct dns_answer *from, struct dns_answer *to, struct block *block)
{
	size_t size = record_size(type) * from->n;
	void *records = block->at;

	block->at += size;
	to->rdata = records;
	if (from->n == 0)
		return;
	memcpy(records, from->rdata, size);
	if (type == DNS_MX)
		for (size_t i = 0; i < from->n; i++)
			((struct dns_mx *)records)[i].name = block_copy(block, from->mx[i].name);
	else if (type != DNS_A && type != DNS_AAAA)
		for (size_t i = 0; i < from->n; i++)
			((struct view *)records)[i] = block_copy(block, from->rdata[i]);
}

struct dns_entry *
dns_entry_new(struct view name, enum dns_type type, const struct dns_answer *answer, int64_t now_ms)
{
	size_t octets = sizeof(struct dns_entry);
	struct dns_entry *entry;
	struct block block;

	_Static_assert(sizeof(struct dns_entry) % alignof(struct dns_mx) == 0, "records follow the entry");
	octets = mem_add(octets, mem_mul(answer->n, record_size(type)));
	octets = mem_add(octets, mem_add(text_octets(type, answer), name.n));
	entry = mem_zero(octets);
	block.at = (char *)(entry + 1);
	atomic_init(&entry->refs, 1);
	entry->type = type;
	entry->node.hash = dns_hash(name, type);
	entry->node.octets = octets;
	entry->expires_ms = now_ms + (int64_t)answer->ttl * 1000;
	entry->answer = *answer;
	copy_records(type, answer, &entry->answer, &block);
	entry->name = block_copy(&block, name);
	return entry;
}

void
dns_entry_ref(struct dns_entry *entry)
{
	atomic_fetch_add_explicit(&entry->refs, 1, memory_order_relaxed);
}

void
dns_entry_unref(struct dns_entry *entry)
{
	if (entry != NULL && atomic_fetch_sub_explicit(&entry->refs, 1, memory_order_acq_rel) == 1)
		mem_free(entry);
}

void
dns_cache_init(struct dns_cache *cache, size_t octets_max)
{
	lru_init(&cache->lru, octets_max / ENTRY_TYPICAL, LRU_ANY, octets_max);
}

static void
drop(struct dns_cache *cache, struct dns_entry *entry)
{
	lru_remove(&cache->lru, &entry->node);
	dns_entry_unref(entry);
}

void
dns_cache_clear(struct dns_cache *cache)
{
	struct lru_node *node;

	while ((node = lru_take_oldest(&cache->lru)) != NULL)
		dns_entry_unref((struct dns_entry *)node);
	lru_close(&cache->lru);
}

struct question {
	struct view name;
	enum dns_type type;
};

static bool
answers(const struct lru_node *node, const void *key)
{
	const struct dns_entry *entry = (const struct dns_entry *)node;
	const struct question *question = key;

	return entry->type == question->type && view_eq_nocase(entry->name, question->name);
}

static struct dns_entry *
find(struct dns_cache *cache, struct view name, enum dns_type type, uint64_t hash)
{
	struct question question = { name, type };

	return (struct dns_entry *)lru_find(&cache->lru, hash, answers, &question);
}

struct dns_entry *
dns_cache_find(struct dns_cache *cache, struct view name, enum dns_type type, uint64_t hash, int64_t now_ms)
{
	struct dns_entry *entry = find(cache, name, type, hash);

	if (entry == NULL)
		return NULL;
	if (entry->expires_ms <= now_ms) {
		drop(cache, entry);
		return NULL;
	}
	lru_use(&cache->lru, &entry->node);
	return entry;
}

void
dns_cache_put(struct dns_cache *cache, struct dns_entry *entry)
{
	struct dns_entry *old = find(cache, entry->name, entry->type, entry->node.hash);

	if (old != NULL)
		drop(cache, old);
	if (entry->node.octets > cache->lru.octets_max || entry->answer.ttl == 0)
		return;
	dns_entry_ref(entry);
	lru_put(&cache->lru, &entry->node);
	while (lru_is_full(&cache->lru)) /* ends: entry alone fits */
		dns_entry_unref((struct dns_entry *)lru_take_oldest(&cache->lru));
}
