#include "base/buffer.h"
#include "milter/log_line.h"
#include "support/setup.h"
#include "support/support.h"

#include <stdlib.h>
#include <string.h>

#define REST " verdict=accept rule=built-in size=53 dns=4/0 ms=0 generation=1"

static const struct {
	const char *line;
	const char *wanted; /* in words; "!": refused, and a part of why */
} lines[] = {
	{ "Q1: client=mail.example.org[192.0.2.1] helo=mail.example.org from=<ann@example.org> rcpts=1" REST " to=<bob@a.test>",
	    "id=Q1 name=mail.example.org ip=192.0.2.1 helo=mail.example.org from=<ann@example.org> to=<bob@a.test> more=0 when=-1 whole" },
	{ "Nov 22 17:00:01 mx assayd[123]: Q1: client=unknown[2001:db8::1] helo=x from=<> rcpts=3" REST " to=<a@a.test>,<b@a.test>,+1",
	    "id=Q1 ip=2001:db8::1 helo=x from=<> to=<a@a.test> to=<b@a.test> more=1 when=-1 whole" },
	{ "2026-11-22T17:00:01.123456+01:00 mx assayd[9]: Q1: client=unknown[unknown] helo=x from=<a@b.test> rcpts=0" REST,
	    "id=Q1 helo=x from=<a@b.test> more=0 when=1795363201 whole" },
	{ "2026-11-22T17:00:01Z mx assayd: Q1: client=unknown[local] trust=local helo=localhost from=<a@b.test> rcpts=1" REST " to=<x@a.test>",
	    "id=Q1 local trust=local helo=localhost from=<a@b.test> to=<x@a.test> more=0 when=1795366801 whole" },
	{ "2026-11-22 17:00:01-0330 mx assayd: Q1: client=a.test[10.0.0.1] trust=authenticated helo=x from=<a@b.test> rcpts=1" REST
	  " to=<x@a.test>\r\n",
	    "id=Q1 name=a.test ip=10.0.0.1 trust=authenticated helo=x from=<a@b.test> to=<x@a.test> more=0 when=1795379401 whole" },
	/* a stamp without year or zone, or none at all, tells no time */
	{ "2026-11-22T17:00:01 mx assayd: Q1: client=a[10.0.0.1] helo=x from=<> rcpts=0", "id=Q1 name=a ip=10.0.0.1 helo=x from=<> "
											   "more=0 when=-1 whole" },
	{ "2026-13-22T17:00:01Z mx assayd: Q1: client=a[10.0.0.1] helo=x from=<> rcpts=0", "id=Q1 name=a ip=10.0.0.1 helo=x from=<> "
											    "more=0 when=-1 whole" },
	{ "2026-00-22T17:00:01Z mx assayd: Q1: client=a[10.0.0.1] helo=x from=<> rcpts=0", "id=Q1 name=a ip=10.0.0.1 helo=x from=<> "
											    "more=0 when=-1 whole" },
	/* what strangers write is quoted */
	{ "Q1: client=a[1.2.3.4] helo=\"x from=<evil@x.test> to=<y> \\\" \\\\ \\x41\\xff\" from=\"<\\\"a b\\\"@c.test>\" rcpts=1 to=\"<\\\"x,<y\\\"@z.test>\",<u@z.test>",
	    "id=Q1 name=a ip=1.2.3.4 helo=x from=<evil@x.test> to=<y> \" \\ A\xff from=<\"a b\"@c.test> to=<\"x,<y\"@z.test> to=<u@z.test> more=0 when=-1 whole" },
	{ "Q1: client=\"a b\"[1.2.3.4] helo= from=<> rcpts=0", "id=Q1 name=a b ip=1.2.3.4 from=<> more=0 when=-1 whole" },
	{ "Q1: client=\"aaa\"...[1.2.3.4] helo=x... from=<> rcpts=0", "id=Q1 ip=1.2.3.4 helo=x... from=<> more=0 when=-1 whole" },
	{ "Q1: client=a[b[1.2.3.4] helo=x from=<> rcpts=0", "id=Q1 name=a[b ip=1.2.3.4 helo=x from=<> more=0 when=-1 whole" },
	/* keys come once; others are passed over, also those of later versions */
	{ "Q1: client=a[1.2.3.4] new=\"1 from=<x@y>\" bare helo=x from=<a@a.test> rcpts=1 why=\"to=<z@z>\" from=<b@b.test> to=<b@a.test> to=<c@a.test>",
	    "id=Q1 name=a ip=1.2.3.4 helo=x from=<a@a.test> to=<b@a.test> more=0 when=-1 whole" },
	{ "Q1: client=a[1.2.3.4] from=<a@a.test> rcpts=1 to=x@y,z", "id=Q1 name=a ip=1.2.3.4 from=<a@a.test> to=x@y,z more=0 when=-1 whole" },
	/* of one recipient */
	{ "NOQUEUE: client=a[1.2.3.4] from=<a@a.test> rcpt=<b@a.test> stage=rcpt verdict=reject rule=r reply=\"550 5.7.1 no\"",
	    "id=NOQUEUE name=a ip=1.2.3.4 from=<a@a.test> to=<b@a.test> more=0 when=-1" },
	{ "Q1: client=a[1.2.3.4] from=<a@a.test> rcpt=<b@a.test> stage=end verdict=quarantine recipient=redirected to=<jail@a.test>",
	    "id=Q1 name=a ip=1.2.3.4 from=<a@a.test> to=<b@a.test> more=0 when=-1" },
	/* no such line, or cut */
	{ "", "!no line of assayd" },
	{ ": client=a[1.2.3.4] from=<>", "!no line of assayd" },
	{ "Q1: helo=a from=<>", "!no line of assayd" },
	{ "postfix/smtpd[1]: Q1: client=a[1.2.3.4]", "!from=" },
	{ "Q1: client=a helo=x from=<>", "!client=" },
	{ "Q1: client=a[1.2.3.4] helo=x from=<aaaa... rcpts=1", "!from=" },
	{ "Q1: client=a[1.2.3.4] helo=x from=\"<a", "!from=" },
	{ "Q1: client=a[1.2.3.999] helo=x from=<>", "!client=" },
	{ "Q1: client=a[1.2.3.4] helo=x from=<> rcpts=1 to=", "!to=" },
	{ "Q1: client=a[1.2.3.4] helo=x from=<> rcpts=2 to=<a@b>,\"<c", "!to=" },
	{ "Q1: client=a[1.2.3.4] helo=x from=<> rcpts=x", "!rcpts=" },
};

