#include "base/cursor.h"
#include "report/report_dsn.h"
#include "report/report_smtp.h"
#include "report/report_text.h"
#include "support/setup.h"
#include "support/support.h"

#include <stdlib.h>
#include <string.h>

/* ---- pieces ---- */

static const struct {
	int64_t seconds;
	const char *text;
} dates[] = {
	{ 0, "Thu, 01 Jan 1970 00:00:00 +0000" },
	{ 1795366980, "Sun, 22 Nov 2026 17:03:00 +0000" },
	{ 951782400, "Tue, 29 Feb 2000 00:00:00 +0000" },
	{ 4102444799, "Thu, 31 Dec 2099 23:59:59 +0000" },
};

START_TEST(dates_are_rfc_5322)
{
	ck_view_is(report_date(dates[_i].seconds, arena), dates[_i].text);
}
END_TEST

static const struct {
	const char *what, *in, *out;
} addresses[] = {
	{ "plain", "ann@example.org", "ann@example.org" },
	{ "nothing", "", "" },
	{ "two octets", "\xc3\xa9va@example.org", "\\x{E9}va@example.org" },
	{ "three and four octets", "\xe2\x82\xac\xf0\x9f\x99\x82@x", "\\x{20AC}\\x{1F642}@x" },
	{ "no UTF-8", "\xe9va@example.org", "?va@example.org" },
	{ "a line break", "a\r\nBcc: b@c@x", "a??Bcc: b@c@x" },
	{ "a line break beside UTF-8", "\xc3\xa9\r\nBcc: x", "\\x{E9}??Bcc: x" },
	{ "other controls", "a\tb\x7f", "a?b?" },
};

START_TEST(addresses_are_cleaned)
{
	struct view in = tight_cstr(addresses[_i].in);

	ck_view_is(report_address(in, arena), addresses[_i].out);
	free((void *)in.p);
}
END_TEST

static const struct {
	const char *what, *in, *out; /* NULL: refused */
} xtexts[] = {
	{ "plain", "QQ314159", "QQ314159" },
	{ "nothing", "", "" },
	{ "coded", "a+2Bb+3Dc+40", "a+b=c@" },
	{ "a line break comes out", "a+0D+0Ab", "a\r\nb" },
	{ "lower case digits", "a+2bx", NULL },
	{ "half a code", "a+2", NULL },
	{ "a lone plus", "a+", NULL },
	{ "an equals sign", "a=b", NULL },
	{ "a space", "a b", NULL },
	{ "eight bits", "\xc3\xa9", NULL },
};

START_TEST(xtext_rows)
{
	struct view in = tight_cstr(xtexts[_i].in), out;
	bool ok = report_xtext_decode(in, arena, &out);

	ck_assert_msg(ok == (xtexts[_i].out != NULL), "%s", xtexts[_i].what);
	if (ok)
		ck_view_is(out, xtexts[_i].out);
	free((void *)in.p);
}
END_TEST

static const struct {
	const char *what, *in, *out;
} folds[] = {
	{ "short", "smtp; 550 5.7.1 No", "smtp; 550 5.7.1 No\r\n" },
	{ "nothing", "", "\r\n" },
	{ "spaces around", "  a b  ", "a b\r\n" },
	{ "at a space",
	    "0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 012",
	    "0123456789 0123456789 0123456789 0123456789 0123456789\r\n\t0123456789 0123456789 012\r\n" },
	{ "a long word stays whole",
	    "a 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890 b",
	    "a\r\n\t0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890\r\n\tb\r\n" },
};

START_TEST(folding)
{
	struct buffer b = buffer_in(arena);
	struct view in = tight_cstr(folds[_i].in);

	report_fold(&b, 17, "\t", in);
	ck_view_is(buffer_view(&b), folds[_i].out);
	free((void *)in.p);
}
END_TEST

