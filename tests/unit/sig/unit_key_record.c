#include "sig/key_record.h"

#include "base/base64.h"
#include "base/buffer.h"
#include "crypt/digest.h"
#include "support/setup.h"
#include "support/support.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* RFC 6376 C (brisbane), as SubjectPublicKeyInfo and as the RSAPublicKey inside it; RFC 8463 A.2 (brisbane). */
#define SPKI                                                                                          \
	"MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYt"              \
	"IxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfV"          \
	"jH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB"
#define BARE                                                                                          \
	"MIGJAoGBAPAhE/9QLdIGwSYapn1klbf8OQygZ4udCDV9afv/Ni0jE3ZKcUKPE4Iob2/dviNh9xM2HmKNKyrrfW4E"      \
	"i0truh36/9G10LZTMnWVZP3jupH5FxpzaBu2j80yonR/N9WMfg64qGK11j21/qZzAaNo0FxZOggyY9I8N1A81RhyRxDZ" \
	"AgMBAAE="
#define ED "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

enum outcome { GOOD, REVOKED, BAD, STRAY };
#define SHA256 1
#define EMAIL 2
#define TESTING 4
#define STRICT 8
#define USUAL (SHA256 | EMAIL)

static const struct {
	const char *what;
	const char *text;
	enum outcome outcome;
	int bits;
	int terms;
} records[] = {
	{ "usual", "v=DKIM1; k=rsa; p=" SPKI, GOOD, 1024, USUAL },
	{ "only p=", "p=" SPKI, GOOD, 1024, USUAL },
	{ "bare RSAPublicKey", "v=DKIM1;p=" BARE, GOOD, 1024, USUAL },
	{ "ed25519", "v=DKIM1; k=ed25519; p=" ED, GOOD, 256, USUAL },
	{ "order is free behind v=", "v=DKIM1; p=" SPKI "; n=note; k=rsa;", GOOD, 1024, USUAL },
	{ "v= not first", "k=rsa; v=DKIM1; p=" SPKI, BAD, 0, 0 },
	{ "another v=", "v=DKIM2; p=" SPKI, STRAY, 0, 0 },
	{ "v= in lower case", "v=dkim1; p=" SPKI, STRAY, 0, 0 },
	{ "v= empty", "v=; p=" SPKI, STRAY, 0, 0 },
	{ "spaces", " v = DKIM1 ; k = rsa ; p = " SPKI " ; ", GOOD, 1024, USUAL },
	{ "folds", "v=DKIM1;\r\n\tk=ed25519;\r\n p=\r\n " ED "; k2=x", GOOD, 256, USUAL },
	{ "spaces in p=", "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQ HOg7hcvPap\r\n iMlrwIaaPcHURo=", GOOD, 256, USUAL },
	{ "revoked", "v=DKIM1; p=", REVOKED, 0, USUAL },
	{ "revoked with a space", "v=DKIM1; p= ; t=s", REVOKED, 0, USUAL | STRICT },
	{ "revoked, only p=", "p=", REVOKED, 0, USUAL },
	{ "no p=", "v=DKIM1; k=rsa", BAD, 0, 0 },
	{ "p= twice", "v=DKIM1; p=" ED "; p=" ED, BAD, 0, 0 },
	{ "k= twice", "v=DKIM1; k=rsa; k=rsa; p=" SPKI, BAD, 0, 0 },
	{ "unknown tags", "v=DKIM1; x=1; foo_bar=; p=" SPKI, GOOD, 1024, USUAL },
	{ "unknown k=", "v=DKIM1; k=dsa; p=" SPKI, BAD, 0, 0 },
	{ "k= is case-sensitive", "v=DKIM1; k=RSA; p=" SPKI, BAD, 0, 0 },
	{ "k= empty", "v=DKIM1; k=; p=" SPKI, BAD, 0, 0 },
	{ "h= sha256", "v=DKIM1; h=sha256; p=" SPKI, GOOD, 1024, USUAL },
	{ "h= sha1 only", "v=DKIM1; h=sha1; p=" SPKI, GOOD, 1024, EMAIL },
	{ "h= a list", "v=DKIM1; h=sha1 : foo : sha256; p=" SPKI, GOOD, 1024, USUAL },
	{ "h= empty", "v=DKIM1; h=; p=" SPKI, GOOD, 1024, EMAIL },
	{ "s= email", "v=DKIM1; s=email; p=" SPKI, GOOD, 1024, USUAL },
	{ "s= everything", "v=DKIM1; s=*; p=" SPKI, GOOD, 1024, USUAL },
	{ "s= a list", "v=DKIM1; s=tlsrpt : email; p=" SPKI, GOOD, 1024, USUAL },
	{ "s= another", "v=DKIM1; s=tlsrpt; p=" SPKI, GOOD, 1024, SHA256 },
	{ "t= both", "v=DKIM1; t=y:s; p=" SPKI, GOOD, 1024, USUAL | TESTING | STRICT },
	{ "t= folded", "v=DKIM1; t= s :\r\n x : y; p=" SPKI, GOOD, 1024, USUAL | TESTING | STRICT },
	{ "t= only like them", "v=DKIM1; t=yes:S; p=" SPKI, GOOD, 1024, USUAL },
	{ "n= in UTF-8", "v=DKIM1; n=gr\xc3\xbc\xc3\x9f; p=" SPKI, GOOD, 1024, USUAL },
	{ "n= in Latin-1", "v=DKIM1; n=gr\xfc\xdf; p=" SPKI, BAD, 0, 0 },
	{ "p= not base64", "v=DKIM1; p=!!!", BAD, 0, 0 },
	{ "p= no key", "v=DKIM1; p=Zm9v", BAD, 0, 0 },
	{ "p= cut", "v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQ", BAD, 0, 0 },
	{ "k= against p=", "v=DKIM1; k=ed25519; p=" SPKI, BAD, 0, 0 },
	{ "the other way round", "v=DKIM1; k=rsa; p=" ED, BAD, 0, 0 },
	{ "SPF", "v=spf1 -all", STRAY, 0, 0 },
	{ "a sentence", "hello, world", STRAY, 0, 0 },
	{ "a token of somebody", "google-site-verification=abc", STRAY, 0, 0 },
	{ "an ADSP record", "dkim=all", STRAY, 0, 0 },
	{ "empty", "", STRAY, 0, 0 },
	{ "a broken key", "v=DKIM1; k=rsa; p", BAD, 0, 0 },
	{ "a key in quotes", "\"v=DKIM1; p=" SPKI "\"", STRAY, 0, 0 },
	{ "semicolons escaped", "v=DKIM1\\; k=rsa\\; p=" SPKI, STRAY, 0, 0 },
};

