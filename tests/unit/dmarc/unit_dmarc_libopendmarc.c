#include "dmarc_test.h"

#include <stdio.h>
#include <string.h>

/*
 * The old engine beside ours over the same list: each case says both verdicts.  Where they differ, the case says why;
 * nothing else may differ.
 */
#define R(domain, tags) "_dmarc." domain " TXT \"v=DMARC1; " tags "\"\n"
#define HOST(name) name " A 192.0.2.1\n"

static const struct {
	const char *differs; /* NULL: the two agree */
	const char *what, *zone, *from, *facts, *ours, *theirs;
} cases[] = {
	{ NULL, "reject", R("example.com", "p=reject"), "example.com", "", "reject", "reject" },
	{ NULL, "quarantine", R("example.com", "p=quarantine"), "example.com", "", "quarantine", "quarantine" },
	{ NULL, "none", R("example.com", "p=none"), "example.com", "", "none", "none" },
	{ NULL, "no record", "", "example.com", "", "norecord", "norecord" },
	{ NULL, "pass by DKIM", R("example.com", "p=reject"), "example.com", "dkim=pass:example.com", "accept", "accept" },
	{ NULL, "pass by SPF", R("example.com", "p=reject"), "example.com", "spf=pass:example.com", "accept", "accept" },
	{ NULL, "pass by a subdomain", R("example.com", "p=reject"), "example.com", "dkim=pass:mail.example.com", "accept", "accept" },
	{ NULL, "pass of the parent", R("example.com", "p=reject"), "mail.example.com", "spf=pass:example.com", "accept", "accept" },
	{ NULL, "a stranger", R("example.com", "p=reject"), "example.com", "dkim=pass:example.net", "reject", "reject" },
	{ NULL, "a failed signature (OpenDMARC#70: it is not handed over)", R("example.com", "p=reject"), "example.com", "dkim=fail:example.com", "reject", "reject" },
	{ NULL, "a failed one of ours and a passing stranger's", R("example.com", "p=reject"), "example.com", "dkim=fail:example.com dkim=pass:evil.net", "reject", "reject" },
	{ NULL, "the second signature", R("example.com", "p=reject"), "example.com", "dkim=pass:evil.net dkim=pass:example.com", "accept", "accept" },
	{ NULL, "sp", R("example.com", "p=reject; sp=none") HOST("a.example.com"), "a.example.com", "", "none", "none" },
	{ NULL, "sp absent", R("example.com", "p=quarantine") HOST("a.example.com"), "a.example.com", "", "quarantine", "quarantine" },
	{ NULL, "strict and identical", R("example.com", "p=reject; adkim=s"), "example.com", "dkim=pass:example.com", "accept", "accept" },
	{ NULL, "siblings below co.uk", R("north.co.uk", "p=reject"), "north.co.uk", "dkim=pass:south.co.uk", "reject", "reject" },
	{ NULL, "siblings below a private suffix", R("north.blogspot.com", "p=reject"), "north.blogspot.com", "dkim=pass:south.blogspot.com", "reject", "reject" },
	{ NULL, "DNS trouble", "_dmarc.example.com TIMEOUT\n", "example.com", "", "temperror", "temperror" },
	{ NULL, "v=DMARC2", "_dmarc.example.com TXT \"v=DMARC2; p=reject\"\n", "example.com", "", "norecord", "norecord" },
	{ NULL, "p=bogus", R("example.com", "p=bogus"), "example.com", "", "norecord", "norecord" },
	{ NULL, "pct=0", R("example.com", "p=reject; pct=0"), "example.com", "", "reject", "reject" },

	{ "knows no np", "np", R("example.com", "p=none; np=reject"), "a.example.com", "", "reject", "none" },
	{ "knows no t", "t=y", R("example.com", "p=reject; t=y"), "example.com", "", "quarantine", "reject" },
	{ "takes v in any case", "v=dmarc1", "_dmarc.example.com TXT \"v=dmarc1; p=reject\"\n", "example.com", "", "norecord", "reject" },
	{ "takes one of several records", "two records", R("example.com", "p=reject") R("example.com", "p=reject; x=y"), "example.com", "", "norecord", "reject" },
	{ "takes the last of two p", "p twice", R("example.com", "p=none; p=reject"), "example.com", "", "norecord", "reject" },
	{ "knows no p=none for the sake of rua", "no p but rua", R("example.com", "rua=mailto:a@b.example"), "example.com", "", "none", "norecord" },
	{ "the same", "p=bogus and rua", R("example.com", "p=bogus; rua=mailto:a@b.example"), "example.com", "", "none", "norecord" },
	{ "refuses the record for a wrong sp", "sp=bogus and rua", R("example.com", "p=reject; sp=bogus; rua=mailto:a@b.example"), "example.com", "", "none", "norecord" },
	{ "refuses what it does not know", "adkim=x", R("example.com", "p=reject; adkim=x"), "example.com", "", "reject", "norecord" },
	{ "joins siblings of one letter below a suffix", "a.co.uk and b.co.uk", R("a.co.uk", "p=reject"), "a.co.uk", "dkim=pass:b.co.uk", "reject", "accept" },
	{ "the same", "x.com and t.com", R("x.com", "p=reject"), "x.com", "dkim=pass:t.com", "reject", "accept" },
	{ "aligns a public suffix with what is below", "the suffix itself", R("north.co.uk", "p=reject"), "north.co.uk", "dkim=pass:co.uk", "reject", "accept" },
	{ NULL, "siblings below a U-label rule", R("north.xn--55qx5d.cn", "p=reject"), "north.xn--55qx5d.cn", "dkim=pass:south.xn--55qx5d.cn", "reject", "reject" },
	{ "joins siblings below a wildcard rule", "*.ck", R("north.test.ck", "p=reject"), "north.test.ck", "dkim=pass:south.test.ck", "reject", "accept" },
	{ NULL, "below an exception rule", R("www.ck", "p=reject"), "north.www.ck", "dkim=pass:south.www.ck", "accept", "accept" },
	{ "strict mode lets relaxed matches pass (OpenDMARC#268)", "strict and a subdomain", R("example.com", "p=reject; adkim=s"), "example.com", "dkim=pass:a.example.com", "reject", "accept" },
	{ "the same", "strict SPF and a subdomain", R("example.com", "p=reject; aspf=s"), "example.com", "spf=pass:a.example.com", "reject", "accept" },
};

