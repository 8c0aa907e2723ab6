#include "dns_test.h"
#include "dns/dns_conf.h"
#include "nameserver.h"
#include "signed_zone.h"
#include "support/support.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TIMEOUT_MS 1000

static struct arena *arena;
static struct nameserver *server;
static struct dns *dns;

static struct dns *
open_dns(int64_t timeout_ms, bool dnssec, const char *anchor)
{
	struct dns_conf conf = {
		.mode = DNS_MODE_SERVERS,
		.dnssec = dnssec,
		.trust_anchor = view_of(anchor),
		.timeout = timeout_ms,
		.cache_octets = 4 << 20,
		.ttl_max = 86400,
		.ttl_negative_max = 3600,
	};
	struct view address = arena_printf(arena, "127.0.0.1@%d", nameserver_port(server));
	struct err err;
	struct dns *opened;

	conf.servers = (struct conf_list){ &address, 1, NULL };
	opened = dns_open(&conf, &err);
	ck_assert_msg(opened != NULL, "%s", err.text);
	return opened;
}

static void
setup(void)
{
	arena = arena_new();
	server = nameserver_start();
	dns = open_dns(TIMEOUT_MS, false, NULL);
}

static void
teardown(void)
{
	arena_reset(arena);
	dns_close(dns);
	nameserver_stop(server);
	arena_free(arena);
}

static struct dns_task *
new_task(void)
{
	return dns_task_new(dns, arena, (struct dns_budget){ .queries = 100000, .wait_ms = 20000 });
}

static const struct {
	const char *name;
	enum dns_type type;
	const char *answer;
} lookups[] = {
	{ "data.test", DNS_TXT, "data \"v=spf1 -all\" second" },
	{ "Data.TEST.", DNS_A, "data 192.0.2.1" },
	{ "data.test", DNS_MX, "data 10:\"odd\\\\001name.test\" 20:b.test" },
	{ "data.test", DNS_AAAA, "nodata" },
	{ "ttl0.test", DNS_A, "data 192.0.2.1" },
	{ "data \".test", DNS_A, "data 192.0.2.1" },
	{ "data \377.test", DNS_A, "data 192.0.2.1" },
	{ "data.10.in-addr.arpa", DNS_A, "data 192.0.2.1" },
	{ "data.home.arpa", DNS_A, "data 192.0.2.1" },
	{ "nodata.test", DNS_TXT, "nodata" },
	{ "nxdomain.test", DNS_TXT, "nxdomain" },
	{ "servfail.test", DNS_TXT, "temperror (SERVFAIL)" },
	{ "refused.test", DNS_TXT, "temperror (SERVFAIL)" }, /* the library's word after all servers refused */
	{ "cname.test", DNS_A, "data 192.0.2.1" },
	{ "deadend.test", DNS_TXT, "nxdomain" },
	{ "silent.test", DNS_TXT, "temperror (timeout)" },
	{ "slow.test", DNS_A, "data 192.0.2.1" },
	{ "wrongid.test", DNS_TXT, "temperror (timeout)" },
	{ "wrongname.test", DNS_TXT, "temperror (SERVFAIL)" },
	{ "formerr.test", DNS_TXT, "temperror (SERVFAIL)" },
	{ "short.test", DNS_TXT, "temperror (SERVFAIL)" },
	{ "tcsilent.test", DNS_TXT, "temperror (timeout)" },
	{ "many.test", DNS_A, "temperror (answer too large)" },
	{ "a.b", DNS_TLSA, "nodata" },
};

START_TEST(lookup)
{
	int64_t start = clock_mono_ms(&clock_system), took;
	struct dns_task *task = new_task();
	const struct dns_answer *answer = dns_get(task, view_of(lookups[_i].name), lookups[_i].type);

	took = clock_mono_ms(&clock_system) - start;
	ck_assert_str_eq(answer_text(answer, lookups[_i].type, arena), lookups[_i].answer);
	ck_assert_msg(took < 2 * TIMEOUT_MS, "%s took %d ms", lookups[_i].name, (int)took);
}
END_TEST

START_TEST(truncated_comes_by_tcp)
{
	struct dns_task *task = new_task();
	const struct dns_answer *answer = dns_get(task, view_of("tc.test"), DNS_TXT);

	ck_assert_int_eq(answer->outcome, DNS_DATA);
	ck_assert_uint_eq(answer->n, 40);
	answer = dns_get(task, view_of("huge.test"), DNS_TXT);
	ck_assert_int_eq(answer->outcome, DNS_DATA);
	ck_assert_uint_eq(answer->txt[0].n + answer->txt[1].n + answer->txt[2].n, 100 * (200 + 199 + 198));
}
END_TEST

