#include "dmarc/dmarc_history.h"
#include "dmarc_test.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64], path[128], moved[128];

static void
setup(void)
{
	strcpy(dir, "/tmp/dmarc_history_XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/history", dir);
	snprintf(moved, sizeof(moved), "%s/history.OLD", dir);
}

static void
teardown(void)
{
	remove(path);
	remove(moved);
	rmdir(dir);
}

/* --- the lines -------------------------------------------------------------------------------- */

struct lines_case {
	const char *what, *zone, *from, *facts, *mail_domain;
	enum dmarc_history_action action;
	const char *want;
};

#define HEAD(from, mfrom) \
	"job 4F1A2B\nreporter mx.example.net\nreceived 1795000000\nipaddr 192.0.2.7\nfrom " from "\nmfrom " mfrom "\n"

static const struct lines_case cases[] = {
	{ "pass by both", "_dmarc.example.com TXT \"v=DMARC1; p=reject; sp=quarantine; adkim=s; rua=mailto:a@example.com,mailto:b@example.com\"\n",
	    "example.com", "spf=pass:bounce.example.com dkim=pass:example.com dkim=fail:other.example", "bounce.example.com", DMARC_ACTION_ACCEPT,
	    HEAD("example.com", "bounce.example.com")
	    "spf 0\ndkim example.com - 0\ndkim other.example - 7\npdomain example.com\npolicy 15\nrua mailto:a@example.com\n"
	    "rua mailto:b@example.com\npct 100\nadkim 115\naspf 114\np 114\nsp 113\nalign_dkim 4\nalign_spf 4\narc 6\n"
	    "arc_policy 1 json:[]\naction 2\n" },
	{ "reject, nothing authenticated", "_dmarc.example.com TXT \"v=DMARC1; p=none; sp=reject; aspf=s\"\n", "a.example.com",
	    "spf=softfail:evil.example", "evil.example", DMARC_ACTION_REJECT,
	    HEAD("a.example.com", "evil.example")
	    "spf 2\npdomain example.com\npolicy 16\nrua -\npct 100\nadkim 114\naspf 115\np 110\nsp 114\nalign_dkim 5\nalign_spf 5\n"
	    "arc 6\narc_policy 1 json:[]\naction 0\n" },
	{ "quarantine by t=y, null sender of no name", "_dmarc.example.com TXT \"v=DMARC1; p=reject; t=y; pct=10\"\n", "example.com", "", "",
	    DMARC_ACTION_QUARANTINE,
	    HEAD("example.com", "unknown")
	    "spf 6\npdomain example.com\npolicy 17\nrua -\npct 10\nadkim 114\naspf 114\np 114\nsp 0\nalign_dkim 5\nalign_spf 5\n"
	    "arc 6\narc_policy 1 json:[]\naction 4\n" },
	{ "SPF of HELO is not the line's", "_dmarc.example.com TXT \"v=DMARC1; p=none\"\n", "example.com", "spf=pass:@helo.example spf=temperror:m.example",
	    "m.example", DMARC_ACTION_ACCEPT,
	    HEAD("example.com", "m.example")
	    "spf 4\npdomain example.com\npolicy 18\nrua -\npct 100\nadkim 114\naspf 114\np 110\nsp 0\nalign_dkim 5\nalign_spf 5\n"
	    "arc 6\narc_policy 1 json:[]\naction 2\n" },
};

static struct dmarc_history_entry
entry_of(const struct dmarc_result *result, const struct auth_facts *facts, const char *mail_domain)
{
	struct dmarc_history_entry e = { .job = VIEW_LIT("4F1A2B"), .reporter = VIEW_LIT("mx.example.net"), .received = 1795000000,
		.mail_domain = view_of(mail_domain), .result = result, .facts = facts, .arc = AUTH_NONE };

	ck_assert(ip_parse(VIEW_LIT("192.0.2.7"), &e.client));
	return e;
}

START_TEST(lines_table)
{
	const struct lines_case *c = &cases[_i];
	struct dmarc_test t = { .zone = c->zone, .from = c->from, .facts = c->facts, .conf = dmarc_test_presets(NULL) };
	struct dmarc_tested d = dmarc_test_run(&t);
	struct auth_facts facts = dmarc_test_facts(c->facts, d.arena);
	struct dmarc_history_entry e = entry_of(d.result, &facts, c->mail_domain);

	e.action = c->action;
	ck_assert(dmarc_history_wants(d.result));
	struct view got = dmarc_history_lines(&e, d.arena);
	ck_assert_msg(view_is(got, c->want), "%s:\n%.*s\nnot\n%s", c->what, VIEW_ARG(got), c->want);
	dmarc_test_end(&d);
}
END_TEST

