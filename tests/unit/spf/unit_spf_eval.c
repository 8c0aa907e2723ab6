#include "trial.h"
#include "zone.h"

#include "base/buffer.h"

static struct trial t;

static void
setup(void)
{
	trial_open(&t, view_of(zone_text));
}

static void
teardown(void)
{
	trial_close(&t);
}

static void
check_row(const struct verdict_row *row, const struct spf_result *r)
{
	ck_assert_msg(r->result == result_named(row->result), "%s: %s, not %s: %.*s", row->what,
	    name_of(auth_result_names, (int)r->result), row->result, VIEW_ARG(r->problem));
	ck_assert_msg(row->lookups < 0 || (int)r->lookups == row->lookups, "%s: %u lookups", row->what, r->lookups);
	ck_assert_msg(row->voids < 0 || (int)r->voids == row->voids, "%s: %u voids", row->what, r->voids);
	ck_assert_msg(row->mechanism == NULL || view_is(r->mechanism, row->mechanism), "%s: mechanism %.*s", row->what,
	    VIEW_ARG(r->mechanism));
	ck_assert_msg(view_eq(r->explanation, view_of(row->explanation)), "%s: explanation %.*s", row->what,
	    VIEW_ARG(r->explanation));
	bool error = r->result == AUTH_PERMERROR || r->result == AUTH_TEMPERROR;
	ck_assert_msg(error == (r->problem.n > 0), "%s: problem \"%.*s\"", row->what, VIEW_ARG(r->problem));
}

START_TEST(verdict)
{
	const struct verdict_row *row = &verdict_rows[_i];

	trial_from(&t, row->client, row->helo == NULL ? "helo.example.org" : row->helo, row->mail);
	check_row(row, trial_join(&t));
}
END_TEST

/* All of them once more, the parsed records shared. */
START_TEST(verdict_with_cache)
{
	t.in.cache = spf_cache_new(100000);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < verdict_row_count; i++) {
			const struct verdict_row *row = &verdict_rows[i];
			trial_from(&t, row->client, row->helo == NULL ? "helo.example.org" : row->helo, row->mail);
			check_row(row, trial_join(&t));
		}
	}
	arena_reset(t.arena);
	spf_cache_free(t.in.cache);
}
END_TEST

START_TEST(identity_helo)
{
	const struct spf_result *r;

	t.identity = SPF_HELO;
	trial_from(&t, "192.0.2.9", "HELO.example.org", "user@nowhere.example");
	r = trial_join(&t);
	ck_result_is(r, "pass");
	ck_view_is(r->domain, "helo.example.org");
	ck_view_is(r->sender, "postmaster@helo.example.org");
}
END_TEST

START_TEST(identity_guess)
{
	const struct spf_result *r;

	t.identity = SPF_GUESS;
	trial_from(&t, "192.0.2.77", "helo.example.org", "user@plain.example");
	r = trial_join(&t);
	ck_result_is(r, "pass");
	ck_view_is(r->mechanism, "a/24");
	/* Nothing there at all: the limit of void lookups is for others' records. */
	trial_from(&t, "203.0.113.99", "helo.example.org", "user@nowhere.example");
	ck_result_is(trial_join(&t), "neutral");
	t.conf.guess_record = VIEW_LIT("v=spf1 moo");
	ck_result_is(trial_join(&t), "permerror");
}
END_TEST

START_TEST(sender_is_said)
{
	const struct spf_result *r;

	trial_from(&t, "192.0.2.10", "helo.example.org", "@Example.ORG");
	r = trial_join(&t);
	ck_view_is(r->sender, "postmaster@example.org");
	ck_view_is(r->domain, "example.org");
	trial_from(&t, "192.0.2.10", "localhost", "");
	r = trial_join(&t);
	ck_view_is(r->sender, "");
	ck_view_is(r->domain, "");
}
END_TEST

