#include "milter/deferrals.h"

#include "base/lock.h"
#include "base/mem.h"
#include "base/recent.h"

#include <stdatomic.h>

struct deferrals {
	int64_t age; /* of every domain, seconds; -1: as counted */
	atomic_bool used; /* most processes never defer: then nobody takes the lock */
	struct lock lock;
	struct recent *seen[2]; /* by enum deferral_of; guarded by lock; since_ms: the first deferral */
};

struct deferrals *
deferrals_new(void)
{
	struct deferrals *d = mem_zero(sizeof(*d));

	d->age = -1;
	lock_init(&d->lock);
	for (size_t i = 0; i < 2; i++)
		d->seen[i] = recent_new(DEFERRALS_DOMAINS_MAX);
	return d;
}

struct deferrals *
deferrals_of_age(int64_t seconds)
{
	struct deferrals *d = mem_zero(sizeof(*d));

	d->age = seconds;
	lock_init(&d->lock);
	return d;
}

void
deferrals_free(struct deferrals *deferrals)
{
	if (deferrals == NULL)
		return;
	for (size_t i = 0; i < 2; i++)
		recent_free(deferrals->seen[i]);
	lock_destroy(&deferrals->lock);
	mem_free(deferrals);
}

/* The slot of a domain that is not quiet; NULL: none.  The lock is held. */
static struct recent_slot *
find(struct deferrals *d, enum deferral_of of, struct view domain, int64_t now_ms)
{
	struct recent_slot *slot = recent_find(d->seen[of], domain);

	if (slot != NULL && now_ms - slot->used_ms > DEFERRALS_QUIET_MS) {
		recent_forget(slot);
		slot = NULL;
	}
	return slot;
}

int64_t
deferrals_age(struct deferrals *deferrals, enum deferral_of of, struct view domain, int64_t now_ms)
{
	int64_t age = 0;

	if (deferrals->age >= 0)
		return deferrals->age;
	if (domain.n == 0 || !atomic_load_explicit(&deferrals->used, memory_order_relaxed))
		return 0;
	lock_take(&deferrals->lock);
	const struct recent_slot *slot = find(deferrals, of, domain, now_ms);
	if (slot != NULL)
		age = (now_ms - slot->since_ms) / 1000;
	lock_drop(&deferrals->lock);
	return age;
}

void
deferrals_note(struct deferrals *deferrals, enum deferral_of of, struct view domain, int64_t now_ms)
{
	if (domain.n == 0 || deferrals->age >= 0)
		return;
	atomic_store_explicit(&deferrals->used, true, memory_order_relaxed);
	lock_take(&deferrals->lock);
	if (find(deferrals, of, domain, now_ms) == NULL)
		recent_use(deferrals->seen[of], domain, now_ms)->since_ms = now_ms;
	else
		recent_use(deferrals->seen[of], domain, now_ms);
	lock_drop(&deferrals->lock);
}

void
deferrals_forget(struct deferrals *deferrals, enum deferral_of of, struct view domain)
{
	if (domain.n == 0 || !atomic_load_explicit(&deferrals->used, memory_order_relaxed))
		return;
	lock_take(&deferrals->lock);
	struct recent_slot *slot = recent_find(deferrals->seen[of], domain);
	if (slot != NULL)
		recent_forget(slot);
	lock_drop(&deferrals->lock);
}
