/* The Authentication-Results field: written, read, and recognised in disguise. */
#include "base/buffer.h"
#include "base/cursor.h"
#include "mail/auth_results.h"
#include "support/setup.h"
#include "support/support.h"

#include <stdlib.h>
#include <string.h>

#define TEXT(s) { s, sizeof(s) - 1 }
#define PREFIX strlen("Authentication-Results:")

/* One property's value in, the field's text out. */
static const struct {
	const char *what;
	struct view value;
	const char *written; /* behind "smtp.mailfrom=" */
} values[] = {
	{ "a domain", TEXT("example.org"), "example.org" },
	{ "an address", TEXT("a@example.org"), "a@example.org" },
	{ "an address with atext", TEXT("SRS0=ab+c/d=x=y@example.org"), "SRS0=ab+c/d=x=y@example.org" },
	{ "a domain behind @", TEXT("@example.org"), "@example.org" },
	{ "base64", TEXT("ab+/cd=="), "\"ab+/cd==\"" },
	{ "an IPv6 address", TEXT("2001:db8::1"), "\"2001:db8::1\"" },
	{ "a quoted local part", TEXT("\"a b\"@example.org"), "\"\\\"a b\\\"@example.org\"" },
	{ "dots at odd places", TEXT("a..b@example.org"), "\"a..b@example.org\"" },
	{ "a domain of one label", TEXT("a@localhost"), "\"a@localhost\"" },
	{ "an address literal", TEXT("a@[192.0.2.1]"), "\"a@[192.0.2.1]\"" },
	{ "two at signs", TEXT("a@b@example.org"), "\"a@b@example.org\"" },
	{ "a comment to be", TEXT("example.net(.example.com"), "\"example.net(.example.com\"" },
	{ "a result to be", TEXT("x; dmarc=pass"), "\"x; dmarc=pass\"" },
	{ "a quote to end it", TEXT("x\" y=\"z"), "\"x\\\" y=\\\"z\"" },
	{ "a backslash at the end", TEXT("x\\"), "\"x\\\\\"" },
	{ "a header to be", TEXT("x\r\nX-Evil: 1"), "\"x??X-Evil: 1\"" },
	{ "a bare LF", TEXT("x\n\ty"), "\"x??y\"" },
	{ "a NUL", TEXT("x\0y"), "\"x?y\"" },
	{ "escape sequences", TEXT("\x1b[2J\x7f"), "\"?[2J?\"" },
	{ "UTF-8", TEXT("\xc3\xa9@example.org"), "\"\xc3\xa9@example.org\"" },
	{ "malformed UTF-8", TEXT("\xc3@ex\xff.\xe2\x82"), "\"?@ex?.??\"" },
	{ "a surrogate", TEXT("\xed\xa0\x80"), "\"???\"" },
	{ "white space alone", TEXT(" "), "\" \"" },
};

START_TEST(values_are_quoted_or_safe)
{
	struct view value = tight_copy(values[_i].value);
	struct auth_fact fact = { .method = AUTH_SPF, .result = AUTH_PASS };
	struct auth_facts facts = { &fact, 1 };

	auth_fact_property(&fact, "smtp", "mailfrom", value);
	struct view text = auth_results_write(VIEW_LIT("mx.test"), &facts, true, PREFIX, arena);
	free((void *)value.p);
	struct view want = arena_printf(arena, " mx.test;\n\tspf=pass smtp.mailfrom=%s", values[_i].written);
	ck_assert_msg(view_eq(text, want), "%s: got \"%.*s\"", values[_i].what, VIEW_ARG(text));
}
END_TEST

