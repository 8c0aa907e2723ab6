#include "crypt/crypt_state.h"
#include "crypt/key.h"
#include "crypt/rsa_der.h"

#include "base/mem.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <stdatomic.h>

struct public_key {
	atomic_uint refs;
	enum key_type type;
	int bits;
	EVP_PKEY *pkey;
	/* RSA: made ready for verification once; each verification works on a copy, which only reads this. */
	EVP_PKEY_CTX *verify;
};

#define ED25519_OCTETS 32
/* A SHA-256 DigestInfo (51 octets) and 11 octets of padding (RFC 8017 9.2): nothing shorter can verify. */
#define RSA_OCTETS_LEAST 62

static bool
rsa_refuse(const struct rsa_der *rsa, struct err *err)
{
	size_t bits = rsa_der_bits(rsa->modulus);
	struct view n = rsa->modulus, e = rsa->exponent;

	if (bits > RSA_BITS_MAX)
		return err_perm(err, "RSA modulus of %zu bits, more than %d", bits, RSA_BITS_MAX);
	if (n.n < RSA_OCTETS_LEAST)
		return err_perm(err, "RSA modulus of %zu bits, too short for any signature", bits);
	if (!(n.p[n.n - 1] & 1))
		return err_perm(err, "RSA modulus is even");
	if (rsa_der_bits(e) > 32)
		return err_perm(err, "RSA exponent above 32 bits");
	if (!(e.p[e.n - 1] & 1))
		return err_perm(err, "RSA exponent is even");
	if (rsa_der_bits(e) < 2)
		return err_perm(err, "RSA exponent is 1");
	return true;
}

/* EVP_PKEY_fromdata, unlike the decoders, only takes the numbers over. */
static EVP_PKEY *
rsa_pkey(const struct rsa_der *rsa)
{
	BIGNUM *n = BN_bin2bn((const unsigned char *)rsa->modulus.p, (int)rsa->modulus.n, NULL);
	BIGNUM *e = BN_bin2bn((const unsigned char *)rsa->exponent.p, (int)rsa->exponent.n, NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *pkey = NULL;

	if (n != NULL && e != NULL && build != NULL && ctx != NULL && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) && (params = OSSL_PARAM_BLD_to_param(build)) != NULL &&
	    EVP_PKEY_fromdata_init(ctx) == 1 && EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	BN_free(e);
	BN_free(n);
	return pkey;
}

static EVP_PKEY_CTX *
rsa_verify_context(EVP_PKEY *pkey)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);

	if (ctx != NULL && EVP_PKEY_verify_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_signature_md(ctx, crypt_state()->md[DIGEST_SHA256]) == 1)
		return ctx;
	EVP_PKEY_CTX_free(ctx);
	return NULL;
}

static struct public_key *
key_of(enum key_type type, int bits, EVP_PKEY *pkey)
{
	struct public_key *key = mem_zero(sizeof(*key));

	atomic_init(&key->refs, 1);
	key->type = type;
	key->bits = bits;
	key->pkey = pkey;
	return key;
}

struct public_key *
public_key_from_rsa(struct view der, struct err *err)
{
	struct rsa_der rsa;

	if (!rsa_der_parse(der, &rsa, err) || !rsa_refuse(&rsa, err))
		return NULL;
	EVP_PKEY *pkey = rsa_pkey(&rsa);
	if (pkey == NULL) {
		crypt_error(err, "RSA key");
		return NULL;
	}
	struct public_key *key = key_of(KEY_RSA, (int)rsa_der_bits(rsa.modulus), pkey);
	key->verify = rsa_verify_context(pkey);
	if (key->verify == NULL) {
		crypt_error(err, "RSA key");
		public_key_unref(key);
		return NULL;
	}
	return key;
}

struct public_key *
public_key_from_ed25519(struct view octets, struct err *err)
{
	if (octets.n != ED25519_OCTETS) {
		err_perm(err, "Ed25519 key of %zu octets instead of %d", octets.n, ED25519_OCTETS);
		return NULL;
	}
	EVP_PKEY *pkey =
	    EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, (const unsigned char *)octets.p, octets.n);
	if (pkey == NULL) {
		crypt_error(err, "Ed25519 key");
		return NULL;
	}
	return key_of(KEY_ED25519, 256, pkey);
}

struct public_key *
public_key_ref(struct public_key *key)
{
	atomic_fetch_add_explicit(&key->refs, 1, memory_order_relaxed);
	return key;
}

void
public_key_unref(struct public_key *key)
{
	if (key == NULL || atomic_fetch_sub_explicit(&key->refs, 1, memory_order_acq_rel) != 1)
		return;
	EVP_PKEY_CTX_free(key->verify);
	EVP_PKEY_free(key->pkey);
	mem_free(key);
}

enum key_type
public_key_type(const struct public_key *key)
{
	return key->type;
}

int
public_key_bits(const struct public_key *key)
{
	return key->bits;
}

size_t
public_key_octets(const struct public_key *key)
{
	/* EVP_PKEY, RSA, two contexts, and n twice: as a number and in its Montgomery form. */
	return 2048 + (size_t)key->bits / 8 * 3;
}

static bool
verify_rsa(const struct public_key *key, struct view digest, struct view signature)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_dup(key->verify);

	if (ctx == NULL)
		mem_fatal("no memory for a verification");
	int ok = EVP_PKEY_verify(ctx, (const unsigned char *)signature.p, signature.n, (const unsigned char *)digest.p, digest.n);
	EVP_PKEY_CTX_free(ctx);
	return ok == 1;
}

static bool
verify_ed25519(const struct public_key *key, struct view digest, struct view signature)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (ctx == NULL || EVP_DigestVerifyInit_ex(ctx, NULL, NULL, NULL, NULL, key->pkey, NULL) != 1)
		mem_fatal("no memory for a verification");
	int ok = EVP_DigestVerify(ctx, (const unsigned char *)signature.p, signature.n, (const unsigned char *)digest.p, digest.n);
	EVP_MD_CTX_free(ctx);
	return ok == 1;
}

bool
public_key_verify(const struct public_key *key, struct view digest, struct view signature)
{
	bool ok = false;

	if (digest.n == 32)
		ok = key->type == KEY_RSA ? verify_rsa(key, digest, signature) : verify_ed25519(key, digest, signature);
	ERR_clear_error(); /* a failed verification leaves entries that would be blamed on somebody else */
	return ok;
}
