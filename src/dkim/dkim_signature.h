#ifndef ASSAY_DKIM_DKIM_SIGNATURE_H
#define ASSAY_DKIM_DKIM_SIGNATURE_H

#include "base/arena.h"
#include "base/err.h"
#include "sig/canon.h"

/*
 * dkim_signature - one DKIM-Signature field, decoded.
 * Sources: RFC 6376 3.5 (tags) and 6.1.1, RFC 8301 3.1, RFC 8463 3, RFC 8616 4 (U-labels in d=, i=, s=).
 * Knows the text of the field and nothing else: no DNS, no keys, no clock.
 */
enum dkim_alg {
	DKIM_RSA_SHA256,
	DKIM_ED25519_SHA256,
	DKIM_RSA_SHA1, /* known by name only: nothing is ever hashed for it (RFC 8301 3.1) */
};

/* What is wrong with a field decides its result (dkim_verify.c). */
enum dkim_fault {
	DKIM_SOUND,
	DKIM_SYNTAX,  /* RFC 6376 3.2, 3.5: the field breaks the grammar, or asks for what we do not know */
	DKIM_INVALID, /* well-formed, but it can never be valid: From not signed, i= outside of d=, rsa-sha1 */
};

struct dkim_signature {
	enum dkim_fault fault;
	enum dkim_alg alg;
	enum canon header_canon;
	enum canon body_canon;
	struct view domain;	     /* d=, A-labels, lower case */
	struct view selector;	     /* s=, the same */
	struct view identity;	     /* i=, decoded, its domain in A-labels; "@" d= when absent */
	struct view identity_domain; /* the part behind "@" */
	struct view algorithm;	     /* a=, as written */
	struct view signature;	     /* b=, octets */
	struct view signature_text;  /* b=, base64 without white space */
	size_t signature_at;	     /* b='s value, surrounding white space included, is [at, end) of the field's value: */
	size_t signature_end;	     /* what header hashing leaves out (RFC 6376 3.7) */
	struct view body_hash;	     /* bh=, 32 octets */
	const struct view *names;    /* h= */
	size_t names_n;
	int64_t body_limit; /* l=, octets of canonical body; -1: all of it */
	int64_t signed_at;  /* t=, seconds since the epoch; -1: absent */
	int64_t expires_at; /* x=, the same */
};

/* What a field may hold at most; beyond it is DKIM_SYNTAX. */
#define DKIM_NAMES_MAX 1000	/* names in h=; the longest seen in real mail have about 60 */
#define DKIM_IDENTITY_MAX 320	/* octets of i=, decoded: RFC 5321 4.5.3.1 allows 64 + 1 + 255 */
#define DKIM_SIGNATURE_MAX 2048 /* octets of b=; RSA of 8192 bits has 1024 */

/*
 * Decode the text behind "DKIM-Signature:", folds included.
 * Every view in *sig points into value or into memory of arena: *sig must not outlive either.
 * False: sig->fault says which kind, err (ERR_PERM) the words; domain, selector, identity, algorithm and
 * signature_text are there as far as they could be read, else empty, for the report.  Thread-safe.
 */
bool dkim_signature_parse(struct view value, struct arena *arena, struct dkim_signature *sig, struct err *err);

#endif
