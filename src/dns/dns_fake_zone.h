#ifndef ASSAY_DNS_DNS_FAKE_ZONE_H
#define ASSAY_DNS_DNS_FAKE_ZONE_H

#include "dns/dns_fake.h"

/*
 * dns_fake_zone - the names and records of a dns_fake, shared by its parser and its look-up.
 * Names are kept as on the wire, lower case: a parent is what is left without the first label.
 */
#define DNS_CNAME 5

enum fake_outcome {
	FAKE_RECORDS, /* what is there, perhaps nothing */
	FAKE_TIMEOUT,
	FAKE_SERVFAIL,
};

struct fake_rdata {
	struct fake_rdata *next;
	struct view octets;
};

struct fake_set { /* of one type */
	struct fake_set *next;
	int type;
	enum fake_outcome outcome;
	uint32_t ttl; /* the least of its records */
	size_t n;
	struct fake_rdata *first, **last;
};

struct fake_node { /* a name that exists */
	struct fake_node *bucket_next;
	struct view name;
	enum fake_outcome outcome;
	bool secure;
	int64_t delay_ms;
	struct fake_set *sets;
};

#define FAKE_BUCKETS 1024

struct dns_fake {
	struct arena *arena;
	bool has_delays;
	struct fake_node *bucket[FAKE_BUCKETS];
};

/* The node of that name; NULL: none. */
struct fake_node *fake_find(const struct dns_fake *fake, struct view name);
/* The same, made with all its parents when it is not there. */
struct fake_node *fake_make(struct dns_fake *fake, struct view name);
struct view fake_parent(struct view name); /* `name` is not the root */

struct fake_set *fake_set_find(const struct fake_node *node, int type); /* NULL: none */
struct fake_set *fake_set_make(struct dns_fake *fake, struct fake_node *node, int type);

#endif
