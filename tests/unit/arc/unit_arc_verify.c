/* Signatures, keys, times and DNS: chains that we forge ourselves, with one thing wrong in each. */
#include "arc/arc_hash.h"
#include "base/base64.h"
#include "base/buffer.h"
#include "rig.h"
#include "support/support.h"

#include <string.h>

#define BODY "Hello.\r\n"
#define MESSAGE "From: a@example.org\r\nTo: b@example.net\r\nSubject: s\r\n\r\n" BODY

/* Made once: RSA keys take their time. */
static struct private_key *rsa, *weak, *ed25519;
static struct view zone;
static struct arena *zone_arena;
static struct rig rig;

static void
add_key(struct buffer *b, const char *name, const char *tags, const struct private_key *key)
{
	struct view p = base64_encode(private_key_public(key, zone_arena), zone_arena);

	buffer_addf(b, "%s._domainkey.d.example TXT \"%s; p=%.*s\"\n", name, tags, VIEW_ARG(p));
}

static void
make_zone(void)
{
	zone_arena = arena_new();
	struct buffer b = buffer_in(zone_arena);

	add_key(&b, "rsa", "v=DKIM1", rsa);
	add_key(&b, "weak", "v=DKIM1", weak);
	add_key(&b, "ed", "v=DKIM1; k=ed25519", ed25519);
	add_key(&b, "sha1", "v=DKIM1; h=sha1", rsa);
	add_key(&b, "tlsrpt", "v=DKIM1; s=tlsrpt", rsa);
	add_key(&b, "other", "v=DKIM1", weak);
	add_key(&b, "two", "v=DKIM1", weak);
	add_key(&b, "two", "v=DKIM1", rsa);
	add_key(&b, "strict", "v=DKIM1; t=y:s", rsa);
	buffer_add_cstr(&b, "stray._domainkey.d.example TXT \"hello\"\n");
	add_key(&b, "stray", "v=DKIM1", rsa);
	buffer_add_cstr(&b, "revoked._domainkey.d.example TXT \"v=DKIM1; p=\"\n"
			    "broken._domainkey.d.example TXT \"v=DKIM1; p=AAAA\"\n"
			    "text._domainkey.d.example TXT \"nothing\"\n"
			    "nodata._domainkey.d.example NODATA\n"
			    "slow._domainkey.d.example TIMEOUT\n"
			    "ill._domainkey.d.example SERVFAIL\n");
	zone = buffer_view(&b);
}

static void
make_keys(void)
{
	struct err err;

	ck_assert(crypt_open(&err));
	rsa = private_key_new(KEY_RSA, 2048, &err);
	weak = private_key_new(KEY_RSA, 1024, &err);
	ed25519 = private_key_new(KEY_ED25519, 0, &err);
	ck_assert(rsa != NULL && weak != NULL && ed25519 != NULL);
	make_zone();
}

static void
drop_keys(void)
{
	private_key_unref(rsa);
	private_key_unref(weak);
	private_key_unref(ed25519);
	arena_free(zone_arena);
	crypt_close();
}

static void
setup(void)
{
	rig_open(&rig, zone);
}

static void
teardown(void)
{
	rig_close(&rig);
}

/* --- forging ------------------------------------------------------------------------------------ */

/* "$" stands for the hash of BODY. */
static struct view
fill_in(const char *tags)
{
	struct view bh = base64_encode(digest_of(DIGEST_SHA256, VIEW_LIT(BODY), rig.arena), rig.arena), head, rest;

	if (!view_split(view_of(tags), '$', &head, &rest))
		return view_of(tags);
	return arena_printf(rig.arena, "%.*s%.*s%.*s", VIEW_ARG(head), VIEW_ARG(bh), VIEW_ARG(rest));
}

static struct view
put_on_top(const char *name, struct view value, struct view text)
{
	return arena_printf(rig.arena, "%s:%.*s\r\n%.*s", name, VIEW_ARG(value), VIEW_ARG(text));
}

/* value ends in "b=QQ==", which the signature replaces. */
static struct view
sign(struct view value, struct view digest, const struct private_key *key)
{
	struct view octets;
	struct err err;

	ck_assert(private_key_sign(key, digest, rig.arena, &octets, &err));
	octets = base64_encode(octets, rig.arena);
	return arena_printf(rig.arena, "%.*s%.*s", VIEW_ARG(view_sub(value, 0, value.n - 4)), VIEW_ARG(octets));
}

