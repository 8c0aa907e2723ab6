#include "trial.h"
#include "zone.h"

#include "base/buffer.h"

static struct trial t;

static void
setup(void)
{
	trial_open(&t, view_of(zone_text));
	t.conf.engine = SPF_LIBSPF2;
}

static void
teardown(void)
{
	trial_close(&t);
}

/* What the old library must answer, through our DNS and within our limits. */
static const struct {
	const char *what, *client, *helo, *mail, *result;
} rows[] = {
	{ "matched by a", "192.0.2.10", "helo.example.org", "user@example.org", "pass" },
	{ "matched by mx", "192.0.2.12", "helo.example.org", "user@example.org", "pass" },
	{ "matched in an include", "198.51.100.7", "helo.example.org", "user@example.org", "pass" },
	{ "matched by nothing", "203.0.113.99", "helo.example.org", "user@example.org", "fail" },
	{ "IPv6", "2001:db8::12", "helo.example.org", "user@example.org", "pass" },
	{ "IPv6 in an include", "2001:db8:1ff::1", "helo.example.org", "user@example.org", "pass" },
	{ "null sender", "192.0.2.9", "helo.example.org", "", "pass" },
	{ "no policy", "203.0.113.99", "helo.example.org", "user@plain.example", "none" },
	{ "no domain", "203.0.113.99", "helo.example.org", "user@nowhere.example", "none" },
	{ "time-out", "192.0.2.1", "helo.example.org", "user@timeout.example", "temperror" },
	{ "time-out in an include", "192.0.2.1", "helo.example.org", "user@inc-temp.example", "temperror" },
	{ "syntax error", "192.0.2.1", "helo.example.org", "user@late.example", "permerror" },
	{ "octets above 127", "192.0.2.1", "helo.example.org", "user@high.example", "permerror" },
	{ "two records", "192.0.2.1", "helo.example.org", "user@twice.example", "permerror" },
	{ "HELO in a macro: set before the sender", "192.0.2.1", "mail.helos.example", "user@helos.example", "pass" },
	{ "vendor's macros", "192.0.2.1", "helo.example.org", "user@nested.example", "pass" },
	{ "include of itself", "192.0.2.1", "helo.example.org", "user@self.example", "permerror" },
	{ "three void lookups", "192.0.2.1", "helo.example.org", "user@void3.example", "permerror" },
	{ "eleven MX", "192.0.2.11", "helo.example.org", "user@mx11.example", "permerror" },
	{ "null MX", "192.0.2.1", "helo.example.org", "user@nullmx.example", "neutral" },
	{ "localhost passes for everybody", "127.0.0.1", "helo.example.org", "user@all-fail.example", "pass" },
	{ "8-bit local part", "203.0.113.99", "helo.example.org", "j\xc3\xb6rg@exp.example", "permerror" },
	{ "8-bit HELO", "203.0.113.99", "h\xc3\xa4.\xff", "user@exp.example", "permerror" },
};

START_TEST(verdict)
{
	trial_from(&t, rows[_i].client, rows[_i].helo, rows[_i].mail);
	const struct spf_result *r = trial_join(&t);
	ck_assert_msg(r->result == result_named(rows[_i].result), "%s: %s: %.*s", rows[_i].what,
	    name_of(auth_result_names, (int)r->result), VIEW_ARG(r->problem));
}
END_TEST

/* All the rows of the native engine: whatever it answers, it answers, and counts within the limits. */
START_TEST(verdict_of_any_row)
{
	const struct verdict_row *row = &verdict_rows[_i];

	trial_from(&t, row->client, row->helo == NULL ? "helo.example.org" : row->helo, row->mail);
	const struct spf_result *r = trial_join(&t);
	ck_assert(r->lookups <= 10);
	ck_assert(r->voids <= 3);
	bool error = r->result == AUTH_PERMERROR || r->result == AUTH_TEMPERROR;
	ck_assert_msg(error == (r->problem.n > 0), "%s", row->what);
}
END_TEST

/* The hosts of an mx belong to its term. */
START_TEST(counts_terms)
{
	trial_from(&t, "203.0.113.99", "helo.example.org", "user@example.org");
	const struct spf_result *r = trial_join(&t);
	ck_result_is(r, "fail");
	ck_assert_int_eq((int)r->lookups, 3);
	ck_assert_int_eq((int)r->voids, 0);
}
END_TEST

START_TEST(explanation)
{
	trial_from(&t, "203.0.113.99", "helo.example.org", "user@exp.example");
	ck_view_is(trial_join(&t)->explanation,
	    "203.0.113.99 may not speak for user@exp.example, says exp.example to mx.receiver.example.");
	trial_from(&t, "192.0.2.1", "helo.example.org", "user@expp.example");
	ck_view_is(trial_join(&t)->explanation, "you are host.pmacro.example");
}
END_TEST

START_TEST(steps_wait_for_join)
{
	struct dns_task *task = dns_task_new(t.dns, t.arena, (struct dns_budget){ 100, 1000 });
	trial_from(&t, "192.0.2.10", "helo.example.org", "user@example.org");
	struct spf_check *check = spf_begin(&t.in, SPF_MAILFROM, task, t.arena);

	ck_assert(!spf_step(check));
	ck_result_is(spf_join(check), "pass");
	ck_assert(spf_step(check));
}
END_TEST

