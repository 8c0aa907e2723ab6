#include "base/buffer.h"
#include "dmarc_test.h"
#include "support/setup.h"

#include <stdlib.h>

/*
 * The sentences are those of RFC 9989; the section stands beside each.  What the record comes to: the
 * tags that are not at their presets, then "ok", "watch" (p=none for the sake of rua=) or "dead" (no DMARC
 * processing); "no": not a DMARC record at all.
 */
static const struct {
	const char *section, *what, *text, *want;
} records[] = {
	/* v: "MUST be the first tag"; "case sensitive"; "the entire record MUST be ignored" */
	{ "4.7", "the smallest record that says something", "v=DMARC1; p=none", "p=none ok" },
	{ "4.7", "quarantine", "v=DMARC1; p=quarantine", "p=quarantine ok" },
	{ "4.7", "reject", "v=DMARC1; p=reject", "p=reject ok" },
	{ "4.7", "v value in lower case", "v=dmarc1; p=reject", "no" },
	{ "4.7", "v value in mixed case", "v=Dmarc1; p=reject", "no" },
	{ "4.7", "another version", "v=DMARC2; p=reject", "no" },
	{ "4.7", "a longer version", "v=DMARC10; p=reject", "no" },
	{ "4.7", "a shorter version", "v=DMARC; p=reject", "no" },
	{ "4.7", "v is not first", "p=reject; v=DMARC1", "no" },
	{ "4.7", "v is absent", "p=reject", "no" },
	{ "4.7", "v without a value", "v=; p=reject", "no" },
	{ "4.7", "an SPF record", "v=spf1 -all", "no" },
	{ "4.7", "nothing", "", "no" },
	{ "4.7", "a verification token", "google-site-verification=DMARC1", "no" },
	{ "4.8", "no semicolon behind the version", "v=DMARC1 p=reject", "no" },
	{ "4.8", "a comma behind the version", "v=DMARC1, p=reject", "no" },
	{ "4.8", "white space in front: dmarc-version comes first", " v=DMARC1; p=reject", "no" },
	{ "4.8", "a semicolon in front", ";v=DMARC1; p=reject", "no" },
	{ "4.8", "a quote in front", "\"v=DMARC1; p=reject\"", "no" },
	{ "4.8", "equals = *WSP \"=\" *WSP", "v = DMARC1; p = reject", "p=reject ok" },
	{ "4.8", "tabs are WSP", "v\t=\tDMARC1\t;\tp\t=\treject\t", "p=reject ok" },
	{ "4.8", "WSP around the separator", "v=DMARC1 ; p=reject", "p=reject ok" },
	{ "4.8", "no WSP at all", "v=DMARC1;p=reject", "p=reject ok" },
	{ "4.8", "[dmarc-sep] at the end", "v=DMARC1; p=reject;", "p=reject ok" },
	{ "4.8", "[dmarc-sep] at the end with WSP", "v=DMARC1; p=reject ; ", "p=reject ok" },
	{ "4.8", "quoted strings of ABNF fold case", "v=DMARC1; p=Reject; sp=NONE; t=Y", "p=reject sp=none t=y ok" },
	{ "RFC 6376 3.2", "tag names do not", "v=DMARC1; P=reject", "dead" },

	/* "Syntax errors in the remainder of the record MUST be discarded in favor of default values or ignored" */
	{ "4.8", "an empty tag", "v=DMARC1;; p=reject", "p=reject ok" },
	{ "4.8", "a tag without =", "v=DMARC1; foo; p=reject", "p=reject ok" },
	{ "4.8", "a tag without a name", "v=DMARC1; =x; p=reject", "p=reject ok" },
	{ "4.8", "a tag-name that is no ALPHA", "v=DMARC1; p1=none; p=reject", "p=reject ok" },
	{ "4.8", "an octet that is not printing spoils its tag", "v=DMARC1; adkim=s\x07; p=reject", "p=reject ok" },
	{ "4.8", "8-bit octets spoil their tag", "v=DMARC1; sp=\xc3\xa9; p=reject", "p=reject dead" },
	{ "4.7", "unknown tags MUST be ignored", "v=DMARC1; foo=bar; p=reject; x=y", "p=reject ok" },
	{ "4.7", "an unknown tag twice", "v=DMARC1; foo=bar; p=reject; foo=baz", "p=reject ok" },
	{ "RFC 6376 3.2", "p twice: the list is invalid", "v=DMARC1; p=none; p=reject", "no" },
	{ "RFC 6376 3.2", "the same p twice", "v=DMARC1; p=reject; p=reject", "no" },
	{ "RFC 6376 3.2", "v twice", "v=DMARC1; p=reject; v=DMARC1", "no" },
	{ "RFC 6376 3.2", "rua twice", "v=DMARC1; p=reject; rua=mailto:a@b.c; rua=mailto:d@e.f", "no" },

	/* p: "RECOMMENDED"; 4.10.1: without a valid p, or with a wrong sp or np */
	{ "4.7", "p need not be second", "v=DMARC1; rua=mailto:a@example.org; p=reject", "p=reject rua=1 ok" },
	{ "4.10.1", "no p, no rua", "v=DMARC1", "dead" },
	{ "4.10.1", "no p, no rua, but a semicolon", "v=DMARC1;", "dead" },
	{ "4.10.1", "no p, a rua: as if p=none", "v=DMARC1; rua=mailto:a@example.org", "rua=1 watch" },
	{ "4.10.1", "a wrong p, no rua", "v=DMARC1; p=bogus", "dead" },
	{ "4.10.1", "a wrong p, a rua", "v=DMARC1; p=bogus; rua=mailto:a@example.org", "rua=1 watch" },
	{ "4.10.1", "an empty p", "v=DMARC1; p=", "dead" },
	{ "4.10.1", "p of two words", "v=DMARC1; p=none reject", "dead" },
	{ "4.10.1", "p with something behind it", "v=DMARC1; p=reject,quarantine", "dead" },
	{ "4.10.1", "p in quotes", "v=DMARC1; p=\"reject\"", "dead" },
	{ "4.10.1", "a wrong sp, no rua", "v=DMARC1; p=reject; sp=bogus", "p=reject dead" },
	{ "4.10.1", "a wrong sp, a rua", "v=DMARC1; p=reject; sp=bogus; rua=mailto:a@b.example", "p=reject rua=1 watch" },
	{ "4.10.1", "a wrong np, no rua", "v=DMARC1; p=reject; np=bogus", "p=reject dead" },
	{ "4.10.1", "a wrong np, a rua", "v=DMARC1; p=reject; np=x; rua=mailto:a@b.example", "p=reject rua=1 watch" },
	{ "4.10.1", "a rua that is no URI is no rua", "v=DMARC1; rua=a@example.org", "dead" },
	{ "4.10.1", "one valid URI of two is enough", "v=DMARC1; rua=nonsense,mailto:a@example.org", "rua=1 watch" },
	{ "4.10.1", "ruf does not help", "v=DMARC1; ruf=mailto:a@example.org", "ruf=1 dead" },
	{ "4.7", "sp and np", "v=DMARC1; p=reject; sp=quarantine; np=none", "p=reject sp=quarantine np=none ok" },

	/* psd, t, adkim, aspf: the preset holds for what is not valid */
	{ "4.7", "psd=y", "v=DMARC1; p=none; psd=y", "p=none psd=y ok" },
	{ "4.7", "psd=n", "v=DMARC1; p=none; psd=n", "p=none psd=n ok" },
	{ "4.7", "psd=u is the preset", "v=DMARC1; p=none; psd=u", "p=none ok" },
	{ "4.8", "psd of another word", "v=DMARC1; p=none; psd=yes", "p=none ok" },
	{ "4.7", "t=y", "v=DMARC1; p=reject; t=y", "p=reject t=y ok" },
	{ "4.7", "t=n", "v=DMARC1; p=reject; t=n", "p=reject ok" },
	{ "4.8", "t of another word", "v=DMARC1; p=reject; t=1", "p=reject ok" },
	{ "4.7", "adkim=s", "v=DMARC1; p=none; adkim=s", "p=none adkim=s ok" },
	{ "4.7", "aspf=s", "v=DMARC1; p=none; aspf=s", "p=none aspf=s ok" },
	{ "4.7", "adkim=r aspf=r", "v=DMARC1; p=none; adkim=r; aspf=r", "p=none ok" },
	{ "4.8", "adkim of another word", "v=DMARC1; p=none; adkim=strict", "p=none ok" },
	{ "4.8", "aspf without a value", "v=DMARC1; p=none; aspf=", "p=none ok" },

	/* 9.3: pct, rf and ri are historic */
	{ "9.3", "pct is kept for RFC 7489 alone", "v=DMARC1; p=reject; pct=20", "p=reject pct=20 ok" },
	{ "9.3", "pct that is no number", "v=DMARC1; p=reject; pct=abc", "p=reject ok" },
	{ "9.3", "pct above 100", "v=DMARC1; p=reject; pct=101", "p=reject ok" },
	{ "9.3", "pct below 0", "v=DMARC1; p=reject; pct=-1", "p=reject ok" },
	{ "9.3", "rf and ri", "v=DMARC1; p=reject; rf=afrf; ri=3600", "p=reject ok" },
	{ "9.3", "rf and ri of nonsense", "v=DMARC1; p=reject; rf=; ri=x", "p=reject ok" },

	/* rua, ruf: dmarc-urilist */
	{ "4.8", "two URIs", "v=DMARC1; p=none; rua=mailto:a@b.example,mailto:c@d.example", "p=none rua=2 ok" },
	{ "4.8", "WSP around the comma", "v=DMARC1; p=none; rua=mailto:a@b.example , mailto:c@d.example", "p=none rua=2 ok" },
	{ "4.8", "obs-dmarc-report-size is ignored", "v=DMARC1; p=none; rua=mailto:a@b.example!10m", "p=none rua=1 ok" },
	{ "4.8", "a size without a unit", "v=DMARC1; p=none; rua=mailto:a@b.example!50", "p=none rua=1 ok" },
	{ "4.8", "a size that is none", "v=DMARC1; p=none; rua=mailto:a@b.example!m", "p=none ok" },
	{ "4.8", "exclamation points MUST be encoded", "v=DMARC1; p=none; rua=mailto:a!b@c.example", "p=none ok" },
	{ "4.8", "and then they are fine", "v=DMARC1; p=none; rua=mailto:a%21b@c.example", "p=none rua=1 ok" },
	{ "4.8", "a broken escape", "v=DMARC1; p=none; rua=mailto:a%2@c.example", "p=none ok" },
	{ "4.7", "any valid URI", "v=DMARC1; p=none; rua=https://example.org/r?x=1", "p=none rua=1 ok" },
	{ "4.7", "a URI of no scheme", "v=DMARC1; p=none; rua=//example.org/", "p=none ok" },
	{ "4.8", "a mailto of nobody", "v=DMARC1; p=none; rua=mailto:", "p=none ok" },
	{ "4.8", "a mailto without a domain", "v=DMARC1; p=none; rua=mailto:a", "p=none ok" },
	{ "4.8", "a mailto with headers", "v=DMARC1; p=none; rua=mailto:a@b.example?subject=x", "p=none rua=1 ok" },
	{ "4.8", "an empty list", "v=DMARC1; p=none; rua=", "p=none ok" },
	{ "4.8", "holes in the list", "v=DMARC1; p=none; rua=,mailto:a@b.example,,", "p=none rua=1 ok" },
	{ "4.8", "a space within", "v=DMARC1; p=none; rua=mailto:a b@c.example", "p=none ok" },

	/* fo: "MUST be ignored if a ruf tag is not also specified"; 0 and 1 are mutually exclusive */
	{ "4.7", "fo without ruf", "v=DMARC1; p=none; fo=1", "p=none ok" },
	{ "4.7", "fo=1", "v=DMARC1; p=none; ruf=mailto:a@b.example; fo=1", "p=none ruf=1 fo=1 ok" },
	{ "4.7", "fo before ruf", "v=DMARC1; p=none; fo=d; ruf=mailto:a@b.example", "p=none ruf=1 fo=d ok" },
	{ "4.8", "fo=1:d:s", "v=DMARC1; p=none; ruf=mailto:a@b.example; fo=1:d:s", "p=none ruf=1 fo=1ds ok" },
	{ "4.8", "fo=d:s:0 in any order", "v=DMARC1; p=none; ruf=mailto:a@b.example; fo=d:s:0", "p=none ruf=1 fo=0ds ok" },
	{ "4.8", "fo=s:1:d", "v=DMARC1; p=none; ruf=mailto:a@b.example; fo=s:1:d", "p=none ruf=1 fo=1ds ok" },
	{ "4.7", "0 and 1 together", "v=DMARC1; p=none; ruf=mailto:a@b.example; fo=0:1", "p=none ruf=1 ok" },
	{ "4.8", "d twice", "v=DMARC1; p=none; ruf=mailto:a@b.example; fo=d:d", "p=none ruf=1 ok" },
	{ "4.8", "an unknown option", "v=DMARC1; p=none; ruf=mailto:a@b.example; fo=1:x", "p=none ruf=1 ok" },
	{ "4.8", "fo without colons", "v=DMARC1; p=none; ruf=mailto:a@b.example; fo=1ds", "p=none ruf=1 ok" },
	{ "4.8", "fo without a value", "v=DMARC1; p=none; ruf=mailto:a@b.example; fo=", "p=none ruf=1 ok" },

	/* Appendix B's records */
	{ "B.2.1", "monitoring", "v=DMARC1; p=none; rua=mailto:dmarc-feedback@example.com", "p=none rua=1 ok" },
	{ "B.2.3", "third party", "v=DMARC1; p=none; rua=mailto:dmarc-feedback@example.com; ruf=mailto:auth-reports@thirdparty.example.net",
	    "p=none rua=1 ruf=1 ok" },
	{ "B.2.4", "subdomain, testing, sampling",
	    "v=DMARC1; p=quarantine; rua=mailto:dmarc-feedback@example.com,mailto:tld-test@thirdparty.example.net; t=y",
	    "p=quarantine t=y rua=2 ok" },
};

