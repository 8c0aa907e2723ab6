#ifndef ASSAY_MAIL_AUTH_FACT_H
#define ASSAY_MAIL_AUTH_FACT_H

#include "base/arena.h"
#include "base/names.h"

/*
 * auth_fact - what one method found out, in the words of RFC 8601 2.7.
 * The protocol rooms speak to each other, to policy and to the Authentication-Results writer through
 * it and never through header text.  Every view is of the message's arena or static.
 */
enum auth_method {
	AUTH_SPF,
	AUTH_DKIM,
	AUTH_DMARC,
	AUTH_ARC,
	AUTH_AUTH,
	AUTH_IPREV,
};

enum auth_result {
	AUTH_NONE,
	AUTH_PASS,
	AUTH_FAIL,
	AUTH_SOFTFAIL, /* SPF only */
	AUTH_NEUTRAL,
	AUTH_POLICY,
	AUTH_TEMPERROR,
	AUTH_PERMERROR,
};

extern const struct name_row auth_method_names[];
extern const struct name_row auth_result_names[];

/* "smtp.mailfrom=..." : ptype, property, value (RFC 8601 2.2).  Quoted or refused when it is written. */
struct auth_property {
	const char *ptype; /* "smtp", "header", "policy", "body" */
	const char *name;
	struct view value;
};

#define AUTH_PROPERTIES_MAX 10

struct auth_fact {
	enum auth_method method;
	enum auth_result result;
	struct view reason;  /* words of ours, ASCII; empty: none.  Written as reason="..." */
	struct view comment; /* the same, written as (...); never into an ARC-Authentication-Results */
	/* What DMARC may align: A-labels, lower case; empty: nothing.  SPF: MAIL FROM identity only. */
	struct view domain;
	bool aligns; /* result is pass and nothing (l=, policy, identity) forbids to build on it */
	struct auth_property property[AUTH_PROPERTIES_MAX];
	size_t properties;
};

struct auth_facts {
	struct auth_fact *fact;
	size_t n;
};

/* Adds smtp.mailfrom and the like; values that are empty are left out.  Over the maximum: an assert. */
void auth_fact_property(struct auth_fact *fact, const char *ptype, const char *name, struct view value);

#endif