static enum outcome
outcome_of(bool ok, bool is_key, const struct key_record *record)
{
	if (ok)
		return record->revoked ? REVOKED : GOOD;
	return is_key ? BAD : STRAY;
}

static void
check_record(int i, struct key_cache *cache)
{
	struct view text = tight_cstr(records[i].text);
	struct key_record record;
	struct err err = { .text = "" };
	bool is_key;
	bool ok = key_record_parse(text, cache, arena, &record, &is_key, &err);

	free((void *)text.p);
	ck_assert_msg(outcome_of(ok, is_key, &record) == records[i].outcome, "%s: outcome %d %s", records[i].what,
	    (int)outcome_of(ok, is_key, &record), ok ? "" : err.text);
	if (!ok) {
		ck_assert_int_eq(err.kind, ERR_PERM);
		return;
	}
	int terms = (record.sha256_allowed ? SHA256 : 0) | (record.email_allowed ? EMAIL : 0) | (record.testing ? TESTING : 0) |
	    (record.strict_identity ? STRICT : 0);
	ck_assert_msg(terms == records[i].terms, "%s: terms %d", records[i].what, terms);
	ck_assert_int_eq(record.key == NULL ? 0 : public_key_bits(record.key), records[i].bits);
}

START_TEST(key_records)
{
	struct key_cache *cache = key_cache_new(2);

	check_record(_i, NULL);
	check_record(_i, cache);
	check_record(_i, cache);
	arena_reset(arena);
	key_cache_free(cache);
}
END_TEST

