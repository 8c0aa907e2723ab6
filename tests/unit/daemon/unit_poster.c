#include "daemon/poster.h"

#include "base/clock.h"
#include "support/support.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static struct arena *arena;
static char folder[] = "/tmp/unit_poster.XXXXXX";

static void
setup(void)
{
	arena = arena_new();
	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void
teardown(void)
{
	unlink(arena_printf(arena, "%s/mail", folder).p);
	rmdir(folder);
	arena_free(arena);
}

/* "%s" is the folder. */
static struct view
with_folder(const char *script)
{
	struct view before, after, text = view_of(script);

	if (!view_split(text, '%', &before, &after))
		return text;
	return arena_printf(arena, "%.*s%s%.*s", VIEW_ARG(before), folder, VIEW_ARG(view_from(after, 1)));
}

static struct poster
start(const char *script)
{
	static struct view words[4];
	static struct conf_list command;
	struct poster poster = { .fd = -1 };
	struct err err;

	words[0] = VIEW_LIT("/bin/sh");
	words[1] = VIEW_LIT("-c");
	words[2] = with_folder(script);
	words[3] = VIEW_LIT("name");
	command = (struct conf_list){ .item = words, .n = 4, .where = NULL };
	ck_assert(poster_start(&poster, NULL, &command, &err));
	return poster;
}

static bool
post(struct poster *poster, const char *to, struct view text, struct err *err)
{
	struct smtp_mail mail = { .to = view_of(to), .text = text };
	bool reached;

	return poster_send(poster, &mail, 1000, &reached, err);
}

/* What the command makes of a notice. */
static const struct {
	const char *script;
	const char *err;    /* "": it is taken */
	enum err_kind kind;
} commands[] = {
	{ "cat >/dev/null", "", ERR_TEMP },
	{ "exit 0", "", ERR_TEMP }, /* it need not read */
	{ "exit 75", "notices.command ended with status 75", ERR_TEMP },
	{ "exit 78", "notices.command ended with status 78", ERR_TEMP },
	{ "exit 67", "notices.command ended with status 67", ERR_PERM },
	{ "exit 64", "notices.command ended with status 64", ERR_PERM },
	{ "kill -TERM $$", "notices.command was ended by signal 15", ERR_TEMP },
	{ "sleep 20 & sleep 20", "notices.command took too long", ERR_TEMP },
	{ "kill -KILL $PPID", "the poster has gone", ERR_TEMP },
	{ "test \"$1\" = \"-a b'\\\"@x.test\" && test $# = 1 && test \"$(cat)\" = \"$(printf 'one\\n.\\ntwo')\"", "", ERR_TEMP },
	{ "test -z \"$HOME\" && test \"$PATH\" = /usr/sbin:/usr/bin:/sbin:/bin && test \"$(ls /proc/self/fd | wc -l)\" -le 5", "",
	    ERR_TEMP },
};

START_TEST(what_commands_say)
{
	struct poster poster = start(commands[_i].script);
	struct err err = { .text = "" };
	bool ok = post(&poster, "-a b'\"@x.test", VIEW_LIT("one\r\n.\r\ntwo\r\n"), &err);

	ck_assert_msg(ok == (*commands[_i].err == '\0'), "%s: %s", commands[_i].script, err.text);
	if (!ok) {
		ck_assert_str_eq(err.text, commands[_i].err);
		ck_assert_int_eq(err.kind, commands[_i].kind);
	}
	if (poster.fd >= 0)
		close(poster.fd);
}
END_TEST

START_TEST(one_after_another)
{
	struct poster poster = start("cat >>%s/mail");
	char *large = malloc(3000000);
	struct err err;

	memset(large, 'x', 3000000);
	large[2999999] = '\n';
	ck_assert(post(&poster, "a@x.test", VIEW_LIT("first\r\n"), &err));
	ck_assert(post(&poster, "a@x.test", (struct view){ large, 3000000 }, &err));
	ck_assert(post(&poster, "a@x.test", VIEW_LIT("no line end"), &err));
	close(poster.fd);
	struct view got = read_file(arena_printf(arena, "%s/mail", folder).p);
	ck_assert_uint_eq(got.n, 6 + 3000000 + 11);
	ck_assert(view_starts(got, VIEW_LIT("first\nxxx")) && view_ends(got, VIEW_LIT("x\nno line end")));
	free((void *)got.p);
	free(large);
}
END_TEST

/* So that the worker sees that it needs another one. */
START_TEST(one_that_has_gone_is_known)
{
	struct poster poster = start("(sleep 0.1; kill -KILL $PPID) & exit 0");
	struct err err = { .text = "" };

	ck_assert_msg(post(&poster, "a@x.test", VIEW_LIT("x\r\n"), &err), "%s", err.text);
	poll(&(struct pollfd){ .fd = poster.fd, .events = 0 }, 1, 10000);
	ck_assert(!post(&poster, "a@x.test", VIEW_LIT("x\r\n"), &err));
	ck_assert_str_eq(err.text, "the poster has gone");
	ck_assert_int_eq(err.kind, ERR_TEMP);
	ck_assert_int_eq(poster.fd, -1);
}
END_TEST

/* The worker's own promise does not bind what the poster executes. */
START_TEST(it_may_gain_privileges)
{
	struct poster poster = start("grep -q '^NoNewPrivs:.*0' /proc/self/status");
	struct err err = { .text = "" };

	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	ck_assert_msg(post(&poster, "a@x.test", VIEW_LIT("x\r\n"), &err), "%s", err.text);
	close(poster.fd);
}
END_TEST

START_TEST(there_is_no_such_command)
{
	static struct view word = { "/no/such/command", 16 };
	static struct conf_list command = { &word, 1, NULL };
	struct poster poster;
	struct err err;

	ck_assert(poster_start(&poster, NULL, &command, &err));
	ck_assert(!post(&poster, "a@x.test", VIEW_LIT("x\r\n"), &err));
	ck_assert_str_eq(err.text, "notices.command: No such file or directory");
	close(poster.fd);
	poster.fd = -1;
	ck_assert(!post(&poster, "a@x.test", VIEW_LIT("x\r\n"), &err));
	ck_assert_int_eq(err.kind, ERR_TEMP);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("poster");
	TCase *tc = tcase_create("poster");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, what_commands_say, 0, ARRAY_LEN(commands));
	tcase_add_test(tc, one_after_another);
	tcase_add_test(tc, one_that_has_gone_is_known);
	tcase_add_test(tc, it_may_gain_privileges);
	tcase_add_test(tc, there_is_no_such_command);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
