#include "unit/srs/srs_test.h"

#include "srs/srs_ask.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- replies ---- */

static const struct {
	const char *payload;
	enum srs_found found;
	const char *value;
} replies[] = {
	{ "OK a@b.test", SRS_FOUND, "a@b.test" },
	{ "OK a@b.test, c@d.test", SRS_FOUND, "a@b.test, c@d.test" },
	{ "OK ", SRS_FOUND_ERROR, NULL },
	{ "OK", SRS_FOUND_ERROR, NULL },
	{ "ok a@b.test", SRS_FOUND_ERROR, NULL },
	{ "NOTFOUND ", SRS_FOUND_NOT, NULL },
	{ "NOTFOUND", SRS_FOUND_NOT, NULL },
	{ "TEMP later", SRS_FOUND_ERROR, NULL },
	{ "TIMEOUT ", SRS_FOUND_ERROR, NULL },
	{ "PERM never", SRS_FOUND_ERROR, NULL },
	{ "", SRS_FOUND_ERROR, NULL },
	{ "HELLO", SRS_FOUND_ERROR, NULL },
};

START_TEST(reply)
{
	struct view in = tight_cstr(replies[_i].payload), value = VIEW_EMPTY;
	struct err err;

	ck_assert_int_eq(srs_ask_reply(in, &value, &err), replies[_i].found);
	if (replies[_i].value != NULL)
		ck_view_is(value, replies[_i].value);
	free((void *)in.p);
}
END_TEST

/* ---- places ---- */

static const struct {
	const char *place;
	bool ok;
} places[] = {
	{ "unix:/run/map.sock:virtual", true },
	{ "inet:127.0.0.1:2527:virtual", true },
	{ "inet:[::1]:2527:virtual", true },
	{ "inet:::1:2527:virtual", true },
	{ "unix:map.sock:virtual", false },
	{ "unix:/run/map.sock", false },
	{ "unix:/run/map.sock:", false },
	{ "inet:localhost:2527:virtual", false },
	{ "inet:127.0.0.1:0:virtual", false },
	{ "inet:127.0.0.1:65536:virtual", false },
	{ "inet:2527:virtual", false },
	{ "tcp:127.0.0.1:2527:virtual", false },
	{ "unix:/run/map.sock:two words", false },
	{ "virtual", false },
	{ "", false },
};

START_TEST(place)
{
	struct err err;
	struct srs_ask *ask = srs_ask_open(view_of(places[_i].place), 100, &err);

	ck_assert_msg((ask != NULL) == places[_i].ok, "%s", places[_i].place);
	srs_ask_close(ask);
}
END_TEST

/* ---- questions ---- */

enum manner { KIND, CLOSES_AFTER, GARBAGE, TWO_ANSWERS, SILENT, HALF };

static struct {
	int listener;
	enum manner manner;
	pthread_t thread;
	int connections, questions;
	char path[256];
} server;

/* One netstring; false: the client has gone. */
static bool
hear(int fd, char *text, size_t room)
{
	size_t n = 0;

	while (n < room - 1 && recv(fd, text + n, 1, 0) == 1)
		if (text[n++] == ',') {
			text[n] = '\0';
			return true;
		}
	return false;
}

static void
answer(int fd, const char *question)
{
	const char *say = strstr(question, "virtual fwd@local.test,") != NULL ? "12:OK a@b.test.," : "9:NOTFOUND ,";

	if (server.manner == GARBAGE)
		say = "HTTP/1.0 400 Bad\r\n";
	else if (server.manner == TWO_ANSWERS)
		say = "9:NOTFOUND ,9:NOTFOUND ,";
	else if (server.manner == HALF)
		say = "12:OK a";
	else if (server.manner == SILENT)
		say = "";
	ck_assert(send(fd, say, strlen(say), MSG_NOSIGNAL) == (ssize_t)strlen(say));
}

static void *
serve(void *arg)
{
	char text[1024];

	(void)arg;
	for (int fd; (fd = accept(server.listener, NULL, NULL)) >= 0; close(fd)) {
		server.connections++;
		while (hear(fd, text, sizeof(text))) {
			server.questions++;
			answer(fd, text);
			if (server.manner == CLOSES_AFTER || server.manner == HALF)
				break;
		}
	}
	return NULL;
}

