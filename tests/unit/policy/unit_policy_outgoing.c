#include "policy/policy.h"
#include "rig.h"
#include "support/setup.h"
#include "support/support.h"

#include <string.h>

/* ---- what is a mistake ---- */

static const struct {
	const char *what, *text;
	const char *said; /* a part of it; "": nothing is said */
} grammar[] = {
	{ "all words", "domains = \"a.test\"; outgoing: { leaves = true; srs = true; srs-domain = \"srs.a.test\"; seal = true;\n"
		       "seal-domain = \"a.test\"; seal-keys = [\"s1:/k1\", \"s2:/k2:2026-01-01\"]; };", "" },
	{ "one key alone", "domains = \"a.test\"; outgoing: { seal-domain = \"a.test\"; seal-keys = \"s:/k\"; };", "" },
	{ "an empty group", "domains = \"a.test\"; outgoing: { };", "" },
	{ "no group", "domains = \"a.test\";\noutgoing = true;", "f:2: outgoing: is the name of a group" },
	{ "a near miss", "domains = \"a.test\";\noutgoing: {\n srs-domian = \"x.test\"; };", "f:3: outgoing: srs-domian is not one of" },
	{ "a near miss, meant", "domains = \"a.test\"; outgoing: { leave = true; };", "did you mean leaves?" },
	{ "a near miss of the group", "domains = \"a.test\"; outgoings: { };", "did you mean outgoing?" },
	{ "no boolean", "domains = \"a.test\"; outgoing: { leaves = \"yes\"; };", "leaves: wants true or false, not a text" },
	{ "no boolean for srs", "domains = \"a.test\"; outgoing: { srs = 1; };", "srs: wants true or false, not a number" },
	{ "no boolean for seal", "domains = \"a.test\"; outgoing: { seal = []; };", "seal: wants true or false, not a list" },
	{ "no domain", "domains = \"a.test\"; outgoing: { srs-domain = \"a..test\"; };", "srs-domain: no domain: " },
	{ "an address", "domains = \"a.test\"; outgoing: { srs-domain = \"x@a.test\"; };", "srs-domain: wants a domain name" },
	{ "one label", "domains = \"a.test\"; outgoing: { srs-domain = \"localhost\"; };", "wants a domain name with a dot" },
	{ "a list for one", "domains = \"a.test\"; outgoing: { srs-domain = [\"a.test\"]; };", "srs-domain: wants a domain, not a list" },
	{ "a domain without keys", "domains = \"a.test\";\noutgoing: { seal-domain = \"a.test\"; };", "f:2: seal-domain and seal-keys stand together" },
	{ "keys without a domain", "domains = \"a.test\"; outgoing: { seal-keys = \"s:/k\"; };", "seal-domain and seal-keys stand together" },
	{ "no keys", "domains = \"a.test\"; outgoing: { seal-domain = \"a.test\"; seal-keys = []; };", "seal-keys: names no key" },
	{ "no path", "domains = \"a.test\"; outgoing: { seal-domain = \"a.test\"; seal-keys = \"s:k\"; };", "seal-keys: wants \"SELECTOR:/PATH\"" },
	{ "no day", "domains = \"a.test\"; outgoing: { seal-domain = \"a.test\"; seal-keys = \"s:/k:2026-13-01\"; };", "seal-keys: " },
	{ "a selector twice", "domains = \"a.test\"; outgoing: { seal-domain = \"a.test\"; seal-keys = [\"s:/k\", \"S:/l\"]; };",
	    "the selector S stands there twice" },
};

START_TEST(files)
{
	struct buffer said;
	const struct policy_set *set = rig_set(grammar[_i].text, "", arena, &said);

	ck_assert_uint_eq(policy_mistakes(set), *grammar[_i].said == '\0' ? 0 : 1);
	buffer_add_char(&said, '\0');
	if (*grammar[_i].said == '\0')
		ck_assert_msg(said.n == 1, "%s: %s", grammar[_i].what, buffer_view(&said).p);
	else
		ck_assert_msg(strstr(buffer_view(&said).p, grammar[_i].said) != NULL, "%s: %s", grammar[_i].what,
		    buffer_view(&said).p);
}
END_TEST

/* ---- what holds for whom ---- */