START_TEST(only_messages_with_a_record)
{
	static const char *zones[] = { "", "_dmarc.example.com TIMEOUT\n", "_dmarc.example.com TXT \"v=DMARC1; p=x\"\n" };
	struct dmarc_test t = { .zone = zones[_i], .from = "example.com", .facts = "", .conf = dmarc_test_presets(NULL) };
	struct dmarc_tested d = dmarc_test_run(&t);

	ck_assert(!dmarc_history_wants(d.result));
	dmarc_test_end(&d);
}
END_TEST

/* What strangers write must not make lines, words or JSON of its own. */
START_TEST(hostile_words_stay_words)
{
	struct dmarc_test t = { .zone = "_dmarc.example.com TXT \"v=DMARC1; p=none\"\n", .from = "example.com", .facts = "dkim=pass:example.com",
		.conf = dmarc_test_presets(NULL) };
	struct dmarc_tested d = dmarc_test_run(&t);
	struct auth_facts facts = dmarc_test_facts(t.facts, d.arena);
	struct dmarc_history_seal seal[] = { { 1, VIEW_LIT("a\"b\\c.example"), VIEW_LIT("s\n1"), VIEW_LIT("192.0.2.1") },
		{ 2, VIEW_LIT("d.example"), VIEW_LIT("s2"), VIEW_EMPTY } };
	struct dmarc_history_entry e = entry_of(d.result, &facts, "x y\njob 1");

	auth_fact_property(&facts.fact[0], "header", "s", VIEW_LIT("sel ector\naction 0"));
	e.job = VIEW_LIT("queue id\r\n");
	e.seal = seal;
	e.seals = 2;
	e.arc = AUTH_PASS;
	e.arc_overrode = true;
	struct view got = dmarc_history_lines(&e, d.arena);
	static const char arc_lines[] = "arc 0\narc_policy 0 json:[{ \"i\":1, \"d\":\"a\\\"b\\\\c.example\", \"s\":\"s?1\", \"ip\":\"192.0.2.1\" }, "
					"{ \"i\":2, \"d\":\"d.example\", \"s\":\"s2\", \"ip\":\"\" }]\n";
	static const char *parts[] = { "job queue?id??\n", "mfrom x?y?job?1\n", "dkim example.com sel?ector?action?0 0\n",
		arc_lines };
	for (int i = 0; i < ARRAY_LEN(parts); i++)
		ck_assert_msg(memmem(got.p, got.n, parts[i], strlen(parts[i])) != NULL, "no %s in\n%.*s", parts[i], VIEW_ARG(got));
	size_t lines = 0;
	for (size_t i = 0; i < got.n; i++)
		lines += got.p[i] == '\n';
	ck_assert_uint_eq(lines, 21);
	dmarc_test_end(&d);
}
END_TEST

/* --- the file --------------------------------------------------------------------------------- */

static void
file_is(const char *name, const char *want)
{
	struct view text = read_file(name);

	ck_view_is(text, want);
	free((void *)text.p);
}

START_TEST(appends_and_follows_renames)
{
	struct dmarc_history *h = dmarc_history_new(view_of(path));
	struct err err;

	ck_assert(dmarc_history_append(h, VIEW_LIT("one\n"), &err));
	ck_assert(dmarc_history_append(h, VIEW_LIT("two\n"), &err));
	file_is(path, "one\ntwo\n");
	ck_assert_int_eq(rename(path, moved), 0);
	ck_assert(dmarc_history_append(h, VIEW_LIT("three\n"), &err));
	file_is(moved, "one\ntwo\n");
	file_is(path, "three\n");
	ck_assert_int_eq(truncate(path, 0), 0); /* as copytruncate does */
	ck_assert(dmarc_history_append(h, VIEW_LIT("four\n"), &err));
	file_is(path, "four\n");
	ck_assert_int_eq(unlink(path), 0);
	dmarc_history_reopen(h);
	ck_assert(dmarc_history_append(h, VIEW_LIT("five\n"), &err));
	file_is(path, "five\n");
	dmarc_history_free(h);
}
END_TEST

START_TEST(an_importer_at_work_stops_nobody)
{
	struct dmarc_history *h = dmarc_history_new(view_of(path));
	struct err err;

	ck_assert(dmarc_history_append(h, VIEW_LIT("one\n"), &err));
	FILE *reader = fopen(path, "r");
	ck_assert_int_eq(flock(fileno(reader), LOCK_SH | LOCK_NB), 0);
	ck_assert(dmarc_history_append(h, VIEW_LIT("two\n"), &err));
	ck_assert_int_eq(rename(path, moved), 0);
	ck_assert(dmarc_history_append(h, VIEW_LIT("three\n"), &err));
	file_is(moved, "one\ntwo\n");
	file_is(path, "three\n");
	fclose(reader);
	dmarc_history_free(h);
}
END_TEST

