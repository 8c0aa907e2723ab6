#include "milter/outbox.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "smtp_sink.h"
#include "support/support.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOUR 3600000

static struct arena *arena; /* guarded by log_lock while a thread may log */
static struct buffer lines;
static struct lock log_lock;
static struct sink sink;

static void
keep_line(void *ctx, enum log_level level, const char *text)
{
	(void)ctx;
	lock_take(&log_lock);
	buffer_addf(&lines, "%s %s\n", level == LOG_LEVEL_WARNING ? "warning" : "info", text);
	lock_drop(&log_lock);
}

static void
setup(void)
{
	arena = arena_new();
	lines = buffer_in(arena);
	lock_init(&log_lock);
	log_to_function(keep_line, NULL);
}

static void
teardown(void)
{
	log_to_stderr("unit_outbox");
	lock_destroy(&log_lock);
	arena_free(arena);
}

static bool
is_logged(const char *part)
{
	bool found = false;

	lock_take(&log_lock);
	for (size_t i = 0; i < lines.n && !found; i++)
		found = view_starts(view_from(buffer_view(&lines), i), view_of(part));
	lock_drop(&log_lock);
	return found;
}

static void
await_line(const char *part)
{
	int64_t until = clock_mono_ms(&clock_system) + 15000;

	while (!is_logged(part) && clock_mono_ms(&clock_system) < until)
		usleep(5000);
	lock_take(&log_lock);
	struct view all = buffer_view(&lines);
	lock_drop(&log_lock);
	ck_assert_msg(is_logged(part), "never logged: %s\n%.*s", part, VIEW_ARG(all));
}

static struct outbox_mail
mail_to(unsigned port, struct view to)
{
	struct outbox_mail mail = {
		.mail = { .port = port, .helo = VIEW_LIT("mx.example.net"), .to = to,
		    .text = VIEW_LIT("Subject: hi\r\n\r\n.dot\r\n..\r\nend\r\n") },
		.id = VIEW_LIT("4F2"), .about = VIEW_LIT("to=<a@x.test> rcpts=<b@y.test>"), .give_up_ms = HOUR,
	};

	ck_assert(ip_parse(VIEW_LIT("127.0.0.1"), &mail.mail.server));
	return mail;
}

static bool
send_by_smtp(void *ctx, const struct smtp_mail *mail, int64_t wait_ms, bool *reached, struct err *err)
{
	(void)ctx;
	return smtp_send(mail, wait_ms, reached, err);
}

static struct outbox *
start(enum sink_manner manner)
{
	struct outbox *outbox = outbox_new();
	struct err err;

	sink_open(&sink, manner);
	ck_assert(outbox_start(outbox, send_by_smtp, NULL, &err));
	return outbox;
}

static void
stop(struct outbox *outbox)
{
	outbox_free(outbox);
	sink_close(&sink);
}

static void
post(struct outbox *outbox, const struct outbox_mail *mail)
{
	ck_assert_int_eq(outbox_post(outbox, mail, VIEW_LIT("x.test"), 10000, 1), OUTBOX_TAKEN);
}

/* What the server's manner makes of a mail. */
static const struct {
	enum sink_manner manner;
	const char *line; /* that is logged */
	unsigned mails;
} manners[] = {
	{ SINK_GOOD, "info 4F2: event=notice status=sent to=<a@x.test> rcpts=<b@y.test> tries=1\n", 1 },
	{ SINK_LINES, "info 4F2: event=notice status=sent to=<a@x.test> rcpts=<b@y.test> tries=1\n", 1 },
	{ SINK_NO_EHLO, "info 4F2: event=notice status=sent to=<a@x.test> rcpts=<b@y.test> tries=1\n", 1 },
	{ SINK_RCPT_LATER, "info 4F2: event=notice status=later to=<a@x.test> rcpts=<b@y.test> tries=1 "
			   "why=\"RCPT: 451 4.2.1 come again\"\n", 0 },
	{ SINK_RCPT_NEVER, "warning 4F2: event=notice status=lost to=<a@x.test> rcpts=<b@y.test> tries=1 "
			   "why=\"RCPT: 550 5.1.1 nobody ?here\"\n", 0 },
	{ SINK_END_LATER, "status=later to=<a@x.test> rcpts=<b@y.test> tries=1 why=\"end of DATA: 451 4.7.1 not now\"\n", 0 },
	{ SINK_GOODBYE, "tries=1 why=\"greeting: 421 busy\"\n", 0 },
	{ SINK_HANGS_UP, "tries=1 why=\"greeting: the connection was closed\"\n", 0 },
	{ SINK_NO_SMTP, "tries=1 why=\"greeting: the server's answer is no reply of SMTP\"\n", 0 },
};

START_TEST(server_manners)
{
	struct outbox *outbox = start(manners[_i].manner);
	struct view to = tight_cstr("a@x.test");
	struct outbox_mail mail = mail_to(sink.port, to);

	post(outbox, &mail);
	free((void *)to.p); /* it was copied */
	await_line(manners[_i].line);
	ck_assert_uint_eq(sink_mails(&sink), manners[_i].mails);
	stop(outbox);
}
END_TEST

START_TEST(the_dialogue_to_the_octet)
{
	struct outbox *outbox = start(SINK_GOOD);
	struct outbox_mail mail = mail_to(sink.port, VIEW_LIT("\"a b\"@x.test"));

	post(outbox, &mail);
	await_line("status=sent");
	lock_take(&sink.lock);
	ck_view_is(((struct view){ sink.said, sink.n }),
	    "EHLO mx.example.net\r\nMAIL FROM:<>\r\nRCPT TO:<\"a b\"@x.test>\r\nDATA\r\n"
	    "Subject: hi\r\n\r\n..dot\r\n...\r\nend\r\n.\r\n");
	lock_drop(&sink.lock);
	stop(outbox);
}
END_TEST

