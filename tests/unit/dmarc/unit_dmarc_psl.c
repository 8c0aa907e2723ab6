#include "dmarc_test.h"
#include "support/setup.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* publicsuffix.org's own test vectors where they fit, over the list of dmarc_test.c. */
static const struct {
	const char *domain, *suffix, *org;
} rows[] = {
	{ "com", "com", "com" },
	{ "example.com", "com", "example.com" },
	{ "a.b.example.com", "com", "example.com" },
	{ "co.uk", "co.uk", "co.uk" },
	{ "uk", "uk", "uk" },
	{ "x.uk", "uk", "x.uk" },
	{ "b.co.uk", "co.uk", "b.co.uk" },
	{ "a.b.co.uk", "co.uk", "b.co.uk" },
	{ "xco.uk", "uk", "xco.uk" },
	{ "ck", "ck", "ck" },
	{ "test.ck", "test.ck", "test.ck" },
	{ "b.test.ck", "test.ck", "b.test.ck" },
	{ "a.b.test.ck", "test.ck", "b.test.ck" },
	{ "www.ck", "ck", "www.ck" },
	{ "www.www.ck", "ck", "www.ck" },
	{ "c.kobe.jp", "c.kobe.jp", "c.kobe.jp" },
	{ "b.c.kobe.jp", "c.kobe.jp", "b.c.kobe.jp" },
	{ "a.b.c.kobe.jp", "c.kobe.jp", "b.c.kobe.jp" },
	{ "city.kobe.jp", "kobe.jp", "city.kobe.jp" },
	{ "www.city.kobe.jp", "kobe.jp", "city.kobe.jp" },
	{ "kobe.jp", "kobe.jp", "kobe.jp" },
	{ "test.jp", "jp", "test.jp" },
	{ "blogspot.com", "blogspot.com", "blogspot.com" },
	{ "a.b.blogspot.com", "blogspot.com", "b.blogspot.com" },
	{ "xn--55qx5d.cn", "xn--55qx5d.cn", "xn--55qx5d.cn" },
	{ "a.b.xn--55qx5d.cn", "xn--55qx5d.cn", "b.xn--55qx5d.cn" },
	{ "cn", "cn", "cn" },			/* no rule: "*" */
	{ "a.b.unknown", "unknown", "b.unknown" },
	{ "localhost", "localhost", "localhost" },
	{ "a.t.com", "com", "t.com" },
};

START_TEST(suffix_table)
{
	const struct dmarc_psl *psl;
	struct view domain = tight_cstr(rows[_i].domain);

	ck_assert(dmarc_psl_read(view_of(dmarc_test_list), arena, &psl, NULL));
	ck_assert_uint_eq(dmarc_psl_rules(psl), 13);
	ck_assert_uint_eq(dmarc_psl_bad_lines(psl), 0);
	ck_view_is(dmarc_psl_suffix(psl, domain), rows[_i].suffix);
	ck_view_is(dmarc_psl_org(psl, domain), rows[_i].org);
	free((void *)domain.p);
}
END_TEST

/* Format: comments, white space, CRLF, a leading dot, duplicates, lines that are no rule. */
static const struct {
	const char *what, *text;
	size_t rules, bad;
} files[] = {
	{ "nothing", "", 0, 0 },
	{ "only comments", "// com\n\n//org\n", 0, 0 },
	{ "no newline at the end", "com\norg", 2, 0 },
	{ "CRLF", "com\r\norg\r\n", 2, 0 },
	{ "up to the first white space", "com and more\norg\t!x\n", 2, 0 },
	{ "a leading dot", ".com\n", 1, 0 },
	{ "upper case", "COM\ncom\n", 1, 0 },
	{ "rule and wildcard of one name", "ck\n*.ck\n", 2, 0 },
	{ "a wildcard elsewhere", "com\nfoo.*.com\n", 1, 1 },
	{ "empty labels", "com\nfoo..com\n", 1, 1 },
	{ "a bare wildcard", "com\n*\n*.\n!\n", 1, 3 },
	{ "malformed UTF-8", "com\n\xff\xfe.com\n", 1, 1 },
};

START_TEST(file_table)
{
	const struct dmarc_psl *psl = NULL;
	struct view text = tight_cstr(files[_i].text);
	struct err err;
	bool ok = dmarc_psl_read(text, arena, &psl, &err);

	ck_assert_msg(ok == (files[_i].rules > 0), "%s", files[_i].what);
	if (ok) {
		ck_assert_msg(dmarc_psl_rules(psl) == files[_i].rules, "%s: %zu rules", files[_i].what, dmarc_psl_rules(psl));
		ck_assert_msg(dmarc_psl_bad_lines(psl) == files[_i].bad, "%s: %zu bad", files[_i].what, dmarc_psl_bad_lines(psl));
	}
	free((void *)text.p);
}
END_TEST

static const struct dmarc_lists *
open_lists(const char *text, int64_t now, struct view *warning, struct err *err)
{
	struct dmarc_conf conf = dmarc_test_presets(arena);

	conf.discovery = DMARC_PSL;
	return dmarc_test_lists(text, conf, now, arena, warning, err);
}