/* One set more on top of text, whatever its tags say.  The tags lack b=. */
static struct view
forge(unsigned instance, const char *ams_tags, const char *seal_tags, const struct private_key *key, struct view text)
{
	struct header h;
	struct arc_field field;
	struct arc_chain chain;
	struct arc_scope scope;
	struct view body, value = arena_printf(rig.arena, " %.*s; b=QQ==", VIEW_ARG(fill_in(ams_tags)));
	struct header_field from = { VIEW_LIT("ARC-Message-Signature"), value };
	struct err err;

	header_init(&h, rig.arena, 1000000, 10000);
	ck_assert(header_read(text, &h, &body, &err));
	ck_assert_msg(arc_field_parse(ARC_AMS, &from, rig.arena, &field, &err), "%s", err.text);
	value = sign(value, arc_hash_message(&h, &field, rig.arena), key);
	struct view aar = arena_printf(rig.arena, " i=%u; mx.d.example; none", instance);
	text = put_on_top("ARC-Authentication-Results", aar, text);
	text = put_on_top("ARC-Message-Signature", value, text);
	value = arena_printf(rig.arena, " %s; b=QQ==", seal_tags);
	header_init(&h, rig.arena, 1000000, 10000);
	ck_assert(header_read(put_on_top("ARC-Seal", value, text), &h, &body, &err));
	arc_chain_collect(&h, rig.arena, &chain);
	ck_assert(chain.n == instance && chain.set[instance - 1].part[ARC_SEAL] != NULL);
	arc_scope_of(&chain, rig.arena, &scope);
	value = sign(value, arc_hash_seal(&chain, &scope, instance, rig.arena), key);
	return put_on_top("ARC-Seal", value, text);
}

#define AMS(rest) "i=1; a=rsa-sha256; c=relaxed/relaxed; d=d.example; h=from:to; bh=$" rest
#define AS(rest) "i=1; a=rsa-sha256; cv=none; d=d.example" rest

