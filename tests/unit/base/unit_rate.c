#include "base/rate.h"
#include "base/recent.h"
#include "support/support.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define HOUR 3600000

/* A key asks `asks` times at once, at a time, with a limit: how many turns it gets. */
static const struct {
	const char *what;
	const char *key;
	int64_t most, at_ms;
	int asks, gets;
} turns[] = {
	{ "all at once", "a.test", 3, 1000, 5, 3 },
	{ "none left", "a.test", 3, 1000 + HOUR / 3 - 1, 2, 0 },
	{ "case does not matter", "A.TEST", 3, 1000 + HOUR / 3 - 1, 1, 0 },
	{ "another key", "b.test", 3, 1000 + HOUR / 3 - 1, 1, 1 },
	{ "one after a third of the window", "a.test", 3, 1000 + HOUR / 3, 4, 1 },
	{ "all after a quiet window", "a.test", 3, 1000 + 3 * (int64_t)HOUR, 5, 3 },
	{ "a higher limit from now on", "a.test", 6, 1000 + 3 * (int64_t)HOUR, 5, 0 },
	{ "never", "c.test", 0, 1000, 2, 0 },
	{ "one", "c.test", 1, 1000, 2, 1 },
	{ "the empty key is a key", "", 1, 1000, 2, 1 },
	{ "more than there are milliseconds", "d.test", 10 * (int64_t)HOUR, 1000, 4, 4 },
};

START_TEST(each_key_gets_its_turns)
{
	struct rate *rate = rate_new(1000);

	for (size_t i = 0; i < ARRAY_LEN(turns); i++) {
		struct view key = tight_copy(view_of(turns[i].key));
		int got = 0;
		for (int k = 0; k < turns[i].asks; k++) {
			bool room = rate_has_room(rate, key, turns[i].most, HOUR, turns[i].at_ms);
			bool may = rate_take(rate, key, turns[i].most, HOUR, turns[i].at_ms);
			ck_assert_msg(room == may, "%s: %d, turn %d", turns[i].what, room, k);
			got += may;
		}
		ck_assert_msg(got == turns[i].gets, "%s: %d", turns[i].what, got);
		free((void *)key.p);
	}
	rate_free(rate);
}
END_TEST

START_TEST(asking_takes_nothing)
{
	struct rate *rate = rate_new(8);

	for (int i = 0; i < 10; i++)
		ck_assert(rate_has_room(rate, VIEW_LIT("a.test"), 1, HOUR, 1000));
	ck_assert(rate_take(rate, VIEW_LIT("a.test"), 1, HOUR, 1000));
	ck_assert(!rate_has_room(rate, VIEW_LIT("A.test"), 1, HOUR, 1000 + HOUR - 1));
	ck_assert(rate_has_room(rate, VIEW_LIT("a.test"), 1, HOUR, 1000 + HOUR));
	rate_free(rate);
}
END_TEST

static void *
take_often(void *arg)
{
	struct rate *rate = arg;

	for (int i = 0; i < 1000; i++) {
		rate_take(rate, i % 2 == 0 ? VIEW_LIT("a.test") : VIEW_LIT("b.test"), 1000, HOUR, 1000);
		rate_has_room(rate, VIEW_LIT("a.test"), 1000, HOUR, 1000);
	}
	return NULL;
}

START_TEST(many_threads)
{
	struct rate *rate = rate_new(8);
	pthread_t thread[8];

	for (size_t i = 0; i < ARRAY_LEN(thread); i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, take_often, rate), 0);
	for (size_t i = 0; i < ARRAY_LEN(thread); i++)
		pthread_join(thread[i], NULL);
	ck_assert(!rate_has_room(rate, VIEW_LIT("a.test"), 1000, HOUR, 1000));
	ck_assert(!rate_has_room(rate, VIEW_LIT("b.test"), 1000, HOUR, 1000));
	rate_free(rate);
}
END_TEST

/* Whatever the rhythm: no window holds twice as many. */
START_TEST(no_window_holds_twice_as_many)
{
	struct rate *rate = rate_new(8);
	int64_t given[2000];
	size_t n = 0;
	uint32_t dice = 1;

	for (int64_t now = 0; now < 20 * (int64_t)HOUR && n < ARRAY_LEN(given); now += dice % 300000) {
		dice = dice * 1664525 + 1013904223;
		if (rate_take(rate, VIEW_LIT("a.test"), 7, HOUR, now))
			given[n++] = now;
	}
	ck_assert_uint_gt(n, 7 * 15);
	for (size_t i = 0; i + 13 < n; i++)
		ck_assert_int_ge(given[i + 13] - given[i], HOUR - HOUR / 7);
	rate_free(rate);
}
END_TEST

/* A key that is in use outlives any number of others that come once. */
START_TEST(what_is_used_is_kept)
{
	struct recent *recent = recent_new(64);
	char name[32];

	for (int i = 0; i < 10000; i++) {
		recent_use(recent, VIEW_LIT("busy.test"), i)->since_ms = 7;
		snprintf(name, sizeof(name), "once-%d.test", i);
		ck_assert_int_eq(recent_use(recent, view_of(name), i)->since_ms, 0);
	}
	struct recent_slot *slot = recent_find(recent, VIEW_LIT("Busy.Test"));
	ck_assert_ptr_nonnull(slot);
	ck_assert_int_eq(slot->since_ms, 7);
	ck_assert_int_eq(slot->used_ms, 9999);
	ck_assert_ptr_null(recent_find(recent, VIEW_LIT("once-1.test")));
	recent_forget(slot);
	ck_assert_ptr_null(recent_find(recent, VIEW_LIT("busy.test")));
	ck_assert_int_eq(recent_use(recent, VIEW_LIT("busy.test"), 1)->since_ms, 0);
	recent_free(recent);
	recent_free(NULL);
	rate_free(NULL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("rate");
	TCase *tc = tcase_create("rate");

	tcase_add_test(tc, each_key_gets_its_turns);
	tcase_add_test(tc, asking_takes_nothing);
	tcase_add_test(tc, many_threads);
	tcase_add_test(tc, no_window_holds_twice_as_many);
	tcase_add_test(tc, what_is_used_is_kept);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
