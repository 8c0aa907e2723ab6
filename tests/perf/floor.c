/*
 * floor - the bare cost of what a message cannot do without: SHA-256 of its body, a plain relaxed
 * canonicalization, verification with keys that are ready.  Usage: floor BODY-OCTETS RSA ED25519
 * Prints microseconds of CPU for one message.
 */
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double
cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* RFC 6376 3.4.4 by the obvious loop, octet by octet. */
static size_t
relaxed(const char *in, size_t n, char *out)
{
	size_t to = 0;
	int space = 0;

	for (size_t i = 0; i < n; i++) {
		if (in[i] == ' ' || in[i] == '\t') {
			space = 1;
			continue;
		}
		if (space && in[i] != '\r')
			out[to++] = ' ';
		space = 0;
		out[to++] = in[i];
	}
	return to;
}

static double
body_cost(const char *body, size_t n, const EVP_MD *sha256)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char digest[32];
	char *out = malloc(n + 1);
	int rounds = n > 100000 ? 20 : 300;
	double began = cpu_us();

	for (int i = 0; i < rounds; i++) {
		size_t len = relaxed(body, n, out);
		EVP_DigestInit_ex2(ctx, sha256, NULL);
		EVP_DigestUpdate(ctx, out, len);
		EVP_DigestFinal_ex(ctx, digest, NULL);
	}
	double us = (cpu_us() - began) / rounds;
	free(out);
	EVP_MD_CTX_free(ctx);
	return us;
}

static double
rsa_cost(const EVP_MD *sha256)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	unsigned char digest[32] = { 1 }, sig[512];
	size_t sig_n = sizeof(sig);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);

	EVP_PKEY_sign_init(ctx);
	EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING);
	EVP_PKEY_CTX_set_signature_md(ctx, sha256);
	EVP_PKEY_sign(ctx, sig, &sig_n, digest, sizeof(digest));
	EVP_PKEY_verify_init(ctx);
	EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING);
	EVP_PKEY_CTX_set_signature_md(ctx, sha256);
	double began = cpu_us();
	for (int i = 0; i < 300; i++)
		if (EVP_PKEY_verify(ctx, sig, sig_n, digest, sizeof(digest)) != 1)
			abort();
	double us = (cpu_us() - began) / 300;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	return us;
}

static double
ed25519_cost(void)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	unsigned char digest[32] = { 1 }, sig[64];
	size_t sig_n = sizeof(sig);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	EVP_DigestSignInit(ctx, NULL, NULL, NULL, key);
	EVP_DigestSign(ctx, sig, &sig_n, digest, sizeof(digest));
	double began = cpu_us();
	for (int i = 0; i < 100; i++) {
		EVP_MD_CTX_reset(ctx);
		if (EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) != 1 ||
		    EVP_DigestVerify(ctx, sig, sig_n, digest, sizeof(digest)) != 1)
			abort();
	}
	double us = (cpu_us() - began) / 100;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return us;
}

int
main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	size_t n = (size_t)atol(argv[1]);
	char *body = malloc(n + 80);
	EVP_MD *sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	static const char line[] = "Some words of  an ordinary message, as people write them. \r\n";

	for (size_t i = 0; i < n; i += sizeof(line) - 1)
		memcpy(body + i, line, n - i < sizeof(line) - 1 ? n - i : sizeof(line) - 1);
	printf("%.1f\n", body_cost(body, n, sha256) + atoi(argv[2]) * rsa_cost(sha256) + atoi(argv[3]) * ed25519_cost());
	EVP_MD_free(sha256);
	free(body);
	return 0;
}
