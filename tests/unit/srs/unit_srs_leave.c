#include "unit/srs/srs_test.h"

#include "base/buffer.h"
#include "srs/srs_leave.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char virtual_text[] =
    "# a comment\n"
    "alias.test\tanything\n"
    "fwd@local.test  friend@outside.example\n"
    "FWD2@Local.Test\n"
    "   # a comment within\n"
    "\n"
    "   here@local.test,\n"
    "\tFriend Two <friend2@outside.example>\n"
    "chain@local.test fwd@local.test\n"
    "loop@local.test loop2@local.test\n"
    "loop2@local.test loop@local.test\n"
    "self@local.test self@local.test, copy@local.test\n"
    "selfout@local.test selfout@local.test copy@outside.example\n"
    "same@local.test @outside.example\n"
    "stays@local.test here@local.test\n"
    "@catch.test box@local.test\n"
    "@all.test @outside.example\n"
    "percent@local.test %1@outside.example\n"
    "\"odd name\"@local.test friend@outside.example\n"
    "literal@local.test user@[192.0.2.1]\n"
    "bare friend@outside.example\n"
    "names@local.test list\n"
    "plus+out@local.test friend@outside.example\n"
    "commented@local.test here@local.test (not: friend@outside.example)\n"
    "here@alias.test user@local.test\n"
    "carla@local.test carla@outside.example\n"
    "unqualified@catch.test carla\n"
    "dora@other.test dora@outside.example\n"
    "dora2@catch.test dora\n";

static const char alias_text[] =
    "root: admin\n"
    "admin: admin@outside.example\n"
    "postmaster: root\n"
    "pipe: \"|/usr/bin/vacation friend@outside.example\"\n"
    "pipe2: |/usr/bin/vacation friend@outside.example\n"
    "file: /var/mail/friend@outside.example\n"
    "kept: \\kept, /dev/null\n"
    "list: ann,\n"
    " bob@outside.example\n"
    "owned: bob@outside.example\n"
    "owner-owned: ann\n"
    "\"a name\": bob@outside.example\n"
    "spaced : bob@outside.example\n"
    "incl: :include:members\n"
    "inclq: \":include:members\"\n"
    "inclno: :include:/nowhere\n"
    "selfi: :include:again\n"
    "user: user\n"
    "team: carla+x\n"
    "team2: dora\n"
    "ann: ann@local.test\n";

static const char relocated_text[] = "moved@local.test moved@outside.example\n@gone.test elsewhere\n";

