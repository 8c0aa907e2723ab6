#ifndef ASSAY_DKIM_DKIM_H
#define ASSAY_DKIM_DKIM_H

#include "conf/item.h"
#include "dns/dns.h"
#include "mail/auth_fact.h"
#include "mail/header.h"
#include "sig/body_hash.h"
#include "sig/key_record.h"

/*
 * dkim - verification of the DKIM signatures of one message.
 * Sources: RFC 6376 6.1, RFC 8301, RFC 8463, RFC 8601 2.7.1, RFC 8616.
 * Two steps, so that key questions and body hashing overlap the arrival of the body:
 * dkim_begin when the header is complete, dkim_end when the body is.
 */
struct dkim_conf {
	bool enable;
	int64_t signatures_max; /* verified per message; those whose d= aligns with From come first */
	int64_t clock_skew;	/* seconds that t= may lie ahead and x= behind */
	int64_t rsa_bits_min;
	bool allow_partial_body; /* l= short of the body may pass */
};
extern const struct conf_section dkim_section;

struct dkim_check;

struct dkim_input {
	const struct dkim_conf *conf;
	const struct header *header;
	struct view from_domain; /* of RFC5322.From; empty: none or several */
	int64_t now;		 /* seconds since the epoch */
	struct key_cache *keys;
};

/* Parses the fields, asks for the keys, wants the body hashes.  Never blocks. */
struct dkim_check *dkim_begin(const struct dkim_input *in, struct dns_task *dns, struct body_hashes *bodies,
    struct arena *arena);

/*
 * Waits for keys as the budget of dns allows and verifies.  One fact per signature, in the order of the
 * fields from the top (those over the cap included, as policy); none: a single AUTH_NONE.
 * Properties: header.d, header.i, header.s, header.a, header.b (8 characters or more, RFC 6008).
 */
void dkim_end(struct dkim_check *check, struct auth_facts *facts);

#endif
