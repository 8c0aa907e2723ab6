#ifndef ASSAY_DNS_DNS_CONF_H
#define ASSAY_DNS_DNS_CONF_H

#include "conf/item.h"
#include "dns/dns.h"

/*
 * dns_conf - settings of the resolver, and the two ways to get one.
 */
enum dns_mode {
	DNS_MODE_SYSTEM,  /* forward to the servers of /etc/resolv.conf */
	DNS_MODE_SERVERS, /* forward to conf->servers */
	DNS_MODE_RECURSE, /* ask the world ourselves, from the root */
};

struct dns_conf {
	int mode;		  /* enum dns_mode */
	struct conf_list servers; /* "192.0.2.53", "192.0.2.53@5353", "2001:db8::53@5353" */
	bool dnssec;		  /* validate */
	struct view trust_anchor; /* file with the root's key; empty: Debian's */
	int64_t timeout;	  /* milliseconds for one question, all retries together */
	int64_t cache_octets;
	int64_t ttl_max;	  /* seconds; longer TTLs are cut */
	int64_t ttl_negative_max; /* seconds */
	int64_t queries_per_message;
	int64_t wait_per_message; /* milliseconds, all waits of a message together */
};
extern const struct conf_section dns_section;

/*
 * One for the whole process, made while it has one thread and after its last fork: libunbound has races in making
 * contexts, and its threads do not survive a fork.  /etc/resolv.conf and the trust anchor are read now and
 * not again.  /etc/hosts is not read; names of localhost, invalid and onion are answered here, and when recursing also
 * those of private networks (RFC 6303).  NULL: err.
 */
struct dns *dns_open(const struct dns_conf *conf, struct err *err);

/*
 * A resolver that answers from text (format: dns/dns_fake.h), through the same cache, tasks and budgets.  What is
 * not in the text is NXDOMAIN.
 */
struct dns *dns_open_fake(struct view text, struct err *err);

#endif
