#include "dns/dns_cache.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdalign.h>
#include <string.h>

/* An entry of one short TXT record is about this long; so many buckets as may be entries. */
#define ENTRY_TYPICAL 512
#define BUCKETS_MIN 16

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
	entry->hash = dns_hash(name, type);
	entry->octets = octets;
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
	size_t buckets = BUCKETS_MIN;

	while (buckets < octets_max / ENTRY_TYPICAL)
		buckets *= 2;
	*cache = (struct dns_cache){ .buckets = buckets, .octets_max = octets_max };
	cache->bucket = mem_zero(mem_mul(buckets, sizeof(struct dns_entry *)));
}

static void
unlink_age(struct dns_cache *cache, struct dns_entry *entry)
{
	*(entry->newer != NULL ? &entry->newer->older : &cache->newest) = entry->older;
	*(entry->older != NULL ? &entry->older->newer : &cache->oldest) = entry->newer;
	entry->newer = entry->older = NULL;
}

static void
link_newest(struct dns_cache *cache, struct dns_entry *entry)
{
	entry->older = cache->newest;
	entry->newer = NULL;
	*(cache->newest != NULL ? &cache->newest->newer : &cache->oldest) = entry;
	cache->newest = entry;
}

static struct dns_entry **
bucket_of(struct dns_cache *cache, uint64_t hash)
{
	/* The low bits chose the shard. */
	return &cache->bucket[(hash >> 8) & (cache->buckets - 1)];
}

static void
drop(struct dns_cache *cache, struct dns_entry *entry)
{
	struct dns_entry **at = bucket_of(cache, entry->hash);

	while (*at != entry)
		at = &(*at)->bucket_next;
	*at = entry->bucket_next;
	unlink_age(cache, entry);
	cache->octets -= entry->octets;
	dns_entry_unref(entry);
}

void
dns_cache_clear(struct dns_cache *cache)
{
	while (cache->oldest != NULL)
		drop(cache, cache->oldest);
	mem_free(cache->bucket);
	cache->bucket = NULL;
}

static struct dns_entry *
find(struct dns_cache *cache, struct view name, enum dns_type type, uint64_t hash)
{
	struct dns_entry *entry = *bucket_of(cache, hash);

	while (entry != NULL
	    && (entry->hash != hash || entry->type != type || !view_eq_nocase(entry->name, name)))
		entry = entry->bucket_next;
	return entry;
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
	if (entry != cache->newest) {
		unlink_age(cache, entry);
		link_newest(cache, entry);
	}
	return entry;
}

void
dns_cache_put(struct dns_cache *cache, struct dns_entry *entry)
{
	struct dns_entry *old = find(cache, entry->name, entry->type, entry->hash);

	if (old != NULL)
		drop(cache, old);
	if (entry->octets > cache->octets_max || entry->answer.ttl == 0)
		return;
	while (cache->octets > cache->octets_max - entry->octets)
		drop(cache, cache->oldest);
	dns_entry_ref(entry);
	entry->bucket_next = *bucket_of(cache, entry->hash);
	*bucket_of(cache, entry->hash) = entry;
	link_newest(cache, entry);
	cache->octets += entry->octets;
}
