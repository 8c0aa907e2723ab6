#include "sig/key_record.h"

#include "base/base64.h"
#include "base/hash.h"
#include "base/lock.h"
#include "base/lru.h"
#include "base/mem.h"

#include <string.h>

struct entry {
	struct lru_node node; /* first */
	enum key_type type;
	struct public_key *key; /* counted */
	size_t n;
	char text[]; /* p=, n octets */
};

struct key_cache {
	struct lock lock;
	struct lru lru; /* guarded by lock */
};

struct wanted {
	enum key_type type;
	struct view p;
};

struct key_cache *
key_cache_new(size_t keys_max)
{
	struct key_cache *cache = mem_zero(sizeof(*cache));

	lock_init(&cache->lock);
	keys_max = keys_max > 0 ? keys_max : 1;
	lru_init(&cache->lru, keys_max, keys_max, LRU_ANY);
	return cache;
}

static void
entry_free(struct entry *e)
{
	public_key_unref(e->key);
	mem_free(e);
}

void
key_cache_free(struct key_cache *cache)
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

size_t
key_cache_octets(struct key_cache *cache)
{
	lock_take(&cache->lock);
	size_t octets = cache->lru.octets;
	lock_drop(&cache->lock);
	return octets;
}

static bool
is_wanted(const struct lru_node *node, const void *key)
{
	const struct entry *e = (const struct entry *)node;
	const struct wanted *wanted = key;

	return e->type == wanted->type && view_eq((struct view){ e->text, e->n }, wanted->p);
}

static struct public_key *
lookup(struct key_cache *cache, uint64_t hash, enum key_type type, struct view p)
{
	struct wanted wanted = { type, p };
	struct public_key *key = NULL;

	lock_take(&cache->lock);
	struct lru_node *node = lru_find(&cache->lru, hash, is_wanted, &wanted);
	if (node != NULL) {
		lru_use(&cache->lru, node);
		key = public_key_ref(((struct entry *)node)->key);
	}
	lock_drop(&cache->lock);
	return key;
}

static void
keep(struct key_cache *cache, uint64_t hash, enum key_type type, struct view p, struct public_key *key)
{
	struct entry *e = mem_zero(mem_add(sizeof(*e), p.n));
	struct wanted wanted = { type, p };
	struct lru_node *gone = NULL;

	e->node.hash = hash;
	e->node.octets = sizeof(*e) + p.n + public_key_octets(key);
	e->type = type;
	e->key = public_key_ref(key);
	e->n = p.n;
	memcpy(e->text, p.p, p.n);
	lock_take(&cache->lock);
	if (lru_find(&cache->lru, hash, is_wanted, &wanted) != NULL) { /* another thread was faster */
		gone = &e->node;
	} else {
		lru_put(&cache->lru, &e->node);
		if (lru_is_full(&cache->lru))
			gone = lru_take_oldest(&cache->lru);
	}
	lock_drop(&cache->lock);
	if (gone != NULL)
		entry_free((struct entry *)gone);
}

static struct public_key *
parse(enum key_type type, struct view p, struct err *err)
{
	struct arena *arena = arena_new();
	struct public_key *key = NULL;
	struct view octets;

	if (!base64_decode(p, arena, &octets, err))
		err_in(err, "p=");
	else
		key = type == KEY_RSA ? public_key_from_rsa(octets, err) : public_key_from_ed25519(octets, err);
	arena_free(arena);
	return key;
}

struct public_key *
key_cache_get(struct key_cache *cache, enum key_type type, struct view p, struct err *err)
{
	if (p.n == 0 || p.n > KEY_TEXT_MAX) {
		err_perm(err, "p= of %zu octets, more than %d", p.n, KEY_TEXT_MAX);
		return NULL;
	}
	if (cache == NULL)
		return parse(type, p, err);
	uint64_t hash = hash_view(p);
	struct public_key *key = lookup(cache, hash, type, p);
	if (key == NULL) {
		key = parse(type, p, err);
		if (key != NULL)
			keep(cache, hash, type, p, key);
	}
	return key;
}
