/* Mailbox lists, the author's domain, paths of the envelope. */
#include "base/buffer.h"
#include "mail/address.h"
#include "support/setup.h"
#include "support/support.h"

#include <stdlib.h>
#include <string.h>

/*
 * From fields as senders of all kinds write them, each with the one thing a strict reader says: the domain, the
 * domains, or why there is none.
 */
#define ONE(text, domain) { { text, sizeof(text) - 1 }, FROM_ONE, domain }
#define SEVERAL(text, domains) { { text, sizeof(text) - 1 }, FROM_SEVERAL, domains }
#define NONE(text, why) { { text, sizeof(text) - 1 }, FROM_NONE, why }
#define COMMENTS_10 "(((((((((("
#define COMMENTS_10_END "))))))))))"
#define LABEL_63 "a23456789012345678901234567890123456789012345678901234567890123"

static const struct {
	struct view value;
	enum from_outcome outcome;
	const char *says; /* domain; domains joined by a space; how why begins */
} froms[] = {
	/* as everybody writes them */
	ONE(" a@example.org", "example.org"),
	ONE("a@example.org", "example.org"),
	ONE(" <a@example.org>", "example.org"),
	ONE(" Ann <a@example.org>", "example.org"),
	ONE(" \"Ann, B.\" <a@example.org>", "example.org"),
	ONE(" Ann B. Sample <a@example.org>", "example.org"),
	ONE(" a@example.org (Ann)", "example.org"),
	ONE(" Ann\r\n <a@example.org>", "example.org"),
	ONE(" Ann\n\t<a@example.org>", "example.org"),
	ONE("\r\n a@example.org", "example.org"),
	ONE(" Ann <A@EXAMPLE.org>", "example.org"),
	ONE(" =?utf-8?q?Ann?= <a@example.org>", "example.org"),
	ONE(" =?utf-8?B?PHhAZXZpbC50ZXN0Pg==?= <a@example.org>", "example.org"), /* "<x@evil.test>" within */
	ONE(" \"=?utf-8?q?x=40evil.test?=\" <a@example.org>", "example.org"),
	ONE(" Ann via list <a@example.org>", "example.org"),
	ONE(" 'Ann via List' via List <list@example.org>", "example.org"),
	ONE(" a@sub.example.org", "sub.example.org"),
	ONE(" a+b=c@example.org", "example.org"),
	ONE(" prvs=1234=a@example.org", "example.org"),
	ONE(" SRS0=abcd=XY=evil.test=x@example.org", "example.org"),
	ONE(" a@localhost", "localhost"),
	ONE(" a@_x.example.org", "_x.example.org"),
	/* other addresses in display names, comments and local parts */
	ONE(" \"x@evil.test\" <a@example.org>", "example.org"),
	ONE(" \"<x@evil.test>\" <a@example.org>", "example.org"),
	ONE(" \"a <x@junk.test>\"@my.example", "my.example"),
	ONE(" \"a@evil.test\"@my.example", "my.example"),
	ONE(" \"a\\\"@evil.test\"@my.example", "my.example"),
	ONE(" \"\\\\\"@my.example", "my.example"),
	ONE(" \">\" <a@example.org>", "example.org"),
	ONE(" \"x@evil.test>, <y@evil.test\" <a@example.org>", "example.org"),
	ONE(" (x@evil.test) a@example.org", "example.org"),
	ONE(" a@example.org (<x@evil.test>)", "example.org"),
	ONE(" a(x@evil.test)@example.org", "example.org"),
	ONE(" a@(x@evil.test)example.org", "example.org"),
	ONE(" (x@evil.test,) <a@example.org> (, y@evil.test)", "example.org"),
	ONE(" (\\) x@evil.test) a@example.org", "example.org"),
	ONE(" (a(b)c(d(e))) a@example.org", "example.org"),
	ONE(" \"(\" <a@example.org> (\")", "example.org"),
	ONE(" \"\" <a@example.org>", "example.org"),
	ONE(" \"\"@example.org", "example.org"),
	ONE(" \"\\a\\b\" <a@example.org>", "example.org"),
	ONE(" =?utf-8?q?x?=@example.org", "example.org"), /* atext; no reader may decode it (RFC 2047 5) */
	ONE(" evil.test!x%y@example.org", "example.org"),
	ONE(" `|{}~!#$%&'*+-/=?^_@example.org", "example.org"),
	/* obsolete, but grammar */
	ONE(" a . b @ example . org", "example.org"),
	ONE(" a@example\r\n .org", "example.org"),
	ONE(" \"a\".b.\"c d\"@example.org", "example.org"),
	ONE(" < a @ example.org >", "example.org"),
	ONE(" <@evil.test:a@example.org>", "example.org"),
	ONE(" <@evil.test,@two.test:a@example.org>", "example.org"),
	ONE(" <,, @evil.test,,@two.test:a@example.org>", "example.org"),
	ONE(" , a@example.org,,", "example.org"),
	ONE(" a@example.org,", "example.org"),
	ONE(" (x), (y) ,a@example.org", "example.org"),
	ONE(" (c)\r\n (d)\r\n a@example.org", "example.org"),
	ONE(" Ann.B.. Sample. <a@example.org>", "example.org"),
	ONE(" \"Ann\"Sample\"B\"<a@example.org>", "example.org"),
	ONE(" a@example.org\r\n ", "example.org"),
	ONE(" \r\n \r\n a@example.org", "example.org"), /* obs-FWS */
	ONE(" " COMMENTS_10 COMMENTS_10 COMMENTS_10 COMMENTS_10 COMMENTS_10_END COMMENTS_10_END COMMENTS_10_END
	    COMMENTS_10_END " a@example.org", "example.org"),
	/* several mailboxes, groups */
	ONE(" a@example.org, b@example.org", "example.org"),
	ONE(" a@example.org, B <b@EXAMPLE.ORG>", "example.org"),
	ONE(" Team: a@example.org, b@example.org;", "example.org"),
	ONE(" Team: a@example.org;, b@example.org", "example.org"),
	ONE(" Team:a@example.org;(x)", "example.org"),
	SEVERAL(" a@example.org, b@evil.test", "example.org evil.test"),
	SEVERAL(" a@evil.test, b@example.org, c@evil.test", "evil.test example.org"),
	SEVERAL(" a@example.org, b@sub.example.org", "example.org sub.example.org"),
	SEVERAL(" A: a@example.org;, B: b@evil.test;", "example.org evil.test"),
	SEVERAL(" Team: a@example.org, <b@evil.test>;", "example.org evil.test"),
	SEVERAL(" a@example.org,,(x),b@evil.test", "example.org evil.test"),
	SEVERAL(" a@b\xc3\xbc" "cher.example, b@bucher.example", "xn--bcher-kva.example bucher.example"),
	/* UTF-8 and IDNA */
	ONE(" \xc3\xa9@example.org", "example.org"),
	ONE(" \xc3\x89va <a@example.org>", "example.org"),
	ONE(" \"\xc3\x89va\" <a@example.org>", "example.org"),
	ONE(" (\xc3\x89va) a@example.org", "example.org"),
	ONE(" a@b\xc3\xbc" "cher.example", "xn--bcher-kva.example"),
	ONE(" a@B\xc3\x9c" "CHER.example", "xn--bcher-kva.example"),
	ONE(" a@b\xc3\xbc" "cher.example, b@xn--bcher-kva.example", "xn--bcher-kva.example"),
	ONE(" a@example\xe3\x80\x82" "org", "example.org"),	      /* ideographic full stop */
	ONE(" a@\xef\xbd\x85xample.org", "example.org"),	      /* full-width e */
	ONE(" a\xef\xbc\xa0" "evil.test@example.org", "example.org"), /* U+FF20 is no "@" */
	ONE(" \xe2\x80\xae <a@example.org>", "example.org"),	      /* right-to-left override in a name */
	NONE(" a@evil.test\xef\xbc\xa0" "example.org", "From cannot be parsed: "),
	NONE(" a@ex\xe2\x80\xae" "ample.org", "From cannot be parsed: not an internationalized domain"),
	NONE(" a@ex\xe2\x84\x80.org", "From cannot be parsed: "),
	NONE(" a@example\xc2\xa0.org", "From cannot be parsed: "), /* no-break space */
	NONE(" a@example.org\xc2\xa0", "From cannot be parsed: "),
	NONE(" a@b\xfc" "cher.example", "From cannot be parsed: malformed UTF-8"),
	NONE(" \xc9va <a@example.org>", "From cannot be parsed: malformed UTF-8"), /* Latin-1 */
	NONE(" \"\x83\x5c\" <a@example.org>", "From cannot be parsed: malformed UTF-8"), /* Shift-JIS: is that a backslash? */
	NONE(" \xc0\xbc" "x@evil.test\xc0\xbe <a@example.org>", "From cannot be parsed: malformed UTF-8"),
	NONE(" a@\xf0\x9f\x92\xa9\xef\xb8\x8f\xe2\x80\x8d.example", "From cannot be parsed: "),
	/* nothing there */
	NONE("", "From cannot be parsed: no address"),
	NONE(" ", "From cannot be parsed: no address"),
	NONE(" \r\n ", "From cannot be parsed: no address"),
	NONE(" ,", "From cannot be parsed: no address"),
	NONE(" (a@example.org)", "From cannot be parsed: no address"),
	NONE(" <>", "From cannot be parsed: neither a word"),
	NONE(" \"\" <>", "From cannot be parsed: "),
	NONE(" undisclosed-recipients:;", "no mailbox in From"),
	NONE(" \"\":;", "no mailbox in From"),
	NONE(" Team:,(x),;", "no mailbox in From"),
	NONE(" MAILER-DAEMON", "From cannot be parsed: neither \"@\" nor \"<\""),
	NONE(" root (Cron Daemon)", "From cannot be parsed: neither"),
	NONE(" Ann <ann>", "From cannot be parsed: no \"@\""),
	NONE(" \"a@example.org\"", "From cannot be parsed: neither \"@\" nor \"<\""),
	NONE(" Ann <\"a@example.org\">", "From cannot be parsed: no \"@\""),
	NONE(" @", "From cannot be parsed: "),
	NONE(" a@", "From cannot be parsed: no label"),
	NONE(" @example.org", "From cannot be parsed: "),
	NONE(" <@example.org>", "From cannot be parsed: no \":\" behind a route"),
	NONE(" a at example.org", "From cannot be parsed: "),
	/* literals and names that are no host's */
	NONE(" a@[192.0.2.1]", "address literal"),
	NONE(" a@[ 192.0.2.1\r\n ]", "address literal"),
	NONE(" a@[IPv6:2001:db8::1]", "address literal"),
	NONE(" a@[example.org]", "address literal"),
	NONE(" a@[]", "address literal"),
	NONE(" a@192.0.2.1", "address literal"),
	NONE(" a@[192.0.2.1], b@example.org", "address literal"),
	NONE(" a@example.org%evil.test", "a domain that is no host name"),
	NONE(" a@evil.test!example.org", "a domain that is no host name"),
	NONE(" a@example.org/evil", "a domain that is no host name"),
	NONE(" a@=?utf-8?q?example=2Eorg?=", "a domain that is no host name"),
	NONE(" a@[192.0.2.1", "From cannot be parsed: a domain literal that does not end"),
	NONE(" a@[192.0.2.1]].org", "From cannot be parsed: something behind an address"),
	NONE(" a@[192.0.2.1].example.org", "From cannot be parsed: something behind an address"),
	NONE(" a@[a\\]b]", "From cannot be parsed: a domain literal that does not end"),
	NONE(" a@[[x]]", "From cannot be parsed: "),
	/* labels and dots */
	NONE(" a@example..org", "From cannot be parsed: no label"),
	NONE(" a@.example.org", "From cannot be parsed: no label"),
	NONE(" a@example.org.", "From cannot be parsed: no label"),
	NONE(" a@.", "From cannot be parsed: no label"),
	NONE(" a@example\xe3\x80\x82\xe3\x80\x82org", "From cannot be parsed: "),
	NONE(" .a@example.org", "From cannot be parsed: a dot before a word"),
	NONE(" a.@example.org", "From cannot be parsed: neither a word"),
	NONE(" a..b@example.org", "From cannot be parsed: neither a word"),
	NONE(" a b@example.org", "From cannot be parsed: no \"@\""),
	NONE(" \"a\"b@example.org", "From cannot be parsed: no \"@\""),
	NONE(" a@example org", "From cannot be parsed: something behind an address"),
	NONE(" a@" LABEL_63 "4.org", "From cannot be parsed: a label of 64 octets"),
	ONE(" a@" LABEL_63 ".org", LABEL_63 ".org"),
	NONE(" a@" LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_63 ".org", "From cannot be parsed: a domain of 259 octets"),
	NONE(" a@\"example.org\"", "From cannot be parsed: no label"),
	/* two addresses where one belongs */
	NONE(" a@evil.test a@example.org", "From cannot be parsed: something behind an address"),
	NONE(" a@evil.test <a@example.org>", "From cannot be parsed: something behind an address"),
	NONE(" <a@evil.test> <a@example.org>", "From cannot be parsed: something behind an address"),
	NONE(" Ann <a@evil.test> a@example.org", "From cannot be parsed: something behind an address"),
	NONE(" <a@evil.test>, <a@example.org", "From cannot be parsed: no \">\""),
	NONE(" a@evil.test; a@example.org", "From cannot be parsed: something behind an address"),
	NONE(" Ann B@evil.test <a@example.org>", "From cannot be parsed: no \"@\""),
	NONE(" a@evil.test@example.org", "From cannot be parsed: something behind an address"),
	NONE(" <a@evil.test@example.org>", "From cannot be parsed: no \">\""),
	NONE(" <a@evil.test, b@example.org>", "From cannot be parsed: no \">\""),
	NONE(" <<a@example.org>>", "From cannot be parsed: neither a word"),
	NONE(" <a@evil.test<b@example.org>>", "From cannot be parsed: no \">\""),
	NONE(" a@example.org>", "From cannot be parsed: something behind an address"),
	NONE(" <a@example.org>>", "From cannot be parsed: something behind an address"),
	NONE(" Ann> <a@example.org>", "From cannot be parsed: neither"),
	NONE(" >a@example.org", "From cannot be parsed: neither"),
	NONE(" <a@example.org", "From cannot be parsed: no \">\""),
	NONE(" Ann <a@example.org (x)", "From cannot be parsed: no \">\""),
	NONE(" [mail] <a@example.org>", "From cannot be parsed: neither"),
	NONE(" Ann: <a@example.org>", "From cannot be parsed: a group that does not end"),
	NONE(" Team: a@example.org", "From cannot be parsed: a group that does not end"),
	NONE(" Team: a@example.org;;", "From cannot be parsed: something behind an address"),
	NONE(" Team: a@example.org; b@evil.test", "From cannot be parsed: something behind an address"),
	NONE(" A:; b@example.org", "From cannot be parsed: something behind an address"),
	NONE(" A: a@example.org,; b@evil.test", "From cannot be parsed: something behind an address"),
	NONE(" A: B: a@example.org;;", "From cannot be parsed: neither"),
	NONE(" :a@example.org;", "From cannot be parsed: neither"),
	NONE(" x@evil.test:a@example.org;", "From cannot be parsed: something behind an address"),
	NONE(" mailto:a@example.org", "From cannot be parsed: a group that does not end"),
	NONE(" <mailto:a@example.org>", "From cannot be parsed: no \"@\""),
	NONE(" <@evil.test a@example.org>", "From cannot be parsed: no \":\" behind a route"),
	NONE(" <@evil.test:@two.test:a@example.org>", "From cannot be parsed: neither a word"),
	NONE(" <,a@example.org>", "From cannot be parsed: no \"@\" of a route"),
	NONE(" @evil.test:a@example.org", "From cannot be parsed: "),
	/* quotes, comments, backslashes that do not end or stand where none may */
	NONE(" \"Ann <a@example.org>", "From cannot be parsed: the quoted string at byte 1 does not end"),
	NONE(" Ann\" <a@example.org>", "From cannot be parsed: the quoted string at byte 4 does not end"),
	NONE(" \"a\"b\"c\" d\" <a@example.org>", "From cannot be parsed: the quoted string"),
	NONE(" \"Ann\\\" <a@example.org>", "From cannot be parsed: the quoted string"),
	NONE(" \"Ann\\", "From cannot be parsed: nothing that a backslash may quote"),
	NONE(" (Ann a@example.org", "From cannot be parsed: the comment at byte 1 does not end"),
	NONE(" (Ann (x) a@example.org", "From cannot be parsed: the comment"),
	NONE(" (Ann\\) a@example.org", "From cannot be parsed: the comment"),
	NONE(" Ann) a@example.org", "From cannot be parsed: neither"),
	NONE(" a@example.org)", "From cannot be parsed: something behind an address"),
	NONE(" (a)) a@example.org", "From cannot be parsed: neither"),
	NONE(" a\\@evil.test@example.org", "From cannot be parsed: neither"),
	NONE(" Ann \\<x <a@example.org>", "From cannot be parsed: neither"),
	NONE(" " COMMENTS_10 COMMENTS_10 COMMENTS_10 COMMENTS_10 COMMENTS_10 "((" COMMENTS_10_END COMMENTS_10_END
	    COMMENTS_10_END COMMENTS_10_END COMMENTS_10_END ")) a@example.org", "From cannot be parsed: comments nested"),
	/* octets that have no place */
	NONE(" a@example.org\0", "From cannot be parsed: something behind an address"),
	NONE(" a@evil.test\0@example.org", "From cannot be parsed: something behind an address"),
	NONE(" \"Ann\0\" <a@example.org>", "From cannot be parsed: a control octet in a quoted string"),
	NONE(" \"Ann\\\0\" <a@example.org>", "From cannot be parsed: nothing that a backslash may quote"),
	NONE(" (\0) a@example.org", "From cannot be parsed: a control octet in a comment"),
	NONE(" \x1b[2J <a@example.org>", "From cannot be parsed: neither"),
	NONE(" \"\x1b\" <a@example.org>", "From cannot be parsed: a control octet"),
	NONE(" a\x7f@example.org", "From cannot be parsed: neither"),
	NONE(" a@evil.test\r\nb@example.org", "From cannot be parsed: something behind an address"), /* no fold */
	NONE(" a@evil.test\r b@example.org", "From cannot be parsed: something behind an address"),
	NONE(" a@example.org\r\n", "From cannot be parsed: something behind an address"),
	NONE(" \"a\r\nb\" <a@example.org>", "From cannot be parsed: a control octet"),
	NONE(" \v<a@example.org>", "From cannot be parsed: neither"),
};

