#ifndef ASSAY_SPF_SPF_MACRO_H
#define ASSAY_SPF_SPF_MACRO_H

#include "base/buffer.h"
#include "base/err.h"
#include "base/ip.h"

/*
 * spf_macro - macro-strings: their syntax and their expansion.
 * Source: RFC 7208 7 and 12.  Pure; thread-safe.
 */

/* What the letters stand for. */
struct spf_macro_values {
	struct view sender;	   /* s: local@domain */
	struct view local;	   /* l */
	struct view sender_domain; /* o */
	struct view domain;	   /* d: the current one */
	struct ip client;	   /* i, c, v */
	struct view helo;	   /* h */
	struct view validated;	   /* p: needed only when spf_macro_wants_p */
	struct view receiver;	   /* r, in explanations */
	int64_t now;		   /* t, in explanations: seconds since the epoch */
};

/*
 * One expansion's length.  A name is cut to 253 octets afterwards; this bounds the work before.
 */
#define SPF_EXPANSION_MAX 8192

/* macro-string with a domain-end: RFC 7208 7.1.  False: ERR_PERM. */
bool spf_domain_spec_check(struct view spec, struct err *err);
/* *( macro-expand / macro-literal ): the value of a modifier nobody knows. */
bool spf_macro_string_check(struct view text, struct err *err);
/* Has the text a %{p}?  Finding its value asks DNS. */
bool spf_macro_wants_p(struct view text);

/*
 * A domain-spec that was checked, as the name to ask: no final dot, whole labels taken from the left until it
 * has at most 253 octets (RFC 7208 7.3).  It need not be a name that DNS could have.  *name is of scratch's
 * arena; scratch is cleared first.
 */
bool spf_domain_expand(struct view spec, const struct spf_macro_values *values, struct buffer *scratch,
    struct view *name, struct err *err);

/* explain-string = *( macro-string / SP ): RFC 7208 6.2.  False also for a syntax error in it. */
bool spf_explain_expand(struct view text, const struct spf_macro_values *values, struct buffer *out,
    struct err *err);

/* The octets of an address as dots apart: "192.0.2.3", or 32 nibbles for IPv6 (RFC 7208 7.3, the letter i). */
struct view spf_dotted_ip(const struct ip *ip, struct arena *arena);

#endif