START_TEST(whole_fields_are_written)
{
	struct auth_fact fact[2] = {
		{ .method = AUTH_SPF, .result = AUTH_FAIL, .comment = VIEW_LIT("no (really) \\ not"),
		    .reason = VIEW_LIT("192.0.2.1 is \"not\" allowed") },
		{ .method = AUTH_DKIM, .result = AUTH_PASS },
	};
	struct auth_facts facts = { fact, 2 }, none = { NULL, 0 };

	auth_fact_property(&fact[0], "smtp", "mailfrom", VIEW_LIT("a@example.org"));
	auth_fact_property(&fact[1], "header", "d", VIEW_LIT("example.org"));
	ck_view_is(auth_results_write(VIEW_LIT("mx.test"), &facts, true, PREFIX, arena),
	    " mx.test;\n"
	    "\tspf=fail (no \\(really\\) \\\\ not)\n"
	    "\treason=\"192.0.2.1 is \\\"not\\\" allowed\" smtp.mailfrom=a@example.org;\n"
	    "\tdkim=pass header.d=example.org");
	ck_view_is(auth_results_write(VIEW_LIT("mx.test"), &facts, false, PREFIX, arena),
	    " mx.test;\n"
	    "\tspf=fail reason=\"192.0.2.1 is \\\"not\\\" allowed\"\n"
	    "\tsmtp.mailfrom=a@example.org;\n"
	    "\tdkim=pass header.d=example.org");
	ck_view_is(auth_results_write(VIEW_LIT("mx.test"), &none, true, PREFIX, arena), " mx.test; none");
	ck_view_is(auth_results_write(VIEW_LIT("mx (1)"), &none, true, PREFIX, arena), " \"mx (1)\"; none");
}
END_TEST

/* Every line below 78 columns (a tab shown as 8) or a single atom, and none of white space only. */
static void
check_lines(struct view text, size_t prefix)
{
	struct view line, rest = text;
	bool more, first = true;

	do {
		more = view_split(rest, '\n', &line, &rest);
		ck_assert_msg(view_trim(line).n > 0, "a line of white space in \"%.*s\"", VIEW_ARG(text));
		ck_assert(first || line.p[0] == '\t');
		size_t columns = first ? prefix + line.n : line.n + 7;
		bool one_atom = view_find(view_trim(line), ' ') == VIEW_NONE;
		ck_assert_msg(columns < 78 || one_atom, "%zu columns in \"%.*s\"", columns, VIEW_ARG(line));
		ck_assert_msg(columns <= 990, "%zu columns", columns);
		first = false;
	} while (more);
}

START_TEST(lines_are_short)
{
	char many[5000];
	struct auth_fact fact[3] = {
		{ .method = AUTH_DMARC, .result = AUTH_PERMERROR, .reason = VIEW_LIT("twenty-one-octets-yes") },
		{ .method = AUTH_ARC, .result = AUTH_TEMPERROR },
		{ .method = AUTH_IPREV, .result = AUTH_POLICY },
	};
	struct auth_facts facts = { fact, 3 };

	for (int i = 0; i < AUTH_PROPERTIES_MAX; i++) {
		memset(many, "ab.\"\\(\n\x80;\xff"[i], sizeof(many));
		auth_fact_property(&fact[0], "policy", "p", (struct view){ many, (size_t)i * 9 });
		auth_fact_property(&fact[1], "policy", "p", arena_copy(arena, (struct view){ many, sizeof(many) }));
	}
	for (size_t prefix = 0; prefix < 60; prefix += 7)
		for (size_t id = 1; id < 40; id += 3)
			check_lines(auth_results_write((struct view){ "mx.example.org.mx.example.org.mx.example.org", id },
					&facts, true, prefix, arena),
			    prefix);
}
END_TEST

START_TEST(what_is_cut_says_so)
{
	struct buffer b = buffer_in(arena);
	struct auth_fact fact = { .method = AUTH_DKIM, .result = AUTH_NEUTRAL };
	struct auth_facts facts = { &fact, 1 };

	for (int i = 0; i < 1000; i++)
		buffer_add_cstr(&b, "\xc3\xa9");
	auth_fact_property(&fact, "header", "i", buffer_view(&b));
	struct view text = auth_results_write(VIEW_LIT("mx.test"), &facts, true, PREFIX, arena);
	ck_assert(view_ends(text, VIEW_LIT("\xc3\xa9...\"")));
	ck_assert(view_is_utf8(text));
	ck_assert_uint_gt(text.n, AUTH_RESULTS_VALUE_MAX);
}
END_TEST

