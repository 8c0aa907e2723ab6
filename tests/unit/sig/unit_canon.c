#include "sig/body_hash.h"
#include "sig/canon.h"

#include "base/base64.h"
#include "base/buffer.h"
#include "obvious.h"
#include "support/setup.h"
#include "support/support.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	const char *what;
	const char *body;
	const char *simple;
	const char *relaxed;
} bodies[] = {
	{ "empty", "", "\r\n", "" },
	{ "one line end", "\r\n", "\r\n", "" },
	{ "many line ends", "\r\n\r\n\r\n", "\r\n", "" },
	{ "RFC 6376 3.4.5", " C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n", " C\r\nD E\r\n" },
	{ "no line end", "a", "a\r\n", "a\r\n" },
	{ "no line end, white space", "a \t", "a \t\r\n", "a\r\n" },
	{ "white space only", " \t ", " \t \r\n", "" },
	{ "lines of white space", " \r\n\t\r\n", " \r\n\t\r\n", "" },
	{ "white space line before text", " \r\na\r\n", " \r\na\r\n", "\r\na\r\n" },
	{ "empty lines before text", "\r\n\r\na\r\n", "\r\n\r\na\r\n", "\r\n\r\na\r\n" },
	{ "empty lines inside", "a\r\n\r\n\r\nb\r\n\r\n", "a\r\n\r\n\r\nb\r\n", "a\r\n\r\n\r\nb\r\n" },
	{ "white space runs", "a  b\t\tc \td\r\n", "a  b\t\tc \td\r\n", "a b c d\r\n" },
	{ "one tab", "a\tb\r\n", "a\tb\r\n", "a b\r\n" },
	{ "leading white space", "  a\r\n\t b\r\n", "  a\r\n\t b\r\n", " a\r\n b\r\n" },
	{ "trailing white space", "a \r\nb\t\r\n", "a \r\nb\t\r\n", "a\r\nb\r\n" },
	{ "bare CR", "a\rb\r\n", "a\rb\r\n", "a\rb\r\n" },
	{ "bare CR at the end", "a\r", "a\r\r\n", "a\r\r\n" },
	{ "CR CR LF", "a\r\r\n", "a\r\r\n", "a\r\r\n" },
	{ "space CR CR LF", "a \r\r\n", "a \r\r\n", "a \r\r\n" },
	{ "space and bare CR", "a  \r b", "a  \r b\r\n", "a \r b\r\n" },
	{ "bare LF", "a\nb\n", "a\nb\n\r\n", "a\nb\n\r\n" },
	{ "bare LF alone", "\n", "\n\r\n", "\n\r\n" },
	{ "space and bare LF", "a \n\r\n", "a \n\r\n", "a \n\r\n" },
	{ "CR alone", "\r", "\r\r\n", "\r\r\n" },
	{ "line end, CR", "\r\n\r", "\r\n\r\r\n", "\r\n\r\r\n" },
	{ "8-bit octets", "\xe9\xa0 \xff\r\n", "\xe9\xa0 \xff\r\n", "\xe9\xa0 \xff\r\n" },
	{ "other white space is none", "a\v\f b\r\n", "a\v\f b\r\n", "a\v\f b\r\n" },
	{ "white space behind the last text", "a\r\n \t\r\n\r\n ", "a\r\n \t\r\n\r\n \r\n", "a\r\n" },
	{ "longer than a vector", "0123456789abcde \r\n0123456789abcdef  0123456789abcdef0\t\r\n",
	    "0123456789abcde \r\n0123456789abcdef  0123456789abcdef0\t\r\n",
	    "0123456789abcde\r\n0123456789abcdef 0123456789abcdef0\r\n" },
};

START_TEST(body_forms)
{
	for (size_t cut = 1; cut < 40; cut++) {
		ck_view_is(gathered_body(CANON_SIMPLE, view_of(bodies[_i].body), cut, arena), bodies[_i].simple);
		ck_view_is(gathered_body(CANON_RELAXED, view_of(bodies[_i].body), cut, arena), bodies[_i].relaxed);
	}
}
END_TEST

