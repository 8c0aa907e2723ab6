#include "base/base64.h"
#include "base/buffer.h"
#include "base/cursor.h"
#include "base/hash.h"
#include "base/ip.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/names.h"
#include "support/setup.h"
#include "support/support.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* view_to_u64: decimal digits, at most max */
static const struct {
	const char *text;
	uint64_t max;
	int64_t value; /* -1: refused */
} numbers[] = {
	{ "0", 0, 0 },
	{ "1", 0, -1 },
	{ "007", 7, 7 },
	{ "", 9, -1 },
	{ "-1", 9, -1 },
	{ "+1", 9, -1 },
	{ " 1", 9, -1 },
	{ "1x", 9, -1 },
	{ "255", 255, 255 },
	{ "256", 255, -1 },
	{ "9223372036854775807", INT64_MAX, INT64_MAX },
	{ "9223372036854775808", INT64_MAX, -1 },
	{ "99999999999999999999999999", UINT64_MAX, -1 },
	{ "18446744073709551616", UINT64_MAX, -1 },
	{ "5", 3, -1 },
};

START_TEST(number)
{
	struct view v = tight_cstr(numbers[_i].text);
	uint64_t out = 42;
	bool ok = view_to_u64(v, numbers[_i].max, &out);

	ck_assert_msg(ok == (numbers[_i].value >= 0), "%s", numbers[_i].text);
	ck_assert_msg(out == (ok ? (uint64_t)numbers[_i].value : 42), "%s", numbers[_i].text);
	free((void *)v.p);
}
END_TEST

static const struct {
	const char *text;
	bool ok;
} utf8[] = {
	{ "", true },
	{ "abc", true },
	{ "\xc3\xa9", true },
	{ "\xc3", false },
	{ "\xc0\xaf", false },	       /* a long form of "/" */
	{ "\xe0\x80\xaf", false },
	{ "\xed\xa0\x80", false },     /* a surrogate */
	{ "\xef\xbf\xbd", true },
	{ "\xf0\x90\x80\x80", true },
	{ "\xf0\x8f\xbf\xbf", false },
	{ "\xf4\x8f\xbf\xbf", true },  /* U+10FFFF */
	{ "\xf4\x90\x80\x80", false },
	{ "\xf5\x80\x80\x80", false },
	{ "\x80", false },
	{ "a\xe2\x82", false },
};

START_TEST(utf8_is_checked)
{
	struct view v = tight_cstr(utf8[_i].text);

	ck_assert_msg(view_is_utf8(v) == utf8[_i].ok, "row %d", _i);
	for (size_t before = 1; before < 20; before++) { /* ASCII is stepped over eight octets at once */
		struct view among = tight_copy(arena_printf(arena, "%.*s%.*saaaaaaaaa", (int)before, "aaaaaaaaaaaaaaaaaaaa",
		    VIEW_ARG(v)));
		ck_assert_msg(view_is_utf8(among) == utf8[_i].ok, "row %d behind %zu octets", _i, before);
		free((void *)among.p);
	}
	free((void *)v.p);
}
END_TEST

START_TEST(views_cut_and_compare)
{
	struct view v = VIEW_LIT("local@domain@x"), head, tail;

	ck_assert(view_split(v, '@', &head, &tail));
	ck_view_is(head, "local");
	ck_view_is(tail, "domain@x");
	ck_assert(!view_split(VIEW_LIT("none"), '@', &head, &tail));
	ck_view_is(head, "none");
	ck_assert_uint_eq(tail.n, 0);
	ck_assert_uint_eq(view_find_last(v, '@'), 12);
	ck_assert_uint_eq(view_find(v, '!'), VIEW_NONE);
	ck_view_is(view_sub(v, 6, 6), "domain");
	ck_assert_uint_eq(view_sub(v, 99, 1).n, 0);
	ck_view_is(view_trim(VIEW_LIT(" \t\r\nab c \n")), "ab c");
	ck_assert_uint_eq(view_trim(VIEW_LIT(" \r\n")).n, 0);
	ck_assert(view_eq_nocase(VIEW_LIT("ExAmple"), VIEW_LIT("eXaMPLE")));
	ck_assert(!view_eq_nocase(VIEW_LIT("a"), VIEW_LIT("ab")));
	ck_assert(view_cmp(VIEW_LIT("a"), VIEW_LIT("ab")) < 0);
	ck_assert(view_cmp_nocase(VIEW_LIT("B"), VIEW_LIT("a")) > 0);
	ck_assert(view_starts(v, VIEW_LIT("local")));
	ck_assert(view_ends(v, VIEW_LIT("@x")));
	ck_assert(view_ends_nocase(v, VIEW_LIT("@X")));
	ck_assert(!view_ends(VIEW_LIT("x"), v));
	ck_assert(view_eq(VIEW_EMPTY, view_of(NULL)));
}
END_TEST

