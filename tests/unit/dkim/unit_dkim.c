/* What becomes of signatures: keys, time, bodies, caps (RFC 6376 6.1, RFC 8301, RFC 8601 2.7.1). */
#include "dkim_bench.h"

#include "base/base64.h"
#include "base/buffer.h"
#include "support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER "From: joe@example.com\r\nTo: suzie@example.org\r\nSubject: hi\r\n"
#define BODY "one\r\ntwo  \r\n\r\n"
#define TAGS "v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=k; h=from:to:subject"
#define KEY "k._domainkey.example.com"

enum { R1024, R2048, R512, R1536, ED, OTHER, KEYS };
static struct private_key *key[KEYS]; /* made in main: the tests are forked from it */

static struct arena *arena;
static struct bench bench;

static void
setup(void)
{
	arena = arena_new();
	bench_init(&bench, arena);
}

static void
teardown(void)
{
	arena_free(arena);
}

static struct view
message(struct view signatures, const char *header, const char *body)
{
	struct view head = bench_join(&bench, signatures, view_of(header));

	return bench_join(&bench, bench_join(&bench, head, VIEW_LIT("\r\n")), view_of(body));
}

static void
check_words(const char *what, struct auth_facts facts, const char *wanted)
{
	struct view words = bench_words(&bench, &facts);

	ck_assert_msg(view_is(words, wanted), "%s: %.*s; want %s", what, VIEW_ARG(words), wanted);
}

/* --- one signature, one key --------------------------------------------------------------------- */