static const char *
record_text(const struct dmarc_record *r)
{
	static const char fo_letters[] = "01ds";
	struct buffer b = buffer_in(arena);

	if (r->p != DMARC_UNSET)
		buffer_addf(&b, "p=%s ", name_of(dmarc_policy_names, (int)r->p));
	if (r->sp != DMARC_UNSET)
		buffer_addf(&b, "sp=%s ", name_of(dmarc_policy_names, (int)r->sp));
	if (r->np != DMARC_UNSET)
		buffer_addf(&b, "np=%s ", name_of(dmarc_policy_names, (int)r->np));
	if (r->psd != DMARC_PSD_U)
		buffer_addf(&b, "psd=%s ", name_of(dmarc_psd_names, (int)r->psd));
	buffer_add_cstr(&b, r->test ? "t=y " : "");
	buffer_add_cstr(&b, r->strict_dkim ? "adkim=s " : "");
	buffer_add_cstr(&b, r->strict_spf ? "aspf=s " : "");
	if (r->pct != 100)
		buffer_addf(&b, "pct=%u ", r->pct);
	if (r->rua.n > 0)
		buffer_addf(&b, "rua=%zu ", r->rua.n);
	if (r->ruf.n > 0)
		buffer_addf(&b, "ruf=%zu ", r->ruf.n);
	if (r->fo != DMARC_FO_0) {
		buffer_add_cstr(&b, "fo=");
		for (unsigned i = 0; i < 4; i++)
			if ((r->fo & 1u << i) != 0)
				buffer_add_char(&b, fo_letters[i]);
		buffer_add_char(&b, ' ');
	}
	buffer_add_cstr(&b, !r->usable ? "dead" : r->watch ? "watch" : "ok");
	buffer_add_char(&b, '\0');
	return buffer_view(&b).p;
}

