/*
 * Messages that others signed: RFC 6376 A.2 (with the white space it was signed with), RFC 8463 A, and dkimpy
 * (make_fixtures.py).  Each must pass, and fail once it is touched.
 */
#include "dkim_bench.h"
#include "support/support.h"

#include <stdlib.h>
#include <string.h>

static struct arena *arena;
static struct bench bench;

static void
setup(void)
{
	struct err err;

	ck_assert(crypt_open(&err));
	arena = arena_new();
	bench_init(&bench, arena);
}

static void
teardown(void)
{
	arena_free(arena);
	crypt_close();
}

static const struct {
	const char *file;
	const char *zone;
	const char *words;
	const char *last; /* of header.i of the last fact */
} vectors[] = {
	{ "rfc6376-a2", "rfc", "pass d=example.com aligns", "joe@football.example.com" },
	{ "rfc8463-a", "rfc", "pass d=football.example.com aligns; pass d=football.example.com aligns", "@football.example.com" },
	{ "signed-simple-simple", "signed", "pass d=example.com aligns", "@example.com" },
	{ "signed-simple-relaxed", "signed", "pass d=example.com aligns", "@example.com" },
	{ "signed-relaxed-simple", "signed", "pass d=example.com aligns", "@example.com" },
	{ "signed-relaxed-relaxed", "signed", "pass d=example.com aligns", "@example.com" },
	{ "signed-empty-simple", "signed", "pass d=example.com aligns", "@example.com" },
	{ "signed-empty-relaxed", "signed", "pass d=example.com aligns", "@example.com" },
	{ "signed-lines-simple", "signed", "pass d=example.com aligns", "@example.com" },
	{ "signed-lines-relaxed", "signed", "pass d=example.com aligns", "@example.com" },
	{ "signed-blank-simple", "signed", "pass d=example.com aligns", "@example.com" },
	{ "signed-blank-relaxed", "signed", "pass d=example.com aligns", "@example.com" },
	{ "signed-trailing-simple", "signed", "pass d=example.com aligns", "@example.com" },
	{ "signed-trailing-relaxed", "signed", "pass d=example.com aligns", "@example.com" },
	{ "signed-cut-simple", "signed", "pass d=example.com aligns", "@example.com" },
	{ "signed-cut-relaxed", "signed", "pass d=example.com aligns", "@example.com" },
	{ "signed-8bit-simple", "signed", "pass d=example.com aligns", "@example.com" },
	{ "signed-8bit-relaxed", "signed", "pass d=example.com aligns", "@example.com" },
	{ "signed-long-simple", "signed", "pass d=example.com aligns", "@example.com" },
	{ "signed-long-relaxed", "signed", "pass d=example.com aligns", "@example.com" },
	{ "signed-ed25519", "signed", "pass d=example.com aligns", "@example.com" },
	{ "signed-r4096", "signed", "pass d=example.com aligns", "@example.com" },
	{ "signed-length", "signed", "pass d=example.com aligns", "@example.com" },
	{ "signed-repeated", "signed", "pass d=example.com aligns", "@example.com" },
	{ "signed-identity", "signed", "pass d=example.com aligns", "joe;x@news.example.com" },
};

static struct view
data(const char *name, const char *suffix)
{
	char *path = test_path(arena_cstr(arena, arena_printf(arena, "data/%s.%s", name, suffix)));
	struct view octets = read_file(path), copy = arena_copy(arena, octets);

	free(path);
	free((void *)octets.p);
	return copy;
}

START_TEST(others_signatures_pass)
{
	struct view message = data(vectors[_i].file, "eml"), zone = data(vectors[_i].zone, "zone");
	static const size_t chunks[] = { 0, 1, 7, 65535 };

	for (size_t i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
		bench.chunk = chunks[i];
		struct auth_facts facts = bench_verify(&bench, message, zone);
		struct view words = bench_words(&bench, &facts);
		ck_assert_msg(view_is(words, vectors[_i].words), "%s: %.*s", vectors[_i].file, VIEW_ARG(words));
		ck_assert_str_eq(facts.fact[facts.n - 1].property[1].name, "i");
		ck_view_is(facts.fact[facts.n - 1].property[1].value, vectors[_i].last);
	}
}
END_TEST

/* The message with `old` made `new`; both have one length. */
static struct view
changed(struct view message, const char *old, const char *new)
{
	struct view copy = arena_copy(arena, message);
	char *at = memmem(copy.p, copy.n, old, strlen(old));

	ck_assert_msg(at != NULL, "no %s", old);
	memcpy(at, new, strlen(new));
	return copy;
}

static bool
any_passes(const struct auth_facts *facts)
{
	for (size_t i = 0; i < facts->n; i++)
		if (facts->fact[i].result == AUTH_PASS || facts->fact[i].aligns)
			return true;
	return false;
}

START_TEST(others_signatures_fail_when_touched)
{
	struct view message = data(vectors[_i].file, "eml"), zone = data(vectors[_i].zone, "zone");
	const char *from = strncmp(vectors[_i].file, "rfc", 3) == 0 ? "<joe@foot" : "<joe@exam";
	struct auth_facts facts = bench_verify(&bench, changed(message, from, from[5] == 'f' ? "<jim@foot" : "<jim@exam"), zone);

	ck_assert(!any_passes(&facts));
	ck_view_is(facts.fact[0].reason, "signature did not verify");
	facts = bench_verify(&bench, bench_join(&bench, message, VIEW_LIT("x\r\n")), zone);
	ck_assert(!any_passes(&facts));
	if (strcmp(vectors[_i].file, "signed-length") == 0)
		ck_assert_int_eq(facts.fact[0].result, AUTH_POLICY);
	else
		ck_view_is(facts.fact[0].reason, "body hash did not verify");
	facts = bench_verify(&bench, changed(message, " bh=", " bH="), zone);
	ck_assert_int_eq(facts.fact[0].result, AUTH_NEUTRAL);
}
END_TEST

/* Every octet that a simple signature covers, one after the other. */
START_TEST(no_octet_is_free)
{
	struct view message = data("signed-simple-simple", "eml"), zone = data("signed", "zone");
	size_t passes = 0, from = view_find(message, '\n');

	bench.keys = key_cache_new(10);
	for (size_t i = from; i < message.n; i += 3) {
		struct arena *kept = bench.arena;
		bench.arena = arena_new();
		char *copy = (char *)arena_copy(bench.arena, message).p;
		copy[i] ^= 1;
		struct auth_facts facts = bench_verify(&bench, (struct view){ copy, message.n }, zone);
		passes += any_passes(&facts);
		arena_free(bench.arena);
		bench.arena = kept;
	}
	key_cache_free(bench.keys);
	/* Received and X-* are not in h=; about 230 octets of them are looked at. */
	ck_assert_uint_lt(passes, 110);
	ck_assert_uint_gt(passes, 40);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("dkim_vectors");
	TCase *tc = tcase_create("dkim_vectors");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, others_signatures_pass, 0, ARRAY_LEN(vectors));
	tcase_add_loop_test(tc, others_signatures_fail_when_touched, 0, ARRAY_LEN(vectors));
	tcase_add_test(tc, no_octet_is_free);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
