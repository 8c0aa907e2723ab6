#include "spf/spf_cache.h"

#include "base/hash.h"
#include "base/lock.h"
#include "base/lru.h"
#include "base/mem.h"

#include <string.h>

/* A site sees some thousand records. */
#define RECORDS_LIKELY 1024

/* One parsed record, in two blocks: this one with the text, and its directives. */
struct entry {
	struct lru_node node;	      /* first; guarded by cache->lock, as are users and listed */
	struct spf_cache *cache;
	unsigned users;		      /* arenas that pin it */
	bool listed;		      /* in the table; else it goes with its last user */
	struct spf_record record;     /* never changes */
	struct spf_directive *directive;
	char text[];
};

struct spf_cache {
	struct lock lock; /* never held while parsing */
	struct lru lru;
	uint64_t hits, misses;
};

struct spf_cache *
spf_cache_new(size_t octets)
{
	struct spf_cache *cache = mem_zero(sizeof(*cache));

	lock_init(&cache->lock);
	lru_init(&cache->lru, RECORDS_LIKELY, LRU_ANY, octets);
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
	struct lru_node *node;

	if (cache == NULL)
		return;
	while ((node = lru_take_oldest(&cache->lru)) != NULL)
		entry_free((struct entry *)node);
	lru_close(&cache->lru);
	lock_destroy(&cache->lock);
	mem_free(cache);
}

static bool
is_text(const struct lru_node *node, const void *text)
{
	return view_eq(((const struct entry *)node)->record.text, *(const struct view *)text);
}

/* With the lock held. */
static void
enlist(struct spf_cache *cache, struct entry *e)
{
	e->listed = true;
	lru_put(&cache->lru, &e->node);
	while (lru_is_full(&cache->lru)) { /* ends: e alone fits */
		struct entry *gone = (struct entry *)lru_take_oldest(&cache->lru);
		gone->listed = false;
		if (gone->users == 0)
			entry_free(gone);
	}
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
	e->node.hash = hash;
	memcpy(e->text, text.p, text.n);
	if (!spf_record_parse((struct view){ e->text, text.n }, scratch, &e->record, err)) {
		mem_free(e);
		return NULL;
	}
	size_t octets = mem_mul(e->record.n, sizeof(*e->directive));
	e->node.octets = sizeof(*e) + text.n + octets;
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
	struct entry *e = (struct entry *)lru_find(&cache->lru, hash, is_text, &text);
	if (e != NULL) {
		e->users++;
		lru_use(&cache->lru, &e->node);
		cache->hits++;
	} else {
		cache->misses++;
	}
	lock_drop(&cache->lock);
	if (e != NULL)
		return e;
	struct entry *made = entry_new(cache, text, hash, arena, err);
	if (made == NULL)
		return NULL;
	lock_take(&cache->lock);
	/* Another thread may have been faster. */
	e = (struct entry *)lru_find(&cache->lru, hash, is_text, &text);
	if (e == NULL) {
		e = made;
		e->users++; /* before it is listed: a cache too small for it would free it at once */
		if (e->node.octets <= cache->lru.octets_max)
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
	struct spf_cache_stats stats = {
		.octets = cache->lru.octets, .records = cache->lru.entries, .hits = cache->hits, .misses = cache->misses,
	};
	lock_drop(&cache->lock);
	return stats;
}
