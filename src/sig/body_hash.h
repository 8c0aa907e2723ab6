#ifndef ASSAY_SIG_BODY_HASH_H
#define ASSAY_SIG_BODY_HASH_H

#include "crypt/digest.h"
#include "sig/canon.h"

/*
 * body_hash - the body, canonicalized and hashed once for all signatures that want the same, as it
 * streams by.  Sources: RFC 6376 3.4.3 (simple), 3.4.4 (relaxed), 3.4.5 (l=), 3.7.
 * A body is canonicalized at most once per canonicalization and hashed at most once per distinct
 * (algorithm, canonicalization, length); no octet of it is kept.  One thread at a time.
 */
struct body_hashes; /* of one message */
struct body_hash;   /* one (algorithm, canonicalization, length) */

struct body_hashes *body_hashes_new(struct arena *arena);

/*
 * limit: octets of canonical body (l=); -1: all of it.  Before the first body_hashes_add only.
 * The same triple gives the same hash.  NULL: more than BODY_HASHES_MAX distinct ones.
 */
#define BODY_HASHES_MAX 16
struct body_hash *body_hashes_want(struct body_hashes *all, enum digest_alg alg, enum canon canon, int64_t limit);

bool body_hashes_any(const struct body_hashes *all); /* false: the body need not be shown at all */
/*
 * True once nothing more of the body can change a result: every hash has its l=, and at least one more octet has
 * been seen, so that a body that goes on is not taken for one that ends there.  SMFIS_SKIP may be answered.
 */
bool body_hashes_full(const struct body_hashes *all);

/* Any cut, lines in CRLF; a bare CR or LF is an octet like others (sig/canon.h). */
void body_hashes_add(struct body_hashes *all, struct view chunk);
void body_hashes_end(struct body_hashes *all);

/* After body_hashes_end. */
struct view body_hash_value(const struct body_hash *hash);
/* Octets of the whole canonical body when the hash covers it all; else some number above its `limit`. */
uint64_t body_hash_canonical_octets(const struct body_hash *hash);

#endif
