/* header, tag_list, domain, auth_fact: the texts that the other rooms of mail/ are made of. */
#include "base/buffer.h"
#include "mail/auth_fact.h"
#include "mail/domain.h"
#include "mail/header.h"
#include "mail/tag_list.h"
#include "support/setup.h"
#include "support/support.h"

#include <stdlib.h>
#include <string.h>

/* A row's text with its length, so that it may hold NULs. */
#define TEXT(s) { s, sizeof(s) - 1 }

static const struct {
	const char *what;
	struct view in;
	int tags; /* 0: must be refused */
} tag_lists[] = {
	{ "one", TEXT("v=1"), 1 },
	{ "folded", TEXT("a=b;\r\n\tc = d e ; "), 2 },
	{ "folded with bare LF", TEXT("a=b;\n\tc=d\n e"), 2 },
	{ "several folds in a row", TEXT("a=b;\r\n \r\n\t\r\n c=d"), 2 },
	{ "white space everywhere", TEXT(" \ta \t= b \t; c\t=\td "), 2 },
	{ "a fold between name and equals", TEXT("a\r\n =\r\n b"), 1 },
	{ "final semicolon", TEXT("a=b;"), 1 },
	{ "final semicolon and a fold", TEXT("a=b;\r\n "), 1 },
	{ "empty values", TEXT("a=;b= ;c="), 3 },
	{ "equals in a value", TEXT("a==b=c=;bh=abc="), 2 },
	{ "names differ in case", TEXT("a=1;A=2"), 2 },
	{ "underscore and digits in a name", TEXT("a_1=x;B2_=y"), 2 },
	{ "UTF-8 in a value", TEXT("i=\xc3\xa9@example.org;d=x"), 2 },
	{ "every VALCHAR", TEXT("n=!\"#$%&'()*+,-./09:<=>?@AZ[\\]^_`az{|}~"), 1 },
	{ "nothing", TEXT(""), 0 },
	{ "white space only", TEXT(" \t"), 0 },
	{ "one semicolon", TEXT(";"), 0 },
	{ "leading semicolon", TEXT(";a=b"), 0 },
	{ "empty tag between", TEXT("a=b;;c=d"), 0 },
	{ "empty tag at the end", TEXT("a=b;;"), 0 },
	{ "empty tag of white space", TEXT("a=b; ;c=d"), 0 },
	{ "name twice", TEXT("v=1;t=y;v=1"), 0 },
	{ "name twice, both empty", TEXT("v=;v="), 0 },
	{ "no equals", TEXT("a=b;c"), 0 },
	{ "no name", TEXT("=b"), 0 },
	{ "name begins with a digit", TEXT("1a=b"), 0 },
	{ "name begins with an underscore", TEXT("_a=b"), 0 },
	{ "hyphen in a name", TEXT("a-b=c"), 0 },
	{ "space in a name", TEXT("a b=c"), 0 },
	{ "UTF-8 in a name", TEXT("\xc3\xa9=c"), 0 },
	{ "malformed UTF-8 in a value", TEXT("a=\xc3;b=c"), 0 },
	{ "Latin-1 in a value", TEXT("a=\xe9t\xe9"), 0 },
	{ "NUL in a value", TEXT("a=b\0c"), 0 },
	{ "NUL behind the list", TEXT("a=b\0"), 0 },
	{ "control in a value", TEXT("a=b\x01"), 0 },
	{ "DEL in a value", TEXT("a=b\x7f"), 0 },
	{ "bare CR", TEXT("a=b\r c"), 0 },
	{ "line end without white space", TEXT("a=b;\r\nc=d"), 0 },
	{ "line end at the end", TEXT("a=b\r\n"), 0 },
	{ "bare CR before a fold", TEXT("a=b\r\r\n c"), 0 },
};

START_TEST(tag_list_grammar)
{
	struct view in = tight_copy(tag_lists[_i].in);
	struct tag_list l;
	struct err err;
	bool ok = tag_list_parse(in, &l, &err);

	ck_assert_msg((ok ? (int)l.n : 0) == tag_lists[_i].tags, "%s: %s", tag_lists[_i].what,
	    ok ? "accepted" : err.text);
	if (!ok)
		ck_assert(err.kind == ERR_PERM && err.text[0] != '\0');
	free((void *)in.p);
}
END_TEST

