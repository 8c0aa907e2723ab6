#ifndef ASSAY_ARC_ARC_FIELD_H
#define ASSAY_ARC_ARC_FIELD_H

#include "crypt/key.h"
#include "mail/header.h"
#include "sig/body_hash.h"

/*
 * arc_field - one ARC header field, decoded.
 * Sources: RFC 8617 4.1 (the three fields), 4.2.1 (instance); RFC 6376 3.2, 3.5 (tags); RFC 8463.
 * Knows the text of the field and nothing else: no chain, no DNS, no clock.
 */
enum arc_kind {
	ARC_AAR,  /* ARC-Authentication-Results */
	ARC_AMS,  /* ARC-Message-Signature */
	ARC_SEAL, /* ARC-Seal */
};
#define ARC_KINDS 3

/* "ARC-Seal" and its like, as we write them. */
struct view arc_kind_name(enum arc_kind kind);
/* False: not a field of ARC.  Case does not matter, nor does obsolete white space before the colon. */
bool arc_kind_of(struct view name, enum arc_kind *kind);

enum arc_cv {
	ARC_CV_UNKNOWN, /* absent, or none of the three words */
	ARC_CV_NONE,
	ARC_CV_FAIL,
	ARC_CV_PASS,
};
const char *arc_cv_name(enum arc_cv cv);

/* Names that h= may hold.  Long lists of real mail have 60; without a limit, one field could ask for
 * millions of look-ups in the header. */
#define ARC_NAMES_MAX 256

/* What verification needs of an ARC-Message-Signature or ARC-Seal. */
struct arc_signature {
	enum key_type type;	/* a=: rsa-sha256 or ed25519-sha256 */
	struct view domain;	/* d=, mail/domain.h's spelling; letters, digits, "-", "_", "." only */
	struct view selector;	/* s=, the same */
	struct view octets;	/* b=, decoded; never empty */
	int64_t signed_at;	/* t=, seconds since the epoch; -1: absent */
	/* ARC-Message-Signature */
	int64_t expires_at;	/* x=; -1: absent */
	struct view body_hash;	/* bh=, decoded */
	enum canon header_canon, body_canon; /* c= */
	int64_t body_limit;	/* l=; -1: absent */
	struct view *names;	/* h=, in its order; an element may be empty and then names nothing */
	size_t names_n;
};

struct arc_field {
	enum arc_kind kind;
	unsigned instance;	/* 1..ARC_INSTANCES_MAX */
	const struct header_field *from;
	size_t b_from, b_to;	/* value of b= within from->value, for header_hash_without; ARC_AAR: both 0 */
	enum arc_cv cv;		/* ARC_SEAL; known even when the field is not sound */
	struct view authres;	/* ARC_AAR: what follows "i=N;", as an Authentication-Results has it */
	bool sound;		/* signature is there; always true for ARC_AAR */
	struct view why;	/* why not sound */
	struct arc_signature signature;
};

/*
 * Decode the field.  False (ERR_PERM): it cannot be told which ARC set it belongs to, which breaks the chain
 * (RFC 8617 5.2 step 3).  Any other fault makes it unsound: what that means depends on its place in the chain.
 * *field points at from, into its text and into arena.
 */
bool arc_field_parse(enum arc_kind kind, const struct header_field *from, struct arena *arena,
    struct arc_field *field, struct err *err);

#endif