static struct view
said(const struct from_domain *from)
{
	struct buffer b = buffer_in(arena);

	if (from->outcome == FROM_NONE)
		return from->why;
	for (size_t i = 0; i < from->n; i++) {
		if (i > 0)
			buffer_add_char(&b, ' ');
		buffer_add(&b, from->domains[i]);
	}
	return buffer_view(&b);
}

START_TEST(every_from_has_a_named_outcome)
{
	struct view value = tight_copy(froms[_i].value);
	struct header h;
	struct from_domain from;

	header_init(&h, arena, 100000, 10);
	/* Not through header_add: it would make a fold of every bare LF. */
	struct header_field field = { VIEW_LIT("From"), value };
	h.field = &field;
	h.n = 1;
	from_domain_find(&h, arena, &from);
	struct view says = said(&from);
	ck_assert_msg(from.outcome == froms[_i].outcome, "row %d \"%.*s\": outcome %d: %.*s", _i, VIEW_ARG(value),
	    (int)from.outcome, VIEW_ARG(says));
	if (from.outcome == FROM_NONE)
		ck_assert_msg(view_starts(says, view_of(froms[_i].says)), "row %d \"%.*s\": %.*s", _i,
		    VIEW_ARG(value), VIEW_ARG(says));
	else
		ck_view_is(says, froms[_i].says);
	ck_assert((from.outcome == FROM_ONE) == (from.why.n == 0));
	ck_assert((from.outcome == FROM_ONE) == (from.domain.n > 0));
	free((void *)value.p);
}
END_TEST