START_TEST(void_limit_is_a_setting)
{
	trial_from(&t, "192.0.2.1", "helo.example.org", "user@void3.example");
	t.conf.void_max = 3;
	ck_result_is(trial_join(&t), "pass");
	t.conf.void_max = 0;
	ck_result_is(trial_join(&t), "permerror");
	trial_from(&t, "192.0.2.10", "helo.example.org", "user@example.org");
	ck_result_is(trial_join(&t), "pass");
}
END_TEST

START_TEST(explanation_is_cut)
{
	const struct spf_result *r;

	trial_from(&t, "203.0.113.99", "helo.example.org", "somebody@explong.example");
	r = trial_join(&t);
	ck_assert_int_eq((int)r->explanation.n, SPF_EXPLANATION_MAX);
	ck_assert(view_ends(r->explanation, VIEW_LIT("...")));
}
END_TEST

START_TEST(queries_spent)
{
	trial_from(&t, "192.0.2.12", "helo.example.org", "user@example.org");
	t.queries_max = 2;
	ck_result_is(trial_join(&t), "temperror");
}
END_TEST

/* RFC 7208's own numbers, and a guess that must parse. */
START_TEST(settings)
{
	struct view good = VIEW_LIT("v=spf1 a/24 -all"), bad = VIEW_LIT("v=spf1 a/240");
	struct err err;

	ck_assert(t.conf.enable && !t.conf.guess && !t.conf.received_spf);
	ck_assert_int_eq(t.conf.engine, SPF_NATIVE);
	ck_assert_int_eq((int)t.conf.lookups_max, 10);
	ck_assert_int_eq((int)t.conf.void_max, 2);
	ck_assert_int_eq((int)t.conf.wait, 20);
	ck_view_is(t.conf.guess_record, "v=spf1 a/24 mx/24 ptr ?all");
	for (size_t i = 0; i < spf_section.items; i++) {
		if (spf_section.item[i].check == NULL)
			continue;
		ck_assert_str_eq(spf_section.item[i].name, "guess-record");
		ck_assert(spf_section.item[i].check(&good, &err));
		ck_assert(!spf_section.item[i].check(&bad, &err));
	}
}
END_TEST

/* One answer that DNSSEC did not validate, and the result is not; the explanation decides nothing. */
START_TEST(secure_is_of_all_answers)
{
	struct trial s;

	trial_open(&s, VIEW_LIT("safe.example SECURE\nsafe.example TXT \"v=spf1 a:h.safe.example -all exp=why.example\"\n"
				"h.safe.example SECURE\nh.safe.example A 192.0.2.1\nwhy.example TXT \"Why?\"\n"
				"half.example SECURE\nhalf.example TXT \"v=spf1 a:h.safe.example a:h.other.example -all\"\n"
				"last.example SECURE\nlast.example TXT \"v=spf1 a:h.other.example a:h.safe.example -all\"\n"
				"h.other.example A 192.0.2.2\n"));
	trial_from(&s, "192.0.2.1", "helo.example.org", "user@safe.example");
	ck_assert(trial_join(&s)->secure);
	trial_from(&s, "192.0.2.99", "helo.example.org", "user@safe.example");
	ck_view_is(trial_join(&s)->explanation, "Why?");
	ck_assert(trial_join(&s)->secure);
	trial_from(&s, "192.0.2.1", "helo.example.org", "user@half.example");
	ck_assert(trial_join(&s)->secure); /* the other was not asked */
	trial_from(&s, "192.0.2.2", "helo.example.org", "user@half.example");
	ck_assert(!trial_join(&s)->secure);
	trial_from(&s, "192.0.2.1", "helo.example.org", "user@last.example");
	ck_assert(!trial_join(&s)->secure);
	trial_from(&s, "192.0.2.2", "helo.example.org", "user@localhost");
	ck_assert(!trial_join(&s)->secure); /* nothing was asked */
	trial_close(&s);
}
END_TEST

/* --- n lookups in every nesting ---------------------------------------------------------------- */

