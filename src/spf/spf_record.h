#ifndef ASSAY_SPF_SPF_RECORD_H
#define ASSAY_SPF_SPF_RECORD_H

#include "base/arena.h"
#include "base/err.h"
#include "base/ip.h"
#include "mail/auth_fact.h"

/*
 * spf_record - one SPF record, decoded.
 * Source: RFC 7208 4.5 (selection), 4.6.1, 5, 6 and 12 (grammar).
 * Knows the text of the record and nothing else: no DNS, no client, no clock (spf_eval.h).
 */
enum spf_mechanism {
	SPF_ALL,
	SPF_INCLUDE,
	SPF_A,
	SPF_MX,
	SPF_PTR,
	SPF_EXISTS,
	SPF_IP4,
	SPF_IP6,
};

struct spf_directive {
	enum spf_mechanism mechanism;
	enum auth_result result; /* of a match, by the qualifier: pass, fail, softfail, neutral */
	struct view text;	 /* as published, qualifier included; visible ASCII */
	struct view domain_spec; /* macros not expanded; empty: the current domain */
	struct ip net;		 /* SPF_IP4: family 4, SPF_IP6: family 6, even for ::ffff:0:0/96 */
	int bits4, bits6;	 /* of a, mx, ip4, ip6; 32 and 128 when not given */
};

struct spf_record {
	const struct spf_directive *directive;
	size_t n;
	struct view text;
	struct view redirect; /* domain-spec; empty: no redirect= */
	struct view explain;  /* domain-spec; empty: no exp= */
};

/* A record as long as a TXT record can be is read; its terms are bounded, because each costs memory. */
#define SPF_RECORD_MAX 65535
#define SPF_DIRECTIVES_MAX 4096

/* The text begins with the version section "v=spf1" and a space or nothing: RFC 7208 4.5. */
bool spf_record_is(struct view txt);

/*
 * Decode a whole record.  A syntax error anywhere in it is found now, before any evaluation (RFC 7208 4.6).
 * Every view in *record points into text, the array is of arena.  False: ERR_PERM, *record is unspecified.
 */
bool spf_record_parse(struct view text, struct arena *arena, struct spf_record *record, struct err *err);

/* Does the client lie in the network of this ip4 or ip6 mechanism? */
bool spf_directive_has(const struct spf_directive *d, const struct ip *client);

#endif
