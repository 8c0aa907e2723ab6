#include "base/recent.h"

#include "base/hash.h"
#include "base/mem.h"

/* A key may lie in any of so many places: enough that one that is used is seldom pushed out by those that are not. */
#define WAYS 8

struct recent {
	size_t sets; /* a power of two */
	struct recent_slot *slot; /* sets * WAYS */
};

struct recent *
recent_new(size_t keys)
{
	struct recent *recent = mem_zero(sizeof(*recent));

	recent->sets = 1;
	while (recent->sets * WAYS < keys)
		recent->sets *= 2;
	recent->slot = mem_zero(mem_mul(recent->sets * WAYS, sizeof(*recent->slot)));
	return recent;
}

void
recent_free(struct recent *recent)
{
	if (recent == NULL)
		return;
	mem_free(recent->slot);
	mem_free(recent);
}

static uint64_t
hash_of(struct view key)
{
	uint64_t hash = hash_view_lower(key);

	return hash == 0 ? 1 : hash; /* 0 is a free slot */
}

static struct recent_slot *
set_of(const struct recent *recent, uint64_t hash)
{
	return &recent->slot[((size_t)hash & (recent->sets - 1)) * WAYS];
}

struct recent_slot *
recent_find(struct recent *recent, struct view key)
{
	uint64_t hash = hash_of(key);
	struct recent_slot *set = set_of(recent, hash);

	for (size_t i = 0; i < WAYS; i++)
		if (set[i].hash == hash)
			return &set[i];
	return NULL;
}

static bool
is_better_to_lose(const struct recent_slot *a, const struct recent_slot *b)
{
	return b->hash != 0 && (a->hash == 0 || a->used_ms < b->used_ms);
}

struct recent_slot *
recent_use(struct recent *recent, struct view key, int64_t now_ms)
{
	uint64_t hash = hash_of(key);
	struct recent_slot *slot = recent_find(recent, key);

	if (slot == NULL) {
		struct recent_slot *set = set_of(recent, hash);
		slot = &set[0];
		for (size_t i = 1; i < WAYS; i++)
			if (is_better_to_lose(&set[i], slot))
				slot = &set[i];
		*slot = (struct recent_slot){ .hash = hash };
	}
	slot->used_ms = now_ms;
	return slot;
}

void
recent_forget(struct recent_slot *slot)
{
	*slot = (struct recent_slot){ .hash = 0 };
}