static struct srs_ask *
start(enum manner manner, int64_t wait_ms)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct err err;

	server.manner = manner;
	server.connections = server.questions = 0;
	snprintf(un.sun_path, sizeof(un.sun_path), "/tmp/unit_srs_ask.%d", (int)getpid());
	unlink(un.sun_path);
	server.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(server.listener, (struct sockaddr *)&un, sizeof(un)), 0);
	ck_assert_int_eq(listen(server.listener, 8), 0);
	ck_assert_int_eq(pthread_create(&server.thread, NULL, serve, NULL), 0);
	snprintf(server.path, sizeof(server.path), "unix:%s:virtual", un.sun_path);
	struct srs_ask *ask = srs_ask_open(view_of(server.path), wait_ms, &err);
	ck_assert_msg(ask != NULL, "%s", err.text);
	return ask;
}

static void
stop(struct srs_ask *ask)
{
	srs_ask_close(ask);
	shutdown(server.listener, SHUT_RDWR);
	pthread_join(server.thread, NULL);
	close(server.listener);
}

static enum srs_found
question(struct srs_ask *ask, const char *key, int64_t mono_ms, struct view *value, struct err *err)
{
	struct clock clock = { .fixed_wall = TEST_NOW, .fixed_mono_ms = mono_ms };

	return srs_ask(ask, view_of(key), &clock, srs_test_arena, value, err);
}

START_TEST(connections_are_kept)
{
	struct srs_ask *ask = start(KIND, 5000);
	struct view value;
	struct err err;

	ck_assert_int_eq(question(ask, "fwd@local.test", 1000, &value, &err), SRS_FOUND);
	ck_view_is(value, "a@b.test.");
	ck_assert_int_eq(question(ask, "user@local.test", 1000, &value, &err), SRS_FOUND_NOT);
	ck_assert_int_eq(question(ask, "with space@local.test", 1000, &value, &err), SRS_FOUND_NOT);
	stop(ask);
	ck_assert_int_eq(server.connections, 1);
	ck_assert_int_eq(server.questions, 2); /* what no map can hold is not asked */
}
END_TEST

START_TEST(a_closed_connection_is_opened_again)
{
	struct srs_ask *ask = start(CLOSES_AFTER, 5000);
	struct view value;
	struct err err;

	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(question(ask, "user@local.test", 1000, &value, &err), SRS_FOUND_NOT);
	stop(ask);
	ck_assert_int_eq(server.connections, 3);
}
END_TEST

static const struct {
	enum manner manner;
	const char *why;
} odd_manners[] = {
	{ GARBAGE, "the server says no netstring" },
	{ TWO_ANSWERS, "the server says more than one answer" },
	{ SILENT, "no answer in time" },
	{ HALF, "the server closed the connection" },
};

/* And for a second nobody else waits for such a server. */
START_TEST(a_failure_is_remembered)
{
	struct srs_ask *ask = start(odd_manners[_i].manner, 100);
	struct view value;
	struct err err;

	ck_assert_int_eq(question(ask, "user@local.test", 1000, &value, &err), SRS_FOUND_ERROR);
	ck_assert_str_eq(err.text, odd_manners[_i].why);
	ck_assert_int_eq(err.kind, ERR_TEMP);
	memset(&err, 0, sizeof(err));
	ck_assert_int_eq(question(ask, "user@local.test", 1999, &value, &err), SRS_FOUND_ERROR);
	ck_assert_str_eq(err.text, odd_manners[_i].why);
	ck_assert_int_eq(server.questions, 1);
	server.manner = KIND;
	ck_assert_int_eq(question(ask, "user@local.test", 2000, &value, &err), SRS_FOUND_NOT);
	stop(ask);
}
END_TEST

START_TEST(nobody_is_there)
{
	struct err err;
	struct view value;
	struct srs_ask *ask = srs_ask_open(VIEW_LIT("unix:/nowhere/map.sock:virtual"), 100, &err);

	ck_assert_int_eq(question(ask, "user@local.test", 1000, &value, &err), SRS_FOUND_ERROR);
	ck_assert_str_eq(err.text, "connect: No such file or directory");
	srs_ask_close(ask);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("srs_ask");
	TCase *tc = tcase_create("ask");

	tcase_add_checked_fixture(tc, srs_test_setup, srs_test_teardown);
	tcase_add_loop_test(tc, reply, 0, ARRAY_LEN(replies));
	tcase_add_loop_test(tc, place, 0, ARRAY_LEN(places));
	tcase_add_test(tc, connections_are_kept);
	tcase_add_test(tc, a_closed_connection_is_opened_again);
	tcase_add_loop_test(tc, a_failure_is_remembered, 0, ARRAY_LEN(odd_manners));
	tcase_add_test(tc, nobody_is_there);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
