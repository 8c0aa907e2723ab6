#include "dns_test.h"
#include "base/buffer.h"
#include "dns/dns_conf.h"
#include "conf/read.h"
#include "dns/dns_decode.h"
#include "dns/dns_fake.h"
#include "dns/dns_name.h"
#include "support/setup.h"
#include "support/support.h"

#include <stdlib.h>
#include <string.h>

static const char zone_text[] =
    "; a comment\n"
    "# another\n"
    "\n"
    "example.org.\t300 IN MX 20 Backup.example.org.\n"
    "example.org IN 200 MX 10 mail.example.org\n"
    "example.org MX 10 second.example.org ; equal preference stays in order\n"
    "example.org TXT \"v=spf1 mx \" \"-all\"\r\n"
    "example.org TXT \"quote \\\" back \\\\ nul \\000 # ; end\"\n"
    "Mail.Example.ORG A 192.0.2.1\n"
    "mail.example.org A 192.0.2.2\n"
    "mail.example.org AAAA 2001:db8::1\n"
    "www.example.org 60 CNAME mail.example.org\n"
    "chain.example.org CNAME www.example.org\n"
    "dead.example.org CNAME nothing.example.org\n"
    "loop.example.org CNAME pool.example.org\n"
    "pool.example.org CNAME loop.example.org\n"
    "a.deep.name.example.org A 192.0.2.3\n"
    "*.wild.example.org A 192.0.2.4\n"
    "there.wild.example.org TXT \"x\"\n"
    "slow.example.org TIMEOUT\n"
    "broken.example.org SERVFAIL\n"
    "to-broken.example.org CNAME broken.example.org\n"
    "half.example.org A 192.0.2.5\n"
    "half.example.org TXT TIMEOUT\n"
    "half.example.org MX servfail\n"
    "half.example.org PTR NODATA\n"
    "void.example.org NODATA\n"
    "signed.example.org SECURE\n"
    "signed.example.org A 192.0.2.6\n"
    "nullmx.example.org MX 0 .\n"
    "odd\\032name.example.org A 192.0.2.7\n"
    "odd\\.dot.example.org PTR \\001\\.x\\200.example.org\n"
    "1.2.0.192.in-addr.arpa PTR Mail.Example.Org.\n"
    "_25._tcp.example.org TLSA 3 1 1 00 ff10\n"
    "long.example.org TXT \""
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\"\n"
    "to-signed.example.org CNAME x.wild.signed.example.org\n"
    "*.wild.signed.example.org SECURE\n"
    "*.wild.signed.example.org A 192.0.2.8\n"
    "signed2.example.org SECURE\n"
    "signed2.example.org CNAME x.wild.signed.example.org\n"
    "lame.example.org CNAME TIMEOUT\n"
    "bad.example.org TYPE1 c0\n"
    "empty.example.org TXT \"\"";