START_TEST(record_table)
{
	struct view text = tight_cstr(records[_i].text);
	struct dmarc_record r;
	struct err err;
	const char *got = dmarc_record_parse(text, arena, &r, &err) ? record_text(&r) : "no";

	ck_assert_msg(view_is(view_of(got), records[_i].want), "%s, %s: \"%s\"\n got %s\nwant %s", records[_i].section,
	    records[_i].what, records[_i].text, got, records[_i].want);
	free((void *)text.p);
}
END_TEST

/* 4.10.1: which of p, sp, np holds.  D: the record's own domain, S: an existing subdomain, N: one that is not there. */
static const struct {
	const char *section, *text, *d, *s, *n;
} policies[] = {
	{ "4.7 p", "v=DMARC1; p=reject", "p=reject", "p=reject", "p=reject" },
	{ "4.7 sp", "v=DMARC1; p=reject; sp=none", "p=reject", "sp=none", "sp=none" },
	{ "4.7 np", "v=DMARC1; p=none; np=reject", "p=none", "p=none", "np=reject" },
	{ "4.7 np", "v=DMARC1; p=none; sp=quarantine; np=reject", "p=none", "sp=quarantine", "np=reject" },
	{ "4.7 np", "v=DMARC1; p=reject; sp=reject; np=none", "p=reject", "sp=reject", "np=none" },
	{ "4.7 p", "v=DMARC1; sp=reject; rua=mailto:a@b.example", "p=none", "sp=reject", "sp=reject" },
	{ "4.10.1", "v=DMARC1; p=x; sp=reject; rua=mailto:a@b.example", "p=none", "p=none", "p=none" },
	{ "4.10.1", "v=DMARC1; p=reject; sp=x; np=reject; rua=mailto:a@b.example", "p=none", "p=none", "p=none" },
	{ "4.10.1", "v=DMARC1; p=reject; np=x; rua=mailto:a@b.example", "p=none", "p=none", "p=none" },
};

