#ifndef ASSAY_CRYPT_KEY_H
#define ASSAY_CRYPT_KEY_H

#include "base/arena.h"
#include "base/err.h"

/*
 * key - RSA and Ed25519 keys.  Sources: RFC 8017, RFC 8032, RFC 6376 3.3, RFC 8463.
 * Keys are immutable and counted; verification and signing are thread-safe and take no lock of ours.
 */
enum key_type {
	KEY_RSA,
	KEY_ED25519,
};

struct public_key;
struct private_key;

/*
 * RSA from DER: SubjectPublicKeyInfo or bare RSAPublicKey.  Refused (ERR_PERM) before any arithmetic:
 * modulus above RSA_BITS_MAX, even, or too short to hold any SHA-256 signature (below 489 bits); exponent even, below 3
 * or above 32 bits; trailing octets, lengths that are not DER.  How short else a modulus may be is the caller's
 * policy: public_key_bits.
 */
#define RSA_BITS_MAX 8192
struct public_key *public_key_from_rsa(struct view der, struct err *err); /* NULL: err */
struct public_key *public_key_from_ed25519(struct view octets, struct err *err); /* exactly 32 */
struct public_key *public_key_ref(struct public_key *key);
void public_key_unref(struct public_key *key); /* NULL is fine */
enum key_type public_key_type(const struct public_key *key);
int public_key_bits(const struct public_key *key); /* of the modulus; 256 for Ed25519 */
size_t public_key_octets(const struct public_key *key); /* memory, about, for caches */

/*
 * RSA: RSASSA-PKCS1-v1_5 with SHA-256 over a message whose SHA-256 is `digest`.  Ed25519: PureEdDSA with
 * `digest` as the message (RFC 8463 3).  False for whatever reason: the signature is not this key's.
 */
bool public_key_verify(const struct public_key *key, struct view digest, struct view signature);

/*
 * PEM, PKCS#8 or PKCS#1, not encrypted; RSA of 1024 (RFC 8301 3.2) to RSA_BITS_MAX bits.  A file is refused when others
 * than its owner (and root) may read or write it, but its group may read it.  NULL: err, with the path in front.
 */
struct private_key *private_key_load(const char *path, struct err *err);
struct private_key *private_key_from_pem(struct view pem, struct err *err);
struct private_key *private_key_new(enum key_type type, int bits, struct err *err);
struct private_key *private_key_ref(struct private_key *key);
void private_key_unref(struct private_key *key);
enum key_type private_key_type(const struct private_key *key);
int private_key_bits(const struct private_key *key);
bool private_key_sign(const struct private_key *key, struct view digest, struct arena *arena, struct view *signature,
    struct err *err);
struct view private_key_pem(const struct private_key *key, struct arena *arena); /* PKCS#8; the caller wipes */
/* For DNS: SubjectPublicKeyInfo (RSA) or the 32 octets (Ed25519). */
struct view private_key_public(const struct private_key *key, struct arena *arena);

#endif
