#include "trial.h"
#include "zone.h"

#include "base/buffer.h"

/*
 * When answers come, and whether anybody waits for them, changes nothing.
 */
static void
same(const struct verdict_row *row, const struct spf_result *a, const struct spf_result *b)
{
	ck_assert_msg(a->result == b->result, "%s: %s and %s", row->what, name_of(auth_result_names, (int)a->result),
	    name_of(auth_result_names, (int)b->result));
	ck_assert_msg(view_eq(a->mechanism, b->mechanism) && view_eq(a->explanation, b->explanation) &&
		view_eq(a->problem, b->problem) && view_eq(a->sender, b->sender),
	    "%s: \"%.*s\" and \"%.*s\"", row->what, VIEW_ARG(a->problem), VIEW_ARG(b->problem));
	ck_assert_msg(a->lookups == b->lookups && a->voids == b->voids, "%s: counted %u+%u and %u+%u", row->what,
	    a->lookups, a->voids, b->lookups, b->voids);
	ck_assert_int_eq(a->secure, b->secure);
}

static void
from_row(struct trial *t, const struct verdict_row *row)
{
	trial_from(t, row->client, row->helo == NULL ? "helo.example.org" : row->helo, row->mail);
}

START_TEST(delays_change_nothing)
{
	struct arena *arena = arena_new();
	struct trial at_once, joined, stepped;
	struct view delayed = trial_delayed(view_of(zone_text), (unsigned)_i, 6, arena);

	trial_open(&at_once, view_of(zone_text));
	trial_open(&joined, delayed);
	trial_open(&stepped, delayed);
	for (int i = _i; i < verdict_row_count; i += 3) {
		from_row(&at_once, &verdict_rows[i]);
		from_row(&joined, &verdict_rows[i]);
		from_row(&stepped, &verdict_rows[i]);
		const struct spf_result *wanted = trial_join(&at_once);
		same(&verdict_rows[i], wanted, trial_join(&joined));
		same(&verdict_rows[i], wanted, trial_step(&stepped));
	}
	trial_close(&at_once);
	trial_close(&joined);
	trial_close(&stepped);
	arena_free(arena);
}
END_TEST

/* Includes and hosts that take 100 ms each are fetched side by side. */
START_TEST(asked_side_by_side)
{
	struct arena *arena = arena_new();
	struct buffer b = buffer_in(arena);
	struct trial t;

	buffer_add_cstr(&b, "many.example TXT \"v=spf1 include:i0.example include:i1.example include:i2.example "
			    "include:i3.example include:i4.example include:i5.example mx a:h.example ip4:192.0.2.1 -all\"\n"
			    "many.example MX 1 m1.example\nmany.example MX 2 m2.example\nh.example A 198.51.100.1\n"
			    "m1.example A 198.51.100.2\nm2.example A 198.51.100.3\n"
			    "many.example DELAY 100\nh.example DELAY 100\nm1.example DELAY 100\nm2.example DELAY 100\n");
	for (int i = 0; i < 6; i++)
		buffer_addf(&b, "i%d.example TXT \"v=spf1 ip4:198.51.100.%d -all\"\ni%d.example DELAY 100\n", i, i, i);
	trial_open(&t, buffer_view(&b));
	trial_from(&t, "192.0.2.1", "helo.example.org", "user@many.example");
	int64_t start = clock_mono_ms(&clock_system);
	ck_result_is(trial_join(&t), "pass");
	int64_t took = clock_mono_ms(&clock_system) - start;
	/* Record, its terms, the exchangers: three rounds; in a row they would take 1100 ms. */
	ck_assert_msg(took >= 290 && took < 800, "%d ms", (int)took);
	ck_assert_int_eq((int)dns_task_stats(t.task).queries, 11);
	trial_close(&t);
	arena_free(arena);
}
END_TEST