static const struct {
	const char *what, *in, *out;
} printables[] = {
	{ "plain", "Subject: hi\r\n", "Subject: hi\r\n" },
	{ "eight bits and =", "S: \xc3\xa9=\r\n", "S: =C3=A9=3D\r\n" },
	{ "space before the end", "S: \r\nT:\t\r\n", "S:=20\r\nT:=09\r\n" },
	{ "a bare CR, a bare LF", "a\rb\nc\r\n", "a=0Db=0Ac\r\n" },
	{ "a long line", "0123456789012345678901234567890123456789012345678901234567890123456789012345678\r\n",
	    "012345678901234567890123456789012345678901234567890123456789012345678901234=\r\n5678\r\n" },
	{ "no half code", "01234567890123456789012345678901234567890123456789012345678901234567890123=\r\n",
	    "01234567890123456789012345678901234567890123456789012345678901234567890123=\r\n=3D\r\n" },
};

START_TEST(quoted_printable)
{
	struct buffer b = buffer_in(arena);
	struct view in = tight_cstr(printables[_i].in);

	report_quoted_printable(&b, in);
	ck_view_is(buffer_view(&b), printables[_i].out);
	free((void *)in.p);
}
END_TEST

/* ---- the notice ---- */

static struct header
header_of(const char *text)
{
	struct header h;
	struct view body;
	struct err err;

	header_init(&h, arena, 1 << 20, 1000);
	ck_assert(header_read(view_of(text), &h, &body, &err));
	return h;
}

START_TEST(a_notice_to_the_octet)
{
	struct header h = header_of("From: Ann <ann@example.org>\r\nSubject: hello,\r\n\tworld\r\n\r\n");
	struct dsn_recipient rcpt[] = {
		{ .address = VIEW_LIT("Dan@Strict.test"), .orcpt = VIEW_LIT("ORCPT=rfc822;Dan+2Bold@first.test"),
		    .enhanced = VIEW_LIT("5.7.26"), .reply = VIEW_LIT("550 5.7.26 No [assay:4F2xYz:spoofed]") },
		{ .address = VIEW_LIT("\xc3\xa9va@strict.test"), .orcpt = VIEW_EMPTY, .enhanced = VIEW_LIT("5.7.1"),
		    .reply = VIEW_LIT("550 5.7.1 Refused by the policy of a site that says why in very many words") },
	};
	struct dsn dsn = {
		.reporter = VIEW_LIT("mx.example.net"), .from = VIEW_LIT("MAILER-DAEMON@mx.example.net"),
		.to = VIEW_LIT("ann@example.org"), .envid = VIEW_LIT("ENVID=QQ+2B314159"), .queue_id = VIEW_LIT("4F2xYz"),
		.unique = VIEW_LIT("0123456789abcdef"), .arrived = 1795366980, .now = 1795366981,
		.rcpt = rcpt, .n = 2, .header = &h,
	};

	ck_view_is(report_dsn(&dsn, arena),
	    "From: Mail Delivery System <MAILER-DAEMON@mx.example.net>\r\n"
	    "To: <ann@example.org>\r\n"
	    "Subject: Your message was refused for some of its recipients\r\n"
	    "Date: Sun, 22 Nov 2026 17:03:01 +0000\r\n"
	    "Message-ID: <0123456789abcdef.notice@mx.example.net>\r\n"
	    "Auto-Submitted: auto-replied\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: multipart/report; report-type=delivery-status;\r\n"
	    "\tboundary=\"0123456789abcdef\"\r\n"
	    "\r\n"
	    "--0123456789abcdef\r\n"
	    "Content-Description: Notice\r\n"
	    "Content-Type: text/plain; charset=us-ascii\r\n"
	    "\r\n"
	    "This is the mail filter of mx.example.net.\r\n"
	    "\r\n"
	    "Your message was refused for the recipients below, and for them alone:\r\n"
	    "please do not send it to the others again.\r\n"
	    "\r\n"
	    "<Dan@Strict.test>:\r\n"
	    "    550 5.7.26 No [assay:4F2xYz:spoofed]\r\n"
	    "<\\x{E9}va@strict.test>:\r\n"
	    "    550 5.7.1 Refused by the policy of a site that says why in very many\r\n"
	    "    words\r\n"
	    "\r\n"
	    "Here it is known as 4F2xYz.\r\n"
	    "\r\n"
	    "--0123456789abcdef\r\n"
	    "Content-Description: Delivery status\r\n"
	    "Content-Type: message/delivery-status\r\n"
	    "\r\n"
	    "Reporting-MTA: dns; mx.example.net\r\n"
	    "Original-Envelope-Id: QQ+314159\r\n"
	    "Arrival-Date: Sun, 22 Nov 2026 17:03:00 +0000\r\n"
	    "\r\n"
	    "Original-Recipient: rfc822; Dan+old@first.test\r\n"
	    "Final-Recipient: rfc822; Dan@Strict.test\r\n"
	    "Action: failed\r\n"
	    "Status: 5.7.26\r\n"
	    "Diagnostic-Code: smtp; 550 5.7.26 No [assay:4F2xYz:spoofed]\r\n"
	    "\r\n"
	    "Final-Recipient: utf-8; \\x{E9}va@strict.test\r\n"
	    "Action: failed\r\n"
	    "Status: 5.7.1\r\n"
	    "Diagnostic-Code: smtp; 550 5.7.1 Refused by the policy of a site that says\r\n"
	    "\twhy in very many words\r\n"
	    "\r\n"
	    "--0123456789abcdef\r\n"
	    "Content-Description: Header of your message\r\n"
	    "Content-Type: text/rfc822-headers\r\n"
	    "\r\n"
	    "From: Ann <ann@example.org>\r\n"
	    "Subject: hello,\r\n"
	    "\tworld\r\n"
	    "\r\n"
	    "--0123456789abcdef--\r\n");
}
END_TEST