static const struct {
	const char *what;
	const char *tags;
	const char *record; /* in front of p=; NULL: none of these keys */
	const char *header; /* as received; NULL: as signed */
	const char *body;
	int key;
	const char *words;
} cases[] = {
	{ "good", TAGS, "", NULL, BODY, R2048, "pass d=example.com aligns" },
	{ "1024 bits", TAGS, "", NULL, BODY, R1024, "pass d=example.com aligns" },
	{ "512 bits", TAGS, "", NULL, BODY, R512, "policy d=example.com (RSA key of 512 bits, less than 1024)" },
	{ "512 bits and changed", TAGS, "", "From: joe@example.com\r\nTo: x\r\nSubject: hi\r\n", BODY, R512,
	    "fail d=example.com (signature did not verify)" },
	{ "ed25519", "v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.com; s=k; h=from", "", NULL, BODY, ED,
	    "pass d=example.com aligns" },
	{ "simple is the default", "v=1; a=rsa-sha256; d=example.com; s=k; h=from:to", "", NULL, BODY, R1024,
	    "pass d=example.com aligns" },
	{ "field changed", TAGS, "", "From: joe@example.com\r\nTo: suzie@example.net\r\nSubject: hi\r\n", BODY, R1024,
	    "fail d=example.com (signature did not verify)" },
	{ "field taken away", TAGS, "", "From: joe@example.com\r\nSubject: hi\r\n", BODY, R1024,
	    "fail d=example.com (signature did not verify)" },
	{ "other field added", TAGS, "", "X-Spam: no\r\n" HEADER, BODY, R1024, "pass d=example.com aligns" },
	{ "relaxed forgives white space", TAGS, "", "FROM:joe@example.com\r\nTo:\r\n suzie@example.org \r\nSubject:  hi\r\n", BODY, R1024,
	    "pass d=example.com aligns" },
	{ "simple does not", "v=1; a=rsa-sha256; d=example.com; s=k; h=from", "", "From:  joe@example.com\r\n", BODY, R1024,
	    "fail d=example.com (signature did not verify)" },
	{ "the signed one of two is the lower", TAGS, "", "Subject: buy\r\n" HEADER, BODY, R1024, "pass d=example.com aligns" },
	{ "a second one below", TAGS, "", HEADER "Subject: buy\r\n", BODY, R1024, "fail d=example.com (signature did not verify)" },
	{ "oversigned and untouched", TAGS ":subject:from:cc", "", NULL, BODY, R1024, "pass d=example.com aligns" },
	{ "oversigned, one added above", TAGS ":subject", "", "Subject: buy\r\n" HEADER, BODY, R1024,
	    "fail d=example.com (signature did not verify)" },
	{ "absent and signed, then added", TAGS ":cc", "", HEADER "Cc: x@example.org\r\n", BODY, R1024,
	    "fail d=example.com (signature did not verify)" },
	{ "a second From", TAGS ":from", "", "From: ceo@example.com\r\n" HEADER, BODY, R1024,
	    "fail d=example.com (signature did not verify)" },
	{ "body changed", TAGS, "", NULL, "one\r\nTwo\r\n", R1024, "fail d=example.com (body hash did not verify)" },
	{ "body forgives white space", TAGS, "", NULL, "one \t\r\ntwo\r\n\r\n \r\n\r\n", R1024, "pass d=example.com aligns" },
	{ "body without its last line end", TAGS, "", NULL, "one\r\ntwo", R1024, "pass d=example.com aligns" },
	{ "body with more", TAGS, "", NULL, BODY "x", R1024, "fail d=example.com (body hash did not verify)" },
	{ "body gone", TAGS, "", NULL, "", R1024, "fail d=example.com (body hash did not verify)" },
	{ "body with bare LF", TAGS, "", NULL, "one\ntwo  \r\n\r\n", R1024, "fail d=example.com (body hash did not verify)" },
	{ "no key", TAGS, NULL, NULL, BODY, R1024, "permerror d=example.com (no key for signature)" },
	{ "no key and body changed", TAGS, NULL, NULL, "x", R1024, "fail d=example.com (body hash did not verify)" },
	{ "testing", TAGS, "t=y; ", NULL, BODY, R1024, "pass d=example.com aligns" },
	{ "key allows sha1 only", TAGS, "h=sha1; ", NULL, BODY, R1024,
	    "permerror d=example.com (h= of the key does not allow sha256)" },
	{ "key for something else", TAGS, "s=tlsrpt; ", NULL, BODY, R1024,
	    "permerror d=example.com (s= of the key does not allow email)" },
	{ "t=s, i= absent", TAGS, "t=s; ", NULL, BODY, R1024, "pass d=example.com aligns" },
	{ "t=s, i= the same", TAGS "; i=x@example.com", "t=s; ", NULL, BODY, R1024, "pass d=example.com aligns" },
	{ "t=s, i= below", TAGS "; i=x@a.example.com", "t=y:s; ", NULL, BODY, R1024,
	    "permerror d=example.com (t=s of the key wants the domain of i= to be d=)" },
	{ "no t=s, i= below", TAGS "; i=x@a.example.com", "t=y; ", NULL, BODY, R1024, "pass d=example.com aligns" },
	{ "i= elsewhere", TAGS "; i=x@example.org", "", NULL, BODY, R1024,
	    "permerror d=example.com (the domain of i= is not within d=)" },
	{ "From not signed", "v=1; a=rsa-sha256; d=example.com; s=k; h=to:subject", "", NULL, BODY, R1024,
	    "permerror d=example.com (h= does not name From)" },
	{ "the wrong kind of key", TAGS, "", NULL, BODY, ED, "permerror d=example.com (k= of the key does not fit a=)" },
	{ "the other wrong kind of key", "v=1; a=ed25519-sha256; d=example.com; s=k; h=from", "", NULL, BODY, R1024,
	    "permerror d=example.com (k= of the key does not fit a=)" },
	{ "not expired", TAGS "; x=1800000000", "", NULL, BODY, R1024, "pass d=example.com aligns" },
	{ "expired within the skew", TAGS "; x=1799999700", "", NULL, BODY, R1024, "pass d=example.com aligns" },
	{ "expired", TAGS "; x=1799999699", "", NULL, BODY, R1024, "policy d=example.com (signature expired)" },
	{ "never expires", TAGS "; x=99999999999999999999", "", NULL, BODY, R1024, "pass d=example.com aligns" },
	{ "of the future within the skew", TAGS "; t=1800000300", "", NULL, BODY, R1024, "pass d=example.com aligns" },
	{ "of the future", TAGS "; t=1800000301", "", NULL, BODY, R1024, "policy d=example.com (t= lies in the future)" },
	{ "of 1970", TAGS "; t=0", "", NULL, BODY, R1024, "pass d=example.com aligns" },
	{ "x= before t=", TAGS "; t=9; x=8", "", NULL, BODY, R1024, "neutral d=example.com (x= is not later than t=)" },
	{ "l= all", TAGS "; l=10", "", NULL, BODY, R1024, "pass d=example.com aligns" },
	{ "l= all, then more", TAGS "; l=10", "", NULL, "one\r\ntwo\r\nbuy\r\n", R1024,
	    "policy d=example.com (l= covers only the first 10 octets of the body)" },
	{ "l= all, then empty lines", TAGS "; l=10", "", NULL, BODY "\r\n\r\n", R1024, "pass d=example.com aligns" },
	{ "l= zero", TAGS "; l=0", "", NULL, "anything\r\n", R1024,
	    "policy d=example.com (l= covers only the first 0 octets of the body)" },
	{ "l= zero over nothing", TAGS "; l=0", "", NULL, "", R1024, "pass d=example.com aligns" },
	{ "l= within, changed before", TAGS "; l=3", "", NULL, "oNe\r\n", R1024, "fail d=example.com (body hash did not verify)" },
	{ "l= larger", TAGS "; l=11", "", NULL, BODY, R1024, "fail d=example.com (l= is larger than the body)" },
	{ "l= huge", TAGS "; l=99999999999999999999999999", "", NULL, BODY, R1024, "fail d=example.com (l= is larger than the body)" },
	{ "another subdomain", "v=1; a=rsa-sha256; d=example.com; s=a.b; h=from", "", NULL, BODY, R1024,
	    "permerror d=example.com (no key for signature)" },
	{ "z= copies", TAGS "; z=From:x|Subject:y", "", NULL, BODY, R1024, "pass d=example.com aligns" },
};