START_TEST(ttl)
{
	struct dns_task *task = new_task();

	ck_assert_uint_eq(dns_get(task, view_of("data.test"), DNS_TXT)->ttl, 60);
	ck_assert_uint_eq(dns_get(task, view_of("nodata.test"), DNS_TXT)->ttl, 7);
	ck_assert_uint_eq(dns_get(task, view_of("nxdomain.test"), DNS_TXT)->ttl, 7);
	ck_assert_uint_eq(dns_get(task, view_of("ttl0.test"), DNS_TXT)->ttl, 0);
	task = new_task();
	dns_get(task, view_of("data.test"), DNS_TXT);
	dns_get(task, view_of("nodata.test"), DNS_TXT);
	ck_assert_uint_eq(dns_task_stats(task).from_cache, 2);
	dns_get(task, view_of("ttl0.test"), DNS_TXT);
	ck_assert_uint_eq(dns_task_stats(task).from_cache, 2);
	ck_assert_uint_eq(nameserver_questions(server, "data"), 1);
}
END_TEST

/* Hundreds of silent questions do not keep the others from their answers. */
START_TEST(silence_hurts_nobody_else)
{
	struct dns_task *task;
	int64_t start;

	dns_close(dns);
	dns = open_dns(8000, false, NULL);
	task = new_task();
	for (int i = 0; i < 1000; i++)
		dns_ask(task, arena_printf(arena, "silent%d.test", i), DNS_TXT);
	start = clock_mono_ms(&clock_system);
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(dns_get(task, arena_printf(arena, "data%d.test", i), DNS_A)->outcome, DNS_DATA);
	ck_assert_int_lt(clock_mono_ms(&clock_system) - start, 4000);
}
END_TEST

/* A server that was deaf for a while is believed again as soon as it hears. */
START_TEST(server_comes_back)
{
	int64_t start;

	nameserver_deaf(server, true);
	for (int i = 0; i < 4; i++) {
		struct dns_task *task = new_task();

		for (int k = 0; k < 10; k++)
			dns_ask(task, arena_printf(arena, "data%d.test", i * 10 + k), DNS_A);
		ck_assert_int_eq(dns_get(task, arena_printf(arena, "data%d.test", i * 10), DNS_A)->outcome, DNS_TEMP);
	}
	nameserver_deaf(server, false);
	start = clock_mono_ms(&clock_system);
	for (int i = 100;; i++) {
		struct dns_task *task = new_task();

		if (dns_get(task, arena_printf(arena, "data%d.test", i), DNS_A)->outcome == DNS_DATA)
			break;
		ck_assert_int_lt(clock_mono_ms(&clock_system) - start, 8000);
		usleep(100000);
	}
}
END_TEST

START_TEST(late_answer_is_cached)
{
	struct dns_task *task = new_task();

	ck_assert_str_eq(answer_text(dns_get(task, view_of("late.test"), DNS_A), DNS_A, arena), "temperror (timeout)");
	for (int i = 0; i < 45; i++) { /* the failure is cached for 5 s; libunbound asks again after 0.4, 1.1, 2.6 s */
		struct dns_task *again = new_task();
		const struct dns_answer *answer = dns_get(again, view_of("late.test"), DNS_A);

		ck_assert_uint_eq(dns_task_stats(again).from_cache, 1);
		if (answer->outcome == DNS_DATA)
			return;
		usleep(100000);
	}
	ck_abort_msg("the late answer did not come");
}
END_TEST

/* More questions than may be in the library's hands, twice: the rest waits and gets its answer too. */
START_TEST(many_at_once)
{
	struct dns_task *task;

	dns_close(dns);
	dns = open_dns(15000, false, NULL); /* slow machines, and valgrind */
	task = new_task();
	for (int i = 0; i < 3000; i++)
		dns_ask(task, arena_printf(arena, "data%d.test", i), DNS_A);
	for (int i = 0; i < 3000; i++) {
		const struct dns_answer *answer = dns_get(task, arena_printf(arena, "data%d.test", i), DNS_A);

		ck_assert_str_eq(answer_text(answer, DNS_A, arena), "data 192.0.2.1");
	}
	ck_assert_uint_eq(dns_task_answered(task), 3000);
}
END_TEST

START_TEST(closing_with_questions_in_the_air)
{
	struct dns_task *task = new_task();

	for (int i = 0; i < 1500; i++)
		dns_ask(task, arena_printf(arena, "slow%d.test", i), DNS_A);
	if (_i > 0)
		usleep((unsigned)_i * 50000);
}
END_TEST

