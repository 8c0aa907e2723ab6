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

/*
 * Parses the fields, asks for the keys, wants the body hashes.  Never blocks.  What in->conf, header, from_domain and
 * keys point to must stay until dkim_end.
 */
struct dkim_check *dkim_begin(const struct dkim_input *in, struct dns_task *dns, struct body_hashes *bodies,
    struct arena *arena);

/*
 * Waits for keys as the budget of dns allows and verifies; body_hashes_end was called.  One fact per signature, in
 * the order of the fields from the top; none at all: a single AUTH_NONE; not enabled: no fact.
 * Properties: header.d, header.i, header.s (all in A-labels), header.a, header.b (8 characters or more, RFC 6008),
 * as far as the field gives them.  fact->domain is d=.
 *
 *	pass		it verifies, and nothing of ours speaks against it
 *	fail		the body or the signed fields are not what was signed; l= is larger than the body
 *	policy		not accepted here: expired or of the future, l= short of the body, an RSA key shorter than
 *			rsa-bits-min, more signatures than signatures-max
 *	neutral		the field breaks the grammar, or wants an algorithm or a version that we do not know
 *	permerror	it can never verify: no key, revoked or unfit key, From not signed, i= outside of d=, rsa-sha1
 *	temperror	no answer from DNS
 *
 * rsa-sha1 is permerror, not policy: RFC 8301 3 says such signatures "have permanently failed evaluation" (RFC 6376's
 * PERMFAIL), and policy (RFC 8601 2.7.1) would say that it verified, which we never try.
 *
 * However many fields there are, facts stay bounded: DKIM_FIELDS_MAX fields are parsed (from the top), signatures-max
 * of them verified, DKIM_FACTS_BEYOND others reported on their own (as policy when only the cap stopped them), and one
 * last fact counts the rest.
 */
#define DKIM_FIELDS_MAX 100
#define DKIM_FACTS_BEYOND 10
#define DKIM_B_CHARS_MAX 64 /* header.b grows up to this to be unique */
void dkim_end(struct dkim_check *check, struct auth_facts *facts);

#endif