/* What comes behind a term that decides by itself is not asked for. */
START_TEST(nothing_asked_in_vain)
{
	struct trial t;

	trial_open(&t, VIEW_LIT("d.example TXT \"v=spf1 a:h.example ip4:192.0.2.1 include:i.example -all\"\n"
				"h.example A 198.51.100.1\nh.example DELAY 5\ni.example TXT \"v=spf1 -all\"\n"));
	trial_from(&t, "192.0.2.1", "helo.example.org", "user@d.example");
	ck_result_is(trial_join(&t), "pass");
	ck_assert_int_eq((int)dns_task_stats(t.task).queries, 2);
	trial_close(&t);
}
END_TEST

START_TEST(time_is_up)
{
	struct trial t;

	trial_open(&t, VIEW_LIT("slow.example TXT \"v=spf1 a:h1.example a:h2.example a:h3.example -all\"\n"
				"h1.example A 198.51.100.1\nh1.example DELAY 1100\n"
				"h2.example A 198.51.100.1\nh2.example DELAY 5000\n"
				"h3.example A 198.51.100.1\nh3.example DELAY 5000\n"));
	t.conf.wait = 1;
	trial_from(&t, "192.0.2.1", "helo.example.org", "user@slow.example");
	int64_t start = clock_mono_ms(&clock_system);
	const struct spf_result *r = trial_join(&t);
	ck_result_is(r, "temperror");
	ck_assert(view_find(r->problem, ':') != VIEW_NONE);
	ck_assert(clock_mono_ms(&clock_system) - start < 4000);
	trial_close(&t);
}
END_TEST

/* The answer that came too late is not used, whatever it says. */
START_TEST(late_answer)
{
	struct trial t;

	trial_open(&t, VIEW_LIT("slow.example TXT \"v=spf1 a:h1.example -all\"\n"
				"h1.example A 192.0.2.1\nh1.example DELAY 1100\n"));
	t.conf.wait = 1;
	trial_from(&t, "192.0.2.1", "helo.example.org", "user@slow.example");
	const struct spf_result *r = trial_join(&t);
	ck_result_is(r, "temperror");
	ck_view_is(r->problem, "h1.example A: the time for SPF is up");
	trial_close(&t);
}
END_TEST

/* A step without news does nothing, and does not use up memory. */
START_TEST(idle_steps_are_free)
{
	struct trial t;

	trial_open(&t, VIEW_LIT("slow.example TXT \"v=spf1 a:%{l}.h.example -all\"\nuser.h.example A 192.0.2.1\n"
				"user.h.example DELAY 30\nslow.example DELAY 30\n"));
	trial_from(&t, "192.0.2.1", "helo.example.org", "user@slow.example");
	struct dns_task *task = dns_task_new(t.dns, t.arena, (struct dns_budget){ 10, 1000 });
	struct spf_check *check = spf_begin(&t.in, SPF_MAILFROM, task, t.arena);
	ck_assert(!spf_step(check));
	size_t used = arena_used(t.arena);
	for (int i = 0; i < 1000; i++)
		(void)spf_step(check);
	ck_assert(arena_used(t.arena) - used < 20000);
	ck_result_is(spf_join(check), "pass");
	ck_assert(spf_step(check));
	trial_close(&t);
}
END_TEST

/* A check that nobody finishes ends with its arena, answers outstanding. */
START_TEST(left_alone)
{
	struct trial t;

	trial_open(&t, VIEW_LIT("slow.example TXT \"v=spf1 -all\"\nslow.example DELAY 50\n"));
	trial_from(&t, "192.0.2.1", "helo.example.org", "user@slow.example");
	struct dns_task *task = dns_task_new(t.dns, t.arena, (struct dns_budget){ 10, 1000 });
	ck_assert(!spf_step(spf_begin(&t.in, SPF_MAILFROM, task, t.arena)));
	trial_close(&t);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("spf_step");
	TCase *tc = tcase_create("step");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, delays_change_nothing, 0, 3);
	tcase_add_test(tc, asked_side_by_side);
	tcase_add_test(tc, nothing_asked_in_vain);
	tcase_add_test(tc, time_is_up);
	tcase_add_test(tc, late_answer);
	tcase_add_test(tc, idle_steps_are_free);
	tcase_add_test(tc, left_alone);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
