#include "crypt/crypt_state.h"
#include "crypt/key.h"
#include "crypt/private_file.h"

#include "base/mem.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdatomic.h>
#include <string.h>

struct private_key {
	atomic_uint refs;
	enum key_type type;
	int bits;
	EVP_PKEY *pkey;
};

/* The PEM of an RSA key of RSA_BITS_MAX bits has 6.4 KB. */
#define PEM_OCTETS_MAX 65536
/* RFC 8301 3.2: signers MUST use at least 1024 bits. */
#define RSA_BITS_TO_SIGN 1024

/* Takes pkey over. */
static struct private_key *
key_of(EVP_PKEY *pkey, struct err *err)
{
	struct private_key *key = mem_zero(sizeof(*key));

	atomic_init(&key->refs, 1);
	key->pkey = pkey;
	if (EVP_PKEY_is_a(pkey, "RSA")) {
		key->type = KEY_RSA;
		key->bits = EVP_PKEY_get_bits(pkey);
	} else if (EVP_PKEY_is_a(pkey, "ED25519")) {
		key->type = KEY_ED25519;
		key->bits = 256;
	} else {
		private_key_unref(key);
		err_perm(err, "neither an RSA nor an Ed25519 key");
		return NULL;
	}
	return key;
}

/* OpenSSL asks here for the passphrase; without this it would ask the terminal. */
static int
no_passphrase(char *text, int room, int writing, void *asked)
{
	(void)text;
	(void)room;
	(void)writing;
	*(bool *)asked = true;
	return -1;
}

struct private_key *
private_key_from_pem(struct view pem, struct err *err)
{
	bool encrypted = false;

	if (pem.n == 0 || pem.n > PEM_OCTETS_MAX) {
		err_perm(err, "no PEM file of 1 to %d octets", PEM_OCTETS_MAX);
		return NULL;
	}
	BIO *in = BIO_new_mem_buf(pem.p, (int)pem.n);
	if (in == NULL)
		mem_fatal("no memory for a key");
	EVP_PKEY *pkey = PEM_read_bio_PrivateKey(in, NULL, no_passphrase, &encrypted);
	BIO_free(in);
	if (pkey == NULL) {
		if (encrypted)
			err_perm(err, "the key is encrypted");
		else
			crypt_error(err, "no private key in PEM");
		ERR_clear_error();
		return NULL;
	}
	ERR_clear_error(); /* a decoder that was tried in vain leaves entries */
	struct private_key *key = key_of(pkey, err);
	if (key != NULL && key->type == KEY_RSA && (key->bits < RSA_BITS_TO_SIGN || key->bits > RSA_BITS_MAX)) {
		err_perm(err, "RSA key of %d bits; %d to %d are wanted", key->bits, RSA_BITS_TO_SIGN, RSA_BITS_MAX);
		private_key_unref(key);
		return NULL;
	}
	return key;
}

struct private_key *
private_key_load(const char *path, struct err *err)
{
	struct view text;

	if (!private_file_read(path, PEM_OCTETS_MAX, &text, err))
		return NULL;
	struct private_key *key = private_key_from_pem(text, err);
	private_file_wipe(text);
	if (key == NULL)
		err_in(err, "%s", path);
	return key;
}

struct private_key *
private_key_new(enum key_type type, int bits, struct err *err)
{
	EVP_PKEY *pkey = type == KEY_RSA ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits)
					 : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");

	if (pkey == NULL) {
		crypt_error(err, "no new key");
		return NULL;
	}
	return key_of(pkey, err);
}

struct private_key *
private_key_ref(struct private_key *key)
{
	atomic_fetch_add_explicit(&key->refs, 1, memory_order_relaxed);
	return key;
}

void
private_key_unref(struct private_key *key)
{
	if (key == NULL || atomic_fetch_sub_explicit(&key->refs, 1, memory_order_acq_rel) != 1)
		return;
	EVP_PKEY_free(key->pkey); /* wipes the private numbers */
	mem_free(key);
}

enum key_type
private_key_type(const struct private_key *key)
{
	return key->type;
}

int
private_key_bits(const struct private_key *key)
{
	return key->bits;
}

static bool
sign_rsa(const struct private_key *key, struct view digest, unsigned char *out, size_t *n)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
	bool ok = ctx != NULL && EVP_PKEY_sign_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_signature_md(ctx, crypt_state()->md[DIGEST_SHA256]) == 1 &&
	    EVP_PKEY_sign(ctx, out, n, (const unsigned char *)digest.p, digest.n) == 1;

	EVP_PKEY_CTX_free(ctx);
	return ok;
}

static bool
sign_ed25519(const struct private_key *key, struct view digest, unsigned char *out, size_t *n)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx != NULL && EVP_DigestSignInit_ex(ctx, NULL, NULL, NULL, NULL, key->pkey, NULL) == 1 &&
	    EVP_DigestSign(ctx, out, n, (const unsigned char *)digest.p, digest.n) == 1;

	EVP_MD_CTX_free(ctx);
	return ok;
}

bool
private_key_sign(const struct private_key *key, struct view digest, struct arena *arena, struct view *signature, struct err *err)
{
	size_t n = (size_t)EVP_PKEY_get_size(key->pkey);
	unsigned char *out = arena_alloc(arena, n);

	assert(digest.n == 32);
	if (!(key->type == KEY_RSA ? sign_rsa(key, digest, out, &n) : sign_ed25519(key, digest, out, &n)))
		return crypt_error(err, "signing");
	*signature = (struct view){ (const char *)out, n };
	return true;
}

struct view
private_key_pem(const struct private_key *key, struct arena *arena)
{
	BIO *out = BIO_new(BIO_s_mem()); /* wiped when freed */
	char *text = NULL;

	if (out == NULL || PEM_write_bio_PKCS8PrivateKey(out, key->pkey, NULL, NULL, 0, NULL, NULL) != 1)
		mem_fatal("no memory for a key");
	long n = BIO_get_mem_data(out, &text);
	struct view pem = arena_copy(arena, (struct view){ text, (size_t)n });
	BIO_free(out);
	return pem;
}

struct view
private_key_public(const struct private_key *key, struct arena *arena)
{
	unsigned char *der = NULL;
	size_t n = 32;

	if (key->type == KEY_ED25519) {
		der = arena_alloc(arena, n);
		if (EVP_PKEY_get_raw_public_key(key->pkey, der, &n) != 1)
			mem_fatal("an Ed25519 key without its public half");
		return (struct view){ (const char *)der, n };
	}
	int length = i2d_PUBKEY(key->pkey, &der);
	if (length < 0)
		mem_fatal("no memory for a key");
	struct view copy = arena_copy(arena, (struct view){ (const char *)der, (size_t)length });
	OPENSSL_free(der);
	return copy;
}