START_TEST(a_torn_file_is_mended)
{
	FILE *f = fopen(path, "w");
	struct dmarc_history *h = dmarc_history_new(view_of(path));

	fputs("job 1\nreport", f);
	fclose(f);
	ck_assert(dmarc_history_append(h, VIEW_LIT("job 2\n"), NULL));
	ck_assert(dmarc_history_append(h, VIEW_LIT("job 3\n"), NULL));
	file_is(path, "job 1\nreport\njob 2\njob 3\n");
	dmarc_history_free(h);
}
END_TEST

/* A limit on the file's size is a full disk that a test can have: the write falls short. */
START_TEST(a_full_disk_leaves_no_half_set)
{
	struct dmarc_history *h = dmarc_history_new(view_of(path));
	struct rlimit limit, low;
	struct err err;

	signal(SIGXFSZ, SIG_IGN);
	ck_assert(dmarc_history_append(h, VIEW_LIT("job 1\naction 2\n"), &err));
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	low = limit;
	low.rlim_cur = 20;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &low), 0);
	bool ok = dmarc_history_append(h, VIEW_LIT("job 2\naction 2\n"), &err);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert(!ok);
	ck_assert_int_eq(err.kind, ERR_TEMP);
	ck_assert_msg(strstr(err.text, path) != NULL, "%s", err.text);
	file_is(path, "job 1\naction 2\n");
	ck_assert(dmarc_history_append(h, VIEW_LIT("job 3\naction 2\n"), &err));
	file_is(path, "job 1\naction 2\njob 3\naction 2\n");
	dmarc_history_free(h);
}
END_TEST

static const char *bad_paths[] = { "/nonexistent/history", "/tmp", "/dev/full", "" };

START_TEST(what_cannot_be_written_is_an_error)
{
	struct dmarc_history *h = dmarc_history_new(view_of(bad_paths[_i]));
	struct err err;

	ck_assert(!dmarc_history_append(h, VIEW_LIT("x\n"), &err));
	ck_assert_int_eq(err.kind, ERR_TEMP);
	dmarc_history_free(h);
}
END_TEST

#define THREADS 6
#define SETS 200

static void *
writer(void *arg)
{
	struct dmarc_history *h = arg;
	char set[6000];

	for (int i = 0; i < SETS; i++) {
		size_t n = 0;
		for (int k = 0; k < 1 + i % 50; k++)
			n += (size_t)sprintf(set + n, "line of a set, %d of %d\n", k, i % 50);
		n += (size_t)sprintf(set + n, "action\n");
		ck_assert(dmarc_history_append(h, (struct view){ set, n }, NULL));
	}
	return NULL;
}

/* Each set: k counts from 0 to its last line, then "action". */
static int
whole_sets(const char *name)
{
	struct view rest = read_file(name), line;
	const char *all = rest.p;
	int sets = 0, next = 0;

	while (rest.n > 0) {
		int k, last;
		char text[100];
		view_split(rest, '\n', &line, &rest);
		snprintf(text, sizeof(text), "%.*s", VIEW_ARG(line));
		if (strcmp(text, "action") == 0) {
			sets++;
			next = 0;
			continue;
		}
		ck_assert_msg(sscanf(text, "line of a set, %d of %d", &k, &last) == 2 && k == next, "%s where %d was due", text, next);
		next++;
	}
	ck_assert_int_eq(next, 0);
	free((void *)all);
	return sets;
}

START_TEST(threads_and_renames_mix_nothing)
{
	struct dmarc_history *h = dmarc_history_new(view_of(path));
	pthread_t thread[THREADS];
	int sets = 0;

	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, writer, h), 0);
	for (int i = 0; i < 400; i++) { /* as opendmarc-importstats: rename, lock, read to the end, remove */
		usleep(i % 7 * 50);
		if (rename(path, moved) != 0)
			continue;
		FILE *f = fopen(moved, "r");
		ck_assert_int_eq(flock(fileno(f), LOCK_SH), 0);
		sets += whole_sets(moved);
		fclose(f);
		remove(moved);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	if (access(path, F_OK) == 0)
		sets += whole_sets(path);
	ck_assert_int_eq(sets, THREADS * SETS);
	dmarc_history_free(h);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("dmarc history");
	TCase *tc = tcase_create("history");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, lines_table, 0, ARRAY_LEN(cases));
	tcase_add_loop_test(tc, only_messages_with_a_record, 0, 3);
	tcase_add_test(tc, hostile_words_stay_words);
	tcase_add_test(tc, appends_and_follows_renames);
	tcase_add_test(tc, an_importer_at_work_stops_nobody);
	tcase_add_test(tc, a_torn_file_is_mended);
	tcase_add_test(tc, a_full_disk_leaves_no_half_set);
	tcase_add_loop_test(tc, what_cannot_be_written_is_an_error, 0, ARRAY_LEN(bad_paths));
	tcase_add_test(tc, threads_and_renames_mix_nothing);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
