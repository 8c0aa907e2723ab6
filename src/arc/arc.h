#ifndef ASSAY_ARC_ARC_H
#define ASSAY_ARC_ARC_H

#include "conf/item.h"
#include "dns/dns.h"
#include "mail/auth_fact.h"
#include "mail/header.h"
#include "sig/body_hash.h"
#include "sig/key_record.h"

/*
 * arc - verification of a message's ARC chain.
 * Source: RFC 8617 4, 5.2.  Two steps, as dkim.h.  Sealing is arc_seal.h.
 */
#define ARC_INSTANCES_MAX 50 /* RFC 8617 4.2.1 */

struct arc_conf {
	bool enable;
	int64_t rsa_bits_min;
	int64_t clock_skew; /* seconds */
};
extern const struct conf_section arc_section;

struct arc_input {
	const struct arc_conf *conf;
	const struct header *header;
	int64_t now;
	struct key_cache *keys;
};

struct arc_result {
	enum auth_result result; /* none, pass, fail; temperror: DNS trouble kept it from being known */
	struct view reason;	 /* Exim's arc_state_reason: why not pass */
	unsigned instances;	 /* highest i= seen; 0: no chain */
	unsigned oldest_pass;	 /* RFC 8617 5.2: lowest instance whose AMS verifies with all above it; 0: all do */
	unsigned oldest_pass_exim; /* Exim's $arc_oldest_pass: lowest passing instance; 0: none */
	const struct view *domains; /* d= of each seal, [0] is instance 1; an element empty where unknown */
	size_t domains_n;
	struct view sealer;	 /* d= of the newest seal of a passing chain; else empty */
	struct view newest_aar;	 /* value of the newest ARC-Authentication-Results of a passing chain; else empty */
	bool ends_failed;	 /* the newest seal already says cv=fail */
};

struct arc_check;
struct arc_check *arc_begin(const struct arc_input *in, struct dns_task *dns, struct body_hashes *bodies,
    struct arena *arena);
void arc_end(struct arc_check *check, struct arc_result *result);
void arc_fact(const struct arc_result *r, struct arena *arena, struct auth_fact *fact);

#endif