static void
add_word(struct buffer *b, const char *word, struct view value)
{
	if (value.n > 0)
		buffer_addf(b, "%s=%.*s ", word, VIEW_ARG(value));
}

static struct view
in_words(const struct log_line *l)
{
	struct buffer b = buffer_in(arena);

	add_word(&b, "id", l->id);
	add_word(&b, "name", l->name);
	if (l->client.family != 0)
		add_word(&b, "ip", ip_text(&l->client, arena));
	buffer_add_cstr(&b, l->local ? "local " : "");
	add_word(&b, "trust", l->trust);
	add_word(&b, "helo", l->helo);
	add_word(&b, "from", l->from);
	for (size_t i = 0; i < l->recipients; i++)
		add_word(&b, "to", l->to[i]);
	buffer_addf(&b, "more=%zu when=%lld%s", l->more, (long long)l->when, l->whole ? " whole" : "");
	return buffer_view(&b);
}

START_TEST(envelope)
{
	struct view line = tight_cstr(lines[_i].line);
	struct log_line l;
	struct err err = { .text = "" };
	bool ok = log_line_parse(line, arena, &l, &err);

	if (lines[_i].wanted[0] == '!') {
		ck_assert_msg(!ok, "%s: %.*s", lines[_i].line, VIEW_ARG(in_words(&l)));
		ck_assert_msg(strstr(err.text, lines[_i].wanted + 1) != NULL, "%s: %s", lines[_i].line, err.text);
	} else {
		ck_assert_msg(ok, "%s: %s", lines[_i].line, err.text);
		struct view got = in_words(&l);
		ck_assert_msg(view_is(got, lines[_i].wanted), "got    %.*s\nwanted %s", VIEW_ARG(got), lines[_i].wanted);
	}
	free((void *)line.p);
}
END_TEST

#define RCPT(id, who) id ": client=a[1.2.3.4] from=<> rcpt=<" who "> stage=rcpt verdict=reject\n"
#define WHOLE(id, who) id ": client=a[1.2.3.4] helo=x from=<> rcpts=1 verdict=accept to=<" who ">\n"

static const struct {
	const char *log, *id;
	const char *who; /* NULL: none */
} logs[] = {
	{ "", "A", NULL },
	{ WHOLE("A", "1") WHOLE("B", "2"), "A", "1" },
	{ WHOLE("A", "1") WHOLE("B", "2"), "B", "2" },
	{ WHOLE("A", "1") WHOLE("B", "2"), "C", NULL },
	{ WHOLE("AB", "1"), "B", NULL },
	{ "x " WHOLE("A", "1") "y " WHOLE("A", "2"), "A", "2" }, /* the last: ids come again */
	{ RCPT("A", "1") WHOLE("A", "2") RCPT("A", "3"), "A", "2" },
	{ RCPT("A", "1") RCPT("A", "2"), "A", "2" },
	{ "A: event=x rcpts=1\nnothing\n" RCPT("A", "1"), "A", "1" },
};

START_TEST(found)
{
	struct view line;
	bool any = log_line_find(view_of(logs[_i].log), view_of(logs[_i].id), &line);

	ck_assert_int_eq(any, logs[_i].who != NULL);
	if (any)
		ck_assert_ptr_nonnull(strstr(arena_cstr(arena, line), arena_printf(arena, "=<%s>", logs[_i].who).p));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("log_line");
	TCase *tc = tcase_create("log_line");

	tcase_add_checked_fixture(tc, arena_setup, arena_teardown);
	tcase_add_loop_test(tc, envelope, 0, ARRAY_LEN(lines));
	tcase_add_loop_test(tc, found, 0, ARRAY_LEN(logs));
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