static const struct {
	const char *name;
	enum dns_type type;
	const char *answer;
} lookups[] = {
	{ "example.org", DNS_MX, "data 10:mail.example.org 10:second.example.org 20:backup.example.org" },
	{ "EXAMPLE.org.", DNS_MX, "data 10:mail.example.org 10:second.example.org 20:backup.example.org" },
	{ "example.org", DNS_TXT, "data \"v=spf1 mx -all\" \"quote \\\" back \\\\ nul \\x00 # ; end\"" },
	{ "example.org", DNS_A, "nodata" },
	{ "org", DNS_A, "nodata" },
	{ "example.com", DNS_A, "nxdomain" },
	{ "mail.example.org", DNS_A, "data 192.0.2.1 192.0.2.2" },
	{ "mail.example.org", DNS_AAAA, "data 2001:db8::1" },
	{ "x.mail.example.org", DNS_A, "nxdomain" },
	{ "www.example.org", DNS_A, "data 192.0.2.1 192.0.2.2" },
	{ "chain.example.org", DNS_AAAA, "data 2001:db8::1" },
	{ "chain.example.org", DNS_TXT, "nodata" },
	{ "dead.example.org", DNS_TXT, "nxdomain" },
	{ "loop.example.org", DNS_TXT, "temperror (CNAME loop)" },
	{ "name.example.org", DNS_A, "nodata" },
	{ "deep.name.example.org", DNS_A, "nodata" },
	{ "a.deep.name.example.org", DNS_A, "data 192.0.2.3" },
	{ "any.wild.example.org", DNS_A, "data 192.0.2.4" },
	{ "more.than.one.wild.example.org", DNS_A, "data 192.0.2.4" },
	{ "any.wild.example.org", DNS_TXT, "nodata" },
	{ "there.wild.example.org", DNS_A, "nodata" },
	{ "x.there.wild.example.org", DNS_A, "nxdomain" },
	{ "wild.example.org", DNS_A, "nodata" },
	{ "slow.example.org", DNS_A, "temperror (timeout)" },
	{ "broken.example.org", DNS_TXT, "temperror (SERVFAIL)" },
	{ "to-broken.example.org", DNS_TXT, "temperror (SERVFAIL)" },
	{ "half.example.org", DNS_A, "data 192.0.2.5" },
	{ "half.example.org", DNS_TXT, "temperror (timeout)" },
	{ "half.example.org", DNS_MX, "temperror (SERVFAIL)" },
	{ "half.example.org", DNS_PTR, "nodata" },
	{ "void.example.org", DNS_A, "nodata" },
	{ "signed.example.org", DNS_A, "data secure 192.0.2.6" },
	{ "signed.example.org", DNS_TXT, "nodata secure" },
	{ "no.signed.example.org", DNS_TXT, "nxdomain secure" },
	{ "x.wild.signed.example.org", DNS_A, "data secure 192.0.2.8" },
	{ "to-signed.example.org", DNS_A, "data 192.0.2.8" },
	{ "signed2.example.org", DNS_A, "data secure 192.0.2.8" },
	{ "lame.example.org", DNS_A, "temperror (timeout)" },
	{ "nullmx.example.org", DNS_MX, "data 0:\"\"" },
	{ "odd name.example.org", DNS_A, "data 192.0.2.7" },
	{ "odd\\032name.example.org", DNS_A, "nxdomain" },
	{ "odd.dot.example.org", DNS_PTR, "nxdomain" },
	{ "1.2.0.192.in-addr.arpa", DNS_PTR, "data mail.example.org" },
	{ "_25._tcp.example.org", DNS_TLSA, "data \"\\x03\\x01\\x01\\x00\\xff\\x10\"" },
	{ "long.example.org", DNS_TXT, "data 0123456789012345678901234567890123456789..." },
	{ "bad.example.org", DNS_A, "temperror (malformed answer)" },
	{ "empty.example.org", DNS_TXT, "data \"\"" },
	{ "", DNS_A, "nxdomain" },
	{ ".", DNS_A, "nxdomain" },
	{ "..", DNS_A, "nxdomain" },
	{ "example.org..", DNS_A, "nxdomain" },
	{ ".example.org", DNS_A, "nxdomain" },
	{ "a..example.org", DNS_A, "nxdomain" },
};

START_TEST(lookup)
{
	struct view text = tight_cstr(zone_text), name = tight_cstr(lookups[_i].name);
	struct err err;
	struct dns *dns = dns_open_fake(text, &err);
	struct dns_task *task;

	ck_assert_msg(dns != NULL, "%s", err.text);
	free((void *)text.p);
	task = dns_task_new(dns, arena, (struct dns_budget){ .queries = 10, .wait_ms = 1000 });
	for (int turn = 0; turn < 2; turn++) /* the second from the task itself */
		ck_assert_str_eq(answer_text(dns_get(task, name, lookups[_i].type), lookups[_i].type, arena),
		    lookups[_i].answer);
	arena_reset(arena);
	task = dns_task_new(dns, arena, (struct dns_budget){ .queries = 10, .wait_ms = 1000 });
	ck_assert_str_eq(answer_text(dns_get(task, name, lookups[_i].type), lookups[_i].type, arena),
	    lookups[_i].answer);
	ck_assert_uint_eq(dns_task_stats(task).from_cache, dns_task_stats(task).queries);
	arena_reset(arena);
	dns_close(dns);
	free((void *)name.p);
}
END_TEST

