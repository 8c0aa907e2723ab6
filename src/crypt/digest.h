#ifndef ASSAY_CRYPT_DIGEST_H
#define ASSAY_CRYPT_DIGEST_H

#include "base/arena.h"
#include "base/err.h"

/*
 * digest - hashing of octets that come in pieces.
 * crypt_open fetches all algorithms once, before threads; a failure there means a broken OpenSSL.
 */
enum digest_alg {
	DIGEST_SHA256,
	DIGEST_SHA1, /* SRS only: no signature of ours is made or believed over SHA-1 (RFC 8301) */
	DIGEST_MD5,  /* SRS "exim" scheme only */
};
#define DIGEST_MAX 32 /* octets of the longest */

struct digest;

bool crypt_open(struct err *err);
void crypt_close(void);

/* Ends with its arena.  One thread at a time. */
struct digest *digest_new(struct arena *arena, enum digest_alg alg);
void digest_add(struct digest *d, struct view octets);
/* The value, in arena memory; the digest is used up. */
struct view digest_end(struct digest *d, struct arena *arena);

struct view digest_of(enum digest_alg alg, struct view octets, struct arena *arena);
struct view hmac_of(enum digest_alg alg, struct view key, struct view octets, struct arena *arena);

/* Equal, in a time that does not depend on where they differ. */
bool crypt_same(struct view a, struct view b);
void crypt_random(void *octets, size_t n);

#endif