/* The clock of the rig stands at 1700000000, the skew is 300. */
static const struct {
	const char *what, *ams, *seal;
	enum auth_result result;
	const char *reason; /* found in it */
} rows[] = {
	{ "plain", AMS("; s=rsa"), AS("; s=rsa"), AUTH_PASS, "" },
	{ "flags of the key mean nothing here", AMS("; s=strict"), AS("; s=strict"), AUTH_PASS, "" },
	{ "a stray text beside the key", AMS("; s=stray"), AS("; s=stray"), AUTH_PASS, "" },
	{ "From is not covered", "i=1; a=rsa-sha256; d=d.example; s=rsa; h=to; bh=$", AS("; s=rsa"), AUTH_PASS, "" },
	{ "two keys at one name", AMS("; s=two"), AS("; s=two"), AUTH_PASS, "" },
	{ "1024 bits", AMS("; s=rsa"), AS("; s=weak"), AUTH_FAIL, "ARC-Seal i=1: key: the signature is not" },
	{ "another's key", AMS("; s=other"), AS("; s=rsa"), AUTH_FAIL, "ARC-Message-Signature i=1: key: the signature is not" },
	{ "revoked", AMS("; s=rsa"), AS("; s=revoked"), AUTH_FAIL, "ARC-Seal i=1: key: revoked" },
	{ "revoked", AMS("; s=revoked"), AS("; s=rsa"), AUTH_FAIL, "ARC-Message-Signature i=1: key: revoked" },
	{ "broken key", AMS("; s=rsa"), AS("; s=broken"), AUTH_FAIL, "ARC-Seal i=1: key:" },
	{ "no key in the text", AMS("; s=rsa"), AS("; s=text"), AUTH_FAIL, "no key in DNS" },
	{ "no such name", AMS("; s=rsa"), AS("; s=absent"), AUTH_FAIL, "no key in DNS" },
	{ "no text", AMS("; s=rsa"), AS("; s=nodata"), AUTH_FAIL, "no key in DNS" },
	{ "key for sha1", AMS("; s=rsa"), AS("; s=sha1"), AUTH_FAIL, "not for sha256" },
	{ "key for reports", AMS("; s=rsa"), AS("; s=tlsrpt"), AUTH_FAIL, "not for email" },
	{ "key of another type", AMS("; s=rsa"), AS("; s=ed"), AUTH_FAIL, "another type" },
	{ "DNS is slow", AMS("; s=rsa"), AS("; s=slow"), AUTH_TEMPERROR, "ARC-Seal i=1: key: DNS says timeout" },
	{ "DNS is ill", AMS("; s=ill"), AS("; s=rsa"), AUTH_TEMPERROR, "ARC-Message-Signature i=1: key: DNS says SERVFAIL" },
	{ "what fails for good comes first", AMS("; s=slow"), AS("; s=revoked"), AUTH_FAIL, "ARC-Seal i=1: key: revoked" },
	{ "and the other way", AMS("; s=revoked"), AS("; s=slow"), AUTH_FAIL, "Signature i=1: key: revoked" },
	{ "signed a little ahead", AMS("; t=1700000300; s=rsa"), AS("; t=1700000300; s=rsa"), AUTH_PASS, "" },
	{ "signed in the future", AMS("; t=1700000301; s=rsa"), AS("; s=rsa"), AUTH_FAIL, "Signature i=1: t= lies" },
	{ "sealed in the future", AMS("; s=rsa"), AS("; t=1700000301; s=rsa"), AUTH_FAIL, "ARC-Seal i=1: t= lies" },
	{ "just not expired", AMS("; x=1699999700; s=rsa"), AS("; s=rsa"), AUTH_PASS, "" },
	{ "expired", AMS("; x=1699999699; s=rsa"), AS("; s=rsa"), AUTH_FAIL, "expired" },
	{ "x= of a seal means nothing", AMS("; s=rsa"), AS("; x=1; s=rsa"), AUTH_PASS, "" },
	{ "l= of all", AMS("; l=8; s=rsa"), AS("; s=rsa"), AUTH_PASS, "" },
	{ "l= of less", "i=1; a=rsa-sha256; c=relaxed/relaxed; d=d.example; h=from; l=0; s=rsa; "
	    "bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", AS("; s=rsa"), AUTH_FAIL, "l= is not" },
	{ "l= of more", AMS("; l=9; s=rsa"), AS("; s=rsa"), AUTH_FAIL, "l= is not" },
	{ "another body", "i=1; a=rsa-sha256; c=relaxed/relaxed; d=d.example; h=from; s=rsa; "
	    "bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", AS("; s=rsa"), AUTH_FAIL, "body hash differs" },
	{ "simple", "i=1; a=rsa-sha256; c=simple/simple; d=d.example; h=from:to; bh=$; s=rsa", AS("; s=rsa"), AUTH_PASS, "" },
	{ "tags over U-labels", "i=1; a=rsa-sha256; c=relaxed; d=D.Example; h=from; bh=$; s=RSA", AS("; s=rsa"), AUTH_PASS, "" },
};

START_TEST(signature_rows)
{
	struct view text = forge(1, rows[_i].ams, rows[_i].seal, rsa, VIEW_LIT(MESSAGE));
	struct rig_message m;
	struct err err;

	ck_assert(rig_verify(&rig, text, &m, &err));
	const char *reason = arena_cstr(rig.arena, m.chain.reason);
	ck_assert_msg(m.chain.result == rows[_i].result, "%s: %s (%s)", rows[_i].what,
	    name_of(auth_result_names, m.chain.result), reason);
	ck_assert_msg(strstr(reason, rows[_i].reason) != NULL, "%s: %s", rows[_i].what, reason);
	bool pass = m.chain.result == AUTH_PASS;
	ck_assert(pass == view_is(m.chain.sealer, "d.example"));
	ck_assert(pass == view_is(m.chain.newest_aar, " i=1; mx.d.example; none"));
	ck_assert(pass == view_is(m.chain.newest_authres, " mx.d.example; none"));
	ck_assert(m.chain.covers_from == (pass && strstr(rows[_i].ams, "h=from") != NULL));
	ck_assert_uint_eq(m.chain.instances, 1);
	ck_assert_uint_eq(m.chain.domains_n, 1);
	ck_view_is(m.chain.domains[0], "d.example");
}
END_TEST