static const char world[] =
    "=== all\ndomains = \"*\"; outgoing: { leaves = true; srs = false; seal = false; };\n"
    "=== a\ndomains = [\"a.test\", \".a.test\"]; incoming: { inherit = false; };\n"
    "  outgoing: { srs-domain = \"SRS.A.test\"; };\n"
    "=== b\ndomains = \"b.test\"; outgoing: { leaves = false; seal-domain = \"b.test\"; seal-keys = \"s:/b\"; };\n"
    "=== c\ndomains = \"c.test\"; outgoing: { seal = true; };\n"
    "=== d\ndomains = \"d.test\"; outgoing: { seal = false; seal-domain = \"d.test\"; seal-keys = \"s:/d\"; };\n"
    "=== u\naddresses = \"ann@b.test\"; outgoing: { leaves = true; srs = true; };\n"
    "=== v\naddresses = \"bob@d.test\"; outgoing: { seal = true; };\n"
    "=== w\naddresses = \"eve@b.test\"; outgoing: { seal = false; };\n"
    "=== e\ndomains = \"\xc3\xa9.test\"; outgoing: { srs-domain = \"\xc3\xa9.test\"; };\n";

static const struct {
	const char *rcpt;
	const char *wanted; /* leaves srs srs-domain seal seal-domain; "-": not given */
} holders[] = {
	{ "x@elsewhere.test", "true false - false -" },
	{ "x@a.test", "true true srs.a.test false -" }, /* also what a file with inherit = false does not say */
	{ "x@y.a.test", "true true srs.a.test false -" },
	{ "x@b.test", "false false - true b.test" },
	{ "ann@b.test", "true true - true b.test" },
	{ "ann+list@b.test", "true true - true b.test" },
	{ "eve@b.test", "false false - false b.test" },
	{ "x@c.test", "true false - true -" },
	{ "x@d.test", "true false - false d.test" },
	{ "bob@d.test", "true false - true d.test" },
	{ "x@xn--9ca.test", "true true xn--9ca.test false -" },
};

static struct view
in_words(const struct policy_outgoing *o)
{
	struct view srs = o->srs_domain.n == 0 ? VIEW_LIT("-") : o->srs_domain;
	struct view seal = o->seal_as == NULL ? VIEW_LIT("-") : o->seal_as->domain;

#define WORD(f) (!o->has_##f ? "-" : o->f ? "true" : "false")
	return arena_printf(arena, "%s %s %.*s %s %.*s", WORD(leaves), WORD(srs), VIEW_ARG(srs), WORD(seal), VIEW_ARG(seal));
#undef WORD
}

START_TEST(nearest)
{
	struct buffer said;
	const struct policy_set *set = rig_set(world, "+", arena, &said);
	struct recipient rcpt = rig_rcpt(holders[_i].rcpt, arena);
	struct policy_outgoing out;

	ck_assert_uint_eq(said.n, 0);
	policy_outgoing(set, &rcpt, &out);
	struct view got = in_words(&out);
	ck_assert_msg(view_is(got, holders[_i].wanted), "%s: %.*s", holders[_i].rcpt, VIEW_ARG(got));
}
END_TEST

START_TEST(nothing_said)
{
	struct recipient rcpt = rig_rcpt("x@a.test", arena);
	struct policy_outgoing out;
	struct buffer said;

	policy_outgoing(NULL, &rcpt, &out);
	ck_view_is(in_words(&out), "- - - - -");
	policy_outgoing(rig_set("domains = \"a.test\";", "", arena, &said), &rcpt, &out);
	ck_view_is(in_words(&out), "- - - - -");
	rcpt.path = (struct mail_path){ VIEW_EMPTY, VIEW_EMPTY, VIEW_EMPTY }; /* the null sender, what is no path */
	policy_outgoing(rig_set(world, "", arena, &said), &rcpt, &out);
	ck_view_is(in_words(&out), "true false - false -");
}
END_TEST