START_TEST(identities)
{
	t.identity = SPF_HELO;
	trial_from(&t, "192.0.2.9", "helo.example.org", "user@nowhere.example");
	ck_result_is(trial_join(&t), "pass");
	t.identity = SPF_GUESS;
	trial_from(&t, "192.0.2.77", "helo.example.org", "user@plain.example");
	ck_result_is(trial_join(&t), "pass");
}
END_TEST

/* --- the guards -------------------------------------------------------------------------------- */

/* What must not reach the library, at the limit and one octet over it. */
static void
try_record(struct view record, const char *result)
{
	struct arena *arena = arena_new();
	struct buffer zone = buffer_in(arena);
	struct trial trial;

	buffer_addf(&zone, "g.example TXT \"%.*s\"\n", VIEW_ARG(record));
	trial_open(&trial, buffer_view(&zone));
	trial.conf.engine = SPF_LIBSPF2;
	trial_from(&trial, "192.0.2.1", "helo.example.org", "user@g.example");
	const struct spf_result *r = trial_join(&trial);
	ck_assert_msg(r->result == result_named(result), "%zu octets: %s: %.*s", record.n,
	    name_of(auth_result_names, (int)r->result), VIEW_ARG(r->problem));
	trial_close(&trial);
	arena_free(arena);
}

START_TEST(guard_of_length)
{
	struct arena *arena = arena_new();
	struct buffer b = buffer_in(arena);

	buffer_add_cstr(&b, "v=spf1 ip4:192.0.2.1 -all ");
	while (b.n < 2048)
		buffer_add_char(&b, ' ');
	try_record(buffer_view(&b), "pass");
	buffer_add_char(&b, ' ');
	try_record(buffer_view(&b), "permerror");
	arena_free(arena);
}
END_TEST

START_TEST(guard_of_macros)
{
	try_record(VIEW_LIT("v=spf1 exists:%{l}.%{l}.%{l}.%{l}.%{l}.%{l}.%{l}.%{l}.%{l}.%{l}.%{l}.%{l}.%{l}.%{l}.%{l}"
			    ".%{l}.%{l}.%{l}.%{l}.%{l}.%{l}.%{l}.%{l}.%{l}.%{l}.g.example ip4:192.0.2.1 -all"), "pass");
	try_record(VIEW_LIT("v=spf1 exists:%{l}.%{l}.%{l}.%{l}.%{l}.%{l}.%{l}.%{l}.%{l}.%{l}.%{l}.%{l}.%{l}.%{l}.%{l}"
			    ".%{l}.%{l}.%{l}.%{l}.%{l}.%{l}.%{l}.%{l}.%{l}.%{l}.%{l}.g.example ip4:192.0.2.1 -all"),
	    "permerror");
	try_record(VIEW_LIT("v=spf1 exists:%{d1rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr"
			    "rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr}.g.example +all"), "permerror");
	try_record(VIEW_LIT("v=spf1 ip4:192.0.2.1\\000 -all"), "permerror");
	try_record(VIEW_LIT("v=spf1 ip4:192.0.2.1\\009-all"), "permerror");
}
END_TEST

/* It counts anew in each include: we do not. */
START_TEST(lookups_across_includes)
{
	static const char zone[] =
	    "d.example TXT \"v=spf1 include:l.example include:r.example -all\"\n"
	    "l.example TXT \"v=spf1 a:h.example a:h.example a:h.example a:h.example -all\"\n"
	    "r.example TXT \"v=spf1 a:h.example a:h.example a:h.example a:h.example ip4:192.0.2.1 -all\"\n"
	    "e.example TXT \"v=spf1 include:l.example include:r.example2 include:r.example -all\"\n"
	    "r.example2 TXT \"v=spf1 -all\"\n"
	    "h.example A 198.51.100.1\n";
	struct trial trial;

	trial_open(&trial, view_of(zone));
	trial.conf.engine = SPF_LIBSPF2;
	trial_from(&trial, "192.0.2.1", "helo.example.org", "user@d.example");
	ck_result_is(trial_join(&trial), "pass");
	trial_from(&trial, "192.0.2.1", "helo.example.org", "user@e.example");
	ck_result_is(trial_join(&trial), "permerror");
	trial_close(&trial);
}
END_TEST

START_TEST(time_is_up)
{
	struct trial trial;

	trial_open(&trial, VIEW_LIT("s.example TXT \"v=spf1 a:h.example +all\"\ns.example DELAY 1100\n"
				    "h.example A 198.51.100.1\n"));
	trial.conf.engine = SPF_LIBSPF2;
	trial.conf.wait = 1;
	trial_from(&trial, "192.0.2.1", "helo.example.org", "user@s.example");
	ck_result_is(trial_join(&trial), "temperror");
	trial_close(&trial);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("spf_libspf2");
	TCase *tc = tcase_create("libspf2");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, verdict, 0, ARRAY_LEN(rows));
	tcase_add_loop_test(tc, verdict_of_any_row, 0, verdict_row_count);
	tcase_add_test(tc, counts_terms);
	tcase_add_test(tc, explanation);
	tcase_add_test(tc, steps_wait_for_join);
	tcase_add_test(tc, identities);
	tcase_add_test(tc, guard_of_length);
	tcase_add_test(tc, guard_of_macros);
	tcase_add_test(tc, lookups_across_includes);
	tcase_add_test(tc, time_is_up);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