/* name_of() hands out static text. */
static const char *
status_by(int engine, int i)
{
	struct dmarc_test t = { .zone = cases[i].zone, .list = dmarc_test_list, .from = cases[i].from, .facts = cases[i].facts,
		.conf = dmarc_test_presets(NULL) };

	t.conf.engine = engine;
	t.conf.discovery = DMARC_PSL;
	struct dmarc_tested d = dmarc_test_run(&t);
	const char *status = name_of(dmarc_status_names, (int)d.result->status);
	ck_assert(d.result->text.n > 0);
	dmarc_test_end(&d);
	return status;
}

START_TEST(engines_table)
{
	const char *ours = status_by(DMARC_NATIVE, _i), *theirs = status_by(DMARC_LIBOPENDMARC, _i);

	ck_assert_msg(view_is(view_of(ours), cases[_i].ours), "%s: ours %s, not %s", cases[_i].what, ours, cases[_i].ours);
	ck_assert_msg(view_is(view_of(theirs), cases[_i].theirs), "%s: theirs %s, not %s", cases[_i].what, theirs, cases[_i].theirs);
	ck_assert_msg((cases[_i].differs != NULL) == !view_is(view_of(ours), theirs), "%s: the table is wrong about it", cases[_i].what);
}
END_TEST

/* What it is not to see. */
START_TEST(guards)
{
	char zone[4000];
	struct dmarc_test t = { .zone = zone, .list = dmarc_test_list, .from = "example.com", .facts = "", .conf = dmarc_test_presets(NULL) };
	size_t n = (size_t)sprintf(zone, "_dmarc.example.com TXT \"v=DMARC1; p=reject; x=");

	while (_i == 0 && n < 2500)
		zone[n++] = 'x';
	strcpy(zone + n, _i == 0 ? "\"\n" : "\\001\"\n");
	t.conf.engine = DMARC_LIBOPENDMARC;
	struct dmarc_tested d = dmarc_test_run(&t);
	ck_assert_int_eq(d.result->status, DMARC_STATUS_NORECORD);
	ck_assert_msg(view_ends(d.result->text, VIEW_LIT("not to see")), "%.*s", VIEW_ARG(d.result->text));
	dmarc_test_end(&d);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("dmarc libopendmarc");
	TCase *tc = tcase_create("engines");
	int differ = 0;

	for (int i = 0; i < ARRAY_LEN(cases); i++)
		if (cases[i].differs != NULL) {
			printf("libopendmarc %s: \"%s\" is %s by it, %s by us\n", cases[i].differs, cases[i].what, cases[i].theirs, cases[i].ours);
			differ++;
		}
	printf("%d of %d cases differ\n", differ, ARRAY_LEN(cases));
	tcase_add_loop_test(tc, engines_table, 0, ARRAY_LEN(cases));
	tcase_add_loop_test(tc, guards, 0, 2);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