START_TEST(cursor_stops_at_the_end)
{
	struct view v = tight_cstr("ab12 ;z");
	struct cursor c = cursor_over(v);
	uint64_t n;

	ck_view_is(cursor_take(&c, CC_ALPHA), "ab");
	ck_assert(cursor_u64(&c, 99, &n));
	ck_assert_uint_eq(n, 12);
	ck_assert(!cursor_char(&c, ';'));
	ck_view_is(cursor_take(&c, CC_FWS), " ");
	ck_assert(cursor_char(&c, ';'));
	ck_assert_int_eq(cursor_peek(&c), 'z');
	size_t here = cursor_offset(&c);
	ck_view_is(cursor_until(&c, '!'), "z");
	ck_assert(cursor_end(&c));
	ck_assert_int_eq(cursor_peek(&c), -1);
	ck_assert_uint_eq(cursor_take(&c, CC_ALPHA).n, 0);
	ck_assert(!cursor_char(&c, 'z'));
	ck_assert_int_eq(cursor_any(&c, CC_ALPHA), -1);
	ck_view_is(cursor_since(&c, here), "z");
	cursor_back(&c, 0);
	ck_assert(cursor_text_nocase(&c, VIEW_LIT("AB1")));
	ck_assert(!cursor_u64(&c, 1, &n));
	ck_assert_uint_eq(cursor_offset(&c), 3);
	free((void *)v.p);
}
END_TEST

static const struct {
	const char *text;
	size_t digits;
	int max, value; /* -1: refused, and nothing is taken */
} digit_runs[] = {
	{ "2026-11", 4, 9999, 2026 },
	{ "007", 3, 9, 7 },
	{ "123", 2, 99, 12 },
	{ "12", 2, 11, -1 },
	{ "1x", 2, 99, -1 },
	{ "1", 2, 99, -1 },
	{ "", 1, 9, -1 },
	{ "-1", 2, 99, -1 },
};

START_TEST(so_many_digits)
{
	struct view v = tight_cstr(digit_runs[_i].text);
	struct cursor c = cursor_over(v);
	int value = -1;
	bool taken = cursor_digits(&c, digit_runs[_i].digits, digit_runs[_i].max, &value);

	ck_assert_int_eq(value, digit_runs[_i].value);
	ck_assert(taken == (digit_runs[_i].value >= 0));
	ck_assert_uint_eq(cursor_offset(&c), taken ? digit_runs[_i].digits : 0);
	free((void *)v.p);
}
END_TEST

START_TEST(classes_are_the_rfcs)
{
	ck_assert(char_in('_', CC_TAGNAME) && !char_in('-', CC_TAGNAME));
	ck_assert(!char_in(';', CC_VALCHAR) && char_in('=', CC_VALCHAR) && !char_in(' ', CC_VALCHAR));
	ck_assert(!char_in(':', CC_FTEXT) && char_in('!', CC_FTEXT));
	ck_assert(!char_in('(', CC_CTEXT) && char_in('"', CC_CTEXT));
	ck_assert(!char_in('/', CC_TOKEN) && char_in('.', CC_TOKEN));
	ck_assert(char_in('/', CC_ATEXT) && !char_in('.', CC_ATEXT));
	ck_assert(char_in('\x7f', CC_CTL) && char_in('\0', CC_CTL) && !char_in('\x7f', CC_VCHAR));
	ck_assert(char_in('\xff', CC_UTF8) && !char_in('\xff', CC_VCHAR | CC_CTL));
}
END_TEST

static int released;

static void
release(void *object)
{
	released = released * 10 + *(int *)object;
}