static const struct {
	const char *rcpt;
	const char *by;	    /* NULL: stays */
	const char *target; /* NULL: unsure */
} cases[] = {
	{ "ann@local.test", NULL, NULL },
	{ "fwd@local.test", "virtual", "friend@outside.example" },
	{ "Fwd@LOCAL.test", "virtual", "friend@outside.example" },
	{ "fwd+x@local.test", "virtual", "friend@outside.example" },
	{ "fwd2@local.test", "virtual", "friend2@outside.example" },
	{ "chain@local.test", "virtual", "friend@outside.example" },
	{ "loop@local.test", NULL, NULL },
	{ "self@local.test", NULL, NULL },
	{ "selfout@local.test", "virtual", "copy@outside.example" },
	{ "same@local.test", "virtual", "same@outside.example" },
	{ "stays@local.test", NULL, NULL },
	{ "any@catch.test", NULL, NULL },
	{ "any@all.test", "virtual", "any@outside.example" },
	{ "percent@local.test", "virtual", "percent@outside.example" },
	{ "\"odd name\"@local.test", "virtual", "friend@outside.example" },
	{ "literal@local.test", "virtual", "user@[192.0.2.1]" },
	{ "bare@local.test", "virtual", "friend@outside.example" },
	{ "bare@other.test", NULL, NULL }, /* local-domains has it, alias-domains not */
	{ "names@local.test", "aliases", "bob@outside.example" },
	{ "plus+out@local.test", "virtual", "friend@outside.example" },
	{ "plus@local.test", NULL, NULL },
	{ "commented@local.test", NULL, NULL },
	{ "here@alias.test", NULL, NULL },
	{ "nobody@alias.test", NULL, NULL },
	{ "root@local.test", "aliases", "admin@outside.example" },
	{ "postmaster", "aliases", "admin@outside.example" },
	{ "root@other.test", NULL, NULL },
	{ "pipe@local.test", NULL, NULL },
	{ "pipe2@local.test", NULL, NULL },
	{ "file@local.test", NULL, NULL },
	{ "kept@local.test", NULL, NULL },
	{ "list@local.test", "aliases", "bob@outside.example" },
	{ "list+x@local.test", "aliases", "bob@outside.example" },
	{ "owned@local.test", NULL, NULL },
	{ "\"a name\"@local.test", "aliases", "bob@outside.example" },
	{ "spaced@local.test", "aliases", "bob@outside.example" },
	{ "incl@local.test", "aliases", "carol@outside.example" },
	{ "inclq@local.test", "aliases", "carol@outside.example" },
	{ "inclno@local.test", "aliases", NULL },
	{ "selfi@local.test", "aliases", NULL },
	{ "user@local.test", NULL, NULL },
	{ "team@local.test", "virtual", "carla@outside.example" }, /* the MTA completes it with an alias-domain */
	{ "unqualified@catch.test", "virtual", "carla@outside.example" },
	{ "carla", "virtual", "carla@outside.example" },
	{ "team2@local.test", NULL, NULL },
	{ "dora2@catch.test", NULL, NULL },
	{ "moved@local.test", NULL, NULL },
	{ "x@gone.test", NULL, NULL },
	{ "x@outside.example", "relay", "x@outside.example" },
	{ "x@sub.local.test", NULL, NULL },
	{ "listed@local.test", "leaves", "listed@local.test" },
	{ "listed+x@local.test", "leaves", "listed+x@local.test" },
	{ "listed-x@local.test", NULL, NULL }, /* no delimiter here */
	{ "x@leaving.test", "leaves", "x@leaving.test" },
	{ "x@a.leaving.test", "relay", "x@a.leaving.test" },
	{ "x@a.below.test", "leaves", "x@a.below.test" },
	{ "x@below.test", "relay", "x@below.test" },
	{ "x@fromfile.test", NULL, NULL },
	{ "asked@local.test", "leave-map", "far@outside.example" },
	{ "asked2@local.test", "virtual", "friend@outside.example" },
	{ "round@local.test", NULL, NULL },
	{ "broken@local.test", "leave-map", NULL },
};

static struct srs_leave_conf conf;
static struct srs_tables *tables;
static struct srs_leave leave;
static const struct clock test_clock = { .fixed_wall = TEST_NOW, .fixed_mono_ms = 1000 };

static struct view
put_file(const char *name, const char *text)
{
	struct view path = arena_printf(srs_test_arena, "%s/%s/%s", getcwd((char[400]){ 0 }, 400), srs_test_folder(), name);
	FILE *f = fopen(path.p, "w");

	ck_assert(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0);
	return path;
}

static struct conf_list
list_of(struct view item)
{
	struct view *copy = ARENA_NEW(srs_test_arena, struct view);

	*copy = item;
	return (struct conf_list){ .item = copy, .n = 1 };
}

/* The path of a file of the test, in the text of another. */
static const char *
with_folder(const char *text)
{
	struct buffer b = buffer_in(srs_test_arena);

	for (struct view rest = view_of(text); rest.n > 0;) {
		buffer_add_char(&b, rest.p[0]);
		bool here = view_starts(rest, VIEW_LIT(":include:m")) || view_starts(rest, VIEW_LIT(":include:a"));
		rest = view_from(rest, 1);
		if (here)
			buffer_addf(&b, "include:%s/%s/", getcwd((char[400]){ 0 }, 400), srs_test_folder());
		if (here)
			rest = view_from(rest, strlen("include:"));
	}
	return arena_cstr(srs_test_arena, buffer_view(&b));
}