static struct auth_facts
verify_case(int i)
{
	struct view sig = bench_sign(&bench, cases[i].tags, VIEW_LIT(HEADER), VIEW_LIT(BODY), key[cases[i].key]);
	struct view zone = VIEW_EMPTY;

	/* a key of the wrong kind: signed by one, published another */
	if (strstr(cases[i].what, "wrong kind") != NULL)
		sig = bench_sign(&bench, cases[i].tags, VIEW_LIT(HEADER), VIEW_LIT(BODY), key[cases[i].key == ED ? R1024 : ED]);
	if (cases[i].record != NULL)
		zone = bench_record(&bench, KEY, key[cases[i].key], cases[i].record);
	return bench_verify(&bench, message(sig, cases[i].header != NULL ? cases[i].header : HEADER, cases[i].body), zone);
}

START_TEST(one_signature)
{
	check_words(cases[_i].what, verify_case(_i), cases[_i].words);
	bench.keys = key_cache_new(4);
	bench.chunk = 1;
	check_words(cases[_i].what, verify_case(_i), cases[_i].words);
	check_words(cases[_i].what, verify_case(_i), cases[_i].words);
	arena_reset(arena);
	key_cache_free(bench.keys);
}
END_TEST

/* --- what the zone says --------------------------------------------------------------------------- */

#define P1 "%1"	/* p= of R1024 */
#define P2 "%2"	/* p= of OTHER */

