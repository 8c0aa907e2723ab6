#include "assess/assess.h"

#include "base/buffer.h"
#include "dns/dns_conf.h"
#include "support/support.h"

/* What is asked, and in which order it is written; what the protocols find is their rooms' matter. */
static const char zone[] =
	"example.org TXT \"v=spf1 ip4:192.0.2.1 -all\"\n"
	"mail.example.org TXT \"v=spf1 ip4:192.0.2.1 -all\"\n"
	"norecord.example A 192.0.2.1\n"
	"slow.example TIMEOUT\n";

static struct arena *arena;
static struct dns *dns;
static struct assess_conf conf;

static void
setup(void)
{
	struct err err;

	arena = arena_new();
	dns = dns_open_fake(view_of(zone), &err);
	ck_assert_ptr_nonnull(dns);
	conf_section_presets(&spf_section, &conf.spf, arena);
	conf_section_presets(&dkim_section, &conf.dkim, arena);
	conf.budget = (struct dns_budget){ 100, 1000 };
}

static void
teardown(void)
{
	arena_free(arena);
	dns_close(dns);
}

static struct assess *
begin(const char *ip, const char *mail_domain, bool trusted)
{
	struct assess_client c = { .helo = VIEW_LIT("mail.example.org"), .mail_local = VIEW_LIT("ann"),
		.mail_domain = view_of(mail_domain), .receiver = VIEW_LIT("mx.example.net"), .trusted = trusted };

	if (ip[0] != '\0')
		ck_assert(ip_parse(view_of(ip), &c.ip));
	if (c.mail_domain.n == 0)
		c.mail_local = VIEW_EMPTY;
	return assess_begin(&conf, &c, &(struct assess_shared){ .dns = dns }, 1700000000, arena);
}

/* "spf=pass dkim=none": methods and results in their order */
static struct view
facts_of(const struct assessment *found)
{
	struct buffer b = buffer_in(arena);

	for (size_t i = 0; i < found->facts.n; i++)
		buffer_addf(&b, "%s%s=%s", i == 0 ? "" : " ", name_of(auth_method_names, (int)found->facts.fact[i].method),
		    name_of(auth_result_names, (int)found->facts.fact[i].result));
	return buffer_view(&b);
}

static const struct {
	const char *what;
	const char *ip;
	const char *mail_domain;
	bool trusted, spf, dkim;
	const char *facts;
} asked[] = {
	{ "a stranger",		       "192.0.2.1", "example.org", false, true, true, "spf=pass spf=pass dkim=none" },
	{ "another's name",	       "192.0.2.9", "example.org", false, true, true, "spf=fail spf=fail dkim=none" },
	{ "the null sender",	       "192.0.2.1", "", false, true, true, "spf=pass spf=pass dkim=none" },
	{ "no record",		       "192.0.2.1", "norecord.example", false, true, true, "spf=none spf=pass dkim=none" },
	{ "no answer",		       "192.0.2.1", "slow.example", false, true, true, "spf=temperror spf=pass dkim=none" },
	{ "a client of ours",	       "192.0.2.9", "example.org", true, true, true, "dkim=none" },
	{ "an unknown address",	       "", "example.org", false, true, true, "dkim=none" },
	{ "SPF switched off",	       "192.0.2.1", "example.org", false, false, true, "dkim=none" },
	{ "DKIM switched off",	       "192.0.2.1", "example.org", false, true, false, "spf=pass spf=pass" },
	{ "everything switched off",   "192.0.2.1", "example.org", false, false, false, "" },
};

START_TEST(what_is_asked)
{
	struct header h;
	struct err err;

	conf.spf.enable = asked[_i].spf;
	conf.dkim.enable = asked[_i].dkim;
	header_init(&h, arena, 1000, 10);
	ck_assert(header_add(&h, VIEW_LIT("From"), VIEW_LIT(" ann@example.org"), &err));
	struct assess *a = begin(asked[_i].ip, asked[_i].mail_domain, asked[_i].trusted);
	assess_step(a);
	ck_assert_msg(!assess_header(a, &h), "%s: nobody signed, yet the body is wanted", asked[_i].what);
	ck_assert(!assess_body(a, VIEW_LIT("text\r\n")));
	const struct assessment *found = assess_end(a);
	ck_assert_msg(view_is(facts_of(found), asked[_i].facts), "%s: %.*s", asked[_i].what, VIEW_ARG(facts_of(found)));
	ck_assert((found->spf != NULL) == (found->spf_helo != NULL));
	ck_assert_ptr_null(found->spf_guess);
	ck_assert_uint_eq(found->received_spf.n, 0);
	ck_view_is(found->from.domain, "example.org");
	ck_assert_ptr_eq(assess_end(a), found);
	ck_assert(!assess_body(a, VIEW_LIT("late")));
}
END_TEST

/* The end may come at any step. */
START_TEST(ends_early)
{
	struct header h;
	struct assess *a = begin("192.0.2.1", "example.org", false);

	ck_assert(!assess_body(a, VIEW_LIT("before the header")));
	if (_i > 0)
		assess_step(a);
	header_init(&h, arena, 0, 0);
	if (_i > 1)
		assess_header(a, &h);
	const struct assessment *found = assess_end(a);
	ck_view_is(facts_of(found), "spf=pass spf=pass dkim=none");
	ck_assert_int_eq(found->from.outcome, FROM_NONE);
	assess_header(a, &h);
	assess_step(a);
}
END_TEST

START_TEST(guesses_only_without_a_record)
{
	conf.spf.guess = true;
	conf.spf.received_spf = true;
	const struct assessment *found = assess_end(begin("192.0.2.1", "norecord.example", false));
	ck_assert_ptr_nonnull(found->spf_guess);
	ck_assert_int_eq(found->spf_guess->result, AUTH_PASS);
	ck_view_is(facts_of(found), "spf=none spf=pass dkim=none");
	ck_assert_uint_gt(found->received_spf.n, 0);
	ck_assert_ptr_null(assess_end(begin("192.0.2.1", "example.org", false))->spf_guess);
	ck_assert_ptr_null(assess_end(begin("192.0.2.1", "slow.example", false))->spf_guess);
	ck_assert_ptr_null(assess_end(begin("192.0.2.1", "norecord.example", true))->spf_guess);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("assess");
	TCase *tc = tcase_create("assess");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, what_is_asked, 0, ARRAY_LEN(asked));
	tcase_add_loop_test(tc, ends_early, 0, 3);
	tcase_add_test(tc, guesses_only_without_a_record);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
