/*
 * What tests/replay cannot reach while there is one rule only: verdicts that differ, and how seldom an overload is said.
 */
#include "base/log.h"
#include "milter/session_state.h"
#include "support/support.h"

#include <stdio.h>
#include <string.h>

static struct session *s;
static struct settings *settings;
static struct session_env env;
static char line[LOG_LINE_MAX];
static unsigned lines;
static const struct clock still = { 0, 0 };

static struct settings *
take_settings(void *ctx)
{
	(void)ctx;
	return settings_ref(settings);
}

static void
drop_settings(void *ctx, struct settings *dropped)
{
	(void)ctx;
	settings_unref(dropped);
}

static void
keep_line(void *ctx, enum log_level level, const char *text)
{
	(void)ctx;
	(void)level;
	snprintf(line, sizeof(line), "%s", text);
	lines++;
}

static void
setup(void)
{
	settings = settings_presets();
	env = (struct session_env){ .settings_take = take_settings, .settings_drop = drop_settings,
		.clock = &still };
	s = session_new(&env);
	s->msg.phase = MESSAGE_DECIDED;
	s->msg.settings = settings_ref(settings);
	s->msg.queue_id = VIEW_LIT("Q1");
	s->msg.authserv_id = VIEW_LIT("mx.example.net");
	s->msg.argument = s->msg.from.text = VIEW_LIT("a@example.org");
	header_init(&s->msg.header, s->arena, 1000, 10);
	lines = 0;
	log_to_function(keep_line, NULL);
}

static void
teardown(void)
{
	session_free(s);
	settings_unref(settings);
	log_to_stderr("unit");
}

static void
add_recipients(size_t n)
{
	s->msg.rcpt = ARENA_ARRAY(s->arena, n, struct recipient);
	s->msg.rcpts = n;
	for (size_t i = 0; i < n; i++) {
		s->msg.rcpt[i].argument = arena_printf(s->arena, "<r%zu@example.net>", i);
		s->msg.rcpt[i].path.text = arena_printf(s->arena, "r%zu@example.net", i);
	}
}

static const struct {
	const char *what;
	size_t n;
	enum verdict_action action[3]; /* the rest accept */
	const char *shown;
} verdicts[] = {
	{ "nobody", 0, { 0 }, " verdict=accept rule=built-in size=" },
	{ "all the same", 3, { VERDICT_REJECT, VERDICT_REJECT, VERDICT_REJECT }, " verdict=reject rule=r why=" },
	{ "they differ", 3, { VERDICT_ACCEPT, VERDICT_DEFER, VERDICT_REJECT },
	    " verdict=defer rule=r each=accept:<r0@example.net>,defer:<r1@example.net>,reject:<r2@example.net> why=" },
	{ "more than are shown", 12, { VERDICT_REJECT }, ",accept:<r9@example.net>,+2 why=" },
};

START_TEST(a_line_tells_each_verdict)
{
	struct assessment found = { .from.outcome = FROM_NONE };
	struct verdict each[12];

	memset(each, 0, sizeof(each));
	for (size_t i = 0; i < verdicts[_i].n; i++)
		each[i] = (struct verdict){ .action = i < 3 ? verdicts[_i].action[i] : VERDICT_ACCEPT,
			.rule = VIEW_LIT("r"), .text = VIEW_LIT("because") };
	add_recipients(verdicts[_i].n);
	struct session_outcome o = { .found = &found, .verdict = each, .ms = 7,
		.decided = verdict_strictest(each, verdicts[_i].n) };
	session_log_verdict(s, &o);
	ck_assert_msg(strstr(line, verdicts[_i].shown) != NULL, "%s: %s", verdicts[_i].what, line);
	ck_assert_msg(strstr(line, " dns=0/0 ms=7 generation=0") != NULL, "%s", line);
}
END_TEST