/* --- against the slow and obvious form -------------------------------------------------------------- */

/* A fixed sequence, so that a failure comes back (Numerical Recipes' constants). */
static uint32_t seed;

static uint32_t
roll(uint32_t sides)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % sides;
}

static struct view
random_body(void)
{
	static const char *const pieces[] = { "\r\n", "\r\n", " ", " ", "\t", "\r", "\n", "a", "word", "\xff", "a longer run of words here",
		"  ", " \r\n", "0123456789abcdef", "0123456789abcde", "", ".", "\r\n\r\n" };
	struct buffer b = buffer_in(arena);
	uint32_t n = roll(60);

	for (uint32_t i = 0; i < n; i++) {
		if (roll(30) == 0)
			buffer_add_char(&b, '\0');
		buffer_add_cstr(&b, pieces[roll(sizeof(pieces) / sizeof(pieces[0]))]);
	}
	return buffer_view(&b);
}

START_TEST(body_forms_against_the_obvious)
{
	seed = (uint32_t)_i * 77 + 1;
	for (int round = 0; round < 300; round++) {
		struct view body = random_body();
		enum canon canon = (enum canon)roll(2);
		size_t cut = 1 + roll(body.n > 0 ? (uint32_t)body.n + 3 : 3);
		struct view fast = gathered_body(canon, body, cut, arena), slow = obvious_body(canon, body, arena);
		ck_assert_msg(view_eq(fast, slow), "seed %d round %d canon %d cut %zu: %zu and %zu octets", _i, round, (int)canon, cut,
		    fast.n, slow.n);
		arena_reset(arena);
	}
}
END_TEST

static void
count(void *ctx, struct view slice)
{
	*(size_t *)ctx += slice.n;
}

START_TEST(a_million_empty_lines_are_counted)
{
	for (int text = 0; text < 2; text++) {
		struct canon_sink sink;
		struct canon_body body;
		size_t octets = 0;
		canon_sink_init(&sink, count, &octets);
		canon_body_init(&body, CANON_RELAXED, &sink);
		for (int i = 0; i < 100000; i++)
			canon_body_add(&body, VIEW_LIT("\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n"));
		ck_assert_uint_eq(octets, 0);
		ck_assert_uint_eq(body.crlfs, 1000000);
		if (text)
			canon_body_add(&body, VIEW_LIT("x"));
		canon_body_end(&body);
		ck_assert_uint_eq(octets, text ? 2000003 : 0);
	}
}
END_TEST

/* --- header fields ------------------------------------------------------------------------------ */

static const struct {
	const char *what;
	const char *name;
	const char *value;
	const char *relaxed;
} fields[] = {
	{ "RFC 6376 3.4.5, A", "A", " X", "a:X" },
	{ "RFC 6376 3.4.5, B", "B ", " Y\t\r\n\tZ  ", "b:Y Z" },
	{ "no space", "Subject", "x", "subject:x" },
	{ "empty", "Subject", "", "subject:" },
	{ "white space only", "Subject", " \t ", "subject:" },
	{ "a fold of white space only", "Subject", " a\r\n \r\n\tb", "subject:a b" },
	{ "a fold at the end", "Subject", " a\r\n ", "subject:a" },
	{ "a fold at the beginning", "Subject", "\r\n a", "subject:a" },
	{ "white space before a fold", "Subject", "a \t\r\n b", "subject:a b" },
	{ "no fold without white space", "Subject", "a\r\nb", "subject:a\r\nb" },
	{ "CRLF at the end is no fold", "Subject", "a\r\n", "subject:a\r\n" },
	{ "two CRLF", "Subject", "a\r\n\r\n b", "subject:a\r\n b" },
	{ "bare CR", "Subject", "a\r b", "subject:a\r b" },
	{ "bare LF", "Subject", "a\n b", "subject:a\n b" },
	{ "8-bit octets", "SUBJECT", " \xc3\x84  \xff", "subject:\xc3\x84 \xff" },
	{ "tabs", "X-Y_z", "\t\ta\t\tb\t", "x-y_z:a b" },
	{ "a long name", "X-0123456789ABCDEF-0123456789ABCDEF-0123456789ABCDEF-0123456789ABCDEF-Z", "a",
	    "x-0123456789abcdef-0123456789abcdef-0123456789abcdef-0123456789abcdef-z:a" },
	{ "control octets", "X", "\x01\x7f \x02\r", "x:\x01\x7f \x02\r" },
	{ "only ASCII is folded", "\xc3\x84", "a", "\xc3\x84:a" },
};

