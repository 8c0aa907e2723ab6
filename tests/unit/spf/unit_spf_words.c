#include "trial.h"

static struct arena *arena;
static struct spf_input in;
static struct spf_result r;

static void
setup(void)
{
	arena = arena_new();
	in = (struct spf_input){ .helo = VIEW_LIT("foo.example.com"), .mail_local = VIEW_LIT("myname"),
		.mail_domain = VIEW_LIT("example.com"), .receiver = VIEW_LIT("mybox.example.org") };
	(void)ip_parse(VIEW_LIT("192.0.2.1"), &in.client);
	r = (struct spf_result){ .result = AUTH_PASS, .domain = VIEW_LIT("example.com"),
		.sender = VIEW_LIT("myname@example.com"), .mechanism = VIEW_LIT("ip4:192.0.2.1") };
}

static void
teardown(void)
{
	arena_free(arena);
}

static const struct {
	const char *result, *comment;
} comments[] = {
	{ "pass", "domain of myname@example.com designates 192.0.2.1 as permitted sender" },
	{ "fail", "domain of myname@example.com does not designate 192.0.2.1 as permitted sender" },
	{ "softfail", "transitioning domain of myname@example.com does not designate 192.0.2.1 as permitted sender" },
	{ "neutral", "192.0.2.1 is neither permitted nor denied by domain of myname@example.com" },
	{ "none", "domain of myname@example.com does not provide an SPF record" },
	{ "temperror", "error in processing SPF of myname@example.com: TXT: timeout" },
	{ "permerror", "error in processing SPF of myname@example.com: TXT: timeout" },
};

START_TEST(comment)
{
	r.result = result_named(comments[_i].result);
	r.problem = VIEW_LIT("TXT: timeout");
	ck_view_is(spf_header_comment(&in, &r, arena), comments[_i].comment);
	ck_view_is(spf_smtp_comment(&in, &r, arena), comments[_i].comment);
}
END_TEST

START_TEST(explanation_is_marked)
{
	r.result = AUTH_FAIL;
	r.explanation = VIEW_LIT("Go away.");
	ck_view_is(spf_smtp_comment(&in, &r, arena), "SPF check failed: the domain example.com explains: Go away.");
	r.result = AUTH_SOFTFAIL;
	ck_assert(view_starts(spf_smtp_comment(&in, &r, arena), VIEW_LIT("transitioning")));
}
END_TEST

START_TEST(received_pass)
{
	ck_view_is(spf_received(&in, SPF_MAILFROM, &r, arena),
	    "pass (mybox.example.org:\n"
	    "\tdomain of myname@example.com designates 192.0.2.1 as permitted sender)\n"
	    "\treceiver=mybox.example.org;\n"
	    "\tclient-ip=192.0.2.1;\n"
	    "\tenvelope-from=\"myname@example.com\";\n"
	    "\thelo=foo.example.com;\n"
	    "\tidentity=mailfrom;\n"
	    "\tmechanism=\"ip4:192.0.2.1\";");
}
END_TEST

START_TEST(received_helo)
{
	r = (struct spf_result){ .result = AUTH_PERMERROR, .domain = VIEW_LIT("foo.example.com"),
		.sender = VIEW_LIT("postmaster@foo.example.com"), .problem = VIEW_LIT("\"moo\": no such mechanism") };
	(void)ip_parse(VIEW_LIT("2001:db8::1"), &in.client);
	ck_view_is(spf_received(&in, SPF_HELO, &r, arena),
	    "permerror (mybox.example.org:\n"
	    "\terror in processing SPF of postmaster@foo.example.com: \"moo\": no such mechanism)\n"
	    "\treceiver=mybox.example.org;\n"
	    "\tclient-ip=\"2001:db8::1\";\n"
	    "\thelo=foo.example.com;\n"
	    "\tidentity=helo;\n"
	    "\tproblem=\"\\\"moo\\\": no such mechanism\";");
}
END_TEST