/* The n-th record of a shape that needs n lookups to pass 192.0.2.1. */
static void
shape_flat(struct buffer *b, int n, const char *term)
{
	buffer_add_cstr(b, "d0.example TXT \"v=spf1");
	for (int i = 0; i < n; i++)
		buffer_addf(b, " %s", term);
	buffer_add_cstr(b, " ip4:192.0.2.1 -all\"\n");
}

static void
shape_chain(struct buffer *b, int n, const char *term)
{
	for (int i = 0; i < n; i++)
		buffer_addf(b, "d%d.example TXT \"v=spf1 %sd%d.example\"\n", i, term, i + 1);
	buffer_addf(b, "d%d.example TXT \"v=spf1 ip4:192.0.2.1 -all\"\n", n);
}

/* Half of them in one include, half in the next: the count goes on. */
static void
shape_halves(struct buffer *b, int n, const char *term)
{
	int left = (n - 2) / 2, right = n - 2 - left;

	buffer_add_cstr(b, "d0.example TXT \"v=spf1 include:left.example include:right.example -all\"\n");
	buffer_add_cstr(b, "left.example TXT \"v=spf1");
	for (int i = 0; i < left; i++)
		buffer_addf(b, " %s", term);
	buffer_add_cstr(b, " -all\"\nright.example TXT \"v=spf1");
	for (int i = 0; i < right; i++)
		buffer_addf(b, " %s", term);
	buffer_add_cstr(b, " ip4:192.0.2.1 -all\"\n");
}

/* Terms in the record, then a redirect, in its record an include, in that the rest. */
static void
shape_mixed(struct buffer *b, int n, const char *term)
{
	buffer_addf(b, "d0.example TXT \"v=spf1 %s %s redirect=d1.example\"\n", term, term);
	buffer_addf(b, "d1.example TXT \"v=spf1 %s include:d2.example -all\"\nd2.example TXT \"v=spf1", term);
	for (int i = 0; i < n - 5; i++)
		buffer_addf(b, " %s", term);
	buffer_add_cstr(b, " ip4:192.0.2.1 -all\"\n");
}

/* At the last term the record ends: counted or not, nothing follows. */
static void
shape_last(struct buffer *b, int n, const char *term)
{
	buffer_add_cstr(b, "d0.example TXT \"v=spf1");
	for (int i = 0; i < n - 1; i++)
		buffer_addf(b, " %s", term);
	buffer_add_cstr(b, " redirect=d1.example\"\nd1.example TXT \"v=spf1 ip4:192.0.2.1 -all\"\n");
}

static const struct {
	const char *what;
	void (*write)(struct buffer *b, int n, const char *term);
	const char *term;
} shapes[] = {
	{ "a", shape_flat, "a:host.example" },
	{ "mx", shape_flat, "mx:host.example" },
	{ "exists", shape_flat, "?exists:nx.example" }, /* void: the limit is raised */
	{ "ptr", shape_flat, "ptr:host.example" },
	{ "include beside include", shape_flat, "include:leaf.example" },
	{ "include in include", shape_chain, "include:" },
	{ "redirect after redirect", shape_chain, "redirect=" },
	{ "a in two includes", shape_halves, "a:host.example" },
	{ "includes in two includes", shape_halves, "include:leaf.example" },
	{ "mx in two includes", shape_halves, "mx:host.example" },
	{ "a, redirect, include, a", shape_mixed, "a:host.example" },
	{ "include, redirect, include, include", shape_mixed, "include:leaf.example" },
	{ "a, then redirect", shape_last, "a:host.example" },
	{ "include, then redirect", shape_last, "include:leaf.example" },
};