static const struct {
	const char *what;
	const char *zone;
	const char *words;
	const char *comment;
} zones[] = {
	{ "the key", KEY " TXT \"v=DKIM1; p=" P1 "\"", "pass d=example.com aligns", "1024-bit key" },
	{ "in many strings", KEY " TXT \"v=DK\" \"IM1; \" \"p\" \"=\" \"" P1 "\"", "pass d=example.com aligns", "1024-bit key" },
	{ "testing", KEY " TXT \"v=DKIM1; t=y; p=" P1 "\"", "pass d=example.com aligns", "1024-bit key, testing" },
	{ "by a CNAME", KEY " CNAME x.example.net\nx.example.net TXT \"p=" P1 "\"", "pass d=example.com aligns", "1024-bit key" },
	{ "NODATA", KEY " A 192.0.2.1", "permerror d=example.com (no key for signature)", "" },
	{ "strays only", KEY " TXT \"v=spf1 -all\"\n" KEY " TXT \"hello\"", "permerror d=example.com (no key for signature)", "" },
	{ "strays beside it", KEY " TXT \"v=spf1 -all\"\n" KEY " TXT \"\"\n" KEY " TXT \"p=" P1 "\"\n" KEY " TXT \"v=DKIM2; p=" P1 "\"",
	    "pass d=example.com aligns", "1024-bit key" },
	{ "two keys", KEY " TXT \"v=DKIM1; p=" P2 "\"\n" KEY " TXT \"v=DKIM1; p=" P1 "\"", "pass d=example.com aligns", "1024-bit key" },
	{ "two keys, the other way round", KEY " TXT \"v=DKIM1; p=" P1 "\"\n" KEY " TXT \"v=DKIM1; p=" P2 "\"",
	    "pass d=example.com aligns", "1024-bit key" },
	{ "a broken one and it", KEY " TXT \"v=DKIM1; p=AAAA\"\n" KEY " TXT \"p=" P1 "\"", "pass d=example.com aligns", "1024-bit key" },
	{ "a revoked one and it", KEY " TXT \"v=DKIM1; p=\"\n" KEY " TXT \"p=" P1 "\"", "pass d=example.com aligns", "1024-bit key" },
	{ "another's key", KEY " TXT \"p=" P2 "\"", "fail d=example.com (signature did not verify)", "1024-bit key" },
	{ "another's key, testing", KEY " TXT \"t=y; p=" P2 "\"", "fail d=example.com (signature did not verify)",
	    "1024-bit key, testing" },
	{ "another's key and a revoked one", KEY " TXT \"p=" P2 "\"\n" KEY " TXT \"p=\"",
	    "fail d=example.com (signature did not verify)", "1024-bit key" },
	{ "a revoked one and another's key", KEY " TXT \"p=\"\n" KEY " TXT \"p=" P2 "\"",
	    "fail d=example.com (signature did not verify)", "1024-bit key" },
	{ "revoked", KEY " TXT \"v=DKIM1; p=\"", "permerror d=example.com (key revoked)", "" },
	{ "broken", KEY " TXT \"v=DKIM1; p=AAAA\"", "permerror d=example.com (key record: no RSA key in DER)", "" },
	{ "p= twice", KEY " TXT \"v=DKIM1; p=" P1 "; p=" P1 "\"", "permerror d=example.com (key record: p= appears twice)", "" },
	{ "no p=", KEY " TXT \"v=DKIM1; k=rsa\"", "permerror d=example.com (key record: no p=)", "" },
	{ "unknown k=", KEY " TXT \"v=DKIM1; k=x; p=" P1 "\"",
	    "permerror d=example.com (key record: k= names no key type that we know)", "" },
	{ "SERVFAIL", KEY " SERVFAIL", "temperror d=example.com (key lookup: SERVFAIL)", "" },
	{ "no answer", KEY " TIMEOUT", "temperror d=example.com (key lookup: timeout)", "" },
	{ "exponent 1", KEY " TXT \"p=MIGHAoGBAPAhE/9QLdIGwSYapn1klbf8OQygZ4udCDV9afv/Ni0jE3ZKcUKPE4Iob2/dviNh9xM2HmKNKyrrfW4E"
			"i0truh36/9G10LZTMnWVZP3jupH5FxpzaBu2j80yonR/N9WMfg64qGK11j21/qZzAaNo0FxZOggyY9I8N1A81RhyRxDZAgEB\"",
	    "permerror d=example.com (key record: RSA exponent is 1)", "" },
};

static struct view
zone_of(const char *text)
{
	struct buffer b = buffer_in(arena);
	struct view head, tail, rest = view_of(text);

	while (view_split(rest, '%', &head, &tail)) {
		buffer_add(&b, head);
		buffer_add(&b, base64_encode(private_key_public(key[tail.p[0] == '1' ? R1024 : OTHER], arena), arena));
		rest = view_from(tail, 1);
	}
	buffer_add(&b, rest);
	return buffer_view(&b);
}

START_TEST(what_the_zone_says)
{
	struct view sig = bench_sign(&bench, TAGS, VIEW_LIT(HEADER), VIEW_LIT(BODY), key[R1024]);
	struct auth_facts facts = bench_verify(&bench, message(sig, HEADER, BODY), zone_of(zones[_i].zone));

	check_words(zones[_i].what, facts, zones[_i].words);
	ck_assert_msg(view_is(facts.fact[0].comment, zones[_i].comment), "%s: %.*s", zones[_i].what, VIEW_ARG(facts.fact[0].comment));
}
END_TEST

/* A name full of good keys that are not ours: no more than DKIM_KEYS_TRIED_MAX are tried. */
START_TEST(many_keys_at_one_name)
{
	struct view sig = bench_sign(&bench, TAGS, VIEW_LIT(HEADER), VIEW_LIT(BODY), key[R1024]);
	struct buffer zone = buffer_in(arena);

	for (int others = 7; others < 9; others++) {
		buffer_clear(&zone);
		for (int i = 0; i < others; i++)
			buffer_addf(&zone, KEY " TXT \"n=%d; p=%%2\"\n", i);
		buffer_add_cstr(&zone, KEY " TXT \"p=%1\"\n");
		check_words("many", bench_verify(&bench, message(sig, HEADER, BODY), zone_of(arena_cstr(arena, buffer_view(&zone)))),
		    others == 7 ? "pass d=example.com aligns" : "fail d=example.com (signature did not verify)");
	}
}
END_TEST

