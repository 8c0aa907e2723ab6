/*
 * The callbacks under the real libmilter: a child runs milter_run on a socket of ours, the test speaks the MTA's side of
 * the wire.  What the session decides is tests/replay's matter; here it is what an MTA gets to read.
 */
#include "base/buffer.h"
#include "base/log.h"
#include "crypt/digest.h"
#include "dns/dns_conf.h"
#include "milter/milter.h"
#include "milter/settings.h"
#include "support/support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmilter/mfapi.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static struct arena *arena;
static char dir[] = "/tmp/unit_callbacks.XXXXXX";
static struct sockaddr_un address = { .sun_family = AF_UNIX };
static pid_t child;
static int control; /* to the child: 'd' drain, 's' stop, 'q' end at once, 'n' how many messages are open (an octet comes) */

/* ---- the child ---- */

static struct settings *settings;

static struct settings *
take_settings(void *ctx)
{
	(void)ctx;
	return settings_ref(settings);
}

static void
drop_settings(void *ctx, struct settings *s)
{
	(void)ctx;
	settings_unref(s);
}

static void *
obey(void *arg)
{
	int fd = *(int *)arg;
	char c;

	while (read(fd, &c, 1) == 1) {
		char open = (char)milter_messages_open();
		if (c == 'd')
			milter_drain();
		if (c == 'n' && write(fd, &open, 1) != 1)
			break;
		if (c == 's')
			milter_stop();
		if (c == 'q')
			_exit(0);
	}
	return NULL;
}

static void
start_obeying(void *ctx)
{
	pthread_t t;

	pthread_create(&t, NULL, obey, ctx);
	pthread_detach(t);
}

static void
run_child(int listen_fd, int control_fd, int64_t connections_max)
{
	static const char zone[] = "example.org TXT \"v=spf1 ip4:192.0.2.1 ip6:2001:db8::1 -all\"\n";
	struct session_env session = { .settings_take = take_settings, .settings_drop = drop_settings,
		.clock = &clock_system };
	struct milter_env env = { .session = &session, .listen_fd = listen_fd, .kind = "unix", .backlog = 10, .timeout = 60,
		.connections_max = connections_max, .ready = start_obeying, .ctx = &control_fd };
	struct err err;

	log_set_level(LOG_LEVEL_ERROR);
	settings = settings_presets();
	settings->site.authserv_id = VIEW_LIT("mx.example.net");
	session.shared.dns = crypt_open(&err) ? dns_open_fake(view_of(zone), &err) : NULL;
	bool ok = session.shared.dns != NULL && milter_run(&env, &err);
	if (!ok)
		fprintf(stderr, "child: %s\n", err.text);
	_exit(ok ? 0 : 1); /* libmilter's threads still run: nothing can be taken from under them */
}

static void
start_milter(int64_t connections_max)
{
	int pair[2], fd = socket(AF_UNIX, SOCK_STREAM, 0);

	arena = arena_new();
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", dir);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fd, 10), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		close(pair[0]);
		run_child(fd, pair[1], connections_max);
	}
	close(fd);
	close(pair[1]);
	control = pair[0];
}

/* A sanitizer's word in the child is its exit status. */
static void
end_milter(const char *command)
{
	int status;

	ck_assert_int_eq(write(control, command, 1), 1);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	close(control);
	unlink(address.sun_path);
	rmdir(dir);
	arena_free(arena);
}

/* libmilter takes some seconds to stop by itself: one test waits for that. */
static void
stop_milter(void)
{
	end_milter("q");
}

static int
messages_open(void)
{
	char n;

	ck_assert_int_eq(write(control, "n", 1), 1);
	ck_assert_int_eq(read(control, &n, 1), 1);
	return n;
}

/* ---- the MTA's side of the wire ---- */

#define ALL_ACTIONS 0x1ff
#define ALL_STEPS 0x1fffff /* what Postfix and Sendmail offer */

