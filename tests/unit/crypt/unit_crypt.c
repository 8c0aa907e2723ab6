#include "crypt/digest.h"
#include "crypt/key.h"
#include "crypt/rsa_der.h"

#include "base/base64.h"
#include "base/buffer.h"
#include "support/setup.h"
#include "support/support.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct view
hex_of(struct view octets)
{
	struct buffer b = buffer_in(arena);

	for (size_t i = 0; i < octets.n; i++)
		buffer_addf(&b, "%02x", (unsigned)(unsigned char)octets.p[i]);
	return buffer_view(&b);
}

static const struct {
	enum digest_alg alg;
	const char *text;
	const char *hex;
} digests[] = {
	{ DIGEST_SHA256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ DIGEST_SHA256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ DIGEST_SHA1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d" },
	{ DIGEST_MD5, "abc", "900150983cd24fb0d6963f7d28e17f72" },
};

START_TEST(digest_values)
{
	struct view text = view_of(digests[_i].text);
	struct digest *d = digest_new(arena, digests[_i].alg);

	ck_view_is(hex_of(digest_of(digests[_i].alg, text, arena)), digests[_i].hex);
	for (size_t i = 0; i < text.n; i++)
		digest_add(d, view_sub(text, i, 1));
	ck_view_is(hex_of(digest_end(d, arena)), digests[_i].hex);
}
END_TEST

/* RFC 2202 2 and 3, RFC 4231 4.3: key "Jefe"; and the empty key over nothing. */
static const struct {
	enum digest_alg alg;
	const char *key;
	const char *text;
	const char *hex;
} hmacs[] = {
	{ DIGEST_MD5, "Jefe", "what do ya want for nothing?", "750c783e6ab0b503eaa86e310a5db738" },
	{ DIGEST_SHA1, "Jefe", "what do ya want for nothing?", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79" },
	{ DIGEST_SHA256, "Jefe", "what do ya want for nothing?",
	    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
	{ DIGEST_SHA256, "", "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad" },
	{ DIGEST_SHA1, "", "", "fbdb1d1b18aa6c08324b7d64b71fb76370690e1d" },
};

START_TEST(hmac_values)
{
	for (int twice = 0; twice < 2; twice++)
		ck_view_is(hex_of(hmac_of(hmacs[_i].alg, view_of(hmacs[_i].key), view_of(hmacs[_i].text), arena)), hmacs[_i].hex);
}
END_TEST

START_TEST(same_and_random)
{
	char a[16] = { 0 }, b[16] = { 0 };

	ck_assert(crypt_same(VIEW_LIT("abc"), VIEW_LIT("abc")));
	ck_assert(!crypt_same(VIEW_LIT("abc"), VIEW_LIT("abd")));
	ck_assert(!crypt_same(VIEW_LIT("abc"), VIEW_LIT("ab")));
	ck_assert(crypt_same(VIEW_EMPTY, view_of(NULL)));
	crypt_random(a, sizeof(a));
	crypt_random(b, sizeof(b));
	ck_assert_int_ne(memcmp(a, b, sizeof(a)), 0);
}
END_TEST

/* --- RSA keys in DER ------------------------------------------------------------------------- */

static struct view
der_element(unsigned char tag, struct view contents)
{
	struct buffer b = buffer_in(arena);

	buffer_add_char(&b, (char)tag);
	if (contents.n < 128) {
		buffer_add_char(&b, (char)contents.n);
	} else if (contents.n < 256) {
		buffer_add_char(&b, (char)0x81);
		buffer_add_char(&b, (char)contents.n);
	} else {
		buffer_add_char(&b, (char)0x82);
		buffer_add_char(&b, (char)(contents.n >> 8));
		buffer_add_char(&b, (char)contents.n);
	}
	buffer_add(&b, contents);
	return buffer_view(&b);
}

static struct view
join(struct view a, struct view b)
{
	struct buffer out = buffer_in(arena);

	buffer_add(&out, a);
	buffer_add(&out, b);
	return buffer_view(&out);
}

/* An odd number of exactly `bits` bits, as an INTEGER. */
static struct view
der_modulus(size_t bits)
{
	size_t n = (bits + 7) / 8;
	char *p = arena_alloc(arena, n);

	memset(p, 0xa5, n);
	p[0] = (char)(1 << ((bits - 1) % 8));
	p[n - 1] |= 1;
	return der_element(2, bits % 8 == 0 ? join((struct view){ "", 1 }, (struct view){ p, n }) : (struct view){ p, n });
}

#define F4 VIEW_LIT("\x02\x03\x01\x00\x01")

static const struct {
	const char *what;
	size_t bits;
	struct view exponent; /* as an INTEGER */
	const char *error;    /* NULL: taken */
} rsa_keys[] = {
	{ "usual", 2048, VIEW_LIT("\x02\x03\x01\x00\x01"), NULL },
	{ "exponent 3", 1024, VIEW_LIT("\x02\x01\x03"), NULL },
	{ "odd length", 1023, VIEW_LIT("\x02\x03\x01\x00\x01"), NULL },
	{ "the least", 496, VIEW_LIT("\x02\x03\x01\x00\x01"), NULL },
	{ "cannot hold a hash", 488, VIEW_LIT("\x02\x03\x01\x00\x01"), "too short" },
	{ "tiny", 3, VIEW_LIT("\x02\x03\x01\x00\x01"), "too short" },
	{ "the most", 8192, VIEW_LIT("\x02\x03\x01\x00\x01"), NULL },
	{ "one more", 8193, VIEW_LIT("\x02\x03\x01\x00\x01"), "8193 bits" },
	{ "huge", 16384, VIEW_LIT("\x02\x03\x01\x00\x01"), "16384 bits" },
	{ "exponent 1", 2048, VIEW_LIT("\x02\x01\x01"), "exponent is 1" },
	{ "exponent 2", 2048, VIEW_LIT("\x02\x01\x02"), "even" },
	{ "exponent 65536", 2048, VIEW_LIT("\x02\x03\x01\x00\x00"), "even" },
	{ "exponent of 32 bits", 2048, VIEW_LIT("\x02\x05\x00\xff\xff\xff\xff"), NULL },
	{ "exponent of 33 bits", 2048, VIEW_LIT("\x02\x05\x01\xff\xff\xff\xff"), "32 bits" },
	{ "exponent zero", 2048, VIEW_LIT("\x02\x01\x00"), "two positive" },
	{ "exponent negative", 2048, VIEW_LIT("\x02\x01\xff"), "two positive" },
	{ "exponent empty", 2048, VIEW_LIT("\x02\x00"), "two positive" },
	{ "exponent with needless zero", 2048, VIEW_LIT("\x02\x02\x00\x03"), "two positive" },
	{ "a third number", 2048, VIEW_LIT("\x02\x01\x03\x02\x01\x03"), "two positive" },
	{ "cut short", 2048, VIEW_LIT("\x02\x03\x01\x00"), "two positive" },
	{ "no exponent", 2048, VIEW_LIT(""), "two positive" },
	{ "long form of a short length", 2048, VIEW_LIT("\x02\x81\x01\x03"), "two positive" },
	{ "indefinite length", 2048, VIEW_LIT("\x02\x80\x03\x00\x00"), "two positive" },
};

static const struct view spki_algorithm = { "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00", 15 };

static void
check_rsa(const char *what, struct view der, int bits, const char *error)
{
	struct view tight = tight_copy(der);
	struct err err = { .text = "" };
	struct public_key *key = public_key_from_rsa(tight, &err);

	ck_assert_msg((key != NULL) == (error == NULL), "%s: %s", what, key != NULL ? "accepted" : err.text);
	if (key != NULL) {
		ck_assert_int_eq(public_key_bits(key), bits);
		ck_assert_int_eq(public_key_type(key), KEY_RSA);
		/* any signature is refused, whatever its length */
		char sig[1100] = { 0 };
		for (size_t n = 0; n < sizeof(sig); n += 64)
			ck_assert(!public_key_verify(key, (struct view){ sig, 32 }, (struct view){ sig, n }));
	} else {
		ck_assert_msg(strstr(err.text, error) != NULL, "%s: %s", what, err.text);
		ck_assert_int_eq(err.kind, ERR_PERM);
	}
	public_key_unref(key);
	free((void *)tight.p);
}

START_TEST(rsa_keys_are_looked_at_first)
{
	struct view bare = der_element(0x30, join(der_modulus(rsa_keys[_i].bits), rsa_keys[_i].exponent));
	struct view bits = der_element(3, join((struct view){ "", 1 }, bare));

	check_rsa(rsa_keys[_i].what, bare, (int)rsa_keys[_i].bits, rsa_keys[_i].error);
	check_rsa(rsa_keys[_i].what, der_element(0x30, join(spki_algorithm, bits)), (int)rsa_keys[_i].bits, rsa_keys[_i].error);
}
END_TEST

START_TEST(rsa_wrapping)
{
	struct view bare = der_element(0x30, join(der_modulus(1024), F4));
	struct view bits = der_element(3, join((struct view){ "", 1 }, bare));
	struct view no_null = der_element(0x30, view_sub(spki_algorithm, 2, 11));
	struct view ec = VIEW_LIT("\x30\x07\x06\x05\x2b\x81\x04\x00\x0a");
	struct view odd_bits = der_element(3, join((struct view){ "\1", 1 }, bare));
	struct view even = der_element(0x30, join(VIEW_LIT("\x02\x02\x7f\xfe"), F4));

	check_rsa("parameters left out", der_element(0x30, join(no_null, bits)), 1024, NULL);
	check_rsa("another algorithm", der_element(0x30, join(ec, bits)), 0, "SubjectPublicKeyInfo");
	check_rsa("unused bits", der_element(0x30, join(spki_algorithm, odd_bits)), 0, "SubjectPublicKeyInfo");
	check_rsa("no bits", der_element(0x30, join(spki_algorithm, VIEW_LIT("\3\0"))), 0, "SubjectPublicKeyInfo");
	check_rsa("more behind", join(bare, VIEW_LIT("x")), 0, "DER");
	check_rsa("more behind the bits", der_element(0x30, join(spki_algorithm, join(bits, VIEW_LIT("\5\0")))), 0,
	    "SubjectPublicKeyInfo");
	check_rsa("nothing", VIEW_EMPTY, 0, "DER");
	check_rsa("an empty sequence", VIEW_LIT("\x30\x00"), 0, "two positive");
	check_rsa("a length of four octets", VIEW_LIT("\x30\x84\x00\x00\x00\x00"), 0, "DER");
	check_rsa("a length beyond the end", VIEW_LIT("\x30\x83\xff\xff\xff\x02"), 0, "DER");
	check_rsa("even and tiny", even, 0, "too short");
	for (size_t n = 0; n < bare.n; n++)
		check_rsa("cut", view_sub(bare, 0, n), 0, "DER");
	char *p = (char *)arena_copy(arena, bare).p;
	p[3 + 4 + 127] &= (char)0xfe;
	check_rsa("even modulus", (struct view){ p, bare.n }, 0, "modulus is even");
}
END_TEST

/* RFC 8032 7.1, test 3's public key with a wrong and a right length. */
START_TEST(ed25519_keys)
{
	struct view octets = VIEW_LIT("\xfc\x51\xcd\x8e\x62\x18\xa1\xa3\x8d\xa4\x7e\xd0\x02\x30\xf0\x58\x08\x16\xed\x13\xba\x33\x03\xac"
				      "\x5d\xeb\x91\x15\x48\x90\x80\x25");
	struct err err;
	struct public_key *key = public_key_from_ed25519(octets, &err);

	ck_assert_ptr_nonnull(key);
	ck_assert_int_eq(public_key_bits(key), 256);
	ck_assert(!public_key_verify(key, octets, octets));
	public_key_unref(key);
	ck_assert_ptr_null(public_key_from_ed25519(view_from(octets, 1), &err));
	ck_assert_ptr_null(public_key_from_ed25519(join(octets, octets), &err));
	ck_assert_ptr_null(public_key_from_ed25519(VIEW_EMPTY, &err));
}
END_TEST

/* --- signing --------------------------------------------------------------------------------- */

static struct public_key *
public_half(const struct private_key *key)
{
	struct err err;
	struct view octets = private_key_public(key, arena);
	struct public_key *pub =
	    private_key_type(key) == KEY_RSA ? public_key_from_rsa(octets, &err) : public_key_from_ed25519(octets, &err);

	ck_assert_ptr_nonnull(pub);
	return pub;
}

static const struct {
	enum key_type type;
	int bits;
} made[] = { { KEY_RSA, 1024 }, { KEY_RSA, 2048 }, { KEY_RSA, 512 }, { KEY_ED25519, 256 } };

START_TEST(signatures_verify)
{
	struct err err;
	struct private_key *key = private_key_new(made[_i].type, made[_i].bits, &err);
	struct view digest = digest_of(DIGEST_SHA256, VIEW_LIT("text"), arena);
	struct view other = digest_of(DIGEST_SHA256, VIEW_LIT("tex"), arena);
	struct view sig;

	ck_assert_ptr_nonnull(key);
	ck_assert_int_eq(private_key_bits(key), made[_i].bits);
	struct public_key *pub = public_half(key);
	ck_assert_int_eq(public_key_bits(pub), made[_i].bits);
	ck_assert(private_key_sign(key, digest, arena, &sig, &err));
	ck_assert(public_key_verify(pub, digest, sig));
	ck_assert(!public_key_verify(pub, other, sig));
	ck_assert(!public_key_verify(pub, digest, view_from(sig, 1)));
	ck_assert(!public_key_verify(pub, digest, join(sig, VIEW_LIT("\0"))));
	ck_assert(!public_key_verify(pub, digest, join(VIEW_LIT("\0"), sig)));
	ck_assert(!public_key_verify(pub, digest, VIEW_EMPTY));
	ck_assert(!public_key_verify(pub, view_from(digest, 1), sig));
	for (size_t i = 0; i < sig.n; i += 7) {
		char *p = (char *)arena_copy(arena, sig).p;
		p[i] ^= 0x10;
		ck_assert(!public_key_verify(pub, digest, (struct view){ p, sig.n }));
	}
	public_key_unref(pub);
	private_key_unref(key);
}
END_TEST

START_TEST(keys_travel_as_pem)
{
	struct err err;
	struct view digest = digest_of(DIGEST_SHA256, VIEW_LIT("text"), arena), sig;

	for (int i = 0; i < 2; i++) {
		struct private_key *key = private_key_new(i == 0 ? KEY_RSA : KEY_ED25519, 1024, &err);
		struct view pem = private_key_pem(key, arena);
		struct private_key *again = private_key_from_pem(pem, &err);
		ck_assert(view_starts(pem, VIEW_LIT("-----BEGIN PRIVATE KEY-----")));
		ck_assert_ptr_nonnull(again);
		ck_assert(view_eq(private_key_public(key, arena), private_key_public(again, arena)));
		struct public_key *pub = public_half(key);
		ck_assert(private_key_sign(again, digest, arena, &sig, &err));
		ck_assert(public_key_verify(pub, digest, sig));
		public_key_unref(pub);
		private_key_unref(again);
		private_key_unref(key);
	}
}
END_TEST

static const struct {
	const char *what;
	const char *pem;
	const char *error;
} bad_pems[] = {
	{ "empty", "", "no PEM" },
	{ "no PEM", "hello", "no private key" },
	{ "elliptic curve",
	    "-----BEGIN PRIVATE KEY-----\n"
	    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2\n"
	    "OF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r\n"
	    "1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4QdbAd0E7oH50VpuZ1P087G\n"
	    "-----END PRIVATE KEY-----\n",
	    "neither an RSA nor an Ed25519" },
	{ "encrypted",
	    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
	    "MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhDONpkYkVSRgICCAAw\n"
	    "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEBzxVUFxxZ6bPOQWzKqPFNcEQAJr\n"
	    "M3xM3XUyzEMg3DRI4e3tdI0kfWVIVJfbVqzNaO8tCXqqeXSG9cJiVV8RS2wQqYvN\n"
	    "5WPzb5xy5x7vhqLk0n8=\n"
	    "-----END ENCRYPTED PRIVATE KEY-----\n",
	    "encrypted" },
};

START_TEST(bad_pem_is_refused)
{
	struct err err;

	ck_assert_msg(private_key_from_pem(view_of(bad_pems[_i].pem), &err) == NULL, "%s", bad_pems[_i].what);
	ck_assert_msg(strstr(err.text, bad_pems[_i].error) != NULL, "%s: %s", bad_pems[_i].what, err.text);
}
END_TEST

START_TEST(short_keys_do_not_sign_for_real)
{
	struct err err;
	struct private_key *key = private_key_new(KEY_RSA, 512, &err);

	ck_assert_ptr_null(private_key_from_pem(private_key_pem(key, arena), &err));
	ck_assert_ptr_nonnull(strstr(err.text, "512 bits"));
	private_key_unref(key);
}
END_TEST

static const struct {
	unsigned mode;
	bool ok;
} modes[] = {
	{ 0600, true }, { 0400, true }, { 0640, true }, { 0440, true }, { 0660, false }, { 0620, false },
	{ 0604, false }, { 0602, false }, { 0644, false }, { 0777, false }, { 0601, false },
};

START_TEST(key_files_must_be_private)
{
	char path[] = "/tmp/unit_crypt_XXXXXX";
	int fd = mkstemp(path);
	struct err err;
	struct private_key *key = private_key_new(KEY_ED25519, 0, &err);
	struct view pem = private_key_pem(key, arena);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, pem.p, pem.n), (ssize_t)pem.n);
	ck_assert_int_eq(fchmod(fd, modes[_i].mode), 0);
	close(fd);
	struct private_key *loaded = private_key_load(path, &err);
	unlink(path);
	ck_assert_msg((loaded != NULL) == modes[_i].ok, "mode %o: %s", modes[_i].mode, loaded != NULL ? "taken" : err.text);
	if (loaded == NULL)
		ck_assert_ptr_nonnull(strstr(err.text, path));
	private_key_unref(loaded);
	private_key_unref(key);
}
END_TEST

START_TEST(key_files_that_are_none)
{
	struct err err;

	ck_assert_ptr_null(private_key_load("/nonexistent/key.pem", &err));
	ck_assert_int_eq(err.kind, ERR_PERM);
	ck_assert_ptr_null(private_key_load("/dev/null", &err));
	ck_assert_ptr_nonnull(strstr(err.text, "regular"));
	ck_assert_ptr_null(private_key_load("/tmp", &err));
}
END_TEST

struct shared {
	const struct public_key *pub;
	const struct private_key *priv;
	int good;
};

static void *
sign_and_verify(void *arg)
{
	struct shared *s = arg;
	struct arena *own = arena_new();
	struct err err;

	for (int i = 0; i < 50; i++) {
		struct view sig, digest = digest_of(DIGEST_SHA256, (struct view){ (char *)&i, sizeof(i) }, own);
		if (private_key_sign(s->priv, digest, own, &sig, &err) && public_key_verify(s->pub, digest, sig))
			s->good++;
		arena_reset(own);
	}
	arena_free(own);
	return NULL;
}

START_TEST(keys_serve_several_threads)
{
	struct err err;
	struct private_key *key = private_key_new(KEY_RSA, 1024, &err);
	struct public_key *pub = public_half(key);
	struct shared s[4];
	pthread_t thread[4];

	for (int i = 0; i < 4; i++) {
		s[i] = (struct shared){ pub, key, 0 };
		ck_assert_int_eq(pthread_create(&thread[i], NULL, sign_and_verify, &s[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(thread[i], NULL);
		ck_assert_int_eq(s[i].good, 50);
	}
	public_key_unref(pub);
	private_key_unref(key);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("crypt");
	TCase *tc = tcase_create("crypt");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, crypt_setup, crypt_teardown);
	tcase_add_loop_test(tc, digest_values, 0, ARRAY_LEN(digests));
	tcase_add_loop_test(tc, hmac_values, 0, ARRAY_LEN(hmacs));
	tcase_add_test(tc, same_and_random);
	tcase_add_loop_test(tc, rsa_keys_are_looked_at_first, 0, ARRAY_LEN(rsa_keys));
	tcase_add_test(tc, rsa_wrapping);
	tcase_add_test(tc, ed25519_keys);
	tcase_add_loop_test(tc, signatures_verify, 0, ARRAY_LEN(made));
	tcase_add_test(tc, keys_travel_as_pem);
	tcase_add_loop_test(tc, bad_pem_is_refused, 0, ARRAY_LEN(bad_pems));
	tcase_add_test(tc, short_keys_do_not_sign_for_real);
	tcase_add_loop_test(tc, key_files_must_be_private, 0, ARRAY_LEN(modes));
	tcase_add_test(tc, key_files_that_are_none);
	tcase_add_test(tc, keys_serve_several_threads);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