START_TEST(all_of_them)
{
	struct buffer said;
	const struct policy_set *set = rig_set(world, "", arena, &said);
	struct view domain;

	ck_view_is(policy_seal_nth(set, 0)->domain, "b.test");
	ck_view_is(policy_seal_nth(set, 1)->domain, "d.test");
	ck_assert_ptr_null(policy_seal_nth(set, 2));
	ck_assert_ptr_null(policy_seal_nth(NULL, 0));
	for (size_t i = 0; policy_seal_nth(set, i) != NULL; i++)
		ck_assert_uint_eq(policy_seal_nth(set, i)->number, i);
	ck_view_is(policy_seal_nth(set, 1)->keys.item[0], "s:/d");
	ck_assert_str_eq(policy_seal_nth(set, 1)->keys.where, "d:1");
	ck_assert(policy_srs_domain(set, 0, &domain) && view_is(domain, "srs.a.test"));
	ck_assert(policy_srs_domain(set, 1, &domain) && view_is(domain, "xn--9ca.test"));
	ck_assert(!policy_srs_domain(set, 2, &domain) && !policy_srs_domain(NULL, 0, &domain));
}
END_TEST

/* What `assayctl conf diff` tells apart. */
static const struct {
	const char *what, *before, *after;
	bool same;
} changes[] = {
	{ "nothing", "leaves = true;", "leaves = true;", true },
	{ "not given and preset", "", "leaves = false;", false },
	{ "leaves", "leaves = true;", "leaves = false;", false },
	{ "srs", "srs = true;", "srs = false;", false },
	{ "another srs-domain", "srs-domain = \"a.test\";", "srs-domain = \"b.test\";", false },
	{ "its spelling", "srs-domain = \"A.test\";", "srs-domain = \"a.test.\";", true },
	{ "seal", "seal = false;", "", false },
	{ "a key", "seal-domain = \"a.test\"; seal-keys = \"s:/k\";", "seal-domain = \"a.test\"; seal-keys = \"s:/l\";", false },
	{ "a list of one", "seal-domain = \"a.test\"; seal-keys = \"s:/k\";",
	    "seal-domain = \"a.test\"; seal-keys = [\"s:/k\"];", true },
	{ "no keys any more", "seal-domain = \"a.test\"; seal-keys = \"s:/k\";", "seal = true;", false },
};

START_TEST(what_changes)
{
	struct buffer said;
	struct recipient rcpt = rig_rcpt("x@a.test", arena);
	const struct policy_set *a = rig_set(arena_printf(arena, "domains = \"a.test\"; outgoing: { %s };",
	    changes[_i].before).p, "", arena, &said);
	const struct policy_set *b = rig_set(arena_printf(arena, "domains = \"a.test\"; outgoing: { %s };",
	    changes[_i].after).p, "", arena, &said);

	ck_assert_msg(policy_same_rules(a, b, &rcpt) == changes[_i].same, "%s", changes[_i].what);
	ck_assert_msg(policy_same_class(a, &rcpt, &rcpt, false), "%s", changes[_i].what);
}
END_TEST

START_TEST(shown)
{
	struct buffer said;
	const struct policy_set *set = rig_set(world, "", arena, &said);
	struct recipient rcpt = rig_rcpt("ann@b.test", arena);
	struct view text = policy_show(set, &rcpt, arena);

	ck_assert(view_ends(text, VIEW_LIT("u:1: outgoing leaves: true\nu:1: outgoing srs: true\n"
					   "b:1: outgoing seal-domain: b.test\nb:1: outgoing seal-keys: s:/b\n")));
}
END_TEST

/* Sealing and rewriting refuse nobody: one reply serves all. */
START_TEST(one_class)
{
	struct buffer said;
	const struct policy_set *set = rig_set(world, "", arena, &said);
	struct recipient a = rig_rcpt("x@b.test", arena), b = rig_rcpt("x@d.test", arena);

	ck_assert(policy_same_class(set, &a, &b, false));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("policy_outgoing");
	TCase *tc = tcase_create("outgoing");

	tcase_add_checked_fixture(tc, arena_setup, arena_teardown);
	tcase_add_loop_test(tc, files, 0, ARRAY_LEN(grammar));
	tcase_add_loop_test(tc, nearest, 0, ARRAY_LEN(holders));
	tcase_add_test(tc, nothing_said);
	tcase_add_test(tc, all_of_them);
	tcase_add_loop_test(tc, what_changes, 0, ARRAY_LEN(changes));
	tcase_add_test(tc, shown);
	tcase_add_test(tc, one_class);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