START_TEST(tag_list_says_where_values_are)
{
	struct view in = VIEW_LIT(" a=1; b = x\r\n\ty\r\n ;bh=q= ");
	struct tag_list l;
	struct err err;

	ck_assert(tag_list_parse(in, &l, &err));
	const struct tag *b = tag_list_find(&l, "b"), *bh = tag_list_find(&l, "bh");
	ck_assert(b != NULL && bh != NULL && tag_list_find(&l, "B") == NULL);
	ck_view_is(b->value, "x\r\n\ty");
	ck_view_is(view_sub(in, b->value_at, b->value_end - b->value_at), " x\r\n\ty\r\n ");
	ck_assert_int_eq(in.p[b->value_end], ';');
	ck_view_is(bh->value, "q=");
	ck_assert_uint_eq(bh->value_end, in.n);
}
END_TEST

START_TEST(tag_list_is_bounded)
{
	char text[(TAG_LIST_MAX + 1) * 5];
	struct tag_list l;
	struct err err;

	for (int i = 0; i <= TAG_LIST_MAX; i++)
		memcpy(text + i * 5, (char[]){ 'a', (char)('a' + i / 26), (char)('a' + i % 26), '=', ';' }, 5);
	ck_assert(tag_list_parse((struct view){ text, TAG_LIST_MAX * 5 }, &l, &err));
	ck_assert_uint_eq(l.n, TAG_LIST_MAX);
	ck_assert(!tag_list_parse((struct view){ text, sizeof(text) }, &l, &err));
	ck_assert_str_eq(err.text, "more than 64 tags");
}
END_TEST

static const struct {
	struct view in;
	const char *out; /* NULL: refused */
} domains[] = {
	{ TEXT("example.org"), "example.org" },
	{ TEXT("Example.ORG"), "example.org" },
	{ TEXT("example.org."), "example.org" },
	{ TEXT("org"), "org" },
	{ TEXT("_dmarc.Example.org"), "_dmarc.example.org" },
	{ TEXT("a+b%c.example"), "a+b%c.example" },
	{ TEXT("-a-.example"), "-a-.example" },
	{ TEXT("xn--bcher-kva.example"), "xn--bcher-kva.example" },
	{ TEXT("XN--BCHER-KVA.example"), "xn--bcher-kva.example" },
	{ TEXT("xn--a.example"), "xn--a.example" }, /* decodes to nothing */
	{ TEXT("xn--.example"), "xn--.example" },
	{ TEXT("b\xc3\xbc" "cher.example"), "xn--bcher-kva.example" },
	{ TEXT("B\xc3\x9c" "CHER.Example"), "xn--bcher-kva.example" },
	{ TEXT("bu\xcc\x88" "cher.example"), "xn--bcher-kva.example" },  /* not NFC */
	{ TEXT("stra\xc3\x9f" "e.example"), "xn--strae-oqa.example" },	/* non-transitional */
	{ TEXT("b\xc3\xbc" "cher\xe3\x80\x82" "example"), "xn--bcher-kva.example" },
	{ TEXT("b\xc3\xbc" "cher.example."), "xn--bcher-kva.example" },
	{ TEXT("b\xc3\xbc" "cher.example\xe3\x80\x82"), "xn--bcher-kva.example" },
	{ TEXT("_dmarc.b\xc3\xbc" "cher.example"), "_dmarc.xn--bcher-kva.example" },
	{ TEXT("\xef\xbd\x85\xef\xbd\x98.example"), "ex.example" }, /* full width */
	{ TEXT("\xe4\xbe\x8b\xe5\xad\x90.\xe6\xb5\x8b\xe8\xaf\x95"), "xn--fsqu00a.xn--0zwm56d" },
	{ TEXT("a23456789012345678901234567890123456789012345678901234567890123.b"),
	    "a23456789012345678901234567890123456789012345678901234567890123.b" },
	{ TEXT("a234567890123456789012345678901234567890123456789012345678901234.b"), NULL },
	{ TEXT(""), NULL },
	{ TEXT("."), NULL },
	{ TEXT(".example"), NULL },
	{ TEXT("a..example"), NULL },
	{ TEXT("example.."), NULL },
	{ TEXT("exa mple.org"), NULL },
	{ TEXT("example.org\0"), NULL },
	{ TEXT("exa\0mple.org"), NULL },
	{ TEXT("b\xc3\xbc\0cher.example"), NULL },
	{ TEXT("example.org\n"), NULL },
	{ TEXT("ex\x7f.org"), NULL },
	{ TEXT("b\xfc" "cher.example"), NULL },		   /* Latin-1 */
	{ TEXT("b\xc3.example"), NULL },
	{ TEXT("b\xc3\xbc" "cher\xe3\x80\x82\xe3\x80\x82" "example"), NULL },
	{ TEXT("a\xef\xbc\xa0" "b.example"), NULL },	   /* U+FF20 would become "@" */
	{ TEXT("\xe2\x84\x80.example"), NULL },		   /* U+2100 would become "a/c" */
	{ TEXT("b\xc3\xbc+x.example"), NULL },
	{ TEXT("a\xe2\x80\xae" "b.example"), NULL },	   /* right-to-left override */
	{ TEXT("\xf0\x9f\x92\xa9\xc3\xbc.xn--a.example"), NULL },
};