START_TEST(fake_long_string)
{
	struct err err;
	struct dns *dns = dns_open_fake(view_of(zone_text), &err);
	struct dns_task *task = dns_task_new(dns, arena, (struct dns_budget){ .queries = 10, .wait_ms = 1000 });

	ck_assert_uint_eq(dns_get(task, view_of("long.example.org"), DNS_TXT)->txt[0].n, 300);
	arena_reset(arena);
	dns_close(dns);
}
END_TEST

static const struct {
	const char *text;
	const char *error; /* how it begins */
} refused[] = {
	{ "a.test A 192.0.2.1\n\na.test A 192.0.2\n", "line 3: 192.0.2 is no IPv4 address" },
	{ "a.test A 2001:db8::1", "line 1: 2001:db8::1 is no IPv4 address" },
	{ "a.test AAAA 192.0.2.1", "line 1: 192.0.2.1 is no IPv6 address" },
	{ "a.test A", "line 1: \"\" is no IPv4 address" },
	{ "a.test A # 192.0.2.1", "line 1: \"\" is no IPv4 address" },
	{ "a.test A 192.0.2.1 192.0.2.2", "line 1: more than belongs into one line" },
	{ "a.test MX mail.test", "line 1: MX preference: a number up to 65535 is wanted, not mail.test" },
	{ "a.test MX 65536 mail.test", "line 1: MX preference" },
	{ "a.test MX 10", "line 1: \"\" is no name" },
	{ "a.test TXT v=spf1", "line 1: strings are written within quotes" },
	{ "a.test TXT \"v=spf1", "line 1: a string without its closing quote" },
	{ "a.test TXT \"v\" spf1", "line 1: strings are written within quotes" },
	{ "a.test TXT \"\\256\"", "line 1: bad escape in a string" },
	{ "a.test TXT \"\\25\"", "line 1: bad escape in a string" },
	{ "a.test TXT \"\\", "line 1: bad escape in a string" },
	{ "a.test TXT TIMEOUT \"x\"", "line 1: more than belongs into one line" },
	{ "a.test TLSA 3 1 1 0", "line 1: hexadecimal digits in pairs" },
	{ "a.test TLSA 3 1 256 00", "line 1: TLSA matching type" },
	{ "a.test TYPE65536 00", "line 1: TYPE65536 is no type and no outcome" },
	{ "a.test WHAT 00", "line 1: WHAT is no type and no outcome" },
	{ "a.test", "line 1: \"\" is no type and no outcome" },
	{ "a.test DELAY", "line 1: DELAY: a number up to 600000 is wanted" },
	{ "a.test DELAY 600001", "line 1: DELAY" },
	{ "a..test A 192.0.2.1", "line 1: a..test is no name" },
	{ "\\300.test A 192.0.2.1", "line 1: \"\\\\300.test\" is no name" },
	{ "a.test CNAME b.test\na.test CNAME c.test", "line 2: a second CNAME" },
	{ "\"a.test\" A 192.0.2.1", "line 1: \"\" is no name" },
};

START_TEST(fake_refused)
{
	struct view text = tight_cstr(refused[_i].text);
	struct err err = { .text = "accepted" };
	bool ok = dns_fake_parse(text, arena, &err) != NULL;

	ck_assert_msg(!ok && strncmp(err.text, refused[_i].error, strlen(refused[_i].error)) == 0, "%s: %s",
	    refused[_i].text, err.text);
	free((void *)text.p);
}
END_TEST