/* --- settings ------------------------------------------------------------------------------------- */

START_TEST(settings_are_heard)
{
	struct view zone = bench_record(&bench, KEY, key[R1536], "");
	struct view sig = bench_sign(&bench, TAGS, VIEW_LIT(HEADER), VIEW_LIT(BODY), key[R1536]);
	struct view part = bench_sign(&bench, TAGS "; l=3", VIEW_LIT(HEADER), VIEW_LIT(BODY), key[R1536]);

	bench.conf.rsa_bits_min = 1536;
	check_words("at the floor", bench_verify(&bench, message(sig, HEADER, BODY), zone), "pass d=example.com aligns");
	bench.conf.rsa_bits_min = 2048;
	check_words("below the floor", bench_verify(&bench, message(sig, HEADER, BODY), zone),
	    "policy d=example.com (RSA key of 1536 bits, less than 2048)");
	bench.conf.rsa_bits_min = 1024;
	bench.conf.allow_partial_body = true;
	check_words("partial body allowed", bench_verify(&bench, message(part, HEADER, BODY), zone), "pass d=example.com aligns");
	bench.conf.enable = false;
	ck_assert_uint_eq(bench_verify(&bench, message(sig, HEADER, BODY), zone).n, 0);
	ck_assert_uint_eq(bench.queries, 0);
}
END_TEST

START_TEST(settings_have_their_presets)
{
	struct dkim_conf conf;

	conf_section_presets(&dkim_section, &conf, arena);
	ck_assert_str_eq(dkim_section.name, "dkim");
	ck_assert(conf.enable && !conf.allow_partial_body);
	ck_assert_int_eq(conf.signatures_max, 10);
	ck_assert_int_eq(conf.clock_skew, 300);
	ck_assert_int_eq(conf.rsa_bits_min, 1024);
}
END_TEST

START_TEST(no_signature_is_none)
{
	check_words("unsigned", bench_verify(&bench, message(VIEW_EMPTY, HEADER, BODY), VIEW_EMPTY), "none");
	check_words("another field", bench_verify(&bench, message(VIEW_LIT("X-DKIM-Signature: x\r\n"), HEADER, BODY), VIEW_EMPTY), "none");
	check_words("no header", bench_verify(&bench, VIEW_LIT("\r\nbody"), VIEW_EMPTY), "none");
}
END_TEST

/* --- several signatures ----------------------------------------------------------------------------- */

/* n signatures of d=aI.example.net above, one of example.com below them. */
static struct view
crowd(int n, struct buffer *zone)
{
	struct buffer sigs = buffer_in(arena);

	for (int i = 0; i < n; i++) {
		char tags[200], name[100];
		snprintf(tags, sizeof(tags), "v=1; a=rsa-sha256; d=a%d.example.net; s=k; h=from", i);
		snprintf(name, sizeof(name), "k._domainkey.a%d.example.net", i);
		buffer_add(&sigs, bench_sign(&bench, tags, VIEW_LIT(HEADER), VIEW_LIT(BODY), key[R1024]));
		buffer_add(zone, bench_record(&bench, name, key[R1024], ""));
	}
	buffer_add(&sigs, bench_sign(&bench, TAGS, VIEW_LIT(HEADER), VIEW_LIT(BODY), key[R1024]));
	buffer_add(zone, bench_record(&bench, KEY, key[R1024], ""));
	return message(buffer_view(&sigs), HEADER, BODY);
}