static const struct {
	struct view in;
	const char *shown; /* id/version; method/version=result "reason" ptype.name=value; NULL: refused */
} fields[] = {
	{ TEXT(" example.com; none"), "example.com|none" },
	{ TEXT("example.com 1; none"), "example.com/1|none" },
	{ TEXT("example.com;none"), "example.com|none" },
	{ TEXT(" example.com; none ; "), NULL },
	{ TEXT(" example.com;\r\n spf=pass smtp.mailfrom=example.net"), "example.com|spf=pass smtp.mailfrom=example.net" },
	{ TEXT(" example.com; auth=pass (cram-md5) smtp.auth=sender@example.net; spf=pass smtp.mailfrom=a@b.c"),
	    "example.com|auth=pass smtp.auth=sender@example.net|spf=pass smtp.mailfrom=a@b.c" },
	{ TEXT("example.com; dkim=pass reason=\"good signature\"\n\theader.i=@mail-router.example.net; dkim=fail reason=\"bad"
	       " signature\" header.i=@newyork.example.com"),
	    "example.com|dkim=pass \"good signature\" header.i=@mail-router.example.net|dkim=fail \"bad signature\""
	    " header.i=@newyork.example.com" },
	/* RFC 8601 B.7: comments wherever there may be one */
	{ TEXT(" foo.example.net (foobar) 1 (baz);\r\n dkim (Because I like it) / 1 (One yay) = (wait for it) fail\r\n policy"
	       " (A dot can go here) . (like that) expired\r\n (this surprised me) = (as I wasn't expecting it) 1362471462"),
	    "foo.example.net/1|dkim/1=fail policy.expired=1362471462" },
	{ TEXT("\"mx \\\"1\\\"\"; SPF=Pass SMTP.MailFrom=\"a \\\"b\\\"\"@Example.org"),
	    "mx \"1\"|spf=pass smtp.mailfrom=a \"b\"@Example.org" },
	{ TEXT("mx; dkim=pass header.b=ab/+c= policy.ip=2001:db8::1 x.y=[192.0.2.1]"),
	    "mx|dkim=pass header.b=ab/+c= policy.ip=2001:db8::1 x.y=[192.0.2.1]" },
	{ TEXT("mx; dmarc=pass action=none header.from=a.test;compauth=pass reason=100"),
	    "mx|dmarc=pass .action=none header.from=a.test|compauth=pass \"100\"" },
	{ TEXT("mx; spf=pass;"), "mx|spf=pass" },
	{ TEXT("mx; spf=pass (unquoted) ; (x)"), "mx|spf=pass" },
	{ TEXT("mx; spf=pass(c)smtp.helo=b"), "mx|spf=pass smtp.helo=b" },
	{ TEXT("mx; none=pass"), "mx|none=pass" },
	{ TEXT("mx; spf=pass x.y=\"\""), "mx|spf=pass x.y=" },
	{ TEXT("mx.b\xc3\xbc" "cher.example; spf=pass x.y=\xc3\xa9@z"), "mx.b\xc3\xbc" "cher.example|spf=pass x.y=\xc3\xa9@z" },
	{ TEXT(""), NULL },
	{ TEXT("mx"), NULL },
	{ TEXT("mx;"), NULL },
	{ TEXT("mx;;spf=pass"), NULL },
	{ TEXT("mx; spf=pass;;"), NULL },
	{ TEXT("; spf=pass"), NULL },
	{ TEXT("mx spf=pass"), NULL },
	{ TEXT("mx 1x; none"), NULL },
	{ TEXT("mx; none; spf=pass"), NULL },
	{ TEXT("mx; spf=pass; none"), NULL },
	{ TEXT("mx; spf"), NULL },
	{ TEXT("mx; spf="), NULL },
	{ TEXT("mx; =pass"), NULL },
	{ TEXT("mx; spf/x=pass"), NULL },
	{ TEXT("mx; spf=pass smtp.mailfrom"), NULL },
	{ TEXT("mx; spf=pass smtp.=x"), NULL },
	{ TEXT("mx; spf=pass smtp.mailfrom="), NULL },
	{ TEXT("mx; spf=pass smtp.mailfrom=\"x"), NULL },
	{ TEXT("mx; spf=pass smtp.mailfrom=\"x\"y"), NULL },
	{ TEXT("mx; spf=pass (x smtp.mailfrom=y"), NULL },
	{ TEXT("mx; spf=pass reason=a reason=b"), NULL },
	{ TEXT("mx; spf=pass a.b=c, d.e=f"), NULL },
	{ TEXT("mx; spf=pass a.b=c\r\nd.e=f"), NULL },
	{ TEXT("mx; spf=pass a.b=c\0"), NULL },
	{ TEXT("mx; spf=pass a.b=\xff"), NULL },
	{ TEXT("mx\0; none"), NULL },
};

