#include "rig.h"

#include "support/libconfig_leak.h"
#include "support/setup.h"
#include "support/support.h"

#include <stdlib.h>
#include <string.h>

/* ---- the setting ---- */

static const struct {
	const char *value;
	const char *said; /* how it begins; "": nothing */
} settings[] = {
	{ "48", "" },
	{ "0", "" },
	{ "1000", "" },
	{ "1001", "f:1: defer-hours: wants a number of 0..1000 hours, 0 for no end" },
	{ "-1", "f:1: defer-hours: wants a number" },
	{ "\"48\"", "f:1: defer-hours: wants a number" },
	{ "1.5", "f:1: defer-hours: wants a number" },
	{ "true", "f:1: defer-hours: wants a number" },
};

START_TEST(setting)
{
	struct buffer said;
	const char *text = arena_printf(arena, "domains = \"a.test\"; incoming: { defer-hours = %s; };\n", settings[_i].value).p;

	rig_set(text, "", arena, &said);
	ck_assert_msg(view_starts(buffer_view(&said), view_of(settings[_i].said)) && (said.n == 0) == (*settings[_i].said == '\0'),
	    "%s: %.*s", settings[_i].value, VIEW_ARG(buffer_view(&said)));
}
END_TEST

/* ---- what is decided after so many hours ---- */

#define FALLBACK "{ name = \"next\"; do = \"reject\"; }"

static const struct {
	const char *what, *settings, *when, *facts;
	int64_t spf_hours, author_hours;
	const char *rule, *overdue;
	unsigned waits;
} rows[] = {
	{ "the first time", "", "spf = \"temperror\"", "spf=temperror", 0, 0, "wait", "", VERDICT_WAITS_SPF },
	{ "not long enough", "", "spf = \"temperror\"", "spf=temperror", 47, 99, "wait", "", VERDICT_WAITS_SPF },
	{ "long enough", "", "spf = \"temperror\"", "spf=temperror", 48, 0, "next", "wait", VERDICT_WAITS_SPF },
	{ "another limit", "defer-hours = 2;", "spf = \"temperror\"", "spf=temperror", 2, 0, "next", "wait", VERDICT_WAITS_SPF },
	{ "no limit", "defer-hours = 0;", "spf = \"temperror\"", "spf=temperror", 9999, 0, "wait", "", VERDICT_WAITS_SPF },
	{ "by what it is not", "", "spf = [\"!pass\"]", "spf=temperror", 48, 0, "next", "wait", VERDICT_WAITS_SPF },
	{ "not for that", "", "spf = [\"!pass\"]", "spf=fail", 99, 99, "wait", "", 0 },
	{ "nothing is asked", "", "", "spf=temperror", 99, 99, "wait", "", 0 },
	{ "something else is asked", "", "tls = false", "spf=temperror", 99, 99, "wait", "", 0 },
	{ "HELO", "", "spf_helo = \"temperror\"", "spf_helo=temperror", 48, 0, "next", "wait", VERDICT_WAITS_SPF },
	{ "DKIM", "", "dkim = \"temperror\"", "dkim=temperror:x.test", 99, 47, "wait", "", VERDICT_WAITS_AUTHOR },
	{ "DKIM, long enough", "", "dkim = \"temperror\"", "dkim=temperror:x.test", 0, 48, "next", "wait", VERDICT_WAITS_AUTHOR },
	{ "DMARC", "", "dmarc = \"temperror\"", "dmarc=temperror", 0, 48, "next", "wait", VERDICT_WAITS_AUTHOR },
	{ "ARC", "", "arc = \"temperror\"", "arc=temperror:s.test", 0, 48, "next", "wait", VERDICT_WAITS_AUTHOR },
	{ "both, one is young", "", "spf = \"temperror\"; dmarc = \"temperror\"", "spf=temperror dmarc=temperror", 48, 1, "wait", "",
	    VERDICT_WAITS_SPF | VERDICT_WAITS_AUTHOR },
	{ "both", "", "spf = \"temperror\"; dmarc = \"temperror\"", "spf=temperror dmarc=temperror", 48, 48, "next", "wait",
	    VERDICT_WAITS_SPF | VERDICT_WAITS_AUTHOR },
	{ "both asked, one in trouble", "", "spf = \"temperror\"; dmarc = [\"!accept\"]", "spf=temperror dmarc=norecord", 48, 0, "next",
	    "wait", VERDICT_WAITS_SPF },
	{ "who looks on waits for nothing", "mode = \"monitor\";", "spf = \"temperror\"", "spf=temperror", 0, 0, "wait", "", 0 },
	{ "early", "", "spf = \"temperror\"", "spf=temperror spf-known", 48, 0, "next", "wait", VERDICT_WAITS_SPF },
};

