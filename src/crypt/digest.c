#include "crypt/crypt_state.h"

#include "base/mem.h"

#include <assert.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/rand.h>

struct digest {
	EVP_MD_CTX *ctx;
};

/* Set before threads, const afterwards. */
static struct crypt_state state;

static const char *const md_names[DIGEST_ALGS] = {
	[DIGEST_SHA256] = "SHA256",
	[DIGEST_SHA1] = "SHA1",
	[DIGEST_MD5] = "MD5",
};

const struct crypt_state *
crypt_state(void)
{
	assert(state.md[DIGEST_SHA256] != NULL); /* crypt_open was forgotten */
	return &state;
}

bool
crypt_error(struct err *err, const char *what)
{
	unsigned long code = ERR_peek_last_error();
	const char *why = code == 0 ? NULL : ERR_reason_error_string(code);

	ERR_clear_error();
	return err_perm(err, "%s: %s", what, why == NULL ? "refused by OpenSSL" : why);
}

static EVP_MAC_CTX *
hmac_template(EVP_MAC *hmac, const char *md_name)
{
	char name[16];
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(hmac);
	OSSL_PARAM params[2];

	OPENSSL_strlcpy(name, md_name, sizeof(name)); /* OSSL_PARAM wants it writable */
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0);
	params[1] = OSSL_PARAM_construct_end();
	if (ctx != NULL && EVP_MAC_CTX_set_params(ctx, params) != 1) {
		EVP_MAC_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

bool
crypt_open(struct err *err)
{
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	bool ok = hmac != NULL;

	crypt_close();
	for (int i = 0; ok && i < DIGEST_ALGS; i++) {
		state.md[i] = EVP_MD_fetch(NULL, md_names[i], NULL);
		state.hmac[i] = hmac_template(hmac, md_names[i]);
		ok = state.md[i] != NULL && state.hmac[i] != NULL;
	}
	EVP_MAC_free(hmac);
	if (ok)
		return true;
	crypt_close();
	return crypt_error(err, "a hash that OpenSSL should have");
}

void
crypt_close(void)
{
	for (int i = 0; i < DIGEST_ALGS; i++) {
		EVP_MAC_CTX_free(state.hmac[i]);
		EVP_MD_free(state.md[i]);
	}
	state = (struct crypt_state){ 0 };
}

static void
free_context(void *ctx)
{
	EVP_MD_CTX_free(ctx);
}

struct digest *
digest_new(struct arena *arena, enum digest_alg alg)
{
	struct digest *d = ARENA_NEW(arena, struct digest);

	d->ctx = EVP_MD_CTX_new();
	if (d->ctx == NULL || EVP_DigestInit_ex2(d->ctx, crypt_state()->md[alg], NULL) != 1)
		mem_fatal("no memory for a hash");
	arena_defer(arena, free_context, d->ctx);
	return d;
}

void
digest_add(struct digest *d, struct view octets)
{
	if (octets.n > 0 && EVP_DigestUpdate(d->ctx, octets.p, octets.n) != 1)
		mem_fatal("hashing failed");
}

struct view
digest_end(struct digest *d, struct arena *arena)
{
	unsigned char *value = arena_alloc(arena, DIGEST_MAX);
	unsigned n = 0;

	if (EVP_DigestFinal_ex(d->ctx, value, &n) != 1)
		mem_fatal("hashing failed");
	return (struct view){ (const char *)value, n };
}

struct view
digest_of(enum digest_alg alg, struct view octets, struct arena *arena)
{
	struct digest *d = digest_new(arena, alg);

	digest_add(d, octets);
	return digest_end(d, arena);
}

struct view
hmac_of(enum digest_alg alg, struct view key, struct view octets, struct arena *arena)
{
	unsigned char *value = arena_alloc(arena, DIGEST_MAX);
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_dup(crypt_state()->hmac[alg]);
	size_t n = 0;

	/* A NULL key would mean "the key of last time": the empty key is a pointer to nothing. */
	bool ok = ctx != NULL && EVP_MAC_init(ctx, (const unsigned char *)(key.n == 0 ? "" : key.p), key.n, NULL) == 1 &&
	    EVP_MAC_update(ctx, (const unsigned char *)octets.p, octets.n) == 1 &&
	    EVP_MAC_final(ctx, value, &n, DIGEST_MAX) == 1;
	EVP_MAC_CTX_free(ctx);
	if (!ok)
		mem_fatal("hashing failed");
	return (struct view){ (const char *)value, n };
}

bool
crypt_same(struct view a, struct view b)
{
	return a.n == b.n && (a.n == 0 || CRYPTO_memcmp(a.p, b.p, a.n) == 0);
}

void
crypt_random(void *octets, size_t n)
{
	unsigned char *p = octets;

	while (n > 0) {
		int part = n > INT_MAX ? INT_MAX : (int)n;
		if (RAND_bytes(p, part) != 1)
			mem_fatal("no randomness to be had");
		p += part;
		n -= (size_t)part;
	}
}