static void
stress(unsigned seed)
{
	static const char *const kinds[] = { "data", "nodata", "nxdomain", "slow", "servfail", "ttl0", "silent" };
	struct arena *own = arena_new();

	for (int message = 0; message < 40; message++) {
		struct dns_task *task = dns_task_new(dns, own, (struct dns_budget){ .queries = 50, .wait_ms = 300 });

		for (int i = 0; i < 12; i++) {
			const char *kind = kinds[rand_r(&seed) % ARRAY_LEN(kinds)];

			dns_ask(task, arena_printf(own, "%s%d.test", kind, rand_r(&seed) % 20), DNS_TXT);
		}
		for (int i = 0; i < 4; i++) {
			const char *kind = kinds[rand_r(&seed) % ARRAY_LEN(kinds)];
			const struct dns_answer *answer
			    = dns_get(task, arena_printf(own, "%s%d.test", kind, rand_r(&seed) % 20), DNS_TXT);

			if (strcmp(kind, "data") == 0)
				ck_assert(answer->outcome == DNS_DATA || answer->outcome == DNS_TEMP);
			if (strcmp(kind, "silent") == 0)
				ck_assert_int_eq(answer->outcome, DNS_TEMP);
		}
		ck_assert_int_lt(dns_task_stats(task).waited_ms, 1000);
		arena_reset(own);
	}
	arena_free(own);
}

START_TEST(threads)
{
	in_threads(stress);
}
END_TEST

/* One zone that is signed, and one that should be and is not: answers nobody may believe. */
static const char anchors[] = SIGNED_TRUST_ANCHOR
    "data.should. IN DS 20326 8 2 e06d44b80b8f1d39a95c0b0d7c65d08458e880409bbc683457104237c7f8ec8d\n";

static const struct {
	const char *name;
	enum dns_type type;
	const char *answer;
} validated[] = {
	{ "signed.test", DNS_TXT, "data secure \"v=spf1 -all\" second" },
	{ "signed.test", DNS_A, "temperror (bogus)" },
	{ "data.should", DNS_A, "temperror (bogus)" },
	{ "data.data.should", DNS_TXT, "temperror (bogus)" },
	{ "nodata.data.should", DNS_TXT, "temperror (bogus)" },
	{ "data.other", DNS_A, "data 192.0.2.1" },
	{ "nxdomain.other", DNS_A, "nxdomain" },
};

START_TEST(validation)
{
	char path[] = "/tmp/unit_dns_anchor.XXXXXX";
	int fd = mkstemp(path);
	struct dns *validating;
	struct dns_task *task;
	const struct dns_answer *answer;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, anchors, sizeof(anchors) - 1), sizeof(anchors) - 1);
	close(fd);
	validating = open_dns(5000, true, path);
	unlink(path);
	task = dns_task_new(validating, arena, (struct dns_budget){ .queries = 10, .wait_ms = 20000 });
	answer = dns_get(task, view_of(validated[_i].name), validated[_i].type);
	ck_assert_str_eq(answer_text(answer, validated[_i].type, arena), validated[_i].answer);
	arena_reset(arena);
	dns_close(validating);
}
END_TEST

static const struct {
	const char *server, *anchor;
	bool dnssec;
} refused[] = {
	{ "127.0.0.1@0", "", false },
	{ "localhost", "", false },
	{ "127.0.0.1", "/nonexistent/root.key", true },
	{ "127.0.0.1", "/etc/passwd", true },
};

START_TEST(settings_refused)
{
	struct view address = view_of(refused[_i].server);
	struct dns_conf conf = { .mode = DNS_MODE_SERVERS, .servers = { .item = &address, .n = 1 }, .timeout = 1000 };
	struct err err = { .text = "" };

	conf.dnssec = refused[_i].dnssec;
	conf.trust_anchor = view_of(refused[_i].anchor);
	ck_assert(dns_open(&conf, &err) == NULL);
	ck_assert_str_ne(err.text, "");
}
END_TEST

/* No question is asked: nothing leaves the machine. */
START_TEST(recursing_opens_and_closes)
{
	struct dns_conf conf = { .mode = DNS_MODE_RECURSE, .timeout = 1000, .cache_octets = 1 << 20 };
	struct err err;
	struct dns *opened = dns_open(&conf, &err);

	ck_assert_msg(opened != NULL, "%s", err.text);
	dns_close(opened);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("dns_live");
	TCase *live = tcase_create("live");

	tcase_add_checked_fixture(live, setup, teardown);
	tcase_set_timeout(live, 60);
	tcase_add_loop_test(live, lookup, 0, ARRAY_LEN(lookups));
	tcase_add_test(live, truncated_comes_by_tcp);
	tcase_add_test(live, ttl);
	tcase_add_test(live, silence_hurts_nobody_else);
	tcase_add_test(live, server_comes_back);
	tcase_add_test(live, late_answer_is_cached);
	tcase_add_test(live, many_at_once);
	tcase_add_loop_test(live, closing_with_questions_in_the_air, 0, 4);
	tcase_add_test(live, threads);
	tcase_add_loop_test(live, validation, 0, ARRAY_LEN(validated));
	tcase_add_test(live, recursing_opens_and_closes);
	tcase_add_loop_test(live, settings_refused, 0, ARRAY_LEN(refused));
	suite_add_tcase(suite, live);
	return run_suite(suite);
}
