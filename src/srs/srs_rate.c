#include "srs/srs_rate.h"

#include "base/hash.h"
#include "base/lock.h"
#include "base/mem.h"

#define WAYS 8 /* addresses that share a row */
#define ROWS (SRS_RATE_ADDRESSES / WAYS)
#define HOUR_MS 3600000

/* An address is known by 64 bits under a key of ours: nobody finds two with the same. */
struct bucket {
	uint64_t address;
	int64_t full_ms; /* when the bucket is full again; 0: free */
};

struct srs_rate {
	struct lock lock;
	struct bucket row[ROWS][WAYS]; /* guarded by lock */
};

struct srs_rate *
srs_rate_new(void)
{
	struct srs_rate *rate = mem_zero(sizeof(*rate));

	lock_init(&rate->lock);
	return rate;
}

void
srs_rate_free(struct srs_rate *rate)
{
	if (rate == NULL)
		return;
	lock_destroy(&rate->lock);
	mem_free(rate);
}

/* Its bucket, or in its place the one that is full for longest. */
static struct bucket *
bucket_of(struct srs_rate *rate, uint64_t address)
{
	struct bucket *row = rate->row[address % ROWS], *oldest = row;

	for (size_t i = 0; i < WAYS; i++) {
		if (row[i].full_ms != 0 && row[i].address == address)
			return &row[i];
		if (row[i].full_ms < oldest->full_ms)
			oldest = &row[i];
	}
	*oldest = (struct bucket){ address, 0 };
	return oldest;
}

bool
srs_rate_take(struct srs_rate *rate, struct view address, int64_t per_hour, int64_t now_ms)
{
	uint64_t known = hash_view_lower(address);

	if (per_hour <= 0)
		return true;
	lock_take(&rate->lock);
	struct bucket *b = bucket_of(rate, known);
	int64_t full = (b->full_ms > now_ms ? b->full_ms : now_ms) + HOUR_MS / per_hour;
	bool ok = full - now_ms <= HOUR_MS;
	if (ok)
		b->full_ms = full;
	lock_drop(&rate->lock);
	return ok;
}