START_TEST(arena_keeps_lifetimes)
{
	static int one = 1, two = 2;
	char *first = arena_alloc(arena, 3);

	ck_assert_mem_eq(first, "\0\0\0", 3);
	ck_assert_uint_eq((uintptr_t)arena_alloc(arena, 8) % _Alignof(max_align_t), 0);
	char *large = arena_alloc(arena, 1000000);
	memset(large, 7, 1000000);
	memset(first, 7, 3);
	ck_view_is(arena_copy_lower(arena, VIEW_LIT("AbC-\xc4")), "abc-\xc4");
	ck_view_is(arena_printf(arena, "%s-%d", "x", 7), "x-7");
	ck_assert_str_eq(arena_cstr(arena, VIEW_LIT("abc")), "abc");
	released = 0;
	arena_defer(arena, release, &one);
	arena_defer(arena, release, &two);
	arena_reset(arena);
	ck_assert_int_eq(released, 21);
	ck_assert_uint_eq(arena_used(arena), 0);
	ck_assert_mem_eq(arena_alloc(arena, 3), "\0\0\0", 3);
}
END_TEST

START_TEST(arena_zeroes_what_it_reuses)
{
	for (int round = 0; round < 3; round++) {
		for (size_t n = 1; n < 3000; n += 97) {
			char *p = arena_alloc(arena, n);
			size_t used = 0; /* one assertion for all: each is a message to the parent */
			for (size_t i = 0; i < n; i++)
				used += p[i] != 0;
			ck_assert_uint_eq(used, 0);
			memset(p, 0xff, n);
		}
		arena_reset(arena);
	}
}
END_TEST

START_TEST(buffer_grows)
{
	struct buffer b = buffer_in(arena);

	ck_assert_uint_eq(buffer_view(&b).n, 0);
	for (int i = 0; i < 5000; i++)
		buffer_addf(&b, "%d,", i % 10);
	ck_assert_uint_eq(b.n, 10000);
	ck_view_is(view_sub(buffer_view(&b), 9994, 6), "7,8,9,");
	buffer_cut(&b, 3);
	arena_alloc(arena, 10);
	buffer_add_cstr(&b, "x");
	ck_view_is(buffer_view(&b), "0,1x");
}
END_TEST

static const struct {
	const char *in;
	size_t max;
	const char *out;
} quoted[] = {
	{ "plain@example.org", 99, "plain@example.org" },
	{ "", 99, "\"\"" },
	{ "two words", 99, "\"two words\"" },
	{ "a\"b\\c", 99, "\"a\\\"b\\\\c\"" },
	{ "a\r\nb", 99, "\"a\\x0d\\x0ab\"" },
	{ "\xc3\xa9", 99, "\"\\xc3\\xa9\"" },
	{ "abcdef", 3, "abc..." },
};

START_TEST(log_values_are_quoted)
{
	struct buffer b = buffer_in(arena);

	buffer_add_quoted(&b, view_of(quoted[_i].in), quoted[_i].max);
	ck_view_is(buffer_view(&b), quoted[_i].out);
}
END_TEST

static const struct {
	const char *in;
	const char *out; /* NULL: refused */
} base64[] = {
	{ "", "" },
	{ "Zg==", "f" },
	{ "Zm8=", "fo" },
	{ "Zm9v", "foo" },
	{ "Zm9vYg", "foob" },	   /* padding left out */
	{ " Z m\r\n\t9 v ", "foo" },
	{ "Zg=", NULL },
	{ "Zg===", NULL },
	{ "Zh==", NULL },	   /* bits left over */
	{ "Z", NULL },
	{ "Zg==Zg==", NULL },
	{ "Zm9v====", NULL },
	{ "Zm9v=", NULL },
	{ "Zm-_", NULL },
	{ "=", NULL },
};

START_TEST(base64_rows)
{
	struct view in = tight_cstr(base64[_i].in), out;
	struct err err;
	bool ok = base64_decode(in, arena, &out, &err);

	ck_assert_msg(ok == (base64[_i].out != NULL), "%s", base64[_i].in);
	if (ok)
		ck_view_is(out, base64[_i].out);
	free((void *)in.p);
}
END_TEST