/* Nothing could be asked: the words are about what was given. */
START_TEST(received_none)
{
	struct auth_fact fact;

	r = (struct spf_result){ .result = AUTH_NONE };
	in.mail_domain = VIEW_LIT("[192.0.2.1]");
	ck_view_is(spf_header_comment(&in, &r, arena), "domain of myname@[192.0.2.1] does not provide an SPF record");
	ck_assert(view_find(spf_received(&in, SPF_MAILFROM, &r, arena), '[') != VIEW_NONE);
	spf_fact(&in, SPF_MAILFROM, &r, arena, &fact);
	ck_view_is(fact.property[0].value, "myname@[192.0.2.1]");
	ck_view_is(fact.domain, "");
	in.mail_local = in.mail_domain = VIEW_EMPTY;
	in.helo = VIEW_LIT("localhost");
	ck_view_is(spf_header_comment(&in, &r, arena), "domain of localhost does not provide an SPF record");
}
END_TEST

/* Nothing a sender or client writes ends the comment, the quoted string or the field. */
START_TEST(received_hostile)
{
	in.helo = VIEW_LIT("a\r\nX-Evil: 1\t\"\\");
	r.sender = VIEW_LIT("a)b(c\\\"d\xff\n@example.com");
	struct view field = spf_received(&in, SPF_MAILFROM, &r, arena);
	ck_view_is(field,
	    "pass (mybox.example.org:\n"
	    "\tdomain of a\\)b\\(c\\\\\"d??@example.com designates 192.0.2.1 as permitted sender)\n"
	    "\treceiver=mybox.example.org;\n"
	    "\tclient-ip=192.0.2.1;\n"
	    "\tenvelope-from=\"a)b(c\\\\\\\"d??@example.com\";\n"
	    "\thelo=\"a??X-Evil: 1?\\\"\\\\\";\n"
	    "\tidentity=mailfrom;\n"
	    "\tmechanism=\"ip4:192.0.2.1\";");
}
END_TEST

START_TEST(fact_of_mailfrom)
{
	struct auth_fact fact;

	spf_fact(&in, SPF_MAILFROM, &r, arena, &fact);
	ck_assert_int_eq(fact.method, AUTH_SPF);
	ck_assert(fact.aligns);
	ck_view_is(fact.domain, "example.com");
	ck_assert_int_eq((int)fact.properties, 1);
	ck_assert_str_eq(fact.property[0].name, "mailfrom");
	ck_view_is(fact.property[0].value, "myname@example.com");
	r.result = AUTH_SOFTFAIL;
	spf_fact(&in, SPF_MAILFROM, &r, arena, &fact);
	ck_assert(!fact.aligns);
}
END_TEST

/* CVE-2019-20790: a pass of HELO is no pass of MAIL FROM. */
START_TEST(fact_of_helo)
{
	struct auth_fact fact;

	r.domain = VIEW_LIT("foo.example.com");
	spf_fact(&in, SPF_HELO, &r, arena, &fact);
	ck_assert(!fact.aligns);
	ck_view_is(fact.domain, "");
	ck_assert_str_eq(fact.property[0].name, "helo");
	ck_view_is(fact.property[0].value, "foo.example.com");
	spf_fact(&in, SPF_GUESS, &r, arena, &fact);
	ck_assert(!fact.aligns);
	ck_view_is(fact.domain, "");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("spf_words");
	TCase *tc = tcase_create("words");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, comment, 0, ARRAY_LEN(comments));
	tcase_add_test(tc, explanation_is_marked);
	tcase_add_test(tc, received_pass);
	tcase_add_test(tc, received_helo);
	tcase_add_test(tc, received_none);
	tcase_add_test(tc, received_hostile);
	tcase_add_test(tc, fact_of_mailfrom);
	tcase_add_test(tc, fact_of_helo);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
