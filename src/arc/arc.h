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
 * Two points where the RFC leaves room: ed25519-sha256 is believed, because a= is RFC 6376's and RFC 8463 added it
 * there; and trouble in DNS is told apart from failure (RFC 8617 5.2.1 calls it permanent, but a receiver that
 * may still answer 4xx needs to know).
 */
#define ARC_INSTANCES_MAX 50 /* RFC 8617 4.2.1 */

struct arc_conf {
	bool enable;
	int64_t rsa_bits_min;
	int64_t clock_skew; /* seconds that t= may lie ahead and x= behind */
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
	unsigned instances;	 /* highest i= seen, ARC_INSTANCES_MAX when there are more sets; 0: none */
	/* RFC 8617 5.2: lowest instance whose AMS verifies with all above it; 0: all do.  (In headers of hundreds of KB
	 * we do not look at all; then it is the lowest we looked at.) */
	unsigned oldest_pass;
	unsigned oldest_pass_exim; /* Exim's $arc_oldest_pass: lowest passing instance; 0: none */
	const struct view *domains; /* d= of each seal, [0] is instance 1; an element empty where unknown */
	size_t domains_n;
	struct view sealer;	 /* d= of the newest seal of a passing chain; else empty */
	struct view selector;	 /* s= of that seal */
	struct view newest_aar;	 /* value of the newest ARC-Authentication-Results of a passing chain; else empty */
	struct view newest_authres; /* of that, what follows "i=N;": for auth_results_parse */
	bool covers_from; /* pass, and the newest h= names From: else the author may have been changed unseen */
	bool ends_failed;	 /* the newest seal already says cv=fail */
};

struct arc_check;

/*
 * Names whose keys are asked for: what a chain of 50 hops needs for its verdict.  When older
 * ARC-Message-Signatures name more, oldest_pass ends before them.
 */
#define ARC_KEYS_MAX (ARC_INSTANCES_MAX + 1)

/*
 * Collects the chain, asks for its keys, wants its body hashes.  Never blocks.  A chain that fails by its
 * structure, or already says cv=fail, asks for nothing.  in->header must stay unchanged until arc_end.
 * To be called before dkim_begin, so that no crowd of DKIM signatures can use up BODY_HASHES_MAX.
 */
struct arc_check *arc_begin(const struct arc_input *in, struct dns_task *dns, struct body_hashes *bodies,
    struct arena *arena);

/* After body_hashes_end.  Waits for keys as the budget of dns allows and verifies. */
void arc_end(struct arc_check *check, struct arc_result *result);

/*
 * For Authentication-Results: header.oldest-pass of a passing chain (RFC 8617 10.2), the reason of any other, and as
 * a comment the ends of the chain in the words of RFC 8617 7.2.2.  "temperror" is not in the registry of ARC
 * results: readers ignore it as they must (RFC 8601 2.2), which is as much as can be said.
 */
void arc_fact(const struct arc_result *r, struct arena *arena, struct auth_fact *fact);

#endif