static struct view
shown(const struct auth_results *r)
{
	struct buffer b = buffer_in(arena);

	buffer_add(&b, r->authserv_id);
	if (r->version.n > 0)
		buffer_addf(&b, "/%.*s", VIEW_ARG(r->version));
	for (size_t i = 0; i < r->n; i++) {
		const struct auth_results_info *info = &r->info[i];
		buffer_addf(&b, "|%.*s", VIEW_ARG(info->method));
		if (info->version.n > 0)
			buffer_addf(&b, "/%.*s", VIEW_ARG(info->version));
		if (info->result.n > 0)
			buffer_addf(&b, "=%.*s", VIEW_ARG(info->result));
		if (info->reason.n > 0)
			buffer_addf(&b, " \"%.*s\"", VIEW_ARG(info->reason));
		for (size_t k = 0; k < info->properties; k++)
			buffer_addf(&b, " %.*s.%.*s=%.*s", VIEW_ARG(info->property[k].ptype),
			    VIEW_ARG(info->property[k].name), VIEW_ARG(info->property[k].value));
	}
	return buffer_view(&b);
}

START_TEST(fields_are_read)
{
	struct view in = tight_copy(fields[_i].in);
	struct auth_results out;
	struct err err;
	bool ok = auth_results_parse(in, arena, &out, &err);

	ck_assert_msg(ok == (fields[_i].shown != NULL), "\"%.*s\": %s", VIEW_ARG(in), ok ? "accepted" : err.text);
	free((void *)in.p); /* nothing points into it */
	if (ok)
		ck_view_is(shown(&out), fields[_i].shown);
}
END_TEST

START_TEST(fields_are_bounded)
{
	struct buffer b = buffer_in(arena);
	struct auth_results out;
	struct err err;

	buffer_add_cstr(&b, "mx");
	for (int i = 0; i < AUTH_RESULTS_INFOS_MAX; i++)
		buffer_add_cstr(&b, ";a=b");
	ck_assert(auth_results_parse(buffer_view(&b), arena, &out, &err));
	buffer_add_cstr(&b, ";a=b");
	ck_assert(!auth_results_parse(buffer_view(&b), arena, &out, &err));
	ck_assert_str_eq(err.text, "more than 100 results");
	buffer_clear(&b);
	buffer_add_cstr(&b, "mx;a=b");
	for (int i = 0; i < AUTH_RESULTS_PROPERTIES_MAX; i++)
		buffer_add_cstr(&b, " c.d=e");
	ck_assert(auth_results_parse(buffer_view(&b), arena, &out, &err));
	buffer_add_cstr(&b, " c.d=e");
	ck_assert(!auth_results_parse(buffer_view(&b), arena, &out, &err));
	ck_assert_str_eq(err.text, "more than 50 properties");
}
END_TEST