/* Several fields, and none. */
static const struct {
	const char *values[3];
	enum from_outcome outcome;
	const char *why;
	const char *domains;
	size_t mailboxes;
} fields[] = {
	{ { NULL }, FROM_NONE, "no From field", "", 0 },
	{ { " a@example.org", " b@example.org" }, FROM_SEVERAL, "2 From fields", "example.org", 2 },
	{ { " a@example.org", " b@evil.test" }, FROM_SEVERAL, "2 From fields", "example.org evil.test", 2 },
	{ { " a@example.org", "" }, FROM_SEVERAL, "2 From fields", "example.org", 1 },
	{ { " <", " a@b.test, c@d.test", " a@d.test" }, FROM_SEVERAL, "3 From fields", "b.test d.test", 3 },
	{ { " x", " y" }, FROM_SEVERAL, "2 From fields", "", 0 },
	{ { " a@b.test, c@d.test" }, FROM_SEVERAL, "2 domains in From", "b.test d.test", 2 },
};

START_TEST(from_fields_are_counted)
{
	struct header h;
	struct from_domain from;
	struct err err;

	header_init(&h, arena, 100000, 10);
	ck_assert(header_add(&h, VIEW_LIT("Fromage"), VIEW_LIT(" a@cheese.test"), &err));
	ck_assert(header_add(&h, VIEW_LIT("Sender"), VIEW_LIT(" a@sender.test"), &err));
	for (int i = 0; i < 3 && fields[_i].values[i] != NULL; i++)
		ck_assert(header_add(&h, i == 0 ? VIEW_LIT("from") : VIEW_LIT("FROM"), view_of(fields[_i].values[i]), &err));
	from_domain_find(&h, arena, &from);
	ck_assert_int_eq(from.outcome, fields[_i].outcome);
	ck_view_is(from.why, fields[_i].why);
	ck_assert_uint_eq(from.mailboxes, fields[_i].mailboxes);
	from.outcome = FROM_SEVERAL;
	ck_view_is(said(&from), fields[_i].domains);
}
END_TEST

