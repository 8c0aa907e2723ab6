#include "cli/milter_hello.h"
#include "cli/mta_milter.h"
#include "cli/mta_postconf.h"
#include "cli/path_walk.h"
#include "support/setup.h"
#include "support/support.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Postfix's lists of milters ------------------------------------------------------------ */

/* One line for each: KIND path|host:port action command_timeout */
static const char *
show(const struct mta_milter *m, size_t n)
{
	static const char *const kinds[] = { "unix", "inet", "inet6", "bad" };
	struct view text = VIEW_EMPTY;

	for (size_t i = 0; i < n; i++)
		text = arena_printf(arena, "%.*s%s%s %.*s %u %.*s/%.*s/%.*s/%.*s/%.*s", VIEW_ARG(text), i > 0 ? "; " : "",
		    kinds[m[i].kind], VIEW_ARG(m[i].kind == MTA_SOCKET_UNIX ? m[i].path : m[i].host), m[i].port,
		    VIEW_ARG(m[i].default_action), VIEW_ARG(m[i].protocol), VIEW_ARG(m[i].connect_timeout),
		    VIEW_ARG(m[i].command_timeout), VIEW_ARG(m[i].content_timeout));
	return arena_cstr(arena, text);
}

static const struct {
	const char *list, *shown;
} lists[] = {
	{ "", "" },
	{ " ,\t, ", "" },
	{ "inet:127.0.0.1:8891", "inet 127.0.0.1 8891 ////" },
	{ "inet:localhost:8891,unix:assay/m.sock", "inet localhost 8891 ////; unix assay/m.sock 0 ////" },
	{ "inet:[::1]:8891 inet:::1:8891", "inet6 ::1 8891 ////; inet6 ::1 8891 ////" },
	{ "INET:8891", "inet  8891 ////" },
	{ "local:/run/x", "unix /run/x 0 ////" },
	/* Postfix 3.7 says "invalid transport name" to inet6: */
	{ "inet6:8891@::1", "bad  0 ////" },
	{ "inet:localhost:smtp", "bad localhost 0 ////" },
	{ "inet:localhost:0", "bad localhost 0 ////" },
	{ "inet:localhost:65536", "bad localhost 0 ////" },
	{ "inet:", "bad  0 ////" },
	{ "unix:", "bad  0 ////" },
	{ "8891", "bad  0 ////" },
	{ "{ inet:127.0.0.1:8891, connect_timeout=10s, command_timeout=30s, default_action=tempfail }",
	    "inet 127.0.0.1 8891 tempfail//10s/30s/" },
	{ "{inet:127.0.0.1:8891 { default_action = accept } protocol=2}", "inet 127.0.0.1 8891 accept/2///" },
	{ "{ unix:a, content_timeout=5m }, { unix:b }", "unix a 0 ////5m; unix b 0 ////" },
	{ "{ unix:a", "unix a 0 ////" },
	{ "{", "bad  0 ////" },
	{ "{}", "bad  0 ////" },
	{ "}", "bad  0 ////" },
	{ "{ unix:a, , default_action=, =x, nonsense }", "unix a 0 ////" },
};

START_TEST(postfix_lists)
{
	struct view in = tight_cstr(lists[_i].list);
	struct mta_milter *m;
	size_t n = mta_milters_postfix(in, arena, &m);

	ck_assert_str_eq(show(m, n), lists[_i].shown);
	free((void *)in.p);
}
END_TEST

/* ---- Sendmail's X lines -------------------------------------------------------------------- */

static const struct {
	const char *line, *name, *shown;
} x_lines[] = {
	{ "assay, S=inet:8891@127.0.0.1, F=T, T=C:30s;S:10s;R:30s;E:5m", "assay", "inet 127.0.0.1 8891 T//30s/30s/5m" },
	{ "assay, S=inet6:8891@::1", "assay", "inet6 ::1 8891 ////" },
	{ "assay, S=inet6:8891@[::1]", "assay", "inet6 ::1 8891 ////" },
	{ "assay, S=inet:8891@localhost,F=", "assay", "inet localhost 8891 ////" },
	{ "a,S=unix:/run/a.sock,F=R,T=R:1m", "a", "unix /run/a.sock 0 R///1m/" },
	{ "a,S=local:/run/a.sock", "a", "unix /run/a.sock 0 ////" },
	{ "a,S=/run/a.sock", "a", "unix /run/a.sock 0 ////" },
	{ "a,S=inet:@h", "a", "bad h 0 ////" },
	{ "a", "a", "bad  0 ////" },
	{ "", "", "bad  0 ////" },
	{ ",,S", "", "bad  0 ////" },
};