START_TEST(field_forms)
{
	struct view name = view_of(fields[_i].name), value = tight_cstr(fields[_i].value);

	ck_view_is(gathered_field(CANON_RELAXED, name, value, false, arena), fields[_i].relaxed);
	ck_view_is(gathered_field(CANON_SIMPLE, name, value, true, arena),
	    arena_cstr(arena, arena_printf(arena, "%s:%s\r\n", fields[_i].name, fields[_i].value)));
	free((void *)value.p);
}
END_TEST

START_TEST(values_against_the_obvious)
{
	seed = (uint32_t)_i * 99 + 5;
	for (int round = 0; round < 300; round++) {
		struct view value = random_body();
		struct view fast = gathered_field(CANON_RELAXED, VIEW_LIT("x"), value, false, arena);
		ck_assert_msg(view_eq(view_from(fast, 2), obvious_value(value, arena)), "seed %d round %d", _i, round);
		arena_reset(arena);
	}
}
END_TEST

/* --- body hashes -------------------------------------------------------------------------------- */

static void
show(struct body_hashes *all, const char *body)
{
	struct view v = view_of(body);

	for (size_t i = 0; i < v.n; i++)
		body_hashes_add(all, view_sub(v, i, 1));
	body_hashes_end(all);
}

static const struct {
	const char *what;
	const char *body;
	int64_t limit;
	const char *hashed; /* the part of the relaxed form that counts */
	uint64_t octets;
} limits[] = {
	{ "all", "a  b\r\n", -1, "a b\r\n", 5 },
	{ "nothing", "a  b\r\n", 0, "", 5 },
	{ "inside", "a  b\r\n", 2, "a ", 5 },
	{ "the whole", "a  b\r\n", 5, "a b\r\n", 5 },
	{ "within the line end", "a  b\r\n", 4, "a b\r", 5 },
	{ "more than there is", "a  b\r\n", 9, "a b\r\n", 5 },
	{ "without the last lines", "a\r\nb\r\n\r\n", 3, "a\r\n", 6 },
	{ "empty body", "", 0, "", 0 },
};

START_TEST(body_hash_stops_at_its_limit)
{
	struct body_hashes *all = body_hashes_new(arena);
	struct body_hash *h = body_hashes_want(all, DIGEST_SHA256, CANON_RELAXED, limits[_i].limit);

	show(all, limits[_i].body);
	ck_assert_msg(view_eq(body_hash_value(h), digest_of(DIGEST_SHA256, view_of(limits[_i].hashed), arena)), "%s", limits[_i].what);
	if (limits[_i].limit < 0 || limits[_i].octets <= (uint64_t)limits[_i].limit)
		ck_assert_uint_eq(body_hash_canonical_octets(h), limits[_i].octets);
	else
		ck_assert_uint_gt(body_hash_canonical_octets(h), (uint64_t)limits[_i].limit);
}
END_TEST