START_TEST(domain_spellings)
{
	struct view in = tight_copy(domains[_i].in), out;
	struct err err;
	bool ok = domain_to_ascii(in, arena, &out, &err);

	ck_assert_msg(ok == (domains[_i].out != NULL), "row %d: %s", _i, ok ? "accepted" : err.text);
	if (ok)
		ck_view_is(out, domains[_i].out);
	free((void *)in.p);
}
END_TEST

START_TEST(domain_length)
{
	char text[300];
	struct view out;
	struct err err;

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 50 == 49 ? '.' : 'a';
	ck_assert(domain_to_ascii((struct view){ text, 253 }, arena, &out, &err));
	ck_assert(!domain_to_ascii((struct view){ text, 254 }, arena, &out, &err));
	text[253] = '.';
	ck_assert(domain_to_ascii((struct view){ text, 254 }, arena, &out, &err));
	ck_assert_uint_eq(out.n, 253);
	struct buffer b = buffer_in(arena);
	for (int i = 0; i < 10000; i++)
		buffer_add(&b, VIEW_LIT("\xc3\xbc."));
	ck_assert(!domain_to_ascii(buffer_view(&b), arena, &out, &err));
}
END_TEST

static const struct {
	const char *name;
	bool yes;
} fqdns[] = {
	{ "example.org", true },
	{ "EXAMPLE.org", true },
	{ "a-b.1c.xn--p1ai", true },
	{ "org", false },
	{ "", false },
	{ "example.org.", false },
	{ ".example", false },
	{ "a..b", false },
	{ "-a.example", false },
	{ "a-.example", false },
	{ "a.example-", false },
	{ "_dmarc.example", false },
	{ "[192.0.2.1]", false },
	{ "b\xc3\xbc.example", false },
};

START_TEST(domain_fqdn)
{
	ck_assert_msg(domain_is_fqdn(view_of(fqdns[_i].name)) == fqdns[_i].yes, "%s", fqdns[_i].name);
}
END_TEST

START_TEST(domain_goes_by_labels)
{
	struct view d = VIEW_LIT("a.b.example.org");

	ck_assert_uint_eq(domain_labels(d), 4);
	ck_assert_uint_eq(domain_labels(VIEW_LIT("org")), 1);
	ck_assert_uint_eq(domain_labels(VIEW_EMPTY), 0);
	ck_view_is(domain_parent(d), "b.example.org");
	ck_view_is(domain_parent(VIEW_LIT("org")), "");
	ck_view_is(domain_last(d, 0), "");
	ck_view_is(domain_last(d, 1), "org");
	ck_view_is(domain_last(d, 2), "example.org");
	ck_view_is(domain_last(d, 9), "a.b.example.org");
	ck_assert(domain_within(d, d));
	ck_assert(domain_within(d, VIEW_LIT("Example.ORG")));
	ck_assert(!domain_within(VIEW_LIT("notexample.org"), VIEW_LIT("example.org")));
	ck_assert(!domain_within(VIEW_LIT("org"), VIEW_LIT("example.org")));
	ck_assert(!domain_within(VIEW_LIT("example.org"), VIEW_EMPTY));
	ck_assert(!domain_within(VIEW_EMPTY, VIEW_EMPTY));
}
END_TEST