START_TEST(the_authors_signature_comes_first)
{
	struct buffer zone = buffer_in(arena);
	struct view m = crowd(3, &zone);

	bench.conf.signatures_max = 2;
	check_words("equal", bench_verify(&bench, m, buffer_view(&zone)),
	    "pass d=a0.example.net aligns; policy d=a1.example.net (not verified: more than 2 signatures); "
	    "policy d=a2.example.net (not verified: more than 2 signatures); pass d=example.com aligns");
	ck_assert_uint_eq(bench.queries, 2);
	bench.conf.signatures_max = 1;
	bench.from_domain = VIEW_LIT("mail.example.com");
	check_words("below", bench_verify(&bench, m, buffer_view(&zone)),
	    "policy d=a0.example.net (not verified: more than 1 signatures); policy d=a1.example.net (not verified: more than 1 "
	    "signatures); policy d=a2.example.net (not verified: more than 1 signatures); pass d=example.com aligns");
	bench.from_domain = VIEW_LIT("example.net");
	check_words("above", bench_verify(&bench, m, buffer_view(&zone)),
	    "pass d=a0.example.net aligns; policy d=a1.example.net (not verified: more than 1 signatures); "
	    "policy d=a2.example.net (not verified: more than 1 signatures); policy d=example.com (not verified: more than 1 signatures)");
	bench.from_domain = VIEW_EMPTY;
	struct auth_facts facts = bench_verify(&bench, m, buffer_view(&zone));
	ck_assert_int_eq(facts.fact[0].result, AUTH_PASS);
}
END_TEST

START_TEST(broken_signatures_do_not_use_up_the_cap)
{
	struct buffer sigs = buffer_in(arena);

	bench.conf.signatures_max = 1;
	for (int i = 0; i < 3; i++)
		buffer_add_cstr(&sigs, "DKIM-Signature: v=1; d=example.com\r\n");
	buffer_add(&sigs, bench_sign(&bench, TAGS, VIEW_LIT(HEADER), VIEW_LIT(BODY), key[R1024]));
	struct auth_facts facts = bench_verify(&bench, message(buffer_view(&sigs), HEADER, BODY), zone_of(KEY " TXT \"p=%1\""));
	ck_assert_uint_eq(facts.n, 4);
	ck_assert_int_eq(facts.fact[0].result, AUTH_NEUTRAL);
	ck_assert_int_eq(facts.fact[3].result, AUTH_PASS);
}
END_TEST

START_TEST(ten_thousand_signatures_are_cheap)
{
	struct buffer sigs = buffer_in(arena);
	struct view sig = bench_sign(&bench, TAGS, VIEW_LIT(HEADER), VIEW_LIT(BODY), key[R1024]);

	for (int i = 0; i < 10000; i++)
		buffer_add(&sigs, sig);
	bench.keys = key_cache_new(4);
	struct auth_facts facts = bench_verify(&bench, message(buffer_view(&sigs), HEADER, BODY), zone_of(KEY " TXT \"p=%1\""));
	ck_assert_uint_eq(facts.n, 10 + DKIM_FACTS_BEYOND + 1);
	for (size_t i = 0; i < 10; i++)
		ck_assert_int_eq(facts.fact[i].result, AUTH_PASS);
	for (size_t i = 10; i < facts.n; i++)
		ck_assert_int_eq(facts.fact[i].result, AUTH_POLICY);
	ck_view_is(facts.fact[19].reason, "not verified: more than 10 signatures");
	ck_view_is(facts.fact[20].reason, "9980 more signatures not verified: more than 10 signatures");
	ck_assert_uint_eq(facts.fact[20].properties, 0);
	ck_assert_uint_eq(bench.queries, 1);
	arena_reset(arena);
	key_cache_free(bench.keys);
}
END_TEST

START_TEST(one_name_is_asked_once)
{
	struct view one = bench_sign(&bench, TAGS, VIEW_LIT(HEADER), VIEW_LIT(BODY), key[R1024]);
	struct view two = bench_sign(&bench, "v=1; a=rsa-sha256; d=Example.COM; s=K; h=from", VIEW_LIT(HEADER), VIEW_LIT(BODY), key[R1024]);

	check_words("both", bench_verify(&bench, message(bench_join(&bench, one, two), HEADER, BODY), zone_of(KEY " TXT \"p=%1\"")),
	    "pass d=example.com aligns; pass d=example.com aligns");
	ck_assert_uint_eq(bench.queries, 1);
}
END_TEST

START_TEST(too_many_lengths)
{
	struct buffer sigs = buffer_in(arena);

	bench.conf.signatures_max = 100;
	bench.conf.allow_partial_body = true;
	for (int i = 0; i < BODY_HASHES_MAX + 1; i++) {
		struct view tags = arena_printf(arena, TAGS "; l=%d", i % 8);
		if (i >= 8)
			tags = arena_printf(arena, "v=1; a=rsa-sha256; d=example.com; s=k; h=from; l=%d", i);
		buffer_add(&sigs, bench_sign(&bench, arena_cstr(arena, tags), VIEW_LIT(HEADER), VIEW_LIT("01234567890123456789"), key[R1024]));
	}
	struct auth_facts facts =
	    bench_verify(&bench, message(buffer_view(&sigs), HEADER, "01234567890123456789"), zone_of(KEY " TXT \"p=%1\""));
	for (size_t i = 0; i < BODY_HASHES_MAX; i++)
		ck_assert_int_eq(facts.fact[i].result, AUTH_PASS);
	ck_view_is(facts.fact[BODY_HASHES_MAX].reason, "not verified: too many different l= in one message");
}
END_TEST