static enum srs_found
fake_map(void *ctx, struct view key, struct arena *arena, struct view *value, struct err *err)
{
	(void)ctx, (void)arena;
	if (view_is(key, "asked@local.test"))
		*value = VIEW_LIT("here@local.test,far@outside.example");
	else if (view_is(key, "asked2@local.test"))
		*value = VIEW_LIT("fwd@local.test");
	else if (view_is(key, "round@local.test"))
		*value = VIEW_LIT("round@local.test");
	else if (view_is(key, "broken@local.test"))
		return err_temp(err, "it is broken"), SRS_FOUND_ERROR;
	else
		return SRS_FOUND_NOT;
	return SRS_FOUND;
}

static void
setup(void)
{
	static const struct view leaves[] = { { "listed@local.test", 17 }, { "leaving.test", 12 }, { ".below.test", 11 } };
	static struct view local[6];
	struct err err;

	srs_test_setup();
	put_file("members", "# members\nann\ncarol@outside.example\n");
	put_file("again", with_folder(":include:again, :include:again\n"));
	local[0] = VIEW_LIT("local.test");
	local[1] = VIEW_LIT(".local.test");
	local[2] = VIEW_LIT("catch.test");
	local[3] = VIEW_LIT("other.test");
	local[4] = put_file("domains", "fromfile.test OK\n");
	local[5] = VIEW_LIT("gone.test");
	conf = srs_test_conf.leave;
	conf.leaves = (struct conf_list){ .item = leaves, .n = 3 };
	conf.local_domains = (struct conf_list){ .item = local, .n = 6 };
	conf.alias_domains = list_of(VIEW_LIT("local.test"));
	conf.virtual_files = list_of(put_file("virtual", virtual_text));
	conf.alias_files = list_of(put_file("aliases", with_folder(alias_text)));
	conf.relocated_files = list_of(put_file("relocated", relocated_text));
	tables = srs_tables_open(&conf, NULL, NULL, &err);
	ck_assert_msg(tables != NULL, "%s", err.text);
	leave = (struct srs_leave){ .conf = &conf, .delimiter = VIEW_LIT("+"), .ask = fake_map };
	leave.tables = srs_tables_take(tables, &test_clock, NULL, NULL);
}

static void
teardown(void)
{
	srs_tables_drop(leave.tables);
	srs_tables_close(tables);
	srs_test_teardown();
}

static struct srs_leaving
find(const char *rcpt, const struct srs_mailer *mailer)
{
	struct srs_leaving found;
	struct mail_path path;
	struct err err;

	ck_assert_msg(mail_path_parse(view_of(rcpt), srs_test_arena, &path, &err), "%s: %s", rcpt, err.text);
	srs_leave_find(&leave, &path, mailer, srs_test_arena, &found);
	return found;
}

START_TEST(who_leaves)
{
	struct srs_leaving found = find(cases[_i].rcpt, NULL);
	const char *by = found.leaves ? found.by : NULL;

	ck_assert_msg(by == cases[_i].by || (by != NULL && cases[_i].by != NULL && strcmp(by, cases[_i].by) == 0),
	    "%s: %s, want %s", cases[_i].rcpt, by == NULL ? "stays" : by, cases[_i].by == NULL ? "stays" : cases[_i].by);
	if (by == NULL)
		return;
	ck_assert_msg(found.unsure == (cases[_i].target == NULL), "%s: %s", cases[_i].rcpt, found.unsure ? "unsure" : "sure");
	if (found.unsure)
		ck_assert_uint_gt(found.why.n, 0);
	else
		ck_view_is(found.target, cases[_i].target);
}
END_TEST

static const struct {
	const char *rcpt, *mailer, *host, *address;
	bool leaves;
} mailers[] = {
	{ "ann@local.test", "esmtp", "outside.example.", "friend@outside.example", true },
	{ "ann@local.test", "ESMTP", "", "friend@outside.example", true },
	{ "ann@local.test", "local", "", "ann", false },
	{ "ann@local.test", "", "", "", false },
	{ "ann@local.test", "esmtp", "inside.local.test", "ann@inside.local.test", false },
	{ "ann@local.test", "esmtp", "", "ann", false },
	{ "ann@local.test", "relay", "far.example", "ann@outside.example", true },
	{ "ann@local.test", "relay", "near.example", "ann@outside.example", false },
};