START_TEST(sendmail_lines)
{
	struct view in = tight_cstr(x_lines[_i].line);
	struct mta_milter m;

	mta_milter_sendmail(in, &m);
	ck_view_is(m.name, x_lines[_i].name);
	ck_assert_str_eq(show(&m, 1), x_lines[_i].shown);
	free((void *)in.p);
}
END_TEST

/* ---- times --------------------------------------------------------------------------------- */

static const struct {
	const char *text;
	char unit;
	int64_t seconds; /* -1: none */
} times[] = {
	{ "30s", 's', 30 }, { "30", 's', 30 }, { "5", 'm', 300 }, { "5m", 's', 300 }, { "2h", 's', 7200 },
	{ "1d", 's', 86400 }, { "1W", 's', 604800 }, { " 7s ", 's', 7 }, { "", 's', -1 }, { "s", 's', -1 },
	{ "1y", 's', -1 }, { "1s2", 's', -1 }, { "-1", 's', -1 }, { "99999999999999999999", 's', -1 },
};

START_TEST(times_of_mtas)
{
	int64_t seconds = -1;

	ck_assert_int_eq(mta_time(view_of(times[_i].text), times[_i].unit, &seconds), times[_i].seconds >= 0);
	ck_assert_int_eq(seconds, times[_i].seconds);
}
END_TEST

/* ---- postconf ------------------------------------------------------------------------------ */

static const char values[] =
    "canonical_maps =\n"
    "smtpd_milters = { inet:127.0.0.1:1, default_action=tempfail }\n"
    "mail_version = 3.7.11\n"
    "no equals sign\n"
    " = nothing\n"
    "relayhost = a=b\n"
    "relayhost = c";
static const char services[] =
    "smtp       inet  n       -       y       -       -       smtpd\n"
    "#smtps     inet  n       -       y       -       -       smtpd\n"
    "submission inet  n       -       n       -       -       smtpd -o smtpd_milters= -o {milter_x=a b}\n"
    "unix/odd   unix  -       n       -       -       10      cleanup\n"
    "short      inet  n       -\n"
    "\n";
static const char overrides[] =
    "submission/inet/smtpd_milters = \n"
    "unix/odd/unix/non_smtpd_milters = unix:x\n"
    "inet/only = 1\n"
    "/inet/x = 1\n"
    "smtp/inet/ = 1\n";

START_TEST(postconf_rows)
{
	struct postconf p = postconf_in(arena);
	struct view own;

	postconf_add_values(&p, view_of(values));
	postconf_add_services(&p, view_of(services));
	postconf_add_overrides(&p, view_of(overrides));
	ck_assert_uint_eq(p.services, 3);
	ck_view_is(p.service[0].key, "smtp/inet");
	ck_view_is(p.service[0].command, "smtpd");
	ck_assert_int_eq(p.service[0].chroot, 'y');
	ck_assert_int_eq(p.service[0].unprivileged, '-');
	ck_assert_int_eq(p.service[1].chroot, 'n');
	ck_assert_int_eq(p.service[2].chroot, '-');
	ck_assert_int_eq(p.service[2].unprivileged, 'n');
	ck_view_is(postconf_get(&p, NULL, "smtpd_milters"), "{ inet:127.0.0.1:1, default_action=tempfail }");
	ck_view_is(postconf_get(&p, &p.service[0], "smtpd_milters"), "{ inet:127.0.0.1:1, default_action=tempfail }");
	ck_view_is(postconf_get(&p, &p.service[1], "smtpd_milters"), "");
	ck_assert(postconf_own(&p, &p.service[1], "smtpd_milters", &own) && own.n == 0);
	ck_assert(!postconf_own(&p, &p.service[0], "smtpd_milters", &own));
	ck_view_is(postconf_get(&p, &p.service[2], "non_smtpd_milters"), "unix:x");
	ck_view_is(postconf_get(&p, NULL, "canonical_maps"), "");
	ck_view_is(postconf_get(&p, NULL, "relayhost"), "c");
	ck_view_is(postconf_get(&p, NULL, "absent"), "");
	ck_assert_uint_eq(p.values, 7);
}
END_TEST