static struct view
property(const struct auth_fact *f, const char *name)
{
	for (size_t i = 0; i < f->properties; i++)
		if (strcmp(f->property[i].name, name) == 0)
			return f->property[i].value;
	return VIEW_EMPTY;
}

START_TEST(properties_are_rfc_8601s)
{
	struct view sig = bench_sign(&bench, TAGS "; i=J=3Boe@Mail.Example.Com", VIEW_LIT(HEADER), VIEW_LIT(BODY), key[R1024]);
	struct auth_facts facts = bench_verify(&bench, message(sig, HEADER, BODY), zone_of(KEY " TXT \"p=%1\""));
	const struct auth_fact *f = &facts.fact[0];
	struct view b = property(f, "b");

	ck_assert_int_eq(f->method, AUTH_DKIM);
	ck_view_is(property(f, "d"), "example.com");
	ck_view_is(property(f, "i"), "J;oe@mail.example.com");
	ck_view_is(property(f, "s"), "k");
	ck_view_is(property(f, "a"), "rsa-sha256");
	ck_assert_uint_eq(b.n, 8);
	ck_assert_ptr_nonnull(memmem(sig.p, sig.n, b.p, b.n));
	for (size_t i = 0; i < f->properties; i++)
		ck_assert_str_eq(f->property[i].ptype, "header");
}
END_TEST

/* RFC 6008: long enough to tell one from another. */
START_TEST(header_b_is_unique)
{
	struct view m = message(VIEW_LIT("DKIM-Signature: v=1; b=AAAAAAAAAAAABBBB\r\n"
					 "DKIM-Signature: v=1; b=AAAA AAAA\r\n AAAACCCC\r\n"
					 "DKIM-Signature: v=1; b=AAAAAAAA\r\n"
					 "DKIM-Signature: v=1; b=Zm9v\r\n"
					 "DKIM-Signature: v=1; b=XXXXXXXXXXXX\r\n"),
	    HEADER, BODY);
	struct auth_facts facts = bench_verify(&bench, m, VIEW_EMPTY);

	ck_assert_uint_eq(facts.n, 5);
	ck_view_is(property(&facts.fact[0], "b"), "AAAAAAAAAAAAB");
	ck_view_is(property(&facts.fact[1], "b"), "AAAAAAAAAAAAC");
	ck_view_is(property(&facts.fact[2], "b"), "AAAAAAAA");
	ck_view_is(property(&facts.fact[3], "b"), "Zm9v");
	ck_view_is(property(&facts.fact[4], "b"), "XXXXXXXX");
}
END_TEST

START_TEST(internationalized_domains)
{
	struct view sig = bench_sign(&bench, "v=1; a=rsa-sha256; d=b\xc3\xbc" "cher.example; s=k\xc3\xa9y; h=from; i=\xc3\xa4@x.b\xc3\xbc" "cher.example",
	    VIEW_LIT(HEADER), VIEW_LIT(BODY), key[R1024]);
	struct auth_facts facts = bench_verify(&bench, message(sig, HEADER, BODY),
	    zone_of("xn--ky-bja._domainkey.xn--bcher-kva.example TXT \"p=%1\""));

	check_words("U-labels", facts, "pass d=xn--bcher-kva.example aligns");
	ck_view_is(property(&facts.fact[0], "i"), "\xc3\xa4@x.xn--bcher-kva.example");
}
END_TEST

/* --- octets ------------------------------------------------------------------------------------------ */

START_TEST(any_octet_may_be_in_a_body)
{
	char body[1024];

	for (int canon = 0; canon < 2; canon++) {
		for (size_t i = 0; i < sizeof(body); i++)
			body[i] = (char)(i * 7);
		struct view v = { body, sizeof(body) };
		struct view sig = bench_sign(&bench, canon == 0 ? "v=1; a=rsa-sha256; d=example.com; s=k; h=from" : TAGS, VIEW_LIT(HEADER), v,
		    key[R1024]);
		struct view m = bench_join(&bench, message(sig, HEADER, ""), v);
		for (bench.chunk = 1; bench.chunk < 20; bench.chunk += 6)
			check_words("octets", bench_verify(&bench, m, zone_of(KEY " TXT \"p=%1\"")), "pass d=example.com aligns");
	}
}
END_TEST