/* What strangers may try; whatever it is, the lines are ours. */
static const struct {
	const char *what;
	const char *address, *orcpt, *envid, *reply, *to, *header;
	const char *there, *not_there; /* lines, or the beginnings of some */
} tricks[] = {
	{ "injection by the recipient", "a\r\nAction: delivered", "", "", "550 5.7.1 No", "ann@example.org", "From: a\r\n\r\n",
	    "\r\nFinal-Recipient: rfc822; a??Action: delivered\r\n", "\r\nAction: delivered" },
	{ "injection by ORCPT", "a@b", "ORCPT=rfc822;a+0D+0AAction:+20delivered", "", "550 5.7.1 No", "ann@example.org",
	    "From: a\r\n\r\n", "\r\nOriginal-Recipient: rfc822; a??Action: delivered\r\n", "\r\nAction: delivered" },
	{ "injection by ENVID", "a@b", "", "ENVID=a+0D+0ABcc:+20b@c", "550 5.7.1 No", "ann@example.org", "From: a\r\n\r\n",
	    "\r\nOriginal-Envelope-Id: a??Bcc: b@c\r\n", "\r\nBcc:" },
	{ "ENVID that is no xtext", "a@b", "", "ENVID=a=b", "550 5.7.1 No", "ann@example.org", "From: a\r\n\r\n",
	    "\r\nReporting-MTA: dns; mx.example.net\r\nArrival-Date", "Original-Envelope-Id" },
	{ "ORCPT without a type", "a@b", "ORCPT=a@b", "", "550 5.7.1 No", "ann@example.org", "From: a\r\n\r\n",
	    "\r\nFinal-Recipient: rfc822; a@b\r\n", "Original-Recipient" },
	{ "ORCPT of an odd type", "a@b", "ORCPT=rfc 822;a@b", "", "550 5.7.1 No", "ann@example.org", "From: a\r\n\r\n",
	    "\r\nFinal-Recipient: rfc822; a@b\r\n", "Original-Recipient" },
	{ "ORCPT in UTF-8", "a@b", "ORCPT=utf-8;\xc3\xa9@b", "", "550 5.7.1 No", "ann@example.org", "From: a\r\n\r\n",
	    "\r\nOriginal-Recipient: utf-8; \\x{E9}@b\r\n", "\xc3" },
	{ "a sender that would be two", "a@b", "", "", "550 5.7.1 No", "x,y@example.org", "From: a\r\n\r\n",
	    "\r\nTo: undisclosed-recipients:;\r\n", "x,y" },
	{ "a sender in quotes", "a@b", "", "", "550 5.7.1 No", "\"x y\"@example.org", "From: a\r\n\r\n",
	    "\r\nTo: undisclosed-recipients:;\r\n", "x y" },
	{ "a header that is no ASCII", "a@b", "", "", "550 5.7.1 No", "ann@example.org", "From: a\r\nSubject: \xe9\r\n\r\n",
	    "\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nFrom: a\r\nSubject: =E9\r\n", "\xe9" },
	{ "a boundary in the header", "a@b", "", "", "550 5.7.1 No", "ann@example.org",
	    "From: a\r\nSubject: x\r\n --0123--\r\n\r\n", "\r\n --0123--\r\n", "\r\n--0123--\r\n" },
	{ "no header", "a@b", "", "", "550 5.7.1 No", "ann@example.org", "\r\n",
	    "Content-Type: text/rfc822-headers\r\n\r\n\r\n--", "quoted-printable" },
};