static const struct {
	const char *what;
	struct view in;
	const char *fields; /* name|value; joined by newlines, CRLF shown as ~ */
	const char *body;
} messages[] = {
	{ "plain", TEXT("A: 1\r\nB:2\r\n\r\nbody\r\n"), "A| 1\nB|2\n", "body\r\n" },
	{ "LF only", TEXT("A: 1\nB:2\n\nbody\n"), "A| 1\nB|2\n", "body\n" },
	{ "mixed line ends", TEXT("A: 1\r\n x\n\ty\r\nB:2\n\r\nbody"), "A| 1~ x~\ty\nB|2\n", "body" },
	{ "no empty line", TEXT("A: 1\r\nB: 2"), "A| 1\nB| 2\n", "" },
	{ "header only", TEXT("A: 1\r\n\r\n"), "A| 1\n", "" },
	{ "nothing", TEXT(""), "", "" },
	{ "body only", TEXT("\r\nbody"), "", "body" },
	{ "mbox line", TEXT("From a@b Mon Jan  1\nA: 1\n\nb"), "A| 1\n", "b" },
	{ "mbox line not first", TEXT("A: 1\nFrom a@b Mon\nB: 2\n\nb"), "A| 1\n", "From a@b Mon\nB: 2\n\nb" },
	{ "space before the colon ends the header", TEXT("A: 1\nB : 2\n\nb"), "A| 1\n", "B : 2\n\nb" },
	{ "a line that is no field", TEXT("A: 1\nhello\nB: 2\n"), "A| 1\n", "hello\nB: 2\n" },
	{ "no name", TEXT("A: 1\n: 2\n"), "A| 1\n", ": 2\n" },
	{ "fold without a field", TEXT(" x\nA: 1\n"), "", " x\nA: 1\n" },
	{ "a fold of white space", TEXT("A: 1\r\n \r\nB:\r\n\r\n"), "A| 1~ \nB|\n", "" },
	{ "a bare CR stays", TEXT("A: 1\rB: 2\r\n\r\n"), "A| 1\rB: 2\n", "" },
	{ "8-bit name is no field", TEXT("A: 1\n\xc3\xa9: 2\n"), "A| 1\n", "\xc3\xa9: 2\n" },
	{ "empty value at the end", TEXT("A:"), "A|\n", "" },
};

static struct view
shown(const struct header *h)
{
	struct buffer b = buffer_in(arena);

	for (size_t i = 0; i < h->n; i++) {
		buffer_add(&b, h->field[i].name);
		buffer_add_char(&b, '|');
		for (size_t k = 0; k < h->field[i].value.n; k++) {
			char c = h->field[i].value.p[k];
			if (c == '\n')
				buffer_cut(&b, b.n - 1);
			buffer_add_char(&b, c == '\n' ? '~' : c);
		}
		buffer_add_char(&b, '\n');
	}
	return buffer_view(&b);
}

START_TEST(header_of_stored_messages)
{
	struct view in = tight_copy(messages[_i].in), body;
	struct header h;
	struct err err;

	header_init(&h, arena, 1000, 10);
	ck_assert_msg(header_read(in, &h, &body, &err), "%s", messages[_i].what);
	ck_view_is(shown(&h), messages[_i].fields);
	ck_view_is(body, messages[_i].body);
	free((void *)in.p);
}
END_TEST