START_TEST(mailbox_lists_are_bounded)
{
	struct buffer b = buffer_in(arena);
	struct mailbox_list list;
	struct header h;
	struct from_domain from;
	struct err err;

	for (int i = 0; i < MAILBOXES_MAX; i++)
		buffer_addf(&b, "a@d%d.test,", i);
	ck_assert(mailbox_list_parse(buffer_view(&b), arena, &list, &err));
	ck_assert_uint_eq(list.n, MAILBOXES_MAX);
	header_init(&h, arena, 1000000, 3000);
	ck_assert(header_add(&h, VIEW_LIT("From"), buffer_view(&b), &err));
	from_domain_find(&h, arena, &from);
	ck_assert_int_eq(from.outcome, FROM_SEVERAL);
	ck_assert_uint_eq(from.n, FROM_DOMAINS_MAX);
	buffer_add_cstr(&b, "a@example.org");
	ck_assert(!mailbox_list_parse(buffer_view(&b), arena, &list, &err));
	ck_assert_str_eq(err.text, "more than 1000 mailboxes");
	for (int i = 0; i < 2500; i++)
		ck_assert(header_add(&h, VIEW_LIT("From"), VIEW_LIT(" a@b.test"), &err));
	from_domain_find(&h, arena, &from);
	ck_view_is(from.why, "2501 From fields");
	ck_assert_uint_eq(from.mailboxes, MAILBOXES_MAX); /* the rest was counted, not read */
	buffer_clear(&b);
	for (int i = 0; i < 100000; i++)
		buffer_add_char(&b, '(');
	ck_assert(!mailbox_list_parse(buffer_view(&b), arena, &list, &err));
}
END_TEST