START_TEST(words_of_a_value)
{
	struct view list = VIEW_LIT(" a,b\t,, c"), word;

	for (const char *wanted = "abc"; *wanted != '\0'; wanted++) {
		ck_assert(postconf_word(&list, &word));
		ck_assert(word.n == 1 && word.p[0] == *wanted);
	}
	ck_assert(!postconf_word(&list, &word));
}
END_TEST

/* ---- the way to a socket ------------------------------------------------------------------- */

enum { ROOT = 0, POSTFIX = 100, ASSAY = 200, OTHER = 300 };

/* "/" and "/run" are open; the folder and the socket as the row says */
static const struct {
	mode_t folder, socket;
	gid_t folder_group, socket_group;
	uid_t who;
	gid_t groups[2];
	unsigned need;
	size_t stopped; /* 4: nothing does */
} walks[] = {
	{ 0755, 0666, ASSAY, ASSAY, POSTFIX, { POSTFIX, POSTFIX }, PATH_WRITE, 4 },
	{ 0755, 0660, ASSAY, ASSAY, POSTFIX, { POSTFIX, POSTFIX }, PATH_WRITE, 3 },
	{ 0755, 0660, ASSAY, ASSAY, POSTFIX, { POSTFIX, ASSAY }, PATH_WRITE, 4 },
	{ 0755, 0660, ASSAY, POSTFIX, POSTFIX, { POSTFIX, POSTFIX }, PATH_WRITE, 4 },
	{ 0755, 0755, ASSAY, ASSAY, POSTFIX, { POSTFIX, POSTFIX }, PATH_WRITE, 3 },
	{ 0700, 0666, ASSAY, ASSAY, POSTFIX, { POSTFIX, POSTFIX }, PATH_WRITE, 2 },
	{ 0750, 0666, POSTFIX, ASSAY, POSTFIX, { POSTFIX, POSTFIX }, PATH_WRITE, 4 },
	/* The group's bits count for a member even where others have more. */
	{ 0705, 0666, POSTFIX, ASSAY, POSTFIX, { POSTFIX, POSTFIX }, PATH_WRITE, 2 },
	{ 0755, 0606, ASSAY, POSTFIX, POSTFIX, { POSTFIX, POSTFIX }, PATH_WRITE, 3 },
	/* And the owner's for the owner. */
	{ 0077, 0666, ASSAY, ASSAY, ASSAY, { ASSAY, ASSAY }, PATH_WRITE, 2 },
	{ 0755, 0066, ASSAY, ASSAY, ASSAY, { ASSAY, ASSAY }, PATH_WRITE, 3 },
	{ 0000, 0000, ASSAY, ASSAY, ROOT, { ROOT, ROOT }, PATH_WRITE, 4 },
	{ 0755, 0644, ASSAY, ASSAY, OTHER, { OTHER, OTHER }, PATH_READ, 4 },
	{ 0755, 0644, ASSAY, ASSAY, OTHER, { OTHER, OTHER }, PATH_READ | PATH_WRITE, 3 },
};

START_TEST(permission_walk)
{
	struct path_step step[] = {
		{ VIEW_LIT("/"), ROOT, ROOT, S_IFDIR | 0755, false },
		{ VIEW_LIT("/run"), ROOT, ROOT, S_IFDIR | 0711, false },
		{ VIEW_LIT("/run/assay"), ASSAY, walks[_i].folder_group, S_IFDIR | walks[_i].folder, false },
		{ VIEW_LIT("/run/assay/s"), ASSAY, walks[_i].socket_group, S_IFSOCK | walks[_i].socket, false },
	};
	struct path path = { step, 4 };
	struct identity_groups who = { walks[_i].who, walks[_i].groups, 2 };

	ck_assert_uint_eq(path_walk(&path, &who, walks[_i].need), walks[_i].stopped);
}
END_TEST

