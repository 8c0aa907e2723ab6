#include "dns/dns_core.h"

#include "base/mem.h"
#include "dns/dns_decode.h"

#include <string.h>

/* A shard below this is too small for the answers of one mail. */
#define SHARD_OCTETS_MIN ((size_t)1024 * 1024)

const struct dns_limits dns_limits_preset = {
	.cache_octets = (size_t)32 * 1024 * 1024,
	.ttl_max = 86400,
	.ttl_negative_max = 3600,
};

struct dns *
dns_new(const struct dns_resolver *resolver, void *self, const struct dns_limits *limits)
{
	struct dns *dns = mem_zero(sizeof(*dns));

	dns->resolver = resolver;
	dns->self = self;
	dns->clock = &clock_system;
	dns->limits = *limits;
	atomic_init(&dns->flights, 0);
	dns->shards = limits->cache_octets / SHARD_OCTETS_MIN;
	if (dns->shards < 1)
		dns->shards = 1;
	if (dns->shards > DNS_SHARDS_MAX)
		dns->shards = DNS_SHARDS_MAX;
	for (size_t i = 0; i < dns->shards; i++) {
		lock_init(&dns->shard[i].lock);
		dns_cache_init(&dns->shard[i].cache, limits->cache_octets / dns->shards);
	}
	return dns;
}

void
dns_close(struct dns *dns)
{
	if (dns == NULL)
		return;
	dns->resolver->close(dns->self);
	dns_free(dns);
}

void
dns_free(struct dns *dns)
{
	for (size_t i = 0; i < dns->shards; i++) {
		dns_cache_clear(&dns->shard[i].cache);
		lock_destroy(&dns->shard[i].lock);
	}
	mem_free(dns);
}

static struct dns_flight **
bucket_of(struct dns_shard *shard, uint64_t hash)
{
	return &shard->flight[(hash >> 8) % DNS_FLIGHT_BUCKETS];
}

struct dns_flight *
dns_flight_find(struct dns_shard *shard, struct view name, enum dns_type type, uint64_t hash)
{
	struct dns_flight *flight = *bucket_of(shard, hash);

	while (flight != NULL
	    && (flight->hash != hash || flight->type != type || !view_eq_nocase(flight->name, name)))
		flight = flight->bucket_next;
	return flight;
}

struct dns_flight *
dns_flight_new(struct dns *dns, struct dns_shard *shard, struct view name, enum dns_type type, uint64_t hash)
{
	struct dns_flight *flight;
	struct dns_flight **bucket = bucket_of(shard, hash);
	char *text;

	if (atomic_fetch_add(&dns->flights, 1) >= DNS_FLIGHTS_MAX) {
		atomic_fetch_sub(&dns->flights, 1);
		return NULL;
	}
	flight = mem_zero(mem_add(sizeof(*flight), name.n));
	text = (char *)(flight + 1);
	for (size_t i = 0; i < name.n; i++)
		text[i] = ascii_lower(name.p[i]);
	flight->hash = hash;
	flight->type = type;
	flight->name = (struct view){ text, name.n };
	flight->listed = true;
	flight->bucket_next = *bucket;
	*bucket = flight;
	return flight;
}

static void
unlist(struct dns_shard *shard, struct dns_flight *flight)
{
	struct dns_flight **at = bucket_of(shard, flight->hash);

	if (!flight->listed)
		return;
	while (*at != flight)
		at = &(*at)->bucket_next;
	*at = flight->bucket_next;
	flight->listed = false;
}

static void
flight_free(struct dns *dns, struct dns_flight *flight)
{
	mem_free(flight);
	atomic_fetch_sub(&dns->flights, 1);
}

static uint32_t
capped_ttl(const struct dns *dns, const struct dns_answer *answer)
{
	uint32_t max = dns->limits.ttl_negative_max;

	if (answer->outcome == DNS_TEMP)
		return DNS_TEMP_TTL;
	if (answer->outcome == DNS_DATA)
		max = dns->limits.ttl_max;
	return answer->ttl < max ? answer->ttl : max;
}

/* Give answer to the waiters and the cache, and let nobody join any more. */
static void
deliver(struct dns *dns, struct dns_flight *flight, const struct dns_answer *answer)
{
	struct dns_shard *shard = dns_shard_of(dns, flight->hash);
	struct dns_answer capped = *answer;
	struct dns_entry *entry;

	capped.ttl = capped_ttl(dns, answer);
	entry = dns_entry_new(flight->name, flight->type, &capped, clock_mono_ms(dns->clock));
	lock_take(&shard->lock);
	if (flight->listed || answer->outcome != DNS_TEMP) /* a late failure says nothing new */
		dns_cache_put(&shard->cache, entry);
	unlist(shard, flight);
	while (flight->waiters != NULL) {
		struct dns_question *q = flight->waiters;

		flight->waiters = dns_question_next_waiter(q);
		dns_question_done(q, entry);
	}
	lock_drop(&shard->lock);
	dns_entry_unref(entry);
}

void
dns_flight_finish(struct dns *dns, struct dns_flight *flight, const struct dns_answer *answer)
{
	deliver(dns, flight, answer);
	flight_free(dns, flight);
}

void
dns_flight_expire(struct dns *dns, struct dns_flight *flight, const char *why)
{
	struct dns_answer answer = { .secure = false };

	dns_answer_temp(&answer, why);
	deliver(dns, flight, &answer);
}

bool
dns_flight_drop(struct dns *dns, struct dns_flight *flight)
{
	struct dns_shard *shard = dns_shard_of(dns, flight->hash);
	bool unwanted;

	lock_take(&shard->lock);
	unwanted = flight->waiters == NULL;
	if (unwanted)
		unlist(shard, flight);
	lock_drop(&shard->lock);
	if (unwanted)
		flight_free(dns, flight);
	return unwanted;
}