static bool
holds(struct view text, const char *part)
{
	struct view wanted = view_of(part);

	for (size_t i = 0; i + wanted.n <= text.n; i++)
		if (view_starts(view_from(text, i), wanted))
			return true;
	return false;
}

static void
check_lines(struct view text)
{
	struct cursor c = cursor_over(text);

	while (!cursor_end(&c)) { /* ends: each turn takes a line */
		struct view line = cursor_take(&c, CC_VCHAR | CC_WSP);
		ck_assert_uint_le(line.n, 998);
		ck_assert(cursor_text(&c, VIEW_LIT("\r\n")));
	}
}

static struct view
notice_of(struct dsn_recipient *rcpt, size_t n, const char *envid, const char *to, const struct header *h)
{
	struct dsn dsn = {
		.reporter = VIEW_LIT("mx.example.net"), .from = VIEW_LIT("MAILER-DAEMON@mx.example.net"), .to = view_of(to),
		.envid = view_of(envid), .queue_id = VIEW_EMPTY, .unique = VIEW_LIT("k7k7k7"), .arrived = 1, .now = 2,
		.rcpt = rcpt, .n = n, .header = h,
	};

	return report_dsn(&dsn, arena);
}

START_TEST(tricks_fail)
{
	struct header h = header_of(tricks[_i].header);
	struct dsn_recipient rcpt = { .address = view_of(tricks[_i].address), .orcpt = view_of(tricks[_i].orcpt),
		.enhanced = VIEW_LIT("5.7.1"), .reply = view_of(tricks[_i].reply) };
	struct view text = notice_of(&rcpt, 1, tricks[_i].envid, tricks[_i].to, &h);

	check_lines(text);
	ck_assert_msg(holds(text, tricks[_i].there), "%s: %.*s", tricks[_i].what, VIEW_ARG(text));
	ck_assert_msg(!holds(text, tricks[_i].not_there), "%s: %.*s", tricks[_i].what, VIEW_ARG(text));
}
END_TEST

/* The largest of everything: lines stay lines, the whole stays bounded. */
START_TEST(sizes_are_bounded)
{
	enum { MANY = DSN_RECIPIENTS_MAX + 70 };
	static char long_text[3000];
	struct dsn_recipient rcpt[MANY];
	struct header h;
	struct err err;

	memset(long_text, 'x', sizeof(long_text));
	struct view large = { long_text, sizeof(long_text) };
	header_init(&h, arena, 1 << 20, 1000);
	for (int i = 0; i < 100; i++)
		ck_assert(header_add(&h, VIEW_LIT("X-Large"), large, &err));
	for (size_t i = 0; i < MANY; i++)
		rcpt[i] = (struct dsn_recipient){ .address = large,
			.orcpt = arena_printf(arena, "ORCPT=rfc822;%.*s", VIEW_ARG(large)), .enhanced = VIEW_LIT("5.7.1"),
			.reply = view_sub(large, 0, 1000) };
	struct view text = notice_of(rcpt, MANY, "ENVID=x", "ann@example.org", &h);
	check_lines(text);
	ck_assert(holds(text, "\r\nand 70 more\r\n"));
	ck_assert(holds(text, "xxx...\r\n"));
	ck_assert_uint_lt(text.n, DSN_RECIPIENTS_MAX * 6000 + 3 * DSN_HEADER_OCTETS_MAX);
}
END_TEST

