#include "unit/srs/srs_test.h"

#include "srs/srs_socketmap.h"

#include <stdlib.h>

static const struct {
	const char *what;
	const char *request; /* the netstring's octets */
	const char *reply;
} answers[] = {
	{ "forward", "forward ann@sender.example", "43:OK SRS0=Zcd9=G3=sender.example=ann@srs.test," },
	{ "its own result again", "forward SRS0=Zcd9=G3=sender.example=ann@srs.test", "9:NOTFOUND ," },
	{ "the null sender", "forward \"\"", "9:NOTFOUND ," },
	{ "no address", "forward ann", "9:NOTFOUND ," },
	{ "@domain", "forward @sender.example", "9:NOTFOUND ," },
	{ "too long", "forward a234567890123456789012345678901234567@sender.example", "9:NOTFOUND ," },
	{ "reverse", "reverse SRS0=Zcd9=G3=sender.example=ann@srs.test", "21:OK ann@sender.example," },
	{ "reverse, folded", "reverse srs0=zcd9=g3=sender.example=ann@srs.test", "21:OK ann@sender.example," },
	{ "reverse, ordinary", "reverse user@local.test", "9:NOTFOUND ," },
	{ "reverse, forged", "reverse SRS0=Zcd8=G3=sender.example=ann@srs.test", "9:NOTFOUND ," },
	{ "reverse, malformed", "reverse SRS0=@srs.test", "9:NOTFOUND ," },
	{ "reverse, null", "reverse \"\"", "9:NOTFOUND ," },
	{ "another map", "virtual ann@sender.example", "9:NOTFOUND ," },
	{ "another case", "Forward ann@sender.example", "9:NOTFOUND ," },
	{ "no key", "forward", "9:NOTFOUND ," },
	{ "empty key", "forward ", "9:NOTFOUND ," },
	{ "two spaces", "forward  ann@sender.example", "9:NOTFOUND ," },
	{ "nothing", "", "9:NOTFOUND ," },
};

START_TEST(answer)
{
	struct view request = tight_cstr(answers[_i].request);
	struct view reply = srs_socketmap_answer(&srs_test, request, TEST_NOW, srs_test_arena, NULL, NULL);

	ck_view_is(reply, answers[_i].reply);
	free((void *)request.p);
}
END_TEST

/* A store that is out of order. */
static bool
broken_put(struct srs_store *store, struct view key, struct view address, int64_t day, struct err *err)
{
	(void)store, (void)key, (void)address, (void)day;
	return err_temp(err, "the disk is full");
}

static enum srs_found
broken_get(struct srs_store *store, struct view key, struct arena *arena, struct view *address, struct err *err)
{
	(void)store, (void)key, (void)arena, (void)address;
	err_temp(err, "the disk is gone");
	return SRS_FOUND_ERROR;
}

START_TEST(temp_when_the_store_is_broken)
{
	static const struct srs_store_kind kind = { .put = broken_put, .get = broken_get };
	struct srs_store store = { &kind };
	enum socketmap_map map;
	struct srs_result result;

	srs_test.store = &store;
	srs_test_conf.database = SRS_DB_ALWAYS;
	ck_view_is(srs_socketmap_answer(&srs_test, VIEW_LIT("forward ann@sender.example"), TEST_NOW, srs_test_arena, &map, &result),
	    "21:TEMP the disk is full,");
	ck_assert_int_eq(map, SOCKETMAP_FORWARD);
	ck_assert_int_eq(result.outcome, SRS_TEMP);
	ck_view_is(srs_socketmap_answer(&srs_test, VIEW_LIT("reverse SRS0=kNBO=G3=1=abcdefgh@srs.test"), TEST_NOW, srs_test_arena,
	    &map, &result), "21:TEMP the disk is gone,");
	ck_assert_int_eq(map, SOCKETMAP_REVERSE);
}
END_TEST

static const struct {
	const char *input;
	enum netstring_outcome outcome;
	const char *payload;
	size_t used;
} netstrings[] = {
	{ "", NETSTRING_MORE, NULL, 0 },
	{ "5", NETSTRING_MORE, NULL, 0 },
	{ "5:", NETSTRING_MORE, NULL, 0 },
	{ "5:hell", NETSTRING_MORE, NULL, 0 },
	{ "5:hello", NETSTRING_MORE, NULL, 0 },
	{ "5:hello,", NETSTRING_WHOLE, "hello", 8 },
	{ "5:hello,3:abc,", NETSTRING_WHOLE, "hello", 8 },
	{ "0:,", NETSTRING_WHOLE, "", 3 },
	{ "5:a,b:c,", NETSTRING_WHOLE, "a,b:c", 8 },
	{ "10000:", NETSTRING_MORE, NULL, 0 },
	{ "10001:", NETSTRING_BAD, NULL, 0 },
	{ "99999", NETSTRING_BAD, NULL, 0 },
	{ "100000", NETSTRING_BAD, NULL, 0 },
	{ "4294967301:hello,", NETSTRING_BAD, NULL, 0 },
	{ "05:hello,", NETSTRING_BAD, NULL, 0 },
	{ "00:,", NETSTRING_BAD, NULL, 0 },
	{ "-1:,", NETSTRING_BAD, NULL, 0 },
	{ "+5:hello,", NETSTRING_BAD, NULL, 0 },
	{ " 5:hello,", NETSTRING_BAD, NULL, 0 },
	{ ":hello,", NETSTRING_BAD, NULL, 0 },
	{ "5;hello,", NETSTRING_BAD, NULL, 0 },
	{ "5:hello;", NETSTRING_BAD, NULL, 0 },
	{ "4:hello,", NETSTRING_BAD, NULL, 0 },
	{ "GET / HTTP/1.0\r\n", NETSTRING_BAD, NULL, 0 },
};

START_TEST(netstring)
{
	struct view in = tight_cstr(netstrings[_i].input), payload = VIEW_EMPTY;
	size_t used = 0;

	ck_assert_msg(netstring_take(in, &payload, &used) == netstrings[_i].outcome, "\"%s\"", netstrings[_i].input);
	if (netstrings[_i].outcome == NETSTRING_WHOLE) {
		ck_view_is(payload, netstrings[_i].payload);
		ck_assert_uint_eq(used, netstrings[_i].used);
	}
	free((void *)in.p);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("srs_socketmap");
	TCase *tc = tcase_create("socketmap");

	tcase_add_checked_fixture(tc, srs_test_setup, srs_test_teardown);
	tcase_add_loop_test(tc, answer, 0, ARRAY_LEN(answers));
	tcase_add_test(tc, temp_when_the_store_is_broken);
	tcase_add_loop_test(tc, netstring, 0, ARRAY_LEN(netstrings));
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