static int
open_wire(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct timeval patience = { .tv_sec = 10 };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static bool
try_say(int fd, char command, struct view data)
{
	uint32_t n = htonl((uint32_t)data.n + 1);
	struct buffer b = buffer_in(arena);

	buffer_add(&b, (struct view){ (const char *)&n, sizeof(n) });
	buffer_add_char(&b, command);
	buffer_add(&b, data);
	return write(fd, b.p, b.n) == (ssize_t)b.n;
}

static void
say(int fd, char command, struct view data)
{
	ck_assert_msg(try_say(fd, command, data), "%c: %s", command, strerror(errno));
}

/* "|" stands for NUL, and one is added at the end. */
static struct view
texts_of(struct view texts)
{
	struct buffer b = buffer_in(arena);

	for (size_t i = 0; i < texts.n; i++)
		buffer_add_char(&b, texts.p[i] == '|' ? '\0' : texts.p[i]);
	buffer_add_char(&b, '\0');
	return buffer_view(&b);
}

static void
say_texts(int fd, char command, const char *texts)
{
	say(fd, command, texts_of(view_of(texts)));
}

static bool
read_all(int fd, char *p, size_t n)
{
	while (n > 0) {
		ssize_t got = read(fd, p, n);
		if (got <= 0)
			return false;
		p += got;
		n -= (size_t)got;
	}
	return true;
}

/* The next reply: its letter, its numbers as "<n>", NUL as "|"; "EOF" when there is none. */
static struct view
hear(int fd)
{
	struct buffer b = buffer_in(arena);
	uint32_t n, index;
	char *p;

	if (!read_all(fd, (char *)&n, sizeof(n)))
		return VIEW_LIT("EOF");
	n = ntohl(n);
	p = arena_alloc(arena, n);
	ck_assert(read_all(fd, p, n));
	struct view rest = { p + 1, n - 1 };
	buffer_add_char(&b, p[0]);
	if (p[0] == 'i' || p[0] == 'm') {
		memcpy(&index, rest.p, sizeof(index));
		buffer_addf(&b, "<%u>", ntohl(index));
		rest = view_from(rest, sizeof(index));
	}
	for (size_t i = 0; i < rest.n; i++)
		buffer_add_char(&b, rest.p[i] == '\0' ? '|' : rest.p[i]);
	return buffer_view(&b);
}

static uint32_t
number_at(struct view v, size_t at)
{
	uint32_t n;

	memcpy(&n, v.p + at, sizeof(n));
	return ntohl(n);
}

/* What the filter wants of what is offered; false: it hangs up. */
static bool
negotiate(int fd, uint32_t actions, uint32_t steps, uint32_t *wants)
{
	uint32_t offer[3] = { htonl(6), htonl(actions), htonl(steps) };
	uint32_t n;

	say(fd, 'O', (struct view){ (const char *)offer, sizeof(offer) });
	if (!read_all(fd, (char *)&n, sizeof(n)))
		return false;
	n = ntohl(n);
	char *p = arena_alloc(arena, n);
	ck_assert(n >= 13 && read_all(fd, p, n) && p[0] == 'O');
	wants[0] = number_at((struct view){ p, n }, 5);
	wants[1] = number_at((struct view){ p, n }, 9);
	return true;
}

static void
say_connect(int fd, const char *name, char family, uint16_t port, const char *ip)
{
	struct buffer b = buffer_in(arena);
	uint16_t p = htons(port);

	buffer_add_cstr(&b, name);
	buffer_add_char(&b, '\0');
	buffer_add_char(&b, family);
	buffer_add(&b, (struct view){ (const char *)&p, sizeof(p) });
	buffer_add_cstr(&b, ip);
	buffer_add_char(&b, '\0');
	say(fd, 'C', buffer_view(&b));
}

#define RESULTS "i<0>Authentication-Results| mx.example.net;\n\t"

static void
expect(int fd, const char *reply)
{
	ck_view_is(hear(fd), reply);
}

static void
expect_start(int fd, const char *reply)
{
	struct view got = hear(fd);

	ck_assert_msg(view_starts(got, view_of(reply)), "got \"%.*s\", want \"%s...\"", VIEW_ARG(got), reply);
}

START_TEST(asks_for_little)
{
	uint32_t wants[2];

	start_milter(10);
	int fd = open_wire();
	ck_assert(negotiate(fd, ALL_ACTIONS, ALL_STEPS, wants));
	ck_assert_uint_eq(wants[0], SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_CHGFROM | SMFIF_ADDRCPT | SMFIF_ADDRCPT_PAR | SMFIF_DELRCPT |
		SMFIF_QUARANTINE | SMFIF_SETSYMLIST);
	ck_assert_uint_eq(wants[1], SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_HDR | SMFIP_NR_BODY | SMFIP_HDR_LEADSPC |
		SMFIP_NOUNKNOWN | SMFIP_NODATA | SMFIP_NOEOH);
	close(fd);
	stop_milter();
}
END_TEST

START_TEST(a_message_goes_through)
{
	uint32_t wants[2];

	start_milter(10);
	int fd = open_wire();
	ck_assert(negotiate(fd, ALL_ACTIONS, ALL_STEPS, wants));
	say_connect(fd, "mail.example.org", _i == 0 ? '4' : '6', 25, _i == 0 ? "192.0.2.1" : "2001:db8::1");
	say_texts(fd, 'H', "mail.example.org");
	for (int turn = 0; turn < 3; turn++) {
		say_texts(fd, 'D', "Mi|Q1");
		say_texts(fd, 'M', "<ann@example.org>|SIZE=9");
		expect(fd, "c");
		ck_assert_int_eq(messages_open(), 1);
		say_texts(fd, 'R', "<bob@example.net>");
		expect(fd, "c");
		say_texts(fd, 'L', "Authentication-Results| mx.example.net; spf=pass");
		say_texts(fd, 'L', "Authentication-Results| other.example; spf=pass");
		say_texts(fd, 'L', "authentication-results|\n\tmx.example.net; spf=pass");
		say_texts(fd, 'L', "From| ann@example.org");
		say(fd, 'B', VIEW_LIT("text\r\n"));
		say(fd, 'E', VIEW_EMPTY);
		expect(fd, "m<3>Authentication-Results||");
		expect(fd, "m<1>Authentication-Results||");
		expect_start(fd, RESULTS "spf=pass");
		expect(fd, "c");
		ck_assert_int_eq(messages_open(), 0);
		say(fd, 'A', VIEW_EMPTY);
		say(fd, 'A', VIEW_EMPTY);
	}
	say(fd, 'Q', VIEW_EMPTY);
	expect(fd, "EOF");
	close(fd);
	stop_milter();
}
END_TEST

/* Version 2 of the protocol as Postfix spoke it first: every event wants an answer, one space is gone. */
START_TEST(an_old_mta_is_answered)
{
	uint32_t wants[2];

	start_milter(10);
	int fd = open_wire();
	ck_assert(negotiate(fd, 0x1f, 0x7f, wants));
	ck_assert_uint_eq(wants[1], SMFIP_NOEOH);
	say_connect(fd, "mail.example.org", '4', 25, "192.0.2.1");
	expect(fd, "c");
	say_texts(fd, 'H', "mail.example.org");
	expect(fd, "c");
	say_texts(fd, 'M', "<ann@example.org>");
	expect(fd, "c");
	say_texts(fd, 'R', "<bob@example.net>");
	expect(fd, "c");
	say_texts(fd, 'L', "From|ann@example.org");
	expect(fd, "c");
	say(fd, 'B', VIEW_LIT("text\r\n"));
	expect(fd, "c");
	say(fd, 'E', VIEW_EMPTY);
	expect_start(fd, "i<0>Authentication-Results|mx.example.net;\n\t");
	expect(fd, "c");
	close(fd);
	stop_milter();
}
END_TEST

START_TEST(an_mta_that_lets_nothing_be_added_is_left)
{
	uint32_t wants[2];

	start_milter(1);
	int fd = open_wire();
	ck_assert(!negotiate(fd, SMFIF_CHGHDRS, ALL_STEPS, wants));
	close(fd);
	fd = open_wire();
	ck_assert(negotiate(fd, ALL_ACTIONS, ALL_STEPS, wants));
	ck_assert_uint_ne(wants[1] & SMFIP_NR_CONN, 0); /* the first one is not counted any more */
	close(fd);
	stop_milter();
}
END_TEST

START_TEST(replies_are_ours)
{
	uint32_t wants[2];

	start_milter(10);
	struct buffer longer = buffer_in(arena);
	int fd = open_wire();
	ck_assert(negotiate(fd, ALL_ACTIONS, ALL_STEPS, wants));
	say_connect(fd, "mail.example.org", '4', 25, "192.0.2.1");
	say_texts(fd, 'H', "mail.example.org");
	buffer_add_char(&longer, '<');
	for (int i = 0; i < 2000; i++)
		buffer_add_char(&longer, 'a');
	buffer_add_cstr(&longer, "@example.org>");
	buffer_add_char(&longer, '\0');
	say(fd, 'M', buffer_view(&longer));
	expect(fd, "y553 5.1.7 Sender address too long|");
	say_texts(fd, 'M', "<ann@example.org>");
	expect(fd, "c");
	say(fd, 'R', buffer_view(&longer));
	expect(fd, "y553 5.1.3 Recipient address too long|");
	say_texts(fd, 'R', "<bob@example.net>");
	expect(fd, "c");
	for (int i = 0; i < 2100; i++)
		say_texts(fd, 'L', "X| y");
	say(fd, 'E', VIEW_EMPTY);
	expect(fd, "y552 5.3.4 Message refused: more than 2000 header fields|");
	close(fd);
	stop_milter();
}
END_TEST

START_TEST(too_many_connections_are_told_so)
{
	uint32_t wants[2];

	start_milter(1);
	int first = open_wire();
	ck_assert(negotiate(first, ALL_ACTIONS, ALL_STEPS, wants));
	int second = open_wire();
	ck_assert(negotiate(second, ALL_ACTIONS, ALL_STEPS, wants));
	ck_assert_uint_eq(wants[1] & SMFIP_NR_CONN, 0);
	say_connect(second, "mail.example.org", '4', 25, "192.0.2.1");
	expect(second, "t");
	say_texts(second, 'M', "<ann@example.org>");
	expect(second, "t");
	say(first, 'Q', VIEW_EMPTY);
	expect(first, "EOF");
	close(first);
	close(second);
	usleep(50000); /* libmilter notices the end of a connection when it polls again */
	int third = open_wire();
	ck_assert(negotiate(third, ALL_ACTIONS, ALL_STEPS, wants));
	ck_assert_uint_ne(wants[1] & SMFIP_NR_CONN, 0);
	close(third);
	stop_milter();
}
END_TEST

START_TEST(drains)
{
	uint32_t wants[2];

	start_milter(10);
	int fd = open_wire();
	ck_assert(negotiate(fd, ALL_ACTIONS, ALL_STEPS, wants));
	say_connect(fd, "mail.example.org", '4', 25, "192.0.2.1");
	say_texts(fd, 'M', "<ann@example.org>");
	expect(fd, "c");
	ck_assert_int_eq(write(control, "d", 1), 1);
	ck_assert_int_eq(messages_open(), 1);
	say_texts(fd, 'R', "<bob@example.net>");
	expect(fd, "c");
	say_texts(fd, 'L', "From| ann@example.org");
	say(fd, 'E', VIEW_EMPTY);
	expect_start(fd, RESULTS);
	expect(fd, "c");
	ck_assert_int_eq(messages_open(), 0);
	say_texts(fd, 'M', "<ann@example.org>");
	expect(fd, "y451 4.3.2 Mail filter is about to stop, please try again|");
	int late = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_ne(connect(late, (struct sockaddr *)&address, sizeof(address)), 0);
	close(late);
	close(fd);
	end_milter("s");
}
END_TEST

/* Each row: packets in an order no MTA should send; then a new connection must work. */
static const struct {
	const char *what;
	const char *packets; /* letter, then texts up to ";" */
} odd[] = {
	{ "end of message without a message", "E;" },
	{ "MAIL before connect", "M<a@b>;E;" },
	{ "RCPT before MAIL", "R<a@b>;" },
	{ "headers first", "LA|b;LC| d;" },
	{ "body first", "Bx;" },
	{ "abort first", "A;A;" },
	{ "unknown packets", "U;Zx;" },
	{ "macros for nothing", "DMi|x;DX;" },
	{ "quit in mid header", "M<a@b>;R<a@b>;LFrom| x;Q;" },
	{ "two MAILs", "M<a@b>;M<c@d>;R<e@f>;E;" },
	{ "a field without a value", "M<a@b>;R<a@b>;LX;" },
	{ "an empty MAIL", "M;R;E;" },
	{ "a second negotiation", "Oxxxxxxxxxxxxxxx;M<a@b>;" },
	{ "quit, and a new connection on the same wire", "M<a@b>;K;H x;M<a@b>;" },
};

START_TEST(odd_orders_harm_nobody)
{
	uint32_t wants[2];

	start_milter(10);
	int fd = open_wire();
	ck_assert(negotiate(fd, ALL_ACTIONS, ALL_STEPS, wants));
	if (_i % 2 == 0)
		say_connect(fd, "x", '4', 25, "192.0.2.1");
	for (struct view rest = view_of(odd[_i].packets), packet; rest.n > 0;) {
		view_split(rest, ';', &packet, &rest);
		struct view texts = view_from(packet, 1);
		if (!try_say(fd, packet.p[0], texts.n == 0 ? VIEW_EMPTY : texts_of(texts)))
			break; /* the filter has hung up on it */
	}
	close(fd);
	fd = open_wire();
	ck_assert_msg(negotiate(fd, ALL_ACTIONS, ALL_STEPS, wants), "%s", odd[_i].what);
	say_connect(fd, "mail.example.org", '4', 25, "192.0.2.1");
	say_texts(fd, 'M', "<ann@example.org>");
	expect(fd, "c");
	say_texts(fd, 'R', "<bob@example.net>");
	expect(fd, "c");
	say(fd, 'E', VIEW_EMPTY);
	expect_start(fd, RESULTS);
	expect(fd, "c");
	ck_assert_int_eq(messages_open(), 0);
	close(fd);
	stop_milter();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("callbacks");
	TCase *tc = tcase_create("callbacks");

	signal(SIGPIPE, SIG_IGN); /* the filter may hang up on what we say */
	tcase_set_timeout(tc, 60); /* libmilter looks for a stop every few seconds */
	tcase_add_test(tc, asks_for_little);
	tcase_add_loop_test(tc, a_message_goes_through, 0, 2);
	tcase_add_test(tc, an_old_mta_is_answered);
	tcase_add_test(tc, an_mta_that_lets_nothing_be_added_is_left);
	tcase_add_test(tc, replies_are_ours);
	tcase_add_test(tc, too_many_connections_are_told_so);
	tcase_add_test(tc, drains);
	tcase_add_loop_test(tc, odd_orders_harm_nobody, 0, ARRAY_LEN(odd));
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
