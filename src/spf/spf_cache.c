#include "spf/spf_cache.h"

#include "base/hash.h"
#include "base/lock.h"
#include "base/mem.h"

#include <string.h>

/* Chains stay short: a site sees some thousand records. */
#define BUCKETS 1024

/* One parsed record, in two blocks: this one with the text, and its directives. */
struct entry {
	struct spf_cache *cache;
	struct entry *chain;	      /* guarded by cache->lock, as are all below but record */
	struct entry *newer, *older;
	uint64_t hash;
	size_t octets;
	unsigned users;		      /* arenas that pin it */
	bool listed;		      /* in the table; else it goes with its last user */
	struct spf_record record;     /* never changes */
	struct spf_directive *directive;
	char text[];
};

struct spf_cache {
	struct lock lock; /* never held while parsing */
	struct entry *bucket[BUCKETS];
	struct entry *newest, *oldest;
	size_t octets_max;
	struct spf_cache_stats stats;
};

struct spf_cache *
spf_cache_new(size_t octets)
{
	struct spf_cache *cache = mem_zero(sizeof(*cache));

	lock_init(&cache->lock);
	cache->octets_max = octets;
	return cache;
}

static void
entry_free(struct entry *e)
{
	mem_free(e->directive);
	mem_free(e);
}

void
spf_cache_free(struct spf_cache *cache)
{
	if (cache == NULL)
		return;
	while (cache->newest != NULL) {
		struct entry *e = cache->newest;
		cache->newest = e->older;
		entry_free(e);
	}
	lock_destroy(&cache->lock);
	mem_free(cache);
}

/* The five below: with the lock held. */
static void
list_add(struct spf_cache *cache, struct entry *e)
{
	e->newer = NULL;
	e->older = cache->newest;
	if (cache->newest != NULL)
		cache->newest->newer = e;
	else
		cache->oldest = e;
	cache->newest = e;
}

static void
list_remove(struct spf_cache *cache, struct entry *e)
{
	if (e->newer != NULL)
		e->newer->older = e->older;
	else
		cache->newest = e->older;
	if (e->older != NULL)
		e->older->newer = e->newer;
	else
		cache->oldest = e->newer;
}

static struct entry *
find(struct spf_cache *cache, struct view text, uint64_t hash)
{
	struct entry *e = cache->bucket[hash % BUCKETS];

	while (e != NULL && (e->hash != hash || !view_eq(e->record.text, text)))
		e = e->chain;
	return e;
}

static void
unlist(struct spf_cache *cache, struct entry *e)
{
	struct entry **at = &cache->bucket[e->hash % BUCKETS];

	while (*at != e)
		at = &(*at)->chain;
	*at = e->chain;
	list_remove(cache, e);
	e->listed = false;
	cache->stats.octets -= e->octets;
	cache->stats.records--;
	if (e->users == 0)
		entry_free(e);
}

static void
enlist(struct spf_cache *cache, struct entry *e)
{
	struct entry **at = &cache->bucket[e->hash % BUCKETS];

	e->chain = *at;
	*at = e;
	list_add(cache, e);
	e->listed = true;
	cache->stats.octets += e->octets;
	cache->stats.records++;
	while (cache->stats.octets > cache->octets_max && cache->oldest != e)
		unlist(cache, cache->oldest);
}

static void
let_go(void *object)
{
	struct entry *e = object;
	struct spf_cache *cache = e->cache;

	lock_take(&cache->lock);
	bool last = --e->users == 0 && !e->listed;
	lock_drop(&cache->lock);
	if (last)
		entry_free(e);
}

/* The text is copied first, so that all views of the record point into the entry. */
static struct entry *
entry_new(struct spf_cache *cache, struct view text, uint64_t hash, struct arena *scratch, struct err *err)
{
	struct entry *e = mem_zero(mem_add(sizeof(*e), text.n));

	e->cache = cache;
	e->hash = hash;
	memcpy(e->text, text.p, text.n);
	if (!spf_record_parse((struct view){ e->text, text.n }, scratch, &e->record, err)) {
		mem_free(e);
		return NULL;
	}
	size_t octets = mem_mul(e->record.n, sizeof(*e->directive));
	e->octets = sizeof(*e) + text.n + octets;
	e->directive = mem_zero(octets);
	if (octets > 0)
		memcpy(e->directive, e->record.directive, octets);
	e->record.directive = e->directive;
	return e;
}

static struct entry *
get(struct spf_cache *cache, struct view text, struct arena *arena, struct err *err)
{
	uint64_t hash = hash_view(text);

	lock_take(&cache->lock);
	struct entry *e = find(cache, text, hash);
	if (e != NULL) {
		e->users++;
		list_remove(cache, e);
		list_add(cache, e);
		cache->stats.hits++;
	} else {
		cache->stats.misses++;
	}
	lock_drop(&cache->lock);
	if (e != NULL)
		return e;
	struct entry *made = entry_new(cache, text, hash, arena, err);
	if (made == NULL)
		return NULL;
	lock_take(&cache->lock);
	e = find(cache, text, hash); /* another thread may have been faster */
	if (e == NULL) {
		e = made;
		e->users++; /* before it is listed: a cache too small for it would free it at once */
		if (e->octets <= cache->octets_max)
			enlist(cache, e);
		made = NULL;
	} else {
		e->users++;
	}
	lock_drop(&cache->lock);
	if (made != NULL)
		entry_free(made);
	return e;
}

const struct spf_record *
spf_cache_get(struct spf_cache *cache, struct view text, struct arena *arena, struct err *err)
{
	if (cache == NULL) {
		struct spf_record *record = ARENA_NEW(arena, struct spf_record);
		return spf_record_parse(text, arena, record, err) ? record : NULL;
	}
	if (text.n > SPF_RECORD_MAX) {
		(void)err_perm(err, "a record of %zu octets", text.n);
		return NULL;
	}
	struct entry *e = get(cache, text, arena, err);
	if (e == NULL)
		return NULL;
	arena_defer(arena, let_go, e);
	return &e->record;
}

struct spf_cache_stats
spf_cache_stats(struct spf_cache *cache)
{
	lock_take(&cache->lock);
	struct spf_cache_stats stats = cache->stats;
	lock_drop(&cache->lock);
	return stats;
}