START_TEST(body_hashes_are_shared)
{
	struct body_hashes *all = body_hashes_new(arena);
	struct body_hash *relaxed = body_hashes_want(all, DIGEST_SHA256, CANON_RELAXED, -1);
	struct body_hash *simple = body_hashes_want(all, DIGEST_SHA256, CANON_SIMPLE, -1);
	struct body_hash *part = body_hashes_want(all, DIGEST_SHA256, CANON_SIMPLE, 3);

	ck_assert_ptr_eq(body_hashes_want(all, DIGEST_SHA256, CANON_RELAXED, -1), relaxed);
	ck_assert_ptr_ne(simple, relaxed);
	show(all, "a  b\r\n\r\n");
	ck_assert(view_eq(body_hash_value(relaxed), digest_of(DIGEST_SHA256, VIEW_LIT("a b\r\n"), arena)));
	ck_assert(view_eq(body_hash_value(simple), digest_of(DIGEST_SHA256, VIEW_LIT("a  b\r\n"), arena)));
	ck_assert(view_eq(body_hash_value(part), digest_of(DIGEST_SHA256, VIEW_LIT("a  "), arena)));
}
END_TEST

START_TEST(body_hashes_know_when_they_are_full)
{
	struct body_hashes *all = body_hashes_new(arena);

	ck_assert(!body_hashes_any(all));
	ck_assert(body_hashes_full(all));
	body_hashes_want(all, DIGEST_SHA256, CANON_SIMPLE, 3);
	ck_assert(body_hashes_any(all));
	body_hashes_want(all, DIGEST_SHA256, CANON_RELAXED, 1);
	body_hashes_add(all, VIEW_LIT("ab"));
	ck_assert(!body_hashes_full(all));
	body_hashes_add(all, VIEW_LIT("c"));
	ck_assert(!body_hashes_full(all)); /* whether the body goes on is not known yet */
	body_hashes_add(all, VIEW_LIT("\r\n"));
	ck_assert(!body_hashes_full(all)); /* perhaps only the last line end */
	body_hashes_add(all, VIEW_LIT("d"));
	ck_assert(body_hashes_full(all));
	body_hashes_end(all);
}
END_TEST

START_TEST(body_hashes_are_bounded)
{
	struct body_hashes *all = body_hashes_new(arena);

	for (int i = 0; i < BODY_HASHES_MAX; i++)
		ck_assert_ptr_nonnull(body_hashes_want(all, DIGEST_SHA256, CANON_SIMPLE, i));
	ck_assert_ptr_null(body_hashes_want(all, DIGEST_SHA256, CANON_SIMPLE, -1));
	ck_assert_ptr_nonnull(body_hashes_want(all, DIGEST_SHA256, CANON_SIMPLE, 3));
}
END_TEST

/* RFC 6376 3.4.3 and 3.4.4 print the hashes of the empty body. */
START_TEST(empty_bodies_have_the_rfcs_hashes)
{
	struct body_hashes *all = body_hashes_new(arena);
	struct body_hash *simple = body_hashes_want(all, DIGEST_SHA256, CANON_SIMPLE, -1);
	struct body_hash *relaxed = body_hashes_want(all, DIGEST_SHA256, CANON_RELAXED, -1);

	body_hashes_end(all);
	ck_view_is(base64_encode(body_hash_value(simple), arena), "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=");
	ck_view_is(base64_encode(body_hash_value(relaxed), arena), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("canon");
	TCase *tc = tcase_create("canon");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, crypt_setup, crypt_teardown);
	tcase_add_loop_test(tc, body_forms, 0, ARRAY_LEN(bodies));
	tcase_add_loop_test(tc, body_forms_against_the_obvious, 0, 10);
	tcase_add_test(tc, a_million_empty_lines_are_counted);
	tcase_add_loop_test(tc, field_forms, 0, ARRAY_LEN(fields));
	tcase_add_loop_test(tc, values_against_the_obvious, 0, 10);
	tcase_add_loop_test(tc, body_hash_stops_at_its_limit, 0, ARRAY_LEN(limits));
	tcase_add_test(tc, body_hashes_are_shared);
	tcase_add_test(tc, body_hashes_know_when_they_are_full);
	tcase_add_test(tc, body_hashes_are_bounded);
	tcase_add_test(tc, empty_bodies_have_the_rfcs_hashes);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