START_TEST(ed25519_is_believed)
{
	struct view text = forge(1, "i=1; a=ed25519-sha256; d=d.example; s=ed; h=from; bh=$",
	    "i=1; a=ed25519-sha256; d=d.example; s=ed; cv=none", ed25519, VIEW_LIT(MESSAGE));
	struct rig_message m;
	struct err err;

	ck_assert(rig_verify(&rig, text, &m, &err));
	ck_assert_msg(m.chain.result == AUTH_PASS, "%.*s", VIEW_ARG(m.chain.reason));
}
END_TEST

START_TEST(short_keys_are_a_setting)
{
	struct view text = forge(1, AMS("; s=weak"), AS("; s=weak"), weak, VIEW_LIT(MESSAGE));
	struct rig_message m;
	struct err err;

	ck_assert(rig_verify(&rig, text, &m, &err) && m.chain.result == AUTH_PASS);
	rig.conf.rsa_bits_min = 1025;
	ck_assert(rig_verify(&rig, text, &m, &err) && m.chain.result == AUTH_FAIL);
	ck_view_is(m.chain.reason, "ARC-Message-Signature i=1: key: 1024 bits are too few");
}
END_TEST

START_TEST(switched_off)
{
	struct view text = forge(1, AMS("; s=rsa"), AS("; s=rsa"), rsa, VIEW_LIT(MESSAGE));
	struct rig_message m;
	struct err err;

	rig.conf.enable = false;
	ck_assert(rig_verify(&rig, text, &m, &err) && m.chain.result == AUTH_NONE);
	ck_assert(m.queries == 0 && m.chain.instances == 0);
}
END_TEST

/* --- long chains -------------------------------------------------------------------------------- */

static struct view
grow(struct view text, unsigned from, unsigned to, const char *names, const char *selector)
{
	for (unsigned i = from; i <= to; i++) {
		struct view ams = arena_printf(rig.arena,
		    "i=%u; a=rsa-sha256; c=relaxed/relaxed; d=d.example; s=%s; h=%s; bh=$", i, selector, names);
		struct view seal = arena_printf(rig.arena, "i=%u; a=rsa-sha256; cv=%s; d=d.example; s=rsa", i,
		    i == 1 ? "none" : "pass");
		text = forge(i, arena_cstr(rig.arena, ams), arena_cstr(rig.arena, seal), rsa, text);
	}
	return text;
}

/* Where older ARC-Message-Signatures stop verifying: a Subject that all below cover is changed after hop `changed`. */
static const struct {
	unsigned hops, changed, oldest, exim;
} ages[] = {
	{ 1, 0, 0, 1 }, { 2, 0, 0, 1 }, { 3, 1, 2, 2 }, { 3, 2, 3, 3 }, { 5, 2, 3, 3 }, { 50, 0, 0, 1 }, { 50, 49, 50, 50 },
};

START_TEST(oldest_pass_both_ways)
{
	struct view text = VIEW_LIT(MESSAGE), fact_text;
	struct rig_message m;
	struct auth_fact fact;
	struct err err;

	text = grow(text, 1, ages[_i].changed, "from:subject", "rsa");
	if (ages[_i].changed > 0) {
		size_t at = text.n - strlen("s\r\n\r\n" BODY);
		text = arena_printf(rig.arena, "%.*sThe list: %.*s", VIEW_ARG(view_sub(text, 0, at)),
		    VIEW_ARG(view_from(text, at)));
	}
	text = grow(text, ages[_i].changed + 1, ages[_i].hops, "from:subject", "rsa");
	ck_assert(rig_verify(&rig, text, &m, &err));
	ck_assert_msg(m.chain.result == AUTH_PASS, "%.*s", VIEW_ARG(m.chain.reason));
	ck_assert_uint_eq(m.chain.oldest_pass, ages[_i].oldest);
	ck_assert_uint_eq(m.chain.oldest_pass_exim, ages[_i].exim);
	ck_assert_uint_eq(m.chain.instances, ages[_i].hops);
	ck_assert_uint_eq(m.queries, 1);
	arc_fact(&m.chain, rig.arena, &fact);
	ck_assert(fact.method == AUTH_ARC && fact.result == AUTH_PASS && fact.properties == 1);
	fact_text = arena_printf(rig.arena, "%s.%s=%.*s", fact.property[0].ptype, fact.property[0].name,
	    VIEW_ARG(fact.property[0].value));
	ck_assert(view_eq(fact_text, arena_printf(rig.arena, "header.oldest-pass=%u", ages[_i].oldest)));
}
END_TEST