/* Is it a field of mx.example.org to any reader? */
static const struct {
	struct view value;
	bool ours;
} disguises[] = {
	{ TEXT(" mx.example.org; spf=pass"), true },
	{ TEXT("mx.example.org;spf=pass"), true },
	{ TEXT(" mx.example.org"), true },
	{ TEXT(" mx.example.org; none"), true },
	{ TEXT(" MX.Example.ORG; spf=pass"), true },
	{ TEXT(" mx.example.org.; spf=pass"), true },
	{ TEXT(" mx.example.org 1; spf=pass"), true },
	{ TEXT(" mx.example.org/1; spf=pass"), true },
	{ TEXT(" mx.example.org 99999999999 ; spf=pass"), true },
	{ TEXT(" mx.example.org spf=pass"), true },
	{ TEXT(" mx.example.org, spf=pass"), true },
	{ TEXT(" mx.example.org: spf=pass"), true },
	{ TEXT(" mx.example.org\tspf=pass"), true },
	{ TEXT(" mx.example.org(x)"), true },
	{ TEXT(" mx.example.org (x) 1 (y); spf=pass"), true },
	{ TEXT(" mx.example.org(x)1; spf=pass"), true },
	{ TEXT(" (x) mx.example.org; spf=pass"), true },
	{ TEXT(" (x)(y (z))\r\n\t(w)mx.example.org; spf=pass"), true },
	{ TEXT(" (;) mx.example.org; spf=pass"), true },
	{ TEXT(" (other.example;) mx.example.org; spf=pass"), true },
	{ TEXT(" (\\) other.example; ) mx.example.org; spf=pass"), true },
	{ TEXT(" (a\\) mx.example.org; spf=pass"), true },
	{ TEXT(" (a(b) mx.example.org; spf=pass"), true },
	{ TEXT(" (mx.example.org; spf=pass"), true },
	{ TEXT(" ( mx.example.org; spf=pass (x)"), true },
	{ TEXT("\r\n mx.example.org; spf=pass"), true },
	{ TEXT("\n\t\n mx.example.org\n ;\n spf=pass"), true },
	{ TEXT(" mx.exam\r\n ple.org; spf=pass"), true },
	{ TEXT(" mx . example . org; spf=pass"), true },
	{ TEXT(" mx.(x)example(y).org; spf=pass"), true },
	{ TEXT(" \"mx.example.org\"; spf=pass"), true },
	{ TEXT(" \"mx.example.org\" 1; spf=pass"), true },
	{ TEXT(" \" mx.example.org \"; spf=pass"), true },
	{ TEXT(" \"mx\\.example\\.org\"; spf=pass"), true },
	{ TEXT(" \"mx.example.org; spf=pass"), true },
	{ TEXT(" mx.example.org\"; spf=pass"), true },
	{ TEXT(" mx.\"example\".org; spf=pass"), true },
	{ TEXT(" \"mx.example.org;x\"; spf=pass"), true },
	{ TEXT(" 'mx.example.org'; spf=pass"), false }, /* "'" is a token's: another name to every reader */
	{ TEXT(" <mx.example.org>; spf=pass"), true },
	{ TEXT(" [mx.example.org]; spf=pass"), true },
	{ TEXT(" ; mx.example.org; spf=pass"), true },
	{ TEXT(" = mx.example.org; spf=pass"), true },
	{ TEXT("\0mx.example.org; spf=pass"), true },
	{ TEXT(" mx.example.org\0.other.example; spf=pass"), true },
	{ TEXT(" mx.exa\0mple.org; spf=pass"), true },
	{ TEXT(" \x01mx.example.org\x7f; spf=pass"), true },
	{ TEXT(" \xc2\xa0mx.example.org\xc2\xa0; spf=pass"), true },	/* no-break spaces */
	{ TEXT(" \xff\xfemx.example.org\xff; spf=pass"), true },
	{ TEXT(" mx.exam\xe2\x80\x8bple.org; spf=pass"), true },		/* zero-width space */
	{ TEXT(" mx\xe3\x80\x82" "example.org; spf=pass"), true },	/* ideographic full stop */
	{ TEXT(" \xef\xbd\x8dx.example.org; spf=pass"), true },		/* full-width m */
	{ TEXT(" (\xff) \xef\xbd\x8dx.example.org; spf=pass"), true },
	{ TEXT(" =?utf-8?q?mx.example.org?=; spf=pass"), true },
	{ TEXT(" =?US-ASCII?Q?mx=2Eexample=2eorg=3B_spf=3Dpass?="), true },
	{ TEXT(" =?utf-8?b?bXguZXhhbXBsZS5vcmc=?= 1; spf=pass"), true },
	{ TEXT(" =?utf-8?q?mx.exam?=\r\n =?utf-8?q?ple.org?=; spf=pass"), true },
	{ TEXT(" mx.=?a?q?example?=.org; spf=pass"), true },
	{ TEXT(" \"=?utf-8?q?=EF=BD=8Dx.example.org?=\"; spf=pass"), true },
	{ TEXT(" =?utf-8?q?other.example?=; mx.example.org"), false },
	{ TEXT(" =?utf-8?q?mx.example.orgx?=; spf=pass"), false },
	{ TEXT(" other.example =?utf-8?q?mx.example.org?=; spf=pass"), false },
	{ TEXT(" =?utf-8?q?other=zz=?=; =?utf-8?q?"), false },
	{ TEXT(" =?utf-8?b?bXgu*?=; =?=?=?"), false },
	{ TEXT(""), false },
	{ TEXT(" "), false },
	{ TEXT(" other.example; spf=pass"), false },
	{ TEXT(" other.example; spf=pass smtp.mailfrom=mx.example.org"), false },
	{ TEXT(" other.example; mx.example.org; spf=pass"), false },
	{ TEXT(" other.example mx.example.org; spf=pass"), false },
	{ TEXT(" other.example (mx.example.org); spf=pass"), false },
	{ TEXT(" (mx.example.org) other.example; spf=pass"), false },
	{ TEXT(" \"other.example\"; mx.example.org"), false },
	{ TEXT(" a.mx.example.org; spf=pass"), false },
	{ TEXT(" mx.example.org.other.example; spf=pass"), false },
	{ TEXT(" mx.example.orgx; spf=pass"), false },
	{ TEXT(" mx.example.org-2; spf=pass"), false },
	{ TEXT(" mx.example.org..; spf=pass"), false },
	{ TEXT(" mx.example; spf=pass"), false },
	{ TEXT(" example.org; spf=pass"), false },
	{ TEXT(" xmx.example.org; spf=pass"), false },
	{ TEXT(" mx2.example.org; spf=pass"), false },
	{ TEXT(" m\xc3\xbcx.example.org; spf=pass"), false },
	{ TEXT(" i=1; mx.example.org; spf=pass"), false },
};

