#include "sig/key_record.h"

#include "base/base64.h"
#include "base/hash.h"
#include "base/lock.h"
#include "base/mem.h"

#include <string.h>

struct entry {
	struct entry *chain;	    /* the next of its bucket */
	struct entry *newer, *older; /* the order of use */
	uint64_t hash;
	enum key_type type;
	struct public_key *key; /* counted */
	size_t n;
	char text[]; /* p=, n octets */
};

struct key_cache {
	struct lock lock; /* guards all below but keys_max and mask */
	size_t keys_max;
	size_t mask; /* buckets - 1 */
	struct entry **bucket;
	struct entry *newest, *oldest;
	size_t keys;
	size_t octets;
};

struct key_cache *
key_cache_new(size_t keys_max)
{
	struct key_cache *cache = mem_zero(sizeof(*cache));

	lock_init(&cache->lock);
	cache->keys_max = keys_max > 0 ? keys_max : 1;
	cache->mask = 1;
	while (cache->mask < cache->keys_max)
		cache->mask = cache->mask * 2 + 1;
	cache->bucket = mem_zero(mem_mul(cache->mask + 1, sizeof(*cache->bucket)));
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
	if (cache == NULL)
		return;
	while (cache->newest != NULL) {
		struct entry *e = cache->newest;
		cache->newest = e->older;
		entry_free(e);
	}
	lock_destroy(&cache->lock);
	mem_free(cache->bucket);
	mem_free(cache);
}

size_t
key_cache_octets(struct key_cache *cache)
{
	lock_take(&cache->lock);
	size_t octets = cache->octets;
	lock_drop(&cache->lock);
	return octets;
}

static size_t
entry_octets(const struct entry *e)
{
	return sizeof(*e) + e->n + public_key_octets(e->key);
}

/* --- under the lock ------------------------------------------------------------------------------ */

static void
line_leave(struct key_cache *cache, struct entry *e)
{
	*(e->newer != NULL ? &e->newer->older : &cache->newest) = e->older;
	*(e->older != NULL ? &e->older->newer : &cache->oldest) = e->newer;
}

static void
line_head(struct key_cache *cache, struct entry *e)
{
	e->newer = NULL;
	e->older = cache->newest;
	*(e->older != NULL ? &e->older->newer : &cache->oldest) = e;
	cache->newest = e;
}

static struct entry *
find(struct key_cache *cache, uint64_t hash, enum key_type type, struct view p)
{
	struct entry *e = cache->bucket[hash & cache->mask];

	while (e != NULL && (e->hash != hash || e->type != type || !view_eq((struct view){ e->text, e->n }, p)))
		e = e->chain;
	return e;
}

/* The caller frees it when the lock is dropped. */
static struct entry *
take_oldest(struct key_cache *cache)
{
	struct entry *e = cache->oldest;
	struct entry **at = &cache->bucket[e->hash & cache->mask];

	line_leave(cache, e);
	while (*at != e)
		at = &(*at)->chain;
	*at = e->chain;
	cache->keys--;
	cache->octets -= entry_octets(e);
	return e;
}

static void
insert(struct key_cache *cache, struct entry *e)
{
	struct entry **head = &cache->bucket[e->hash & cache->mask];

	e->chain = *head;
	*head = e;
	line_head(cache, e);
	cache->keys++;
	cache->octets += entry_octets(e);
}

/* --- end of what needs the lock --------------------------------------------------------------- */

static struct public_key *
lookup(struct key_cache *cache, uint64_t hash, enum key_type type, struct view p)
{
	struct public_key *key = NULL;

	lock_take(&cache->lock);
	struct entry *e = find(cache, hash, type, p);
	if (e != NULL) {
		line_leave(cache, e);
		line_head(cache, e);
		key = public_key_ref(e->key);
	}
	lock_drop(&cache->lock);
	return key;
}

static void
keep(struct key_cache *cache, uint64_t hash, enum key_type type, struct view p, struct public_key *key)
{
	struct entry *e = mem_zero(mem_add(sizeof(*e), p.n));
	struct entry *gone = NULL;

	e->hash = hash;
	e->type = type;
	e->key = public_key_ref(key);
	e->n = p.n;
	memcpy(e->text, p.p, p.n);
	lock_take(&cache->lock);
	if (find(cache, hash, type, p) != NULL) { /* another thread was faster */
		gone = e;
	} else {
		if (cache->keys == cache->keys_max)
			gone = take_oldest(cache);
		insert(cache, e);
	}
	lock_drop(&cache->lock);
	if (gone != NULL)
		entry_free(gone);
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