START_TEST(quarantine_is_the_last_edit)
{
	struct assessment found = { .received_spf = VIEW_LIT("none") };
	struct settlement settled = { .hold = true, .hold_reason = VIEW_LIT("held") };
	struct session_verdict out = { .edits = 0 };

	session_build_edits(s, &found, &settled, &out);
	ck_assert_uint_eq(out.edits, 3);
	ck_view_is(out.edit[0].name, "Authentication-Results");
	ck_view_is(out.edit[0].value, " mx.example.net; none");
	ck_view_is(out.edit[1].name, "Received-SPF");
	ck_view_is(out.edit[1].value, " none");
	ck_assert_int_eq(out.edit[2].kind, EDIT_QUARANTINE);
	ck_view_is(out.edit[2].value, "held");
}
END_TEST

/* Facts without end: signers decide how long theirs are. */
START_TEST(our_field_is_bounded)
{
	struct assessment found = { .facts.n = 500 };
	struct settlement settled = { .hold = false };
	struct session_verdict out = { .edits = 0 };
	char longer[800];

	memset(longer, 'x', sizeof(longer));
	found.facts.fact = ARENA_ARRAY(s->arena, found.facts.n, struct auth_fact);
	for (size_t i = 0; i < found.facts.n; i++) {
		found.facts.fact[i].method = i == 0 ? AUTH_SPF : i == 499 ? AUTH_DMARC : AUTH_DKIM;
		found.facts.fact[i].result = i < 400 && i > 0 ? AUTH_POLICY : AUTH_PASS;
		auth_fact_property(&found.facts.fact[i], "header", "i",
		    i == 0 ? VIEW_LIT("first") : (struct view){ longer, _i == 0 ? 3 : sizeof(longer) });
	}
	session_build_edits(s, &found, &settled, &out);
	ck_assert_uint_eq(out.edits, 1);
	ck_assert_uint_le(out.edit[0].value.n, 16384);
	ck_assert_uint_gt(out.edit[0].value.n, 1000);
	char *text = arena_cstr(s->arena, out.edit[0].value);
	ck_assert_ptr_nonnull(strstr(text, "spf=pass header.i=first"));
	ck_assert_ptr_nonnull(strstr(text, "dkim=pass"));
	ck_assert_ptr_nonnull(strstr(text, "dmarc=pass"));
	ck_assert_ptr_null(strstr(text, "dkim=policy"));
}
END_TEST

START_TEST(an_overload_is_said_seldom)
{
	struct session_load load = { .said_at_ms = 0 };
	struct clock clock = { 0, 1 };
	size_t unsaid = 99;

	ck_assert(session_load_say(&load, &clock, &unsaid));
	ck_assert_uint_eq(unsaid, 0);
	for (int i = 0; i < 5; i++)
		ck_assert(!session_load_say(&load, &clock, &unsaid));
	clock.fixed_mono_ms = 10000;
	ck_assert(!session_load_say(&load, &clock, &unsaid));
	clock.fixed_mono_ms = 10001;
	ck_assert(session_load_say(&load, &clock, &unsaid));
	ck_assert_uint_eq(unsaid, 6);
	ck_assert(!session_load_say(&load, &clock, &unsaid));
}
END_TEST

START_TEST(failed_edits_are_for_decided_messages)
{
	session_edits_failed(s, VIEW_LIT("insert header"));
	ck_assert_str_eq(line, "Q1: verdict=defer rule=edits-failed why=\"insert header\"");
	session_on_abort(s);
	session_edits_failed(s, VIEW_LIT("again"));
	ck_assert_uint_eq(lines, 1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("session");
	TCase *tc = tcase_create("session");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, a_line_tells_each_verdict, 0, ARRAY_LEN(verdicts));
	tcase_add_test(tc, quarantine_is_the_last_edit);
	tcase_add_loop_test(tc, our_field_is_bounded, 0, 2);
	tcase_add_test(tc, an_overload_is_said_seldom);
	tcase_add_test(tc, failed_edits_are_for_decided_messages);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