/* What the parts of a mailbox mean. */
static const struct {
	const char *value, *display, *local, *domain; /* of the last mailbox */
	size_t n;
} boxes[] = {
	{ "a@example.org (Ann)", "", "a", "example.org", 1 },
	{ "Ann  B.\tSample <a@Example.Org>", "Ann B. Sample", "a", "example.org", 1 },
	{ "\"Ann \\\"B\\\"\r\n  Sample\" <a@example.org>", "Ann \"B\"  Sample", "a", "example.org", 1 },
	{ "\"a\t\tb\r\n\tc\" <a@example.org>", "a\t\tb\tc", "a", "example.org", 1 },
	{ "(x) Ann (y) B (z) <a@example.org>", "Ann B", "a", "example.org", 1 },
	{ "\"A\"\"B\"C <a@example.org>", "ABC", "a", "example.org", 1 },
	{ "\"x@y z\"@example.org", "", "x@y z", "example.org", 1 },
	{ "\"x\" . \"\\y\" . z @ example . org", "", "x.y.z", "example.org", 1 },
	{ "A@example.org", "", "A", "example.org", 1 },
	{ "g: a@b.test, \"x\" <c@d.test>;, E <e@f.test>", "E", "e", "f.test", 3 },
	{ "a@[ IPv6:2001:DB8::1 ]", "", "a", "[ipv6:2001:db8::1]", 1 },
	{ "<@r.test,@s.test:a@example.org>", "", "a", "example.org", 1 },
	{ "a@b!c.test", "", "a", "b!c.test", 1 },
};