START_TEST(what_the_mta_says)
{
	static const struct view names[] = { { "esmtp", 5 }, { "relay:far.example", 17 } };
	struct srs_mailer m = { view_of(mailers[_i].mailer), view_of(mailers[_i].host), view_of(mailers[_i].address) };

	conf.leave_mailers = (struct conf_list){ .item = names, .n = 2 };
	struct srs_leaving found = find(mailers[_i].rcpt, &m);
	ck_assert_int_eq(found.leaves, mailers[_i].leaves);
	if (found.leaves)
		ck_assert_str_eq(found.by, "mailer");
}
END_TEST

START_TEST(everybody_leaves)
{
	conf.leaves = list_of(VIEW_LIT("*"));
	ck_assert(find("ann@local.test", NULL).leaves);
	ck_assert(find("postmaster", NULL).leaves);
}
END_TEST

/* Without local domains there is no knowing what is outside. */
START_TEST(nothing_is_known)
{
	conf.local_domains.n = 0;
	ck_assert(!find("x@outside.example", NULL).leaves);
	ck_assert(!find("fwd@local.test", NULL).leaves);
}
END_TEST

static size_t said;

static void
count_bad(void *ctx, bool bad, const char *text)
{
	(void)ctx, (void)text;
	said += bad;
}

/* A look at a later time: the clock of the test does not go. */
static void
look_again(int64_t mono_ms)
{
	struct clock later = { .fixed_wall = TEST_NOW, .fixed_mono_ms = mono_ms };

	srs_tables_drop(leave.tables);
	leave.tables = srs_tables_take(tables, &later, count_bad, NULL);
}

START_TEST(files_are_read_again)
{
	struct view path = conf.virtual_files.item[0];

	put_file("virtual", "new@local.test friend@outside.example\n");
	look_again(2000); /* too soon */
	ck_assert(!find("new@local.test", NULL).leaves);
	look_again(7000);
	ck_assert(find("new@local.test", NULL).leaves);
	ck_assert(!find("fwd@local.test", NULL).leaves);
	ck_assert_int_eq(unlink(path.p), 0);
	said = 0;
	look_again(13000);
	ck_assert_uint_eq(said, 1);
	ck_assert(find("new@local.test", NULL).leaves);
	look_again(19000);
	ck_assert_uint_eq(said, 1); /* once */
	put_file("members", "ann\n");
	put_file("virtual", "third@local.test friend@outside.example\nbad\n");
	look_again(25000);
	ck_assert_uint_eq(said, 2); /* the line */
	ck_assert(find("third@local.test", NULL).leaves);
	ck_assert(!find("incl@local.test", NULL).leaves);
}
END_TEST

START_TEST(a_missing_file_is_said)
{
	struct srs_leave_conf other = srs_test_conf.leave;
	struct err err;

	other.alias_files = list_of(VIEW_LIT("/nowhere/aliases"));
	ck_assert(srs_tables_open(&other, NULL, NULL, &err) == NULL);
	ck_assert_str_eq(err.text, "/nowhere/aliases: No such file or directory");
}
END_TEST

/* Nothing a message does may grow with the table. */
START_TEST(a_large_table)
{
	struct buffer b = buffer_in(srs_test_arena);
	struct srs_table *t;
	struct view value;

	for (int i = 0; i < 100000; i++)
		buffer_addf(&b, "user%d@local.test\tbox%d@outside.example\n", i, i);
	char *text = malloc(b.n);
	ck_assert(text != NULL);
	memcpy(text, b.p, b.n);
	clock_t began = clock();
	t = srs_table_new(SRS_TABLE_VIRTUAL, (struct view){ text, b.n });
	clock_t loaded = clock();
	ck_assert_uint_eq(srs_table_keys(t), 100000);
	for (int i = 0; i < 100000; i++)
		ck_assert(srs_table_find(t, VIEW_LIT("User77777@local.test"), &value));
	ck_view_is(value, "box77777@outside.example");
	double reading = (double)(loaded - began) / CLOCKS_PER_SEC, asking = (double)(clock() - loaded) / CLOCKS_PER_SEC;
	printf("100000 lines: read in %.3f s of processor time, as many look-ups in %.3f s\n", reading, asking);
	ck_assert(reading < 2.0); /* AddressSanitizer on a slow machine included */
	srs_table_unref(t);
}
END_TEST

