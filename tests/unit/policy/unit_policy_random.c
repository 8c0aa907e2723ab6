#include "rig.h"

#include "support/libconfig_leak.h"
#include "support/support.h"

#include <stdlib.h>

/*
 * Random rules, random messages: what classes and early decisions promise holds for all of them, not only for those that
 * somebody thought of.
 */

static uint32_t state;

static size_t
below(size_t n)
{
	state = state * 1664525 + 1013904223;
	return (state >> 8) % n;
}

/* ---- files ---- */

static const char *const conditions[] = {
	"spf = [\"fail\"];", "spf = [\"!pass\"];", "spf = [\"temperror\"];", "dmarc = [\"reject\"];",
	"dmarc = [\"reject\", \"quarantine\"];", "dmarc = [\"!accept\"];", "dmarc_policy = [\"reject\"];", "dkim = [\"none\"];",
	"dkim = [\"temperror\"];", "authenticated = true;", "internal = true;", "internal = false;", "tls = false;",
	"client = [\"192.0.2.0/24\"];", "sender = [\"<>\"];", "from_domain = [\"bank.example\"];", "size = [\">10\"];",
	"list_id = true;", "arc = [\"pass\"];", "spf = \"fail\"; client = [\"192.0.2.1\"];", "spf = [\"!pass\"]; dkim = [\"!pass\"];",
};

static const char *const actions[] = {
	"do = \"accept\";", "do = \"tag\"; header = \"X-A: a\";", "do = \"tag\"; header = \"X-B: b\";", "do = \"quarantine\";",
	"do = \"reject\";", "do = \"reject\"; reply = \"554 5.7.0 no\";", "do = \"reject\"; reply = \"550 5.7.26 no\";",
	"do = \"defer\";", "do = \"defer\"; reply = \"450 4.7.1 wait\";", "do = \"discard\";",
	"do = \"quarantine\"; by = \"hold\";", "do = \"quarantine\"; by = \"redirect\"; to = \"a@q.test\";",
	"do = \"quarantine\"; by = \"redirect\"; to = \"b@q.test\";",
};

static const char *const settings[] = {
	"mode = \"monitor\";", "inherit = false;", "reject-needs = \"nothing\";", "reject-needs = \"evidence\";",
	"dmarc-disable-verify = true;", "defer-hours = 1;", "defer-hours = 0;", "trusted-sealers = \"s.test\";",
	"trusted-lists = \"l.test\";", "trusted-forwarders = \"192.0.2.0/24\";", "mode = \"enforce\";",
};

/* Few, so that two often are alike. */
static void
add_file(struct buffer *b, const char *name, const char *domain)
{
	size_t rules = below(4);

	buffer_addf(b, "=== %s\ndomains = \"%s\"; incoming: { ", name, domain);
	if (below(3) == 0)
		buffer_addf(b, "%s ", settings[below(ARRAY_LEN(settings))]);
	buffer_add_cstr(b, "rules = (");
	for (size_t i = 0; i < rules; i++) {
		bool all = below(6) == 0;
		buffer_addf(b, "%s{ name = \"%s%zu\"; %s%s%s %s }", i > 0 ? ", " : " ", name, i, all ? "" : "when = { ",
		    all ? "" : conditions[below(ARRAY_LEN(conditions))], all ? "" : " };", actions[below(ARRAY_LEN(actions))]);
	}
	buffer_add_cstr(b, " ); };\n");
}

/* Often the same file with another name, or with the one difference that ought not to matter, or ought to. */
static const struct policy_set *
random_set(struct arena *arena)
{
	static const char *const name[] = { "a", "b", "c" }, *const domain[] = { "a.test", "b.test", "c.test" };
	struct buffer b = buffer_in(arena), said;
	uint32_t first = (uint32_t)below(1000000), mine = state;

	for (size_t i = 0; i < 3; i++) {
		bool again = below(2) == 0;
		mine = state;
		if (again)
			state = first;
		add_file(&b, name[i], domain[i]);
		if (again)
			state = mine + 1;
	}
	if (below(2) == 0)
		add_file(&b, "d", "*");
	const struct policy_set *set = rig_set(arena_printf(arena, "%.*s", VIEW_ARG(buffer_view(&b))).p, "", arena, &said);
	ck_assert_msg(policy_mistakes(set) == 0, "%.*s\n%.*s", VIEW_ARG(buffer_view(&b)), VIEW_ARG(buffer_view(&said)));
	return set;
}

/* ---- messages ---- */

static const char *const spf_words[] = { "spf=pass:l.test", "spf=fail:x.test", "spf=none:x.test", "spf=temperror:x.test", "" };
static const char *const dmarc_words[] = { "dmarc=reject", "dmarc=quarantine", "dmarc=accept", "dmarc=temperror", "dmarc=norecord", "" };
static const char *const dkim_words[] = { "dkim=none", "dkim=pass:bank.example", "dkim=temperror:bank.example", "" };
static const char *const other_words[] = { "", "client=192.0.2.1", "client=192.0.2.9", "null", "size=11", "list=x.l.test", "tls",
	"arc=pass:s.test aar=bank.example", "from=other.example" };
static const char *const trust_words[] = { "", "", "", "", "auth", "internal" };

