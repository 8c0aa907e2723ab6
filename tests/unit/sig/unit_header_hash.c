#include "sig/header_hash.h"

#include "support/setup.h"
#include "support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
fill(struct header *h)
{
	static const char *const rows[][2] = {
		{ "Received", " one" },
		{ "DKIM-Signature", " own" },
		{ "From", " a" },
		{ "Received", " two" },
		{ "DKIM-Signature", " other" },
		{ "To ", " b" },
		{ "RECEIVED", " three" },
	};
	struct err err;

	header_init(h, arena, 100000, 1000);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert(header_add(h, view_of(rows[i][0]), view_of(rows[i][1]), &err));
}

static const struct {
	const char *what;
	const char *names; /* as in h= */
	const char *hashed;
} selections[] = {
	{ "in their order", "to:from", "to:b\r\nfrom:a\r\n" },
	{ "from the bottom up", "received:received", "received:three\r\nreceived:two\r\n" },
	{ "more than there are", "Received:received:RECEIVED:received:Received",
	    "received:three\r\nreceived:two\r\nreceived:one\r\n" },
	{ "oversigned", "from:from", "from:a\r\n" },
	{ "absent", "subject:from:x", "from:a\r\n" },
	{ "never its own", "dkim-signature:dkim-signature", "dkim-signature:other\r\n" },
	{ "none", "", "" },
};

START_TEST(fields_are_taken_from_the_bottom)
{
	struct header h;
	struct digest *d = digest_new(arena, DIGEST_SHA256);
	struct view names[8], rest = view_of(selections[_i].names);
	size_t n = 0;

	fill(&h);
	while (rest.n > 0)
		view_split(rest, ':', &names[n++], &rest);
	header_hash_named(d, CANON_RELAXED, &h, &h.field[1], names, n);
	ck_assert_msg(view_eq(digest_end(d, arena), digest_of(DIGEST_SHA256, view_of(selections[_i].hashed), arena)), "%s",
	    selections[_i].what);
}
END_TEST

START_TEST(simple_keeps_every_octet)
{
	struct header h;
	struct digest *d = digest_new(arena, DIGEST_SHA256);
	struct view names[] = { VIEW_LIT("To"), VIEW_LIT("received") };

	fill(&h);
	header_hash_named(d, CANON_SIMPLE, &h, NULL, names, 2);
	header_hash_field(d, CANON_SIMPLE, h.field[1].name, h.field[1].value, false);
	ck_assert(view_eq(digest_end(d, arena),
	    digest_of(DIGEST_SHA256, VIEW_LIT("To : b\r\nRECEIVED: three\r\nDKIM-Signature: own"), arena)));
}
END_TEST

START_TEST(many_names_over_many_fields_cost_their_sum)
{
	struct header h;
	struct err err;
	size_t n = 20000;
	struct view *names = ARENA_ARRAY(arena, n, struct view);
	struct digest *d = digest_new(arena, DIGEST_SHA256);
	char name[16];

	header_init(&h, arena, 10000000, n);
	for (size_t i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "X-%zu", i);
		names[i] = arena_copy(arena, view_of(name));
		ck_assert(header_add(&h, names[i], VIEW_LIT(" "), &err));
	}
	header_hash_named(d, CANON_RELAXED, &h, NULL, names, n);
	digest_end(d, arena);
}
END_TEST

START_TEST(the_value_of_b_is_left_out)
{
	struct view v = VIEW_LIT(" v=1; b=abc; c=d");

	ck_view_is(header_hash_without(v, 8, 11, arena), " v=1; b=; c=d");
	ck_view_is(header_hash_without(v, 8, 16, arena), " v=1; b=");
	ck_view_is(header_hash_without(v, 0, 16, arena), "");
	ck_view_is(header_hash_without(v, 3, 3, arena), " v=1; b=abc; c=d");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("header_hash");
	TCase *tc = tcase_create("header_hash");

	tcase_add_checked_fixture(tc, crypt_setup, crypt_teardown);
	tcase_add_loop_test(tc, fields_are_taken_from_the_bottom, 0, ARRAY_LEN(selections));
	tcase_add_test(tc, simple_keeps_every_octet);
	tcase_add_test(tc, many_names_over_many_fields_cost_their_sum);
	tcase_add_test(tc, the_value_of_b_is_left_out);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