START_TEST(mailboxes_mean_what_they_say)
{
	struct view value = tight_cstr(boxes[_i].value);
	struct mailbox_list list;
	struct err err;

	ck_assert_msg(mailbox_list_parse(value, arena, &list, &err), "%s: %s", boxes[_i].value, err.text);
	free((void *)value.p); /* nothing points into it */
	ck_assert_uint_eq(list.n, boxes[_i].n);
	ck_view_is(list.box[list.n - 1].display, boxes[_i].display);
	ck_view_is(list.box[list.n - 1].local, boxes[_i].local);
	ck_view_is(list.box[list.n - 1].domain, boxes[_i].domain);
}
END_TEST

#define PATH(in, text, local, domain) { { in, sizeof(in) - 1 }, text, local, domain }
#define NO_PATH(in) { { in, sizeof(in) - 1 }, NULL, NULL, NULL }

static const struct {
	struct view in;
	const char *text, *local, *domain; /* NULL: refused */
} paths[] = {
	PATH("<a@example.org>", "a@example.org", "a", "example.org"),
	PATH("a@Example.ORG", "a@Example.ORG", "a", "example.org"),
	PATH(" <a@example.org> ", "a@example.org", "a", "example.org"),
	PATH("<>", "", "", ""),
	PATH("", "", "", ""),
	PATH("<postmaster>", "postmaster", "postmaster", ""),
	PATH("postmaster", "postmaster", "postmaster", ""),
	PATH("<@r.test:a@example.org>", "a@example.org", "a", "example.org"),
	PATH("<@r.test,@s.test:a@example.org>", "a@example.org", "a", "example.org"),
	PATH("<\"a@b\"@example.org>", "\"a@b\"@example.org", "\"a@b\"", "example.org"),
	PATH("<\"a>b\"@example.org>", "\"a>b\"@example.org", "\"a>b\"", "example.org"),
	PATH("<\"a\\\"@evil.test>\"@example.org>", "\"a\\\"@evil.test>\"@example.org", "\"a\\\"@evil.test>\"", "example.org"),
	PATH("<\"a b\"@example.org>", "\"a b\"@example.org", "\"a b\"", "example.org"),
	PATH("<\"\"@example.org>", "\"\"@example.org", "\"\"", "example.org"),
	PATH("<a..b.@example.org>", "a..b.@example.org", "a..b.", "example.org"),
	PATH("<a,b(c):d;e[f]@example.org>", "a,b(c):d;e[f]@example.org", "a,b(c):d;e[f]", "example.org"),
	PATH("<a@[192.0.2.1]>", "a@[192.0.2.1]", "a", "[192.0.2.1]"),
	PATH("<a@[IPv6:2001:DB8::1]>", "a@[IPv6:2001:DB8::1]", "a", "[ipv6:2001:db8::1]"),
	PATH("<a@example.org.>", "a@example.org.", "a", "example.org"),
	PATH("<\xc3\xa9@b\xc3\xbc" "cher.example>", "\xc3\xa9@b\xc3\xbc" "cher.example", "\xc3\xa9", "xn--bcher-kva.example"),
	PATH("<A+b=c@example.org>", "A+b=c@example.org", "A+b=c", "example.org"),
	PATH("<a@localhost>", "a@localhost", "a", "localhost"),
	NO_PATH("<"),
	NO_PATH(">"),
	NO_PATH("<a@example.org"),
	NO_PATH("a@example.org>"),
	NO_PATH("<<a@example.org>>"),
	NO_PATH("<a@example.org>x"),
	NO_PATH("<a@example.org> SIZE=1"),
	NO_PATH("<a@evil.test>,<b@example.org>"),
	NO_PATH("<a@>"),
	NO_PATH("<@example.org>"),
	NO_PATH("<@>"),
	NO_PATH("@"),
	NO_PATH("<@r.test:>"),
	NO_PATH("<@r.test,a@example.org>"),
	NO_PATH("<@:a@example.org>"),
	NO_PATH("<a@evil.test@example.org>"),
	NO_PATH("<a\\@evil.test@example.org>"),
	NO_PATH("<a\\b@example.org>"),
	NO_PATH("<a b@example.org>"),
	NO_PATH("<a@example.org b>"),
	NO_PATH("<a@exa mple.org>"),
	NO_PATH("<\"a@example.org>"),
	NO_PATH("<\"a\\>"),
	NO_PATH("<a@example..org>"),
	NO_PATH("<a@.example.org>"),
	NO_PATH("<a@" LABEL_63 "4.org>"),
	NO_PATH("<a@example.org;x>"),
	NO_PATH("<a@example.org%evil.test>"),
	NO_PATH("<a@[192.0.2.1>"),
	NO_PATH("<a@[]>"),
	NO_PATH("<a@[1]2>"),
	NO_PATH("<a\0@example.org>"),
	NO_PATH("<a@example.org\0>"),
	NO_PATH("<\"\0\"@example.org>"),
	NO_PATH("<a\r\n@example.org>"),
	NO_PATH("<\"a\r\n b\"@example.org>"),
	NO_PATH("<\xe9@example.org>"),
	NO_PATH("<a@b\xfc.example>"),
	NO_PATH("<a@x\xef\xbc\xa0y.example>"),
};