/* ---- replies of SMTP ---- */

static const struct {
	const char *what, *in;
	enum smtp_outcome outcome;
	int code;
	const char *text;
	size_t left; /* octets behind it */
} replies[] = {
	{ "one line", "250 Ok\r\n", SMTP_WHOLE, 250, "Ok", 0 },
	{ "without a text", "250\r\n", SMTP_WHOLE, 250, "", 0 },
	{ "a space alone", "250 \r\n", SMTP_WHOLE, 250, "", 0 },
	{ "several lines", "250-mx.example.org\r\n250-SIZE\r\n250 HELP\r\n", SMTP_WHOLE, 250, "HELP", 0 },
	{ "the next one behind it", "354 Go\r\n250 Ok\r\n", SMTP_WHOLE, 354, "Go", 8 },
	{ "LF alone", "421 bye\n", SMTP_WHOLE, 421, "bye", 0 },
	{ "nothing yet", "", SMTP_MORE, 0, NULL, 0 },
	{ "half a line", "250 O", SMTP_MORE, 0, NULL, 0 },
	{ "half of several", "250-a\r\n250-b\r\n", SMTP_MORE, 0, NULL, 0 },
	{ "codes that differ", "250-a\r\n550 b\r\n", SMTP_BAD, 0, NULL, 0 },
	{ "no code", "hello\r\n", SMTP_BAD, 0, NULL, 0 },
	{ "two digits", "25 a\r\n", SMTP_BAD, 0, NULL, 0 },
	{ "below 200", "199 a\r\n", SMTP_BAD, 0, NULL, 0 },
	{ "above 599", "600 a\r\n", SMTP_BAD, 0, NULL, 0 },
	{ "another mark", "250+a\r\n", SMTP_BAD, 0, NULL, 0 },
	{ "an empty line", "\r\n", SMTP_BAD, 0, NULL, 0 },
};

START_TEST(reply_rows)
{
	struct view in = tight_cstr(replies[_i].in);
	struct smtp_reply reply;

	ck_assert_msg(smtp_reply_take(in, &reply) == replies[_i].outcome, "%s", replies[_i].what);
	if (replies[_i].outcome == SMTP_WHOLE) {
		ck_assert_int_eq(reply.code, replies[_i].code);
		ck_view_is(reply.text, replies[_i].text);
		ck_assert_uint_eq(in.n - reply.used, replies[_i].left);
	}
	free((void *)in.p);
}
END_TEST

START_TEST(endless_replies_are_bad)
{
	struct buffer line = buffer_in(arena), many = buffer_in(arena);
	struct smtp_reply reply;

	buffer_add_cstr(&line, "250 ");
	while (line.n <= SMTP_LINE_MAX)
		buffer_add_char(&line, 'x');
	ck_assert_int_eq(smtp_reply_take(buffer_view(&line), &reply), SMTP_BAD);
	while (many.n <= SMTP_REPLY_MAX)
		buffer_add_cstr(&many, "250-x\r\n");
	ck_assert_int_eq(smtp_reply_take(buffer_view(&many), &reply), SMTP_BAD);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("report");
	TCase *tc = tcase_create("report");

	tcase_add_checked_fixture(tc, arena_setup, arena_teardown);
	tcase_add_loop_test(tc, dates_are_rfc_5322, 0, ARRAY_LEN(dates));
	tcase_add_loop_test(tc, addresses_are_cleaned, 0, ARRAY_LEN(addresses));
	tcase_add_loop_test(tc, xtext_rows, 0, ARRAY_LEN(xtexts));
	tcase_add_loop_test(tc, folding, 0, ARRAY_LEN(folds));
	tcase_add_loop_test(tc, quoted_printable, 0, ARRAY_LEN(printables));
	tcase_add_test(tc, a_notice_to_the_octet);
	tcase_add_loop_test(tc, tricks_fail, 0, ARRAY_LEN(tricks));
	tcase_add_test(tc, sizes_are_bounded);
	tcase_add_loop_test(tc, reply_rows, 0, ARRAY_LEN(replies));
	tcase_add_test(tc, endless_replies_are_bad);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