/* Every octet but CR and LF, NUL too, in a signed field. */
START_TEST(any_octet_may_be_in_a_field)
{
	struct buffer h = buffer_in(arena);

	buffer_add_cstr(&h, HEADER "X-Odd:");
	for (int c = 0; c < 256; c++)
		if (c != '\r' && c != '\n')
			buffer_add_char(&h, (char)c);
	buffer_add_cstr(&h, "\r\n");
	for (int simple = 0; simple < 2; simple++) {
		struct view sig = bench_sign(&bench, simple ? "v=1; a=rsa-sha256; d=example.com; s=k; h=from:x-odd" : TAGS ":x-odd",
		    buffer_view(&h), VIEW_LIT(BODY), key[R1024]);
		struct view head = bench_join(&bench, sig, buffer_view(&h));
		struct view m = bench_join(&bench, head, VIEW_LIT("\r\n" BODY));
		check_words("odd", bench_verify(&bench, m, zone_of(KEY " TXT \"p=%1\"")), "pass d=example.com aligns");
		char *p = memchr(m.p, '\0', m.n);
		ck_assert_ptr_nonnull(p);
		*p = '\1';
		check_words("changed", bench_verify(&bench, m, zone_of(KEY " TXT \"p=%1\"")),
		    "fail d=example.com (signature did not verify)");
	}
}
END_TEST

START_TEST(a_field_of_a_megabyte)
{
	char *text = malloc(1 << 20);

	memset(text, 'x', 1 << 20);
	for (size_t i = 0; i < 1 << 20; i += 100)
		memcpy(text + i, "\r\n ", 3);
	struct buffer h = buffer_in(arena);
	buffer_add_cstr(&h, HEADER "X-Large:");
	buffer_add(&h, (struct view){ text, 1 << 20 });
	buffer_add_cstr(&h, "\r\n");
	struct view sig = bench_sign(&bench, TAGS ":x-large", buffer_view(&h), VIEW_LIT(BODY), key[R1024]);
	struct view m = message(sig, arena_cstr(arena, buffer_view(&h)), BODY);
	check_words("large", bench_verify(&bench, m, zone_of(KEY " TXT \"p=%1\"")), "pass d=example.com aligns");
	free(text);
}
END_TEST

int
main(void)
{
	static const int bits[KEYS] = { 1024, 2048, 512, 1536, 0, 1024 };
	Suite *suite = suite_create("dkim");
	TCase *tc = tcase_create("dkim");
	struct err err;

	if (!crypt_open(&err))
		return EXIT_FAILURE;
	for (int i = 0; i < KEYS; i++)
		key[i] = private_key_new(i == ED ? KEY_ED25519 : KEY_RSA, bits[i], &err);
	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, one_signature, 0, ARRAY_LEN(cases));
	tcase_add_loop_test(tc, what_the_zone_says, 0, ARRAY_LEN(zones));
	tcase_add_test(tc, many_keys_at_one_name);
	tcase_add_test(tc, settings_are_heard);
	tcase_add_test(tc, settings_have_their_presets);
	tcase_add_test(tc, no_signature_is_none);
	tcase_add_test(tc, the_authors_signature_comes_first);
	tcase_add_test(tc, broken_signatures_do_not_use_up_the_cap);
	tcase_add_test(tc, ten_thousand_signatures_are_cheap);
	tcase_add_test(tc, one_name_is_asked_once);
	tcase_add_test(tc, too_many_lengths);
	tcase_add_test(tc, properties_are_rfc_8601s);
	tcase_add_test(tc, header_b_is_unique);
	tcase_add_test(tc, internationalized_domains);
	tcase_add_test(tc, any_octet_may_be_in_a_body);
	tcase_add_test(tc, any_octet_may_be_in_a_field);
	tcase_add_test(tc, a_field_of_a_megabyte);
	suite_add_tcase(suite, tc);
	int failed = run_suite(suite);
	for (int i = 0; i < KEYS; i++)
		private_key_unref(key[i]);
	crypt_close();
	return failed;
}
