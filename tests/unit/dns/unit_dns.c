#include "answer_text.h"
#include "base/buffer.h"
#include "dns/dns_conf.h"
#include "dns/dns_fake.h"
#include "support/support.h"

#include <stdlib.h>
#include <string.h>

static struct arena *arena;

static void
setup(void)
{
	arena = arena_new();
}

static void
teardown(void)
{
	arena_free(arena);
}

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
    "long.example.org TXT \"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\"\n"
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
	ck_assert_str_eq(answer_text(dns_get(task, name, lookups[_i].type), lookups[_i].type, arena), lookups[_i].answer);
	ck_assert_uint_eq(dns_task_stats(task).from_cache, dns_task_stats(task).queries);
	arena_reset(arena);
	dns_close(dns);
	free((void *)name.p);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("dns");
	TCase *fake = tcase_create("fake");

	tcase_add_checked_fixture(fake, setup, teardown);
	tcase_add_loop_test(fake, lookup, 0, ARRAY_LEN(lookups));
	suite_add_tcase(suite, fake);
	return run_suite(suite);
}