/* The key of an older ARC-Message-Signature has no say in the verdict. */
START_TEST(older_keys_may_be_gone)
{
	struct view text = grow(VIEW_LIT(MESSAGE), 1, 1, "from", "slow");
	struct rig_message m;
	struct err err;

	text = grow(text, 2, 3, "from", "rsa");
	ck_assert(rig_verify(&rig, text, &m, &err));
	ck_assert(m.chain.result == AUTH_PASS && m.chain.oldest_pass == 2 && m.chain.oldest_pass_exim == 2);
}
END_TEST

/* A seal that never was one stays a hole, however well the later ones cover it. */
START_TEST(every_seal_counts)
{
	struct view text = forge(1, AMS("; s=rsa"), AS("; s=other"), rsa, VIEW_LIT(MESSAGE));
	struct rig_message m;
	struct err err;

	text = grow(text, 2, 3, "from", "rsa");
	ck_assert(rig_verify(&rig, text, &m, &err));
	ck_assert(m.chain.result == AUTH_FAIL && m.chain.oldest_pass_exim == 0);
	ck_view_is(m.chain.reason, "ARC-Seal i=1: key: the signature is not of this key");
}
END_TEST

/* Names of keys are asked for once each, and never more than the chain can need for its verdict. */
START_TEST(keys_are_bounded)
{
	struct view text = VIEW_LIT(MESSAGE);
	struct rig_message m;
	struct err err;

	for (unsigned i = 1; i <= ARC_INSTANCES_MAX; i++) {
		struct view ams = arena_printf(rig.arena, "i=%u; a=rsa-sha256; d=d.example; s=rsa; h=from; bh=$", i);
		struct view seal = arena_printf(rig.arena, "i=%u; a=rsa-sha256; cv=%s; d=d%u.example; s=rsa", i,
		    i == 1 ? "none" : "pass", i);
		text = forge(i, arena_cstr(rig.arena, ams), arena_cstr(rig.arena, seal), rsa, text);
	}
	ck_assert(rig_verify(&rig, text, &m, &err));
	ck_assert_uint_eq(m.queries, ARC_KEYS_MAX);
	ck_assert(m.chain.result == AUTH_FAIL); /* d50.example has no key */
	ck_assert_uint_eq(m.chain.domains_n, ARC_INSTANCES_MAX);
	ck_view_is(m.chain.domains[0], "d1.example");
	ck_view_is(m.chain.domains[49], "d50.example");
}
END_TEST

/* One octet of the text at a time: nothing that a signature covers can change unseen. */
START_TEST(every_covered_octet_counts)
{
	struct view text = grow(VIEW_LIT(MESSAGE), 1, 2, "from:to:subject", "rsa");
	char *p = arena_cstr(rig.arena, text);
	struct rig_message m;
	struct err err;

	for (size_t i = 0; i < text.n; i += 3) {
		char was = p[i];
		p[i] = was == 'x' ? 'y' : 'x';
		if (rig_verify(&rig, (struct view){ p, text.n }, &m, &err))
			ck_assert_msg(m.chain.result != AUTH_PASS || ascii_lower(was) == p[i],
			    "octet %zu ('%c') can be changed", i, was);
		p[i] = was;
	}
	ck_assert(rig_verify(&rig, (struct view){ p, text.n }, &m, &err) && m.chain.result == AUTH_PASS);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("arc");
	TCase *tc = tcase_create("signatures");

	tcase_set_timeout(tc, 60);
	tcase_add_unchecked_fixture(tc, make_keys, drop_keys);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, signature_rows, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, ed25519_is_believed);
	tcase_add_test(tc, short_keys_are_a_setting);
	tcase_add_test(tc, switched_off);
	tcase_add_loop_test(tc, oldest_pass_both_ways, 0, ARRAY_LEN(ages));
	tcase_add_test(tc, older_keys_may_be_gone);
	tcase_add_test(tc, every_seal_counts);
	tcase_add_test(tc, keys_are_bounded);
	tcase_add_test(tc, every_covered_octet_counts);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
