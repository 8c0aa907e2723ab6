#include "base/rate.h"

#include "base/lock.h"
#include "base/mem.h"
#include "base/recent.h"

struct rate {
	struct lock lock;
	struct recent *seen; /* guarded by lock; since_ms: until when the turns taken are worth */
};

struct rate *
rate_new(size_t keys)
{
	struct rate *rate = mem_zero(sizeof(*rate));

	lock_init(&rate->lock);
	rate->seen = recent_new(keys);
	return rate;
}

void
rate_free(struct rate *rate)
{
	if (rate == NULL)
		return;
	recent_free(rate->seen);
	lock_destroy(&rate->lock);
	mem_free(rate);
}

/* Each turn is worth window/most of time, and no more than a window of it may be owed. */
static int64_t
worth_of(int64_t most, int64_t window_ms)
{
	return window_ms / most > 0 ? window_ms / most : 1;
}

bool
rate_take(struct rate *rate, struct view key, int64_t most, int64_t window_ms, int64_t now_ms)
{
	bool may = false;

	if (most <= 0 || window_ms <= 0)
		return false;
	int64_t worth = worth_of(most, window_ms);
	lock_take(&rate->lock);
	struct recent_slot *slot = recent_use(rate->seen, key, now_ms);
	int64_t paid = slot->since_ms > now_ms ? slot->since_ms : now_ms;
	if (paid - now_ms <= window_ms - worth) {
		slot->since_ms = paid + worth;
		may = true;
	}
	lock_drop(&rate->lock);
	return may;
}

bool
rate_has_room(struct rate *rate, struct view key, int64_t most, int64_t window_ms, int64_t now_ms)
{
	if (most <= 0 || window_ms <= 0)
		return false;
	lock_take(&rate->lock);
	const struct recent_slot *slot = recent_find(rate->seen, key);
	bool has = slot == NULL || slot->since_ms - now_ms <= window_ms - worth_of(most, window_ms);
	lock_drop(&rate->lock);
	return has;
}
