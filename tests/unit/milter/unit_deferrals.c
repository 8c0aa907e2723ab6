#include "milter/deferrals.h"

#include "support/support.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define HOUR ((int64_t)3600000)
#define SPF DEFERRAL_SPF
#define AUTHOR DEFERRAL_AUTHOR

/* A story, told in order: (n)ote, (a)ge or (f)orget at an hour. */
static const struct {
	const char *what;
	char verb;
	enum deferral_of of;
	const char *domain;
	int64_t hour, age; /* a: hours */
} story[] = {
	{ "nothing yet", 'a', SPF, "a.test", 0, 0 },
	{ "forgetting nothing", 'f', SPF, "a.test", 0, 0 },
	{ "the first time", 'n', SPF, "a.test", 1, 0 },
	{ "just now", 'a', SPF, "a.test", 1, 0 },
	{ "again", 'n', SPF, "A.Test", 11, 0 },
	{ "since the first time", 'a', SPF, "a.test", 21, 20 },
	{ "another domain", 'a', SPF, "b.test", 21, 0 },
	{ "as an author", 'a', AUTHOR, "a.test", 21, 0 },
	{ "as an author, first", 'n', AUTHOR, "a.test", 21, 0 },
	{ "it answers for SPF", 'f', SPF, "a.test", 22, 0 },
	{ "so it begins anew", 'a', SPF, "a.test", 22, 0 },
	{ "not so the author", 'a', AUTHOR, "a.test", 22, 1 },
	{ "quiet, but not for too long", 'a', AUTHOR, "a.test", 33, 12 },
	{ "quiet for too long", 'a', AUTHOR, "a.test", 34, 0 },
	{ "a first time again", 'n', AUTHOR, "a.test", 60, 0 },
	{ "not as old as the one that is forgotten", 'a', AUTHOR, "a.test", 61, 1 },
	{ "no domain", 'n', SPF, "", 61, 0 },
	{ "no domain has an age", 'a', SPF, "", 62, 0 },
};

START_TEST(a_story)
{
	struct deferrals *d = deferrals_new();

	for (int i = 0; i < ARRAY_LEN(story); i++) {
		struct view domain = tight_cstr(story[i].domain);
		int64_t now = story[i].hour * HOUR;
		if (story[i].verb == 'n')
			deferrals_note(d, story[i].of, domain, now);
		else if (story[i].verb == 'f')
			deferrals_forget(d, story[i].of, domain);
		else
			ck_assert_msg(deferrals_age(d, story[i].of, domain, now) == story[i].age * 3600, "%s", story[i].what);
		free((void *)domain.p);
	}
	deferrals_free(d);
	deferrals_free(NULL);
}
END_TEST

static void *
many(void *arg)
{
	char name[32];

	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "d%d.test", i % 700);
		deferrals_note(arg, i % 2 == 0 ? SPF : AUTHOR, view_of(name), i);
		deferrals_age(arg, SPF, view_of(name), i);
		if (i % 5 == 0)
			deferrals_forget(arg, SPF, view_of(name));
	}
	return NULL;
}

START_TEST(many_threads)
{
	struct deferrals *d = deferrals_new();
	pthread_t thread[4];

	deferrals_note(d, SPF, VIEW_LIT("first.test"), 0);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, many, d), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	ck_assert_int_eq(deferrals_age(d, SPF, VIEW_LIT("first.test"), HOUR), 3600);
	deferrals_free(d);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("deferrals");
	TCase *tc = tcase_create("deferrals");

	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, a_story);
	tcase_add_test(tc, many_threads);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