START_TEST(header_keeps_fields_as_received)
{
	struct header h;
	struct err err;

	header_init(&h, arena, 1000, 100);
	ck_assert(header_add(&h, VIEW_LIT("Subject"), VIEW_LIT(" a\n\tb\r\n c\rd \n"), &err));
	ck_view_is(h.field[0].value, " a\r\n\tb\r\n c\rd \r\n");
	ck_assert_uint_eq(h.octets, strlen("Subject: a\r\n\tb\r\n c\rd \r\n\r\n"));
	ck_assert(header_add(&h, VIEW_LIT("X"), (struct view){ "a\0b", 3 }, &err));
	ck_assert_uint_eq(h.field[1].value.n, 3);
	ck_assert(!header_add(&h, VIEW_LIT(""), VIEW_LIT(" x"), &err));
	for (int i = 0; i < 40; i++)
		ck_assert(header_add(&h, VIEW_LIT("Received"), arena_printf(arena, "%d", i), &err));
	ck_assert_uint_eq(header_count(&h, VIEW_LIT("received")), 40);
	ck_view_is(header_nth(&h, VIEW_LIT("RECEIVED"), 39)->value, "39");
	ck_assert(header_nth(&h, VIEW_LIT("Received"), 40) == NULL);
	ck_assert(header_nth(&h, VIEW_LIT("Receive"), 0) == NULL);
}
END_TEST

START_TEST(header_is_bounded)
{
	struct header h;
	struct view body;
	struct err err;

	header_init(&h, arena, 20, 3);
	ck_assert(header_add(&h, VIEW_LIT("A"), VIEW_LIT("123456"), &err)); /* 10 octets */
	ck_assert(!header_add(&h, VIEW_LIT("A"), VIEW_LIT("1234567"), &err));
	ck_assert(!header_add(&h, VIEW_LIT("A"), VIEW_LIT("12345\n"), &err)); /* LF becomes two */
	ck_assert_uint_eq(h.octets, 10);
	ck_assert_uint_eq(h.n, 1);
	ck_assert(header_add(&h, VIEW_LIT("A"), VIEW_LIT("123456"), &err));
	ck_assert(!header_add(&h, VIEW_LIT("A"), VIEW_LIT(""), &err));
	ck_assert(!header_add(&h, VIEW_LIT("AAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), VIEW_LIT(""), &err));
	ck_assert_str_eq(err.text, "more than 20 octets of header");
	header_init(&h, arena, 1000, 2);
	ck_assert(!header_read(VIEW_LIT("A: 1\n 2\nB: 2\nC: 3\n\n"), &h, &body, &err));
	ck_assert_str_eq(err.text, "line 4: more than 2 header fields");
	ck_assert(err.kind == ERR_PERM);
}
END_TEST

START_TEST(facts_leave_empty_values_out)
{
	struct auth_fact f = { .method = AUTH_SPF };

	auth_fact_property(&f, "smtp", "mailfrom", VIEW_EMPTY);
	auth_fact_property(&f, "smtp", "helo", VIEW_LIT("mx.example.org"));
	ck_assert_uint_eq(f.properties, 1);
	ck_assert_str_eq(f.property[0].name, "helo");
	for (int i = AUTH_NONE; i <= AUTH_PERMERROR; i++)
		ck_assert(name_of(auth_result_names, i) != NULL);
	for (int i = AUTH_SPF; i <= AUTH_IPREV; i++)
		ck_assert(name_of(auth_method_names, i) != NULL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("mail texts");
	TCase *tc = tcase_create("mail texts");

	tcase_set_timeout(tc, 60); /* a busy machine, sanitizers */
	tcase_add_checked_fixture(tc, arena_setup, arena_teardown);
	tcase_add_loop_test(tc, tag_list_grammar, 0, ARRAY_LEN(tag_lists));
	tcase_add_test(tc, tag_list_says_where_values_are);
	tcase_add_test(tc, tag_list_is_bounded);
	tcase_add_loop_test(tc, domain_spellings, 0, ARRAY_LEN(domains));
	tcase_add_test(tc, domain_length);
	tcase_add_loop_test(tc, domain_fqdn, 0, ARRAY_LEN(fqdns));
	tcase_add_test(tc, domain_goes_by_labels);
	tcase_add_loop_test(tc, header_of_stored_messages, 0, ARRAY_LEN(messages));
	tcase_add_test(tc, header_keeps_fields_as_received);
	tcase_add_test(tc, header_is_bounded);
	tcase_add_test(tc, facts_leave_empty_values_out);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
