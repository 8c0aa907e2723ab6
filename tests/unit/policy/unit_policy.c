#include "policy/policy.h"
#include "support/support.h"

#include <string.h>

#define A VERDICT_ACCEPT
#define Q VERDICT_QUARANTINE
#define D VERDICT_DISCARD
#define R VERDICT_REJECT
#define T VERDICT_DEFER

static const struct {
	const char *what;
	size_t n;
	enum verdict_action action[3];
	size_t wanted; /* index of the one that serves all */
} several[] = {
	{ "one alone", 1, { R }, 0 },
	{ "all the same: the first", 3, { A, A, A }, 0 },
	{ "quarantine over accept", 2, { A, Q }, 1 },
	{ "discard over quarantine", 2, { D, Q }, 0 },
	{ "reject over discard", 3, { D, A, R }, 2 },
	{ "defer over all", 3, { R, T, D }, 1 },
	{ "the first of two equal ones", 3, { A, R, R }, 1 },
};

START_TEST(strictest)
{
	static const char *const rules[] = { "first", "second", "third" };
	struct verdict v[3];

	memset(v, 0, sizeof(v));
	for (size_t i = 0; i < several[_i].n; i++) {
		v[i].action = several[_i].action[i];
		v[i].rule = view_of(rules[i]);
	}
	struct verdict got = verdict_strictest(v, several[_i].n);
	ck_assert_msg(view_is(got.rule, rules[several[_i].wanted]), "%s", several[_i].what);
}
END_TEST

START_TEST(without_rules_everybody_accepts)
{
	static const struct assessment nothing;
	const struct policy_facts facts = { .found = &nothing };
	struct arena *arena = arena_new();
	struct recipient rcpt[2];
	struct verdict v[2];

	memset(rcpt, 0, sizeof(rcpt));
	memset(v, 0xff, sizeof(v));
	policy_decide(NULL, &facts, rcpt, 2, arena, v);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(v[i].action, VERDICT_ACCEPT);
		ck_view_is(v[i].rule, "built-in");
		ck_assert_int_eq(v[i].code, 0);
	}
	ck_assert_int_eq(verdict_strictest(NULL, 0).action, VERDICT_ACCEPT);
	ck_assert_str_eq(name_of(verdict_action_names, VERDICT_DEFER), "defer");
	arena_free(arena);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("policy");
	TCase *tc = tcase_create("verdict");

	tcase_add_loop_test(tc, strictest, 0, ARRAY_LEN(several));
	tcase_add_test(tc, without_rules_everybody_accepts);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
