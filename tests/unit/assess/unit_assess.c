#include "assess/assess.h"

#include "base/buffer.h"
#include "crypt/digest.h"
#include "dns/dns_conf.h"
#include "support/support.h"

#include <string.h>

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
	ck_assert(crypt_open(&err));
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
	crypt_close();
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

/* ---- what one stranger's records cost must not change what another's say ---- */

/* A domain whose SPF record asks for ten MX of ten hosts each, as much as RFC 7208 lets it. */
static void
write_greedy(struct buffer *b, const char *name)
{
	buffer_addf(b, "%s TXT \"v=spf1", name);
	for (int i = 0; i < 10; i++)
		buffer_addf(b, " mx:m%d.%s", i, name);
	buffer_add_cstr(b, " -all\"\n");
	for (int i = 0; i < 10; i++)
		for (int k = 0; k < 10; k++) {
			buffer_addf(b, "m%d.%s MX 10 h%d-%d.%s\n", i, name, i, k, name);
			buffer_addf(b, "h%d-%d.%s A 203.0.113.1\n", i, k, name);
		}
}

static const char victim_zone[] =
	"victim.example TXT \"v=spf1 include:one.victim.example include:two.victim.example -all\"\n"
	"one.victim.example TXT \"v=spf1 ip4:203.0.113.8 include:three.victim.example -all\"\n"
	"two.victim.example TXT \"v=spf1 ip4:203.0.113.9 -all\"\n"
	"three.victim.example TXT \"v=spf1 ip4:203.0.113.7 -all\"\n"
	"_dmarc.victim.example TXT \"v=DMARC1; p=reject; sp=none; np=reject\"\n"
	"slow.example TXT \"v=spf1 include:a.slow.example include:b.slow.example -all\"\n"
	"slow.example DELAY 900\n"
	"a.slow.example DELAY 900\n"
	"b.slow.example DELAY 900\n"
	"one.victim.example DELAY 30\n"
	"_dmarc.victim.example DELAY 30\n"
	"gone.victim.example DELAY 30\n";

static const struct {
	const char *what, *helo, *mail_domain, *from;
	int signatures; /* with d=victim.example and keys that do not exist */
	unsigned queries;
	int64_t wait_ms;
	int64_t signatures_max;
	const char *dmarc;
} evasions[] = {
	{ "nothing special", "a.example", "evil.example", "victim.example", 0, 100, 1000, 10, "fail" },
	{ "greedy sender", "a.example", "greedy.example", "victim.example", 0, 100, 1000, 10, "fail" },
	{ "greedy HELO, sender of the victim", "greedy.example", "victim.example", "victim.example", 0, 100, 1000, 10, "fail" },
	{ "more signatures than a share", "a.example", "evil.example", "victim.example", 30, 100, 1000, 30, "fail" },
	{ "few questions", "a.example", "evil.example", "1.2.3.4.5.6.7.victim.example", 10, 30, 1000, 10, "fail" },
	{ "slow sender", "a.example", "slow.example", "gone.victim.example", 0, 100, 1000, 10, "fail" },
	{ "slow HELO", "slow.example", "evil.example", "gone.victim.example", 0, 100, 1000, 10, "fail" },
};

static struct view
unknown_signature(int i)
{
	struct buffer b = buffer_in(arena);

	/* bh= is that of an empty body, as simple sees it */
	buffer_addf(&b, " v=1; a=rsa-sha256; d=victim.example; s=s%d; h=from; "
	    "bh=frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=; b=AAAAAAAA%04d", i, i);
	return buffer_view(&b);
}

static const struct auth_fact *
dmarc_of(const struct assessment *found)
{
	for (size_t i = 0; i < found->facts.n; i++)
		if (found->facts.fact[i].method == AUTH_DMARC)
			return &found->facts.fact[i];
	return NULL;
}

START_TEST(cannot_be_made_to_err)
{
	struct buffer b = buffer_in(arena);
	struct header h;
	struct err err;

	write_greedy(&b, "greedy.example");
	buffer_add_cstr(&b, victim_zone);
	dns_close(dns);
	dns = dns_open_fake(buffer_view(&b), &err);
	ck_assert_msg(dns != NULL, "%s", err.text);
	conf_section_presets(&arc_section, &conf.arc, arena);
	conf_section_presets(&dmarc_section, &conf.dmarc, arena);
	conf.dkim.signatures_max = evasions[_i].signatures_max;
	conf.budget = (struct dns_budget){ evasions[_i].queries, evasions[_i].wait_ms };
	header_init(&h, arena, 100000, 100);
	ck_assert(header_add(&h, VIEW_LIT("From"), arena_printf(arena, " ceo@%s", evasions[_i].from), &err));
	for (int i = 0; i < evasions[_i].signatures; i++)
		ck_assert(header_add(&h, VIEW_LIT("DKIM-Signature"), unknown_signature(i), &err));
	struct assess_client c = { .helo = view_of(evasions[_i].helo), .mail_local = VIEW_LIT("x"),
		.mail_domain = view_of(evasions[_i].mail_domain), .receiver = VIEW_LIT("mx.example.net") };
	ck_assert(ip_parse(VIEW_LIT("192.0.2.66"), &c.ip));
	struct assess *a = assess_begin(&conf, &c, &(struct assess_shared){ .dns = dns }, 1700000000, arena);
	assess_header(a, &h);
	const struct assessment *found = assess_end(a);
	const struct auth_fact *dmarc = dmarc_of(found);
	ck_assert_ptr_nonnull(dmarc);
	ck_assert_msg(strcmp(name_of(auth_result_names, (int)dmarc->result), evasions[_i].dmarc) == 0, "%s: %s (%.*s)",
	    evasions[_i].what, name_of(auth_result_names, (int)dmarc->result), VIEW_ARG(dmarc->reason));
	ck_assert_uint_le(found->dns.queries, 130);
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
	tcase_add_loop_test(tc, cannot_be_made_to_err, 0, ARRAY_LEN(evasions));
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