START_TEST(envelope_paths)
{
	struct view in = tight_copy(paths[_i].in);
	struct mail_path path;
	struct err err;
	bool ok = mail_path_parse(in, arena, &path, &err);

	ck_assert_msg(ok == (paths[_i].text != NULL), "\"%.*s\": %s", VIEW_ARG(in), ok ? "accepted" : err.text);
	if (ok) {
		ck_view_is(path.text, paths[_i].text);
		ck_view_is(path.local, paths[_i].local);
		ck_view_is(path.domain, paths[_i].domain);
	}
	free((void *)in.p);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("mail addresses");
	TCase *tc = tcase_create("mail addresses");

	tcase_set_timeout(tc, 60); /* a busy machine, sanitizers */
	tcase_add_checked_fixture(tc, arena_setup, arena_teardown);
	tcase_add_loop_test(tc, every_from_has_a_named_outcome, 0, ARRAY_LEN(froms));
	tcase_add_loop_test(tc, from_fields_are_counted, 0, ARRAY_LEN(fields));
	tcase_add_test(tc, mailbox_lists_are_bounded);
	tcase_add_loop_test(tc, mailboxes_mean_what_they_say, 0, ARRAY_LEN(boxes));
	tcase_add_loop_test(tc, envelope_paths, 0, ARRAY_LEN(paths));
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