static struct policy_facts
facts_with(const char *words, int64_t spf_hours, int64_t author_hours)
{
	struct policy_facts facts = rig_facts(words, arena);

	facts.spf_deferred = spf_hours * 3600;
	facts.author_deferred = author_hours * 3600;
	return facts;
}

static const struct policy_set *
set_of(const char *incoming, const char *when)
{
	struct buffer said;
	const struct policy_set *set = rig_set(arena_printf(arena, "domains = \"a.test\"; incoming: { %s rules = ( { name = \"wait\"; "
	    "when = { %s; }; do = \"defer\"; }, " FALLBACK " ); };\n", incoming, *when == '\0' ? "size = \"<1M\"" : when).p,
	    "", arena, &said);

	ck_assert_msg(said.n == 0, "%.*s", VIEW_ARG(buffer_view(&said))); /* nor is the next rule unreachable */
	return set;
}

START_TEST(hours)
{
	const struct policy_set *set = set_of(rows[_i].settings, rows[_i].when);
	struct policy_facts facts = facts_with(rows[_i].facts, rows[_i].spf_hours, rows[_i].author_hours);
	struct recipient rcpt = rig_rcpt("<u@a.test>", arena);
	struct verdict v;

	if (facts.content_known)
		policy_decide(set, &facts, &rcpt, 1, arena, &v);
	else
		ck_assert_int_eq(policy_decide_early(set, &facts, &rcpt, arena, &v), POLICY_NOW);
	ck_assert_msg(view_is(v.rule, rows[_i].rule), "%s: %.*s", rows[_i].what, VIEW_ARG(v.rule));
	ck_assert_msg(view_is(v.overdue, rows[_i].overdue), "%s: %.*s", rows[_i].what, VIEW_ARG(v.overdue));
	ck_assert_msg(v.waits == rows[_i].waits, "%s: %u", rows[_i].what, v.waits);
}
END_TEST

/* `assayctl explain` sees it as it is decided. */
START_TEST(steps)
{
	const struct policy_set *set = set_of("", "spf = \"temperror\"");
	struct recipient rcpt = rig_rcpt("<u@a.test>", arena);
	struct policy_facts facts = facts_with("spf=temperror", 47, 0);
	struct policy_step step;

	ck_assert(policy_step(set, &facts, &rcpt, 0, false, arena, &step) && step.holds && step.decides && !step.overdue);
	facts = facts_with("spf=temperror", 48, 0);
	ck_assert(policy_step(set, &facts, &rcpt, 0, false, arena, &step) && step.holds && !step.decides && step.overdue);
	ck_assert(policy_step(set, &facts, &rcpt, 1, false, arena, &step) && step.decides);
}
END_TEST