START_TEST(forged_ids_are_seen)
{
	struct view value = tight_copy(disguises[_i].value);

	ck_assert_msg(auth_results_claims(value, VIEW_LIT("mx.example.org"), arena) == disguises[_i].ours, "row %d \"%.*s\"",
	    _i, VIEW_ARG(value));
	free((void *)value.p);
}
END_TEST

START_TEST(ids_of_other_shapes_are_seen)
{
	struct view a_label = VIEW_LIT("mx.xn--bcher-kva.example"), u_label = VIEW_LIT("mx.b\xc3\xbc" "cher.example");
	struct view odd = VIEW_LIT("Mail Host/1");

	ck_assert(auth_results_claims(VIEW_LIT(" mx.b\xc3\xbc" "cher.example; none"), a_label, arena));
	ck_assert(auth_results_claims(VIEW_LIT(" mx.B\xc3\x9c" "CHER.example 1; none"), u_label, arena));
	ck_assert(auth_results_claims(VIEW_LIT(" mx.xn--bcher-kva.example; none"), u_label, arena));
	ck_assert(!auth_results_claims(VIEW_LIT(" mx.bucher.example; none"), u_label, arena));
	ck_assert(auth_results_claims(VIEW_LIT(" \"mail host/1\"; none"), odd, arena));
	ck_assert(!auth_results_claims(VIEW_LIT(" mail; none"), odd, arena));
	struct buffer b = buffer_in(arena);
	for (int i = 0; i < 100000; i++)
		buffer_add_char(&b, '(');
	ck_assert(!auth_results_claims(buffer_view(&b), a_label, arena));
	buffer_add_cstr(&b, "mx.xn--bcher-kva.example");
	ck_assert(auth_results_claims(buffer_view(&b), a_label, arena));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("mail results");
	TCase *tc = tcase_create("mail results");

	tcase_set_timeout(tc, 60); /* a busy machine, sanitizers */
	tcase_add_checked_fixture(tc, arena_setup, arena_teardown);
	tcase_add_loop_test(tc, values_are_quoted_or_safe, 0, ARRAY_LEN(values));
	tcase_add_test(tc, whole_fields_are_written);
	tcase_add_test(tc, lines_are_short);
	tcase_add_test(tc, what_is_cut_says_so);
	tcase_add_loop_test(tc, fields_are_read, 0, ARRAY_LEN(fields));
	tcase_add_test(tc, fields_are_bounded);
	tcase_add_loop_test(tc, forged_ids_are_seen, 0, ARRAY_LEN(disguises));
	tcase_add_test(tc, ids_of_other_shapes_are_seen);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