static struct policy_facts
random_facts(struct arena *arena, const char **words)
{
	static const int64_t hours[] = { 0, 0, 2, 99 };

	*words = arena_printf(arena, "%s %s %s %s %s", spf_words[below(ARRAY_LEN(spf_words))],
	    dmarc_words[below(ARRAY_LEN(dmarc_words))], dkim_words[below(ARRAY_LEN(dkim_words))],
	    other_words[below(ARRAY_LEN(other_words))], trust_words[below(ARRAY_LEN(trust_words))]).p;
	struct policy_facts facts = rig_facts(*words, arena);
	facts.spf_deferred = hours[below(ARRAY_LEN(hours))] * 3600;
	facts.author_deferred = hours[below(ARRAY_LEN(hours))] * 3600;
	return facts;
}

/* ---- what is promised ---- */

/* What one reply, one envelope cannot serve both with. */
static bool
same_fate(const struct verdict *a, const struct verdict *b)
{
	bool x = a->action == VERDICT_QUARANTINE ? a->by != QUARANTINE_TAG : a->action >= VERDICT_DISCARD;
	bool y = b->action == VERDICT_QUARANTINE ? b->by != QUARANTINE_TAG : b->action >= VERDICT_DISCARD;

	if (!x || !y)
		return x == y;
	return a->action == b->action && a->by == b->by && view_eq(a->mailbox, b->mailbox) && a->code == b->code &&
	    view_eq(a->enhanced, b->enhanced) && (a->code == 0 || view_eq(a->text, b->text));
}

struct counts {
	size_t alike, differ, early;
};

static void
check_classes(const struct policy_set *set, const struct recipient *rcpt, bool trusted)
{
	bool same[3][3];

	for (size_t i = 0; i < 3; i++)
		for (size_t k = 0; k < 3; k++)
			same[i][k] = policy_same_class(set, &rcpt[i], &rcpt[k], trusted);
	for (size_t i = 0; i < 3; i++) {
		ck_assert(same[i][i]);
		for (size_t k = 0; k < 3; k++) {
			ck_assert(same[i][k] == same[k][i]);
			for (size_t m = 0; m < 3; m++)
				ck_assert(!same[i][k] || !same[k][m] || same[i][m]);
		}
	}
}

static const char *
story(const struct policy_set *set, const char *words, struct arena *arena)
{
	struct buffer b = buffer_in(arena);
	struct policy_text text;

	buffer_addf(&b, "%s\n", words);
	for (size_t i = 0; policy_text_nth(set, i, &text); i++)
		buffer_addf(&b, "%s: %.*s", text.name, VIEW_ARG(text.text));
	return arena_printf(arena, "%.*s", VIEW_ARG(buffer_view(&b))).p;
}

static void
check_message(const struct policy_set *set, const struct recipient *rcpt, struct arena *arena, struct counts *counts)
{
	const char *words;
	struct policy_facts facts = random_facts(arena, &words), early = facts;
	bool trusted = facts.authenticated || facts.internal;
	struct verdict v[3], at_rcpt;

	policy_decide(set, &facts, rcpt, 3, arena, v);
	for (size_t k = 1; k < 3; k++) {
		bool alike = policy_same_class(set, &rcpt[0], &rcpt[k], trusted), fate = same_fate(&v[0], &v[k]);
		ck_assert_msg(!alike || fate, "%s", story(set, words, arena));
		counts->alike += alike;
		counts->differ += !fate;
	}
	early.content_known = false;
	for (size_t k = 0; k < 3; k++) {
		early.spf_known = below(2) == 0;
		if (policy_decide_early(set, &early, &rcpt[k], arena, &at_rcpt) != POLICY_NOW)
			continue;
		counts->early++;
		ck_assert_msg(at_rcpt.action == v[k].action && view_eq(at_rcpt.rule, v[k].rule) && at_rcpt.code == v[k].code &&
		    view_eq(at_rcpt.text, v[k].text) && at_rcpt.waits == v[k].waits, "%s", story(set, words, arena));
		ck_assert_msg((at_rcpt.action != VERDICT_REJECT && at_rcpt.action != VERDICT_DEFER) ||
		    policy_speaks_at_rcpt(set, POLICY_CLASS), "%s", story(set, words, arena));
	}
}

START_TEST(promises)
{
	struct counts counts = { 0, 0, 0 };

	state = (uint32_t)_i + 1;
	for (int turn = 0; turn < 300; turn++) {
		struct arena *arena = arena_new();
		const struct policy_set *set = random_set(arena);
		struct recipient rcpt[3] = { rig_rcpt("<u@a.test>", arena), rig_rcpt("<u@b.test>", arena), rig_rcpt("<u@c.test>", arena) };
		check_classes(set, rcpt, false);
		check_classes(set, rcpt, true);
		for (int message = 0; message < 20; message++)
			check_message(set, rcpt, arena, &counts);
		arena_free(arena);
	}
	ck_assert_msg(counts.alike > 500 && counts.differ > 500 && counts.early > 500, "%zu %zu %zu", counts.alike, counts.differ,
	    counts.early);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("policy-random");
	TCase *tc = tcase_create("promises");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, promises, 0, 8);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