/* Two recipients whose limits differ get different replies, one day. */
START_TEST(classes)
{
	static const struct {
		const char *when;
		int hours;
		bool same;
	} pairs[] = { { "spf = \"temperror\";", 48, true }, { "spf = \"temperror\";", 47, false },
		{ "spf = \"temperror\";", 0, false }, { "tls = false;", 47, true } };
	struct recipient a = rig_rcpt("<u@a.test>", arena), b = rig_rcpt("<u@b.test>", arena);
	struct buffer said;

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct buffer files = buffer_in(arena);
		buffer_addf(&files, "=== a\ndomains = \"a.test\"; incoming: { rules = ( { when = { %s }; do = \"defer\"; } ); };\n",
		    pairs[i].when);
		buffer_addf(&files, "=== b\ndomains = \"b.test\"; incoming: { defer-hours = %d; rules = ( { when = { %s }; "
		    "do = \"defer\"; } ); };\n", pairs[i].hours, pairs[i].when);
		buffer_add_char(&files, '\0');
		const struct policy_set *set = rig_set(buffer_view(&files).p, "", arena, &said);
		ck_assert_uint_eq(policy_mistakes(set), 0);
		ck_assert_msg(policy_same_class(set, &a, &b, false) == pairs[i].same, "%s %d", pairs[i].when, pairs[i].hours);
	}
}
END_TEST

START_TEST(shown)
{
	struct recipient rcpt = rig_rcpt("<u@a.test>", arena);
	struct view two = policy_show(set_of("defer-hours = 2;", ""), &rcpt, arena), preset = policy_show(set_of("", ""), &rcpt, arena);

	ck_assert_msg(strstr(arena_cstr(arena, two), "\ndefer-hours: 2\n") != NULL, "%.*s", VIEW_ARG(two));
	ck_assert_msg(strstr(arena_cstr(arena, preset), "\ndefer-hours: 48\n") != NULL, "%.*s", VIEW_ARG(preset));
	ck_assert(!policy_same_rules(set_of("defer-hours = 2;", ""), set_of("", ""), &rcpt));
	ck_assert(policy_same_rules(set_of("defer-hours = 48;", ""), set_of("", ""), &rcpt));
}
END_TEST

/* The same facts give the same verdict in any order of asking, and time never brings a deferral back. */
START_TEST(pure_and_one_way)
{
	static const char *const whens[] = { "spf = \"temperror\"", "spf = [\"!pass\"]; dmarc = [\"!accept\"]", "dkim = \"temperror\"",
		"dmarc = [\"temperror\", \"norecord\"]", "spf = \"any\"" };
	static const char *const words[] = { "spf=temperror dmarc=norecord", "spf=fail dkim=temperror:x.test dmarc=temperror",
		"spf=temperror dkim=temperror:x.test dmarc=temperror", "spf=pass", "" };
	struct recipient rcpt = rig_rcpt("<u@a.test>", arena);
	unsigned dice = 7;

	for (size_t i = 0; i < 2000; i++) {
		dice = dice * 1103515245 + 12345;
		const struct policy_set *set = set_of(dice & 0x10000 ? "defer-hours = 9;" : "", whens[dice / 0x40000 % 5]);
		const char *facts = words[dice / 0x400000 % 5];
		int64_t spf = dice / 256 % 100, author = dice / 1024 % 100;
		struct policy_facts now = facts_with(facts, spf, author), later = facts_with(facts, spf + 1, author + 1);
		struct verdict first, second, after;
		policy_decide(set, &now, &rcpt, 1, arena, &first);
		policy_decide(set, &later, &rcpt, 1, arena, &after);
		policy_decide(set, &now, &rcpt, 1, arena, &second);
		ck_assert(first.action == second.action && view_eq(first.rule, second.rule) && first.waits == second.waits &&
		    view_eq(first.overdue, second.overdue) && view_eq(first.text, second.text));
		ck_assert(first.action == VERDICT_DEFER || after.action != VERDICT_DEFER);
		if (i % 100 == 0) {
			arena_reset(arena);
			rcpt = rig_rcpt("<u@a.test>", arena);
		}
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("policy overdue");
	TCase *tc = tcase_create("overdue");

	tcase_add_checked_fixture(tc, arena_setup, arena_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, setting, 0, ARRAY_LEN(settings));
	tcase_add_loop_test(tc, hours, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, steps);
	tcase_add_test(tc, classes);
	tcase_add_test(tc, shown);
	tcase_add_test(tc, pure_and_one_way);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