/* Refused for now, tried again, taken. */
START_TEST(later_is_not_never)
{
	struct outbox *outbox = start(SINK_RCPT_LATER);
	struct outbox_mail mail = mail_to(sink.port, VIEW_LIT("a@x.test"));

	post(outbox, &mail);
	await_line("status=later");
	ck_assert_uint_eq(outbox_fresh(outbox), 0);
	atomic_store(&sink.manner, SINK_GOOD);
	await_line("status=sent to=<a@x.test> rcpts=<b@y.test> tries=2");
	stop(outbox);
}
END_TEST

/* A server that is not there is not asked for each mail. */
START_TEST(an_absent_server_is_left_alone)
{
	struct outbox *outbox = start(SINK_GOOD);
	unsigned port = sink.port;
	struct outbox_mail mail = mail_to(port, VIEW_LIT("a@x.test"));

	sink_close(&sink);
	for (int i = 0; i < 20; i++)
		post(outbox, &mail);
	await_line("tries=1 why=\"connect: Connection refused\"");
	usleep(200000);
	ck_assert_uint_eq(outbox_fresh(outbox), 19);
	outbox_free(outbox);
}
END_TEST

START_TEST(what_takes_too_long_is_lost_aloud)
{
	struct outbox *outbox = start(SINK_RCPT_LATER);
	struct outbox_mail mail = mail_to(sink.port, VIEW_LIT("a@x.test"));

	mail.give_up_ms = 1500;
	post(outbox, &mail);
	await_line("warning 4F2: event=notice status=lost to=<a@x.test> rcpts=<b@y.test> tries=2 why=\"RCPT: 451");
	ck_assert_uint_eq(sink_mails(&sink), 0);
	stop(outbox);
}
END_TEST

/* At the end each is tried once more; what is left is named. */
START_TEST(the_end)
{
	struct outbox *outbox = start(SINK_RCPT_LATER);
	struct outbox_mail mail = mail_to(sink.port, VIEW_LIT("a@x.test"));

	post(outbox, &mail);
	await_line("status=later");
	outbox_close(outbox, clock_mono_ms(&clock_system) + 10000);
	await_line("status=lost to=<a@x.test> rcpts=<b@y.test> tries=2 why=\"RCPT: 451");
	atomic_store(&sink.manner, SINK_GOOD);
	post(outbox, &mail);
	await_line("status=sent");
	stop(outbox);
}
END_TEST

START_TEST(the_end_without_time)
{
	struct outbox *outbox = outbox_new();
	struct outbox_mail mail = mail_to(1, VIEW_LIT("a@x.test"));

	post(outbox, &mail);
	post(outbox, &mail);
	outbox_close(outbox, clock_mono_ms(&clock_system));
	await_line("warning 4F2: event=notice status=lost to=<a@x.test> rcpts=<b@y.test> tries=0 why=\"we stop\"\n"
		   "warning 4F2: event=notice status=lost");
	outbox_free(outbox);
}
END_TEST

START_TEST(the_queue_is_bounded)
{
	struct outbox *outbox = outbox_new();
	struct outbox_mail mail = mail_to(1, VIEW_LIT("a@x.test")), taken;
	static char text[OUTBOX_OCTETS_MAX / 4];

	for (int i = 0; i < OUTBOX_MAILS_MAX; i++)
		post(outbox, &mail);
	ck_assert_int_eq(outbox_post(outbox, &mail, VIEW_LIT("x.test"), 10000, 1), OUTBOX_FULL);
	for (int i = 0; i < OUTBOX_MAILS_MAX; i++)
		ck_assert(outbox_take(outbox, arena, &taken));
	ck_assert(!outbox_take(outbox, arena, &taken));
	ck_view_is(taken.about, "to=<a@x.test> rcpts=<b@y.test>");
	mail.mail.text = (struct view){ text, sizeof(text) };
	for (int i = 0; i < 3; i++)
		post(outbox, &mail);
	ck_assert_int_eq(outbox_post(outbox, &mail, VIEW_LIT("x.test"), 10000, 1), OUTBOX_FULL);
	ck_assert_int_eq(outbox_post(outbox, &mail, VIEW_LIT("y.test"), 0, 1), OUTBOX_RATE);
	outbox_free(outbox);
	outbox_free(NULL);
}
END_TEST

static void *
post_many(void *arg)
{
	struct outbox_mail mail = mail_to(sink.port, VIEW_LIT("a@x.test"));

	for (int i = 0; i < 20; i++)
		post(arg, &mail);
	return NULL;
}

START_TEST(many_threads)
{
	struct outbox *outbox = start(SINK_GOOD);
	pthread_t thread[4];

	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, post_many, outbox), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	outbox_close(outbox, clock_mono_ms(&clock_system) + 15000);
	ck_assert_uint_eq(sink_mails(&sink), 80);
	stop(outbox);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("outbox");
	TCase *tc = tcase_create("outbox");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, server_manners, 0, ARRAY_LEN(manners));
	tcase_add_test(tc, the_dialogue_to_the_octet);
	tcase_add_test(tc, later_is_not_never);
	tcase_add_test(tc, an_absent_server_is_left_alone);
	tcase_add_test(tc, what_takes_too_long_is_lost_aloud);
	tcase_add_test(tc, the_end);
	tcase_add_test(tc, the_end_without_time);
	tcase_add_test(tc, the_queue_is_bounded);
	tcase_add_test(tc, many_threads);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