START_TEST(looking_at_a_path)
{
	char folder[] = "/tmp/unit_cli.XXXXXX";
	struct path path;
	struct view stopped;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	const char *link = arena_printf(arena, "%s/link", folder).p;
	ck_assert_int_eq(symlink("/tmp", link), 0);
	ck_assert_int_eq(path_look(view_of(link), arena, &path, &stopped), PATH_THERE);
	ck_assert_uint_eq(path.n, 2);
	ck_view_is(path.step[1].path, "/tmp");
	ck_assert_int_eq(path_look(arena_printf(arena, "/tmp//%s/none/below", folder + 5), arena, &path, &stopped), PATH_MISSING);
	ck_assert_msg(view_ends(stopped, VIEW_LIT("/none")), "%.*s", VIEW_ARG(stopped));
	ck_assert_int_eq(path_look(VIEW_LIT("/"), arena, &path, &stopped), PATH_THERE);
	ck_assert_uint_eq(path.n, 1);
	unlink(link);
	rmdir(folder);
}
END_TEST

/* ---- the handshake ------------------------------------------------------------------------- */

#define NUMBERS "\0\0\0\6\0\0\0\x11\0\0\0\0"
static const struct {
	struct view input;
	enum milter_hello_outcome outcome;
} hellos[] = {
	{ VIEW_LIT(""), MILTER_HELLO_MORE },
	{ VIEW_LIT("\0\0\0\x0d"), MILTER_HELLO_MORE },
	{ VIEW_LIT("\0\0\0\x0dO\0\0\0\6\0\0\0\x11\0\0\0"), MILTER_HELLO_MORE },
	{ VIEW_LIT("\0\0\0\x0dO" NUMBERS), MILTER_HELLO_WHOLE },
	/* lists of macros behind it */
	{ VIEW_LIT("\0\0\0\x13O" NUMBERS "\0\0\0\0j\0"), MILTER_HELLO_WHOLE },
	{ VIEW_LIT("\0\0\0\x13O" NUMBERS "\0\0\0\0j"), MILTER_HELLO_MORE },
	{ VIEW_LIT("\0\0\0\x0cO\0\0\0\6\0\0\0\x11\0\0\0"), MILTER_HELLO_BAD },
	{ VIEW_LIT("\0\0\0\1c"), MILTER_HELLO_BAD },
	{ VIEW_LIT("\xff\xff\xff\xffO"), MILTER_HELLO_BAD },
	{ VIEW_LIT("220 mx ESMTP\r\n"), MILTER_HELLO_BAD },
	/* actions that nobody offered */
	{ VIEW_LIT("\0\0\0\x0dO\0\0\0\6\0\0\2\0\0\0\0\0"), MILTER_HELLO_BAD },
};

START_TEST(handshake)
{
	struct view in = tight_copy(hellos[_i].input);
	struct milter_hello hello = { 0, 0, 0 };
	struct err err;

	ck_assert_int_eq(milter_hello_take(in, &hello, &err), hellos[_i].outcome);
	if (hellos[_i].outcome == MILTER_HELLO_WHOLE) {
		ck_assert_uint_eq(hello.version, 6);
		ck_assert_uint_eq(hello.actions, MILTER_ADDHDRS | MILTER_CHGHDRS);
	}
	free((void *)in.p);
}
END_TEST

START_TEST(our_own_greeting)
{
	struct milter_hello hello;
	struct err err;

	ck_assert_int_eq(milter_hello_take(milter_hello_make(arena), &hello, &err), MILTER_HELLO_WHOLE);
	ck_assert_uint_eq(hello.version, MILTER_VERSION);
	ck_assert_uint_eq(hello.actions, MILTER_ACTIONS);
	ck_assert_uint_eq(hello.steps, MILTER_STEPS);
	ck_assert_uint_eq(milter_hello_quit().n, 5);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("cli");
	TCase *tc = tcase_create("doctor");

	tcase_add_checked_fixture(tc, arena_setup, arena_teardown);
	tcase_add_loop_test(tc, postfix_lists, 0, ARRAY_LEN(lists));
	tcase_add_loop_test(tc, sendmail_lines, 0, ARRAY_LEN(x_lines));
	tcase_add_loop_test(tc, times_of_mtas, 0, ARRAY_LEN(times));
	tcase_add_test(tc, postconf_rows);
	tcase_add_test(tc, words_of_a_value);
	tcase_add_loop_test(tc, permission_walk, 0, ARRAY_LEN(walks));
	tcase_add_test(tc, looking_at_a_path);
	tcase_add_loop_test(tc, handshake, 0, ARRAY_LEN(hellos));
	tcase_add_test(tc, our_own_greeting);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
