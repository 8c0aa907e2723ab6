#ifndef ASSAY_DNS_DNS_CORE_H
#define ASSAY_DNS_DNS_CORE_H

#include "base/clock.h"
#include "base/lock.h"
#include "dns/dns_cache.h"

/*
 * dns_core - what lies between the tasks above and the ways to resolve below: the cache, and the
 * questions that are on their way (flights).  For the files of this room and its tests only.
 *
 * Life of a flight: the first task that asks makes it, later ones join as waiters.  The resolver gets
 * it by start() and ends it by exactly one of dns_flight_finish and dns_flight_drop; whatever happens, it is bound to
 * do so within its time-out.  It is never ended by a task: one that leaves only takes its waiters off.
 */
struct dns_flight {
	uint64_t hash;
	enum dns_type type;
	struct view name; /* lower case, in this block */
	int64_t deadline_ms; /* for the resolver's use */

	struct dns_flight *next; /* for the resolver's lists */

	/* guarded by the shard's lock */
	bool listed; /* others may join */
	struct dns_flight *bucket_next;
	struct dns_question *waiters;
};

struct dns_resolver {
	/*
	 * Take the flight on, without blocking and from any thread; no lock is held.  May end it at once.
	 */
	void (*start)(void *self, struct dns_flight *flight);
	/* End all flights that are left, then all that is self's.  No other call is under way or will come. */
	void (*close)(void *self);
};

struct dns_limits {
	size_t cache_octets;
	uint32_t ttl_max;	   /* seconds */
	uint32_t ttl_negative_max; /* seconds, for NODATA and NXDOMAIN */
};

/*
 * Failures are kept so long, in seconds: a dead zone costs its time-out once and not once for each
 * message that waits in a queue behind it, and yet a retry minutes later asks anew (RFC 2308 7: not
 * above 5 minutes).
 */
#define DNS_TEMP_TTL 5

/* Flights in the air at once; what is asked beyond is answered DNS_TEMP "resolver busy". */
#define DNS_FLIGHTS_MAX 8192

#define DNS_SHARDS_MAX 16
#define DNS_FLIGHT_BUCKETS 256

struct dns_shard {
	struct lock lock; /* guards all below; held for microseconds, never while resolving */
	struct dns_cache cache;
	struct dns_flight *flight[DNS_FLIGHT_BUCKETS];
};

struct dns {
	const struct dns_resolver *resolver;
	void *self; /* the resolver's */
	const struct clock *clock; /* for TTLs; tests put another before the first question */
	struct dns_limits limits;
	atomic_uint flights;
	size_t shards;
	struct dns_shard shard[DNS_SHARDS_MAX];
};

struct dns *dns_new(const struct dns_resolver *resolver, void *self, const struct dns_limits *limits);
void dns_free(struct dns *dns); /* what dns_close does after the resolver is closed */

/* The limits of dns_open_fake, and the presets of dns_conf. */
extern const struct dns_limits dns_limits_preset;

static inline struct dns_shard *
dns_shard_of(struct dns *dns, uint64_t hash)
{
	return &dns->shard[hash % dns->shards];
}

/*
 * The answer for all who wait, and for the cache; answer->ttl is as it came.  The flight is gone.
 * Thread-safe, as are the next two.
 */
void dns_flight_finish(struct dns *dns, struct dns_flight *flight, const struct dns_answer *answer);

/*
 * Its time is over: DNS_TEMP `why` for all who wait.  The flight stays the resolver's, who may still finish it with
 * a late answer for the cache.
 */
void dns_flight_expire(struct dns *dns, struct dns_flight *flight, const char *why);

/* When nobody waits for the flight any more, it is gone: true. */
bool dns_flight_drop(struct dns *dns, struct dns_flight *flight);

/*
 * For tasks.  Within the shard's lock: the flight of this key that can be joined, or NULL; and a new one, which is to
 * be started after the lock is dropped.  NULL from dns_flight_new: DNS_FLIGHTS_MAX.
 */
struct dns_flight *dns_flight_find(struct dns_shard *shard, struct view name, enum dns_type type, uint64_t hash);
struct dns_flight *dns_flight_new(struct dns *dns, struct dns_shard *shard, struct view name, enum dns_type type,
    uint64_t hash);

/* Of dns_task.c: the question has its answer.  Called within the shard's lock; takes a reference of its own. */
void dns_question_done(struct dns_question *q, struct dns_entry *entry);
struct dns_question *dns_question_next_waiter(struct dns_question *q);

#endif