START_TEST(base64_writes_padding)
{
	ck_view_is(base64_encode(VIEW_LIT("f"), arena), "Zg==");
	ck_view_is(base64_encode(VIEW_LIT("fo"), arena), "Zm8=");
	ck_view_is(base64_encode(VIEW_LIT("foo"), arena), "Zm9v");
	ck_view_is(base64_encode(VIEW_LIT("\xff\xfe\xfd\xfc"), arena), "//79/A==");
	ck_view_is(base64_encode(VIEW_EMPTY, arena), "");
}
END_TEST

START_TEST(errors_have_a_kind_and_words)
{
	struct err err;
	char longer[400];

	ck_assert(!err_temp(&err, "no answer from %s", "ns"));
	ck_assert(!err_in(&err, "key %d", 3));
	ck_assert_int_eq(err.kind, ERR_TEMP);
	ck_assert_str_eq(err.text, "key 3: no answer from ns");
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	err_perm(&err, "%s", longer);
	ck_assert_uint_eq(strlen(err.text), ERR_TEXT_MAX - 1);
	ck_assert_str_eq(err.text + ERR_TEXT_MAX - 4, "...");
	ck_assert(!err_perm(NULL, "nobody listens"));
}
END_TEST

static const struct {
	const char *net;
	const char *ip;
	int in; /* 1 in, 0 out, -1: the net is refused */
} nets[] = {
	{ "192.0.2.0/24", "192.0.2.77", 1 },
	{ "192.0.2.0/24", "192.0.3.77", 0 },
	{ "192.0.2.129/25", "192.0.2.200", 1 },
	{ "192.0.2.129/25", "192.0.2.100", 0 },
	{ "0.0.0.0/0", "8.8.8.8", 1 },
	{ "::/0", "8.8.8.8", 0 },
	{ "::/0", "2001:db8::1", 1 },
	{ "2001:db8::/33", "2001:db8:7fff::1", 1 },
	{ "2001:db8::/33", "2001:db8:8000::1", 0 },
	{ "192.0.2.1", "192.0.2.1", 1 },
	{ "192.0.2.1", "::ffff:192.0.2.1", 1 },
	{ "::ffff:192.0.2.0/120", "192.0.2.9", 1 },
	{ "IPv6:2001:db8::1", "2001:db8::1", 1 },
	{ "192.0.2.0/33", "", -1 },
	{ "::/129", "", -1 },
	{ "192.0.2.0/", "", -1 },
	{ "192.0.2/24", "", -1 },
	{ "192.0.2.01", "", -1 },
	{ "::ffff:192.0.2.0/24", "", -1 },
	{ "example.org", "", -1 },
	{ "", "", -1 },
};

START_TEST(networks)
{
	struct ip_net net;
	struct ip ip;

	ck_assert_msg(ip_net_parse(view_of(nets[_i].net), &net) == (nets[_i].in >= 0), "%s", nets[_i].net);
	if (nets[_i].in < 0)
		return;
	ck_assert(ip_parse(view_of(nets[_i].ip), &ip));
	ck_assert_msg(ip_in_net(&ip, &net) == (nets[_i].in == 1), "%s in %s", nets[_i].ip, nets[_i].net);
}
END_TEST