/* rdata of one or two records into an answer */
#define R(literal) { literal, sizeof(literal) - 1 }
static const struct {
	enum dns_type type;
	struct view rdata[2];
	const char *answer;
} decoded[] = {
	{ DNS_A, { R("\300\0\2\1"), R("\300\0\2\2") }, "data 192.0.2.1 192.0.2.2" },
	{ DNS_A, { R("\300\0\2\1"), R("\300\0\2") }, "temperror (malformed answer)" },
	{ DNS_A, { R("\300\0\2\1"), R("\300\0\2\2\2") }, "temperror (malformed answer)" },
	{ DNS_AAAA, { R("\300\0\2\1") }, "temperror (malformed answer)" },
	{ DNS_AAAA, { R("\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1") }, "data 2001:db8::1" },
	{ DNS_TXT, { R("\3abc\0\2de"), R("\0") }, "data abcde \"\"" },
	{ DNS_TXT, { R("\3ab") }, "temperror (malformed answer)" },
	{ DNS_TXT, { R("\3abc\377") }, "temperror (malformed answer)" },
	{ DNS_TXT, { { "", 0 }, R("\1a") }, "temperror (malformed answer)" },
	{ DNS_MX, { R("\0\024\4Mail\4TEST\0"), R("\0\012\1a\0") }, "data 10:a 20:mail.test" },
	{ DNS_MX, { R("\0\0\0") }, "data 0:\"\"" },
	{ DNS_MX, { R("\0\0\1a\0x") }, "temperror (malformed answer)" }, /* more behind the name */
	{ DNS_MX, { R("\0\0\1a") }, "temperror (malformed answer)" },	  /* no root at its end */
	{ DNS_MX, { R("\0\0\4a") }, "temperror (malformed answer)" },
	{ DNS_MX, { R("\0\0\300\014") }, "temperror (malformed answer)" }, /* a pointer */
	{ DNS_MX, { R("\0\0\100a") }, "temperror (malformed answer)" },
	{ DNS_MX, { R("\0") }, "temperror (malformed answer)" },
	{ DNS_MX, { R("\0\0") }, "temperror (malformed answer)" },
	{ DNS_PTR, { R("\5a.b\\c\3\0 \377\0") }, "data \"a\\\\046b\\\\092c.\\\\000\\\\032\\\\255\"" },
	{ DNS_PTR, { R("\4good\0"), R("\0") }, "data good \"\"" },
	{ DNS_TLSA, { R("\3\1\1\0") }, "data \"\\x03\\x01\\x01\\x00\"" },
};

START_TEST(decode)
{
	struct view rdata[2];
	struct dns_answer answer = { .outcome = DNS_TEMP };
	size_t n = decoded[_i].rdata[1].p != NULL ? 2 : 1;

	for (size_t i = 0; i < n; i++)
		rdata[i] = tight_copy(decoded[_i].rdata[i]);
	dns_decode(decoded[_i].type, rdata, n, arena, &answer);
	for (size_t i = 0; i < n; i++)
		free((void *)rdata[i].p);
	ck_assert_str_eq(answer_text(&answer, decoded[_i].type, arena), decoded[_i].answer);
}
END_TEST

START_TEST(decode_bounds)
{
	struct view *rdata = ARENA_ARRAY(arena, DNS_RECORDS_MAX + 1, struct view);
	struct view half = { ARENA_ARRAY(arena, DNS_ANSWER_MAX / 2, char), DNS_ANSWER_MAX / 2 };
	struct dns_answer answer = { .outcome = DNS_TEMP };

	for (size_t i = 0; i <= DNS_RECORDS_MAX; i++)
		rdata[i] = VIEW_LIT("\300\0\2\1");
	dns_decode(DNS_A, rdata, DNS_RECORDS_MAX, arena, &answer);
	ck_assert_int_eq(answer.outcome, DNS_DATA);
	ck_assert_uint_eq(answer.n, DNS_RECORDS_MAX);
	dns_decode(DNS_A, rdata, DNS_RECORDS_MAX + 1, arena, &answer);
	ck_assert_str_eq(answer.why, "answer too large");
	rdata[0] = rdata[1] = half;
	dns_decode(DNS_TLSA, rdata, 2, arena, &answer);
	ck_assert_int_eq(answer.outcome, DNS_DATA);
	rdata[2] = VIEW_LIT("x");
	dns_decode(DNS_TLSA, rdata, 3, arena, &answer);
	ck_assert_str_eq(answer.why, "answer too large");
	ck_assert_uint_eq(answer.n, 0);
	dns_decode(DNS_TXT, rdata, 0, arena, &answer);
	ck_assert_int_eq(answer.outcome, DNS_NODATA);
}
END_TEST