static const struct {
	enum srs_table_kind kind;
	const char *text;
	size_t keys, mistakes;
	unsigned line;
} tables_read[] = {
	{ SRS_TABLE_VIRTUAL, "", 0, 0, 0 },
	{ SRS_TABLE_VIRTUAL, "a b", 1, 0, 0 },
	{ SRS_TABLE_VIRTUAL, "a b\r\n# c\r\n\r\nd e\r\n", 2, 0, 0 },
	{ SRS_TABLE_VIRTUAL, " a b\nc d\n", 1, 1, 1 },
	{ SRS_TABLE_VIRTUAL, "a b\nlonely\nc d\n", 2, 1, 2 },
	{ SRS_TABLE_VIRTUAL, "a b\nA c\n", 1, 1, 2 },
	{ SRS_TABLE_VIRTUAL, "\"open b\nc d\n", 1, 1, 1 },
	{ SRS_TABLE_VIRTUAL, "a\n b\n", 1, 0, 0 },
	{ SRS_TABLE_ALIASES, "a: b\nc:d\n\"e f\": g\n", 3, 0, 0 },
	{ SRS_TABLE_ALIASES, "a b\nc: d\n", 1, 1, 1 },
	{ SRS_TABLE_ALIASES, ": b\n", 0, 1, 1 },
	{ SRS_TABLE_DOMAINS, "a.test\nb.test OK\n", 2, 0, 0 },
	{ SRS_TABLE_INCLUDE, "a, b\n", 0, 0, 0 },
};

START_TEST(lines)
{
	struct view text = tight_cstr(tables_read[_i].text); /* malloc's, as mem_zero's */
	struct srs_table *t = srs_table_new(tables_read[_i].kind, text);
	const char *what;

	ck_assert_uint_eq(srs_table_keys(t), tables_read[_i].keys);
	ck_assert_uint_eq(srs_table_mistakes(t), tables_read[_i].mistakes);
	ck_assert_uint_eq(srs_table_first_mistake(t, &what), tables_read[_i].line);
	srs_table_unref(t);
}
END_TEST

/* Each look is due: the one who gets it reads, the others go on. */
static void *
look_often(void *arg)
{
	struct arena *arena = arena_new();

	for (int64_t i = 1; i <= 500; i++) {
		struct clock clock = { .fixed_wall = TEST_NOW, .fixed_mono_ms = 10000 * i };
		const struct srs_table_set *set = srs_tables_take(tables, &clock, NULL, NULL);
		struct view value;
		ck_assert(srs_tables_find(set, SRS_TABLE_VIRTUAL, VIEW_LIT("fwd@local.test"), &value));
		srs_tables_drop(set);
		arena_reset(arena);
	}
	arena_free(arena);
	return arg;
}

START_TEST(many_threads)
{
	pthread_t thread[8];

	for (size_t i = 0; i < 8; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, look_often, NULL), 0);
	for (int i = 0; i < 50; i++) {
		put_file("next", i % 2 == 0 ? "fwd@local.test a@b.example\n" : virtual_text);
		ck_assert_int_eq(rename(arena_printf(srs_test_arena, "%s/next", srs_test_folder()).p,
		    arena_cstr(srs_test_arena, conf.virtual_files.item[0])), 0);
	}
	for (size_t i = 0; i < 8; i++)
		pthread_join(thread[i], NULL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("srs_leave");
	TCase *tc = tcase_create("leave");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, who_leaves, 0, ARRAY_LEN(cases));
	tcase_add_loop_test(tc, what_the_mta_says, 0, ARRAY_LEN(mailers));
	tcase_add_test(tc, everybody_leaves);
	tcase_add_test(tc, nothing_is_known);
	tcase_add_test(tc, files_are_read_again);
	tcase_add_test(tc, a_missing_file_is_said);
	tcase_add_test(tc, a_large_table);
	tcase_add_loop_test(tc, lines, 0, ARRAY_LEN(tables_read));
	tcase_add_test(tc, many_threads);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