static void
check_policy(const struct dmarc_record *r, bool sub, bool absent, const char *want, const char *text)
{
	const char *tag;
	enum dmarc_policy policy = dmarc_record_policy(r, sub, absent, &tag);
	struct view got = arena_printf(arena, "%s=%s", tag, name_of(dmarc_policy_names, (int)policy));

	ck_assert_msg(view_is(got, want), "%s: %.*s, not %s", text, VIEW_ARG(got), want);
}

START_TEST(policy_table)
{
	struct dmarc_record r;

	ck_assert(dmarc_record_parse(view_of(policies[_i].text), arena, &r, NULL));
	ck_assert(r.usable);
	check_policy(&r, false, false, policies[_i].d, policies[_i].text);
	check_policy(&r, false, true, policies[_i].d, policies[_i].text);
	check_policy(&r, true, false, policies[_i].s, policies[_i].text);
	check_policy(&r, true, true, policies[_i].n, policies[_i].text);
}
END_TEST

START_TEST(uris_are_kept_as_published)
{
	struct dmarc_record r;

	ck_assert(dmarc_record_parse(VIEW_LIT("v=DMARC1; p=none; fo=d:1; ruf=mailto:f@a.example; "
					      "rua= mailto:a@b.example!10m , x-other:thing"),
	    arena, &r, NULL));
	ck_assert_uint_eq(r.rua.n, 2);
	ck_view_is(r.rua.uri[0], "mailto:a@b.example");
	ck_view_is(r.rua.uri[1], "x-other:thing");
	ck_view_is(r.ruf.uri[0], "mailto:f@a.example");
	ck_view_is(r.fo_text, "d:1");
}
END_TEST

START_TEST(uris_and_flaws_are_bounded)
{
	struct buffer b = buffer_in(arena);
	struct dmarc_record r;

	buffer_add_cstr(&b, "v=DMARC1; p=none; rua=mailto:a@b.example");
	for (int i = 0; i < 3 * DMARC_URIS_MAX; i++)
		buffer_add_cstr(&b, ",mailto:a@b.example");
	ck_assert(dmarc_record_parse(buffer_view(&b), arena, &r, NULL));
	ck_assert_uint_eq(r.rua.n, DMARC_URIS_MAX);
	ck_assert_uint_eq(r.flaws, DMARC_FLAWS_MAX);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("dmarc record");
	TCase *tc = tcase_create("record");

	tcase_add_checked_fixture(tc, arena_setup, arena_teardown);
	tcase_add_loop_test(tc, record_table, 0, ARRAY_LEN(records));
	tcase_add_loop_test(tc, policy_table, 0, ARRAY_LEN(policies));
	tcase_add_test(tc, uris_are_kept_as_published);
	tcase_add_test(tc, uris_and_flaws_are_bounded);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