#define L63 "0123456789012345678901234567890123456789012345678901234567890ab"
#define N253 L63 "." L63 "." L63 "." "0123456789012345678901234567890123456789012345678901234567890"
static const struct {
	const char *name;
	bool ok;
} names[] = {
	{ "a", true },
	{ "a.b", true },
	{ "_dmarc.example.org", true },
	{ "a b.\377", true },
	{ L63 ".test", true },
	{ L63 "c.test", false },
	{ N253, true },
	{ N253 "c", false },
	{ "", false },
	{ ".", false },
	{ "a.", false },
	{ ".a", false },
	{ "a..b", false },
};

START_TEST(name_ok)
{
	struct view name = tight_cstr(names[_i].name);

	ck_assert_msg(dns_name_ok(name) == names[_i].ok, "%s", names[_i].name);
	if (names[_i].ok) { /* libunbound and our own zone reader understand what we escape */
		struct buffer wire = buffer_in(arena);

		ck_assert(dns_name_to_wire(dns_name_escaped(name, arena), false, &wire));
		ck_assert_uint_eq(buffer_view(&wire).n, name.n + 2);
	}
	free((void *)name.p);
}
END_TEST

static const struct {
	const char *text;
	const char *error; /* part of it; NULL: accepted */
} settings[] = {
	{ "", NULL },
	{ "dns: { mode = \"recurse\"; dnssec = true; };", NULL },
	{ "dns: { mode = \"servers\"; servers = [\"192.0.2.53\", \"2001:db8::53@5353\"]; };", NULL },
	{ "dns: { mode = \"servers\"; };", "needs at least one" },
	{ "dns: { servers = [\"192.0.2.53\"]; };", "mode is not" },
	{ "dns: { mode = \"servers\"; servers = [\"192.0.2.53\", \"localhost\"]; };", "server 2" },
	{ "dns: { mode = \"servers\"; servers = [\"192.0.2.53@\"]; };", "server 1" },
	{ "dns: { mode = \"servers\"; servers = [\"192.0.2.53@65536\"]; };", "server 1" },
	{ "dns: { mode = \"server\"; };", "mode" },
	{ "dns: { timeout = 5; };", "timeout" },
	{ "dns: { cache-octets = 0; };", "cache-octets" },
	{ "dns: { queries-per-message = 0; };", "queries-per-message" },
};

static void
keep(void *ctx, const char *text)
{
	buffer_add_cstr(ctx, text);
}

START_TEST(setting)
{
	struct dns_conf conf;
	const struct conf_target target = { &dns_section, &conf };
	struct buffer said = buffer_in(arena);
	bool ok = conf_read_text(view_of(settings[_i].text), "test", &target, 1, arena, keep, &said);
	const char *text = arena_cstr(arena, buffer_view(&said));

	ck_assert_msg(ok == (settings[_i].error == NULL), "%s: %s", settings[_i].text, text);
	if (settings[_i].error != NULL)
		ck_assert_msg(strstr(text, settings[_i].error) != NULL, "%s: %s", settings[_i].text, text);
	else
		ck_assert_int_eq(conf.cache_octets, 32 << 20);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("dns");
	TCase *fake = tcase_create("fake"), *wire = tcase_create("wire"), *conf = tcase_create("conf");

	tcase_add_checked_fixture(fake, arena_setup, arena_teardown);
	tcase_add_loop_test(fake, lookup, 0, ARRAY_LEN(lookups));
	tcase_add_test(fake, fake_long_string);
	tcase_add_loop_test(fake, fake_refused, 0, ARRAY_LEN(refused));
	suite_add_tcase(suite, fake);
	tcase_add_checked_fixture(wire, arena_setup, arena_teardown);
	tcase_add_loop_test(wire, decode, 0, ARRAY_LEN(decoded));
	tcase_add_test(wire, decode_bounds);
	tcase_add_loop_test(wire, name_ok, 0, ARRAY_LEN(names));
	suite_add_tcase(suite, wire);
	tcase_add_checked_fixture(conf, arena_setup, arena_teardown);
	tcase_add_loop_test(conf, setting, 0, ARRAY_LEN(settings));
	suite_add_tcase(suite, conf);
	return run_suite(suite);
}