#define DAY 86400
#define FEB_9_2023 1675900800

START_TEST(an_old_list_is_told_of)
{
	static const char text[] = "// VERSION: 2023-02-09_10-11-12_UTC\ncom\n";
	struct view warning;
	struct err err;

	const struct dmarc_lists *lists = open_lists(text, FEB_9_2023 + 365 * (int64_t)DAY, &warning, &err);
	ck_assert_int_eq(dmarc_psl_dated(dmarc_lists_psl(lists)), FEB_9_2023);
	ck_assert_uint_eq(warning.n, 0);
	ck_assert_ptr_nonnull(open_lists(text, FEB_9_2023 + 366 * (int64_t)DAY, &warning, &err));
	ck_assert_msg(warning.n > 0, "no warning");
	ck_assert_ptr_nonnull(open_lists("com\nfoo..x\n", 0, &warning, &err)); /* dated by the file itself: now */
	ck_assert_msg(view_ends(warning, VIEW_LIT("1 lines are no rules and were passed over")), "%.*s", VIEW_ARG(warning));
}
END_TEST

START_TEST(a_missing_list_is_an_error)
{
	struct dmarc_conf conf = dmarc_test_presets(arena);
	struct view warning;
	struct err err;

	conf.tld_file = VIEW_LIT("/nonexistent/list.dat");
	ck_assert_ptr_nonnull(dmarc_lists_open(&conf, 0, arena, &warning, &err)); /* the tree walk wants none */
	ck_assert_uint_eq(warning.n, 0);
	conf.discovery = DMARC_TREEWALK_AND_PSL; /* and this one can do without */
	const struct dmarc_lists *lists = dmarc_lists_open(&conf, 0, arena, &warning, &err);
	ck_assert_ptr_nonnull(lists);
	ck_assert_ptr_null(dmarc_lists_psl(lists));
	ck_assert_msg(view_starts(warning, VIEW_LIT("/nonexistent/list.dat: ")), "%.*s", VIEW_ARG(warning));
	conf.discovery = DMARC_PSL_AND_TREEWALK;
	ck_assert_ptr_null(dmarc_lists_open(&conf, 0, arena, &warning, &err));
	ck_assert_msg(view_starts(view_of(err.text), VIEW_LIT("/nonexistent/list.dat: ")), "%s", err.text);
	conf.tld_file = VIEW_LIT("/tmp");
	ck_assert_ptr_null(dmarc_lists_open(&conf, 0, arena, &warning, &err));
	ck_assert_ptr_null(open_lists("// nothing\n", 0, &warning, &err));
}
END_TEST

START_TEST(debians_list)
{
	static const char path[] = "/usr/share/publicsuffix/public_suffix_list.dat";
	const struct dmarc_psl *psl;
	struct err err;

	if (access(path, R_OK) != 0) {
		printf("skipped: %s not found (Debian: publicsuffix)\n", path);
		return;
	}
	ck_assert_msg(dmarc_psl_load(path, arena, &psl, &err), "%s", err.text);
	ck_assert_uint_gt(dmarc_psl_rules(psl), 9000);
	ck_assert_uint_eq(dmarc_psl_bad_lines(psl), 0);
	ck_view_is(dmarc_psl_org(psl, VIEW_LIT("a.b.example.co.uk")), "example.co.uk");
	ck_view_is(dmarc_psl_org(psl, VIEW_LIT("x.www.ck")), "www.ck");
	ck_view_is(dmarc_psl_org(psl, VIEW_LIT("a.b.c.kobe.jp")), "b.c.kobe.jp");
	ck_view_is(dmarc_psl_org(psl, VIEW_LIT("user.github.io")), "user.github.io");
	ck_view_is(dmarc_psl_suffix(psl, VIEW_LIT("a.xn--p1ai")), "xn--p1ai");
}
END_TEST

/* The rows of the section, and what they refuse together. */
START_TEST(settings_agree)
{
	struct dmarc_conf conf = dmarc_test_presets(arena);
	struct err err;

	conf.tld_file = VIEW_LIT("x");
	ck_assert(dmarc_section.check(&conf, &err));
	conf.honour_pct = true;
	ck_assert(!dmarc_section.check(&conf, &err));
	conf.discovery = DMARC_PSL;
	ck_assert(dmarc_section.check(&conf, &err));
	conf.tld_file = VIEW_EMPTY;
	ck_assert(!dmarc_section.check(&conf, &err));
	conf = dmarc_test_presets(arena);
	ck_assert(dmarc_section.check(&conf, &err));
	conf.engine = DMARC_LIBOPENDMARC;
	ck_assert(!dmarc_section.check(&conf, &err));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("dmarc psl");
	TCase *tc = tcase_create("psl");

	tcase_add_checked_fixture(tc, arena_setup, arena_teardown);
	tcase_add_loop_test(tc, suffix_table, 0, ARRAY_LEN(rows));
	tcase_add_loop_test(tc, file_table, 0, ARRAY_LEN(files));
	tcase_add_test(tc, an_old_list_is_told_of);
	tcase_add_test(tc, a_missing_list_is_an_error);
	tcase_add_test(tc, debians_list);
	tcase_add_test(tc, settings_agree);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