START_TEST(addresses_in_words)
{
	struct ip ip;
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	ck_assert(ip_parse(VIEW_LIT("2001:0db8:0:0:0::1"), &ip));
	ck_view_is(ip_text(&ip, arena), "2001:db8::1");
	ck_view_is(ip_reverse_name(&ip, arena),
	    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
	ck_assert(!ip_is_loopback(&ip));
	ck_assert(ip_parse(VIEW_LIT("192.0.2.1"), &ip));
	ck_view_is(ip_reverse_name(&ip, arena), "1.2.0.192.in-addr.arpa");
	ck_view_is(ip_text(&ip, arena), "192.0.2.1");
	ck_assert(ip_parse(VIEW_LIT("255.100.99.10"), &ip));
	ck_view_is(ip_text(&ip, arena), "255.100.99.10");
	inet_pton(AF_INET6, "::ffff:127.0.0.1", &in6.sin6_addr);
	ck_assert(ip_from_sockaddr((struct sockaddr *)&in6, &ip));
	ck_assert_int_eq(ip.family, 4);
	ck_assert(ip_is_loopback(&ip));
	ip = (struct ip){ 0 };
	ck_view_is(ip_text(&ip, arena), "unknown");
	ck_assert(!ip_eq(&ip, &ip));
	ck_assert(!ip_is_any(&ip));
	ck_assert(ip_parse(VIEW_LIT("0.0.0.0"), &ip) && ip_is_any(&ip));
	ck_assert(ip_parse(VIEW_LIT("::"), &ip) && ip_is_any(&ip));
	ck_assert(ip_parse(VIEW_LIT("::1"), &ip) && !ip_is_any(&ip));
	ck_assert(!ip_parse((struct view){ "1.2.3.4\0x", 9 }, &ip));
}
END_TEST

START_TEST(names_both_ways)
{
	static const struct name_row table[] = { { "temperror", 1 }, { "err_temp", 1 }, { "pass", 2 }, { NULL, 0 } };
	int value = 9;

	ck_assert_str_eq(name_of(table, 1), "temperror");
	ck_assert_ptr_null(name_of(table, 3));
	ck_assert(name_value(table, VIEW_LIT("ERR_temp"), &value));
	ck_assert_int_eq(value, 1);
	ck_assert(!name_value(table, VIEW_LIT("pas"), &value));
	ck_assert_int_eq(value, 1);
}
END_TEST

START_TEST(hash_folds_case_on_request)
{
	ck_assert(hash_view_lower(VIEW_LIT("EXAMPLE.org")) == hash_view(VIEW_LIT("example.org")));
	ck_assert(hash_view(VIEW_LIT("EXAMPLE.org")) != hash_view(VIEW_LIT("example.org")));
	for (int o = 0; o < 256; o++) /* each octet at each place of a word and behind it */
		for (size_t at = 0; at < 11; at++) {
			char as_is[] = "zzzzzzzzzzz", lower[] = "zzzzzzzzzzz";
			as_is[at] = (char)o;
			lower[at] = ascii_lower((char)o);
			ck_assert(hash_view_lower((struct view){ as_is, 11 }) == hash_view((struct view){ lower, 11 }));
		}
	ck_assert(hash_view(VIEW_LIT("")) != hash_view((struct view){ "\0", 1 }));
}
END_TEST

static char last_line[LOG_LINE_MAX + 1];

static void
keep_line(void *ctx, enum log_level level, const char *text)
{
	(void)ctx;
	(void)level;
	snprintf(last_line, sizeof(last_line), "%s", text);
}

START_TEST(log_lines_are_clean_and_bounded)
{
	char longer[LOG_LINE_MAX * 2];

	log_to_function(keep_line, NULL);
	log_info("a\nb\x1b[31m");
	ck_assert_str_eq(last_line, "a?b?[31m");
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	log_info("%s", longer);
	ck_assert_uint_eq(strlen(last_line), LOG_LINE_MAX - 1);
	log_debug("below the level");
	ck_assert_int_eq(last_line[0], 'x');
	log_to_stderr("assay");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("base");
	TCase *tc = tcase_create("base");

	tcase_add_checked_fixture(tc, arena_setup, arena_teardown);
	tcase_add_loop_test(tc, number, 0, ARRAY_LEN(numbers));
	tcase_add_loop_test(tc, utf8_is_checked, 0, ARRAY_LEN(utf8));
	tcase_add_test(tc, views_cut_and_compare);
	tcase_add_test(tc, cursor_stops_at_the_end);
	tcase_add_loop_test(tc, so_many_digits, 0, ARRAY_LEN(digit_runs));
	tcase_add_test(tc, classes_are_the_rfcs);
	tcase_add_test(tc, arena_keeps_lifetimes);
	tcase_add_test(tc, arena_zeroes_what_it_reuses);
	tcase_add_test(tc, buffer_grows);
	tcase_add_loop_test(tc, log_values_are_quoted, 0, ARRAY_LEN(quoted));
	tcase_add_loop_test(tc, base64_rows, 0, ARRAY_LEN(base64));
	tcase_add_test(tc, base64_writes_padding);
	tcase_add_test(tc, errors_have_a_kind_and_words);
	tcase_add_loop_test(tc, networks, 0, ARRAY_LEN(nets));
	tcase_add_test(tc, addresses_in_words);
	tcase_add_test(tc, names_both_ways);
	tcase_add_test(tc, hash_folds_case_on_request);
	tcase_add_test(tc, log_lines_are_clean_and_bounded);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