START_TEST(octets_that_no_record_has)
{
	struct key_record record;
	struct err err;
	bool is_key;

	ck_assert(!key_record_parse((struct view){ "v=DKIM1; p=\0", 12 }, NULL, arena, &record, &is_key, &err));
	ck_assert(is_key);
	ck_assert(!key_record_parse((struct view){ "\0", 1 }, NULL, arena, &record, &is_key, &err));
	ck_assert(!is_key);
}
END_TEST

START_TEST(a_long_key_is_refused_unread)
{
	char *text = malloc(KEY_TEXT_MAX + 20);
	struct key_record record;
	struct err err;
	bool is_key;

	memset(text, 'A', KEY_TEXT_MAX + 20);
	memcpy(text, "p=", 2);
	ck_assert(!key_record_parse((struct view){ text, KEY_TEXT_MAX + 3 }, NULL, arena, &record, &is_key, &err));
	ck_assert_msg(strstr(err.text, "octets") != NULL, "%s", err.text);
	free(text);
}
END_TEST

/* Ed25519 keys: any 32 octets do. */
static struct view
p_of(unsigned i)
{
	unsigned char octets[32] = { 9, (unsigned char)i, (unsigned char)(i >> 8) };

	return base64_encode((struct view){ (char *)octets, 32 }, arena);
}

static struct public_key *
get(struct key_cache *cache, unsigned i)
{
	struct err err;
	struct public_key *key = key_cache_get(cache, KEY_ED25519, p_of(i), &err);

	ck_assert_ptr_nonnull(key);
	return key;
}

START_TEST(the_cache_keeps_what_is_used)
{
	struct key_cache *cache = key_cache_new(3);
	struct public_key *one = get(cache, 1);
	struct public_key *key;

	for (unsigned i = 2; i < 40; i++) {
		public_key_unref(get(cache, i));
		key = get(cache, 1); /* used again and again: stays */
		ck_assert_ptr_eq(key, one);
		public_key_unref(key);
	}
	ck_assert_uint_lt(key_cache_octets(cache), 3 * 8192);
	for (unsigned i = 40; i < 43; i++)
		public_key_unref(get(cache, i));
	key = get(cache, 1);
	ck_assert_ptr_ne(key, one); /* was pushed out; ours still counts */
	ck_assert_int_eq(public_key_bits(one), 256);
	public_key_unref(key);
	public_key_unref(one);
	key_cache_free(cache);
}
END_TEST

START_TEST(a_type_is_part_of_the_name)
{
	struct key_cache *cache = key_cache_new(3);
	struct err err;

	public_key_unref(get(cache, 1));
	ck_assert_ptr_null(key_cache_get(cache, KEY_RSA, p_of(1), &err));
	key_cache_free(cache);
}
END_TEST

static void *
hammer(void *arg)
{
	struct key_cache *cache = arg;
	struct arena *own = arena_new();
	struct err err;

	for (unsigned i = 0; i < 3000; i++) {
		unsigned char octets[32] = { 9, (unsigned char)(i % 7) };
		struct view p = base64_encode((struct view){ (char *)octets, 32 }, own);
		struct public_key *key = key_cache_get(cache, KEY_ED25519, p, &err);
		if (key == NULL || public_key_bits(key) != 256)
			abort();
		public_key_unref(key);
		if (i % 64 == 0)
			arena_reset(own);
	}
	arena_free(own);
	return NULL;
}

START_TEST(the_cache_serves_several_threads)
{
	struct key_cache *cache = key_cache_new(4);
	pthread_t thread[4];

	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, hammer, cache), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	ck_assert_uint_lt(key_cache_octets(cache), 4 * 8192);
	key_cache_free(cache);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("key_record");
	TCase *tc = tcase_create("key_record");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, crypt_setup, crypt_teardown);
	tcase_add_loop_test(tc, key_records, 0, ARRAY_LEN(records));
	tcase_add_test(tc, octets_that_no_record_has);
	tcase_add_test(tc, a_long_key_is_refused_unread);
	tcase_add_test(tc, the_cache_keeps_what_is_used);
	tcase_add_test(tc, a_type_is_part_of_the_name);
	tcase_add_test(tc, the_cache_serves_several_threads);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