static void
try_shape(int shape, int n, enum spf_engine engine, const char *result)
{
	struct arena *arena = arena_new();
	struct buffer b = buffer_in(arena);
	struct trial trial;

	buffer_add_cstr(&b, "host.example A 198.51.100.1\nhost.example MX 1 host.example\n"
			    "leaf.example TXT \"v=spf1 ip4:198.51.100.1 -all\"\n"
			    "1.2.0.192.in-addr.arpa PTR elsewhere.example\n");
	shapes[shape].write(&b, n, shapes[shape].term);
	trial_open(&trial, buffer_view(&b));
	trial.conf.engine = engine;
	trial.conf.void_max = 100;
	trial_from(&trial, "192.0.2.1", "helo.example.org", "user@d0.example");
	const struct spf_result *r = trial_join(&trial);
	ck_assert_msg(r->result == result_named(result), "%s, %d lookups, engine %d: %s: %.*s", shapes[shape].what, n,
	    (int)engine, name_of(auth_result_names, (int)r->result), VIEW_ARG(r->problem));
	ck_assert_int_eq((int)r->lookups, n < 10 ? n : 10);
	trial_close(&trial);
	arena_free(arena);
}

START_TEST(lookup_limit)
{
	try_shape(_i, 9, SPF_NATIVE, "pass");
	try_shape(_i, 10, SPF_NATIVE, "pass");
	try_shape(_i, 11, SPF_NATIVE, "permerror");
	try_shape(_i, 30, SPF_NATIVE, "permerror");
}
END_TEST

/* --- the trace --------------------------------------------------------------------------------- */

START_TEST(trace_of_a_tree)
{
	trial_from(&t, "203.0.113.99", "helo.example.org", "user@example.org");
	t.in.trace = spf_trace_new(t.arena);
	ck_result_is(trial_join(&t), "fail");
	ck_view_is(spf_trace_text(t.in.trace, t.arena),
	    "example.org: \"v=spf1 a mx include:_spf.example.net -all\" -> fail lookups=3 voids=0\n"
	    "  a [example.org] -> no match lookups=1 voids=0\n"
	    "  mx [example.org] -> no match lookups=2 voids=0\n"
	    "  include:_spf.example.net [_spf.example.net] -> no match lookups=3 voids=0\n"
	    "    _spf.example.net: \"v=spf1 ip4:198.51.100.0/24 ip6:2001:db8:100::/40 ~all\" -> softfail lookups=3 "
	    "voids=0\n"
	    "      ip4:198.51.100.0/24 -> no match lookups=3 voids=0\n"
	    "      ip6:2001:db8:100::/40 -> no match lookups=3 voids=0\n"
	    "      ~all -> match lookups=3 voids=0\n"
	    "  -all -> match lookups=3 voids=0\n");
}
END_TEST

START_TEST(trace_of_an_error)
{
	trial_from(&t, "203.0.113.99", "helo.example.org", "user@red-none.example");
	t.in.trace = spf_trace_new(t.arena);
	ck_result_is(trial_join(&t), "permerror");
	ck_view_is(spf_trace_text(t.in.trace, t.arena),
	    "red-none.example: \"v=spf1 redirect=plain.example\" -> redirect (plain.example) lookups=1 voids=0\n"
	    "plain.example: \"\" -> permerror (\"redirect to plain.example, which has no SPF record\") lookups=1 voids=0\n");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("spf_eval");
	TCase *tc = tcase_create("eval");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, verdict, 0, verdict_row_count);
	tcase_add_test(tc, verdict_with_cache);
	tcase_add_test(tc, identity_helo);
	tcase_add_test(tc, identity_guess);
	tcase_add_test(tc, sender_is_said);
	tcase_add_test(tc, void_limit_is_a_setting);
	tcase_add_test(tc, explanation_is_cut);
	tcase_add_test(tc, queries_spent);
	tcase_add_test(tc, settings);
	tcase_add_test(tc, secure_is_of_all_answers);
	tcase_add_loop_test(tc, lookup_limit, 0, ARRAY_LEN(shapes));
	tcase_add_test(tc, trace_of_a_tree);
	tcase_add_test(tc, trace_of_an_error);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
