#include "dns_test.h"
#include "dns/dns_conf.h"
#include "dns/dns_core.h"
#include "support/support.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static struct arena *arena;
static struct dns *dns;

static const char zone_text[]
    = "fast.test A 192.0.2.1\n"
      "short.test 10 A 192.0.2.2\n"
      "longest.test 2000000 A 192.0.2.3\n"
      "zero.test 0 A 192.0.2.4\n"
      "down.test SERVFAIL\n"
      "nodata.test NODATA\n"
      "*.slow.test A 192.0.2.5\n"
      "*.slow.test DELAY 200\n"
      "*.slower.test A 192.0.2.6\n"
      "*.slower.test DELAY 2000\n"
      "dead.test TIMEOUT\n"
      "dead.test DELAY 200\n"
      "*.host.test TXT \"some text of a usual length, such as an SPF record has: v=spf1 mx -all\"\n";

static void
setup(void)
{
	struct err err;

	arena = arena_new();
	dns = dns_open_fake(view_of(zone_text), &err);
	ck_assert_msg(dns != NULL, "%s", err.text);
}

static void
teardown(void)
{
	arena_free(arena);
	dns_close(dns);
}

static int64_t
now(void)
{
	return clock_mono_ms(&clock_system);
}

static struct dns_task *
task_with(unsigned queries, int64_t wait_ms)
{
	return dns_task_new(dns, arena, (struct dns_budget){ .queries = queries, .wait_ms = wait_ms });
}

static const char *
get(struct dns_task *task, const char *name)
{
	return answer_text(dns_get(task, view_of(name), DNS_A), DNS_A, arena);
}

START_TEST(budget_of_queries)
{
	struct dns_task *task = task_with(2, 1000);

	ck_assert_str_eq(get(task, "fast.test"), "data 192.0.2.1");
	ck_assert_str_eq(get(task, "FAST.test."), "data 192.0.2.1"); /* a repetition */
	ck_assert_str_eq(get(task, "not a..name"), "nxdomain");      /* never asked */
	ck_assert_str_eq(get(task, "one.test"), "nxdomain");
	ck_assert_str_eq(get(task, "two.test"), "temperror (too many queries)");
	ck_assert_str_eq(get(task, "fast.test"), "data 192.0.2.1");
	ck_assert_str_eq(get(task, "two.test"), "temperror (too many queries)");
	ck_assert_uint_eq(dns_task_stats(task).queries, 2);
	ck_assert_uint_eq(dns_task_stats(task).temp, 1);
	ck_assert_uint_eq(dns_task_answered(task), 4);
}
END_TEST

START_TEST(budget_of_time_is_one_for_all_waits)
{
	struct dns_task *task = task_with(10, 500);
	int64_t start = now();

	ck_assert_str_eq(get(task, "a.slow.test"), "data 192.0.2.5");
	ck_assert_str_eq(get(task, "a.slower.test"), "temperror (waited too long)");
	ck_assert_int_ge(now() - start, 499);
	ck_assert_int_lt(now() - start, 1500);
	ck_assert_str_eq(get(task, "b.slower.test"), "temperror (waited too long)");
	ck_assert_int_lt(now() - start, 1600);
	ck_assert_str_eq(get(task, "a.slower.test"), "temperror (waited too long)"); /* for good */
	ck_assert_str_eq(get(task, "fast.test"), "data 192.0.2.1");		     /* needs no time */
	ck_assert_uint_eq(dns_task_stats(task).temp, 2);
	ck_assert_int_ge(dns_task_stats(task).waited_ms, 499);
}
END_TEST

START_TEST(asks_overlap)
{
	struct dns_task *task = task_with(10, 5000);
	struct dns_question *a, *b, *c;
	int64_t start = now();

	a = dns_ask(task, view_of("a.slow.test"), DNS_A);
	b = dns_ask(task, view_of("b.slow.test"), DNS_A);
	c = dns_ask(task, view_of("dead.test"), DNS_A);
	ck_assert_int_lt(now() - start, 190); /* asking does not wait */
	ck_assert_ptr_null(dns_peek(task, a));
	ck_assert_ptr_eq(dns_ask(task, view_of("A.slow.TEST."), DNS_A), a);
	ck_assert_uint_eq(dns_task_answered(task), 0);
	ck_assert_str_eq(get(task, "fast.test"), "data 192.0.2.1");
	ck_assert_uint_eq(dns_task_answered(task), 1);
	ck_assert_int_eq(dns_wait(task, a)->outcome, DNS_DATA);
	ck_assert_int_eq(dns_wait(task, b)->outcome, DNS_DATA);
	ck_assert_str_eq(answer_text(dns_wait(task, c), DNS_A, arena), "temperror (timeout)");
	ck_assert_int_ge(now() - start, 199);
	ck_assert_int_lt(now() - start, 590); /* one after the other: 600 */
	ck_assert_ptr_eq(dns_peek(task, a), dns_wait(task, a));
	ck_assert_uint_eq(dns_task_answered(task), 4);
}
END_TEST

/* The time between an ask and its wait is not charged: that is what asking early is for. */
START_TEST(only_waiting_costs_time)
{
	struct dns_task *task = task_with(10, 5000);
	struct dns_question *q = dns_ask(task, view_of("a.slow.test"), DNS_A);
	int64_t until = now() + 5000;

	while (dns_task_answered(task) == 0 && now() < until) /* ends: 5 s */
		sched_yield();
	ck_assert_ptr_nonnull(dns_peek(task, q));
	ck_assert_int_eq(dns_wait(task, q)->outcome, DNS_DATA);
	ck_assert_int_eq(dns_task_stats(task).waited_ms, 0);
}
END_TEST

START_TEST(each)
{
	struct dns_task *task = task_with(2, 1000);
	const struct dns_answer *answer;
	enum dns_type type;
	struct view name;

	dns_ask(task, view_of("A.slow.test."), DNS_A);
	dns_ask(task, view_of("fast.test"), DNS_A);
	dns_ask(task, view_of("fast.test"), DNS_TXT);
	ck_assert(dns_task_each(task, 0, &name, &type, &answer));
	ck_view_is(name, "a.slow.test");
	ck_assert_int_eq(type, DNS_A);
	ck_assert_ptr_null(answer);
	ck_assert(dns_task_each(task, 1, &name, &type, &answer));
	ck_assert_int_eq(answer->outcome, DNS_DATA);
	ck_assert(dns_task_each(task, 2, &name, &type, &answer));
	ck_assert_int_eq(type, DNS_TXT);
	ck_assert_str_eq(answer->why, "too many queries");
	ck_assert(!dns_task_each(task, 3, &name, &type, &answer));
}
END_TEST

START_TEST(huge_name_costs_nothing)
{
	struct dns_task *task = task_with(10, 1000);
	struct view name = { malloc(1 << 20), 1 << 20 };
	size_t used;

	memset((char *)name.p, 'a', name.n);
	used = arena_used(arena);
	ck_assert_int_eq(dns_get(task, name, DNS_A)->outcome, DNS_NXDOMAIN);
	ck_assert_uint_lt(arena_used(arena) - used, 2000);
	ck_assert_uint_eq(dns_task_stats(task).queries, 0);
	free((char *)name.p);
}
END_TEST

/* A task may end before its answers; nobody is waited for, and others who joined get theirs. */
START_TEST(task_ends_with_questions_in_the_air)
{
	struct arena *other = arena_new();
	struct dns_task *task = task_with(100, 5000), *second;
	struct dns_question *q;
	int64_t start = now();

	for (int i = 0; i < 50; i++)
		dns_ask(task, arena_printf(arena, "n%d.slow.test", i), DNS_A);
	second = dns_task_new(dns, other, (struct dns_budget){ .queries = 10, .wait_ms = 1000 });
	q = dns_ask(second, view_of("n7.slow.test"), DNS_A);
	arena_reset(arena);
	ck_assert_int_lt(now() - start, 190);
	ck_assert_int_eq(dns_wait(second, q)->outcome, DNS_DATA);
	dns_ask(second, view_of("last.slow.test"), DNS_A);
	arena_free(other);
}
END_TEST

/* --- the cache, by a clock that stands still ------------------------------------------------ */
static const struct {
	const char *name;
	int64_t ttl; /* seconds it is kept */
} kept[] = {
	{ "fast.test", 3600 },
	{ "short.test", 10 },
	{ "longest.test", 86400 },
	{ "down.test", DNS_TEMP_TTL },
	{ "nodata.test", 300 },
	{ "nxdomain.test", 300 },
};

START_TEST(kept_as_long_as_it_may_be)
{
	struct clock clock = { .fixed_wall = 0, .fixed_mono_ms = 1000 };
	int64_t end = 1000 + kept[_i].ttl * 1000;
	struct dns_task *task;

	dns->clock = &clock;
	task = task_with(10, 1000);
	get(task, kept[_i].name);
	ck_assert_uint_eq(dns_task_stats(task).from_cache, 0);
	clock.fixed_mono_ms = end - 1;
	task = task_with(10, 1000);
	ck_assert_uint_eq(dns_get(task, view_of(kept[_i].name), DNS_A)->ttl, 1);
	ck_assert_uint_eq(dns_task_stats(task).from_cache, 1);
	clock.fixed_mono_ms = end;
	task = task_with(10, 1000);
	ck_assert_uint_eq(dns_get(task, view_of(kept[_i].name), DNS_A)->ttl, (unsigned)kept[_i].ttl);
	ck_assert_uint_eq(dns_task_stats(task).from_cache, 0);
}
END_TEST

START_TEST(ttl_zero_is_for_those_who_asked)
{
	struct dns_task *task = task_with(10, 1000);

	ck_assert_str_eq(get(task, "zero.test"), "data 192.0.2.4");
	ck_assert_str_eq(get(task, "zero.test"), "data 192.0.2.4");
	task = task_with(10, 1000);
	ck_assert_str_eq(get(task, "zero.test"), "data 192.0.2.4");
	ck_assert_uint_eq(dns_task_stats(task).from_cache, 0);
}
END_TEST

START_TEST(least_recently_used_leaves_first)
{
	struct dns_cache cache;
	struct dns_answer answer = { .outcome = DNS_NXDOMAIN, .why = "", .ttl = 60 };
	struct dns_entry *one[10];
	size_t octets;

	for (int i = 0; i < 10; i++)
		one[i] = dns_entry_new(arena_printf(arena, "n%d.test", i), DNS_A, &answer, 0);
	octets = one[0]->node.octets;
	dns_cache_init(&cache, 4 * octets + octets / 2);
	for (int i = 0; i < 4; i++)
		dns_cache_put(&cache, one[i]);
	ck_assert_uint_eq(cache.lru.octets, 4 * octets);
	ck_assert_ptr_eq(dns_cache_find(&cache, view_of("N0.test"), DNS_A, one[0]->node.hash, 1), one[0]); /* used */
	ck_assert_ptr_null(dns_cache_find(&cache, view_of("n0.test"), DNS_MX, one[0]->node.hash, 1));
	for (int i = 4; i < 7; i++)
		dns_cache_put(&cache, one[i]);
	ck_assert_uint_eq(cache.lru.octets, 4 * octets);
	for (int i = 0; i < 7; i++)
		ck_assert_msg((dns_cache_find(&cache, one[i]->name, DNS_A, one[i]->node.hash, 1) != NULL) == (i == 0 || i > 3),
		    "n%d", i);
	dns_cache_put(&cache, one[5]); /* again */
	ck_assert_uint_eq(cache.lru.octets, 4 * octets);
	ck_assert_ptr_null(dns_cache_find(&cache, one[5]->name, DNS_A, one[5]->node.hash, 60000)); /* too old: dropped */
	ck_assert_uint_eq(cache.lru.octets, 3 * octets);
	dns_cache_clear(&cache);
	for (int i = 0; i < 10; i++) {
		ck_assert_uint_eq(atomic_load(&one[i]->refs), 1);
		dns_entry_unref(one[i]);
	}
}
END_TEST

START_TEST(too_large_for_the_cache)
{
	struct dns_cache cache;
	struct dns_answer answer = { .outcome = DNS_NXDOMAIN, .why = "", .ttl = 60 };
	struct dns_entry *entry = dns_entry_new(view_of("a.test"), DNS_A, &answer, 0);

	dns_cache_init(&cache, entry->node.octets - 1);
	dns_cache_put(&cache, entry);
	ck_assert_uint_eq(cache.lru.octets, 0);
	dns_cache_clear(&cache);
	dns_entry_unref(entry);
}
END_TEST

/* --- threads -------------------------------------------------------------------------------- */

/* A resolver that counts its flights and ends them only when told. */
static struct {
	struct lock lock;
	struct dns_flight *flights; /* guarded by lock */
	unsigned started;	     /* guarded by lock */
} held;

static void
held_start(void *self, struct dns_flight *flight)
{
	(void)self;
	lock_take(&held.lock);
	flight->next = held.flights;
	held.flights = flight;
	held.started++;
	lock_drop(&held.lock);
}

static void
held_finish(struct dns *of)
{
	struct dns_answer answer = { .outcome = DNS_NXDOMAIN, .why = "", .ttl = 60 };

	lock_take(&held.lock);
	while (held.flights != NULL) {
		struct dns_flight *flight = held.flights;

		held.flights = flight->next;
		dns_flight_finish(of, flight, &answer);
	}
	lock_drop(&held.lock);
}

static void
held_close(void *self)
{
	(void)self;
}

static const struct dns_resolver held_resolver = { .start = held_start, .close = held_close };

static void *
ask_the_same(void *object)
{
	struct arena *own = arena_new();
	struct dns_task *task = dns_task_new(object, own, (struct dns_budget){ .queries = 10, .wait_ms = 10000 });

	ck_assert_int_eq(dns_get(task, view_of("one.test"), DNS_TXT)->outcome, DNS_NXDOMAIN);
	arena_free(own);
	return NULL;
}

START_TEST(equal_questions_fly_once)
{
	struct dns *counted = dns_new(&held_resolver, NULL, &dns_limits_preset);
	struct arena *own = arena_new();
	struct dns_task *task = dns_task_new(counted, own, (struct dns_budget){ .queries = 10, .wait_ms = 10000 });
	struct dns_question *q = dns_ask(task, view_of("ONE.test"), DNS_TXT);
	pthread_t thread[8];

	lock_init(&held.lock);
	for (int i = 0; i < 8; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, ask_the_same, counted), 0);
	dns_ask(task, view_of("one.test"), DNS_A); /* another type flies alone */
	while (dns_task_answered(task) < 2) { /* ends: each turn finishes what flies */
		held_finish(counted);
		sched_yield();
	}
	for (int i = 0; i < 8; i++)
		pthread_join(thread[i], NULL);
	ck_assert_int_eq(dns_wait(task, q)->outcome, DNS_NXDOMAIN);
	ck_assert_uint_eq(held.started, 2);
	arena_free(own);
	dns_close(counted);
}
END_TEST

START_TEST(flights_are_bounded_and_dropped_when_unwanted)
{
	struct dns *counted = dns_new(&held_resolver, NULL, &dns_limits_preset);
	struct arena *own = arena_new();
	struct dns_task *task = dns_task_new(counted, own, (struct dns_budget){ .queries = 100000, .wait_ms = 0 });
	struct dns_question *q;

	lock_init(&held.lock);
	for (int i = 0; i < DNS_FLIGHTS_MAX; i++)
		ck_assert_ptr_null(dns_peek(task, dns_ask(task, arena_printf(own, "n%d.test", i), DNS_TXT)));
	q = dns_ask(task, view_of("one.too.many"), DNS_TXT);
	ck_assert_str_eq(dns_peek(task, q)->why, "resolver busy");
	ck_assert(!dns_flight_drop(counted, held.flights));
	dns_flight_expire(counted, held.flights, "timeout"); /* the newest; its answer may still come */
	q = dns_ask(task, arena_printf(own, "n%d.test", DNS_FLIGHTS_MAX - 1), DNS_TXT);
	ck_assert_str_eq(dns_peek(task, q)->why, "timeout");
	arena_reset(own);
	while (held.flights != NULL) {
		struct dns_flight *flight = held.flights;

		held.flights = flight->next;
		ck_assert(dns_flight_drop(counted, flight));
	}
	ck_assert_uint_eq(atomic_load(&counted->flights), 0);
	arena_free(own);
	dns_close(counted);
}
END_TEST

static void
stress(unsigned seed)
{
	struct arena *own = arena_new();

	for (int message = 0; message < 60; message++) {
		struct dns_task *task = dns_task_new(dns, own, (struct dns_budget){ .queries = 20, .wait_ms = 60 });
		struct view name = VIEW_EMPTY;

		for (int i = 0; i < 10; i++) {
			static const char *const zones[] = { "host", "slow", "slower", "host", "none", "host" };

			name = arena_printf(own, "n%d.%s.test", rand_r(&seed) % 40, zones[rand_r(&seed) % 6]);
			dns_ask(task, name, DNS_TXT);
		}
		if (rand_r(&seed) % 2 == 0)
			dns_get(task, name, DNS_TXT);
		name = arena_printf(own, "n%d.host.test", rand_r(&seed) % 2000);
		ck_assert_int_eq(dns_get(task, name, DNS_TXT)->outcome, DNS_DATA);
		ck_assert_uint_eq(dns_get(task, name, DNS_TXT)->txt[0].n, 70);
		arena_reset(own);
	}
	arena_free(own);
}

START_TEST(threads)
{
	in_threads(stress);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("dns_task");
	TCase *task = tcase_create("task"), *cache = tcase_create("cache"), *many = tcase_create("threads");

	tcase_add_checked_fixture(task, setup, teardown);
	tcase_add_test(task, budget_of_queries);
	tcase_add_test(task, budget_of_time_is_one_for_all_waits);
	tcase_add_test(task, asks_overlap);
	tcase_add_test(task, only_waiting_costs_time);
	tcase_add_test(task, each);
	tcase_add_test(task, huge_name_costs_nothing);
	tcase_add_test(task, task_ends_with_questions_in_the_air);
	suite_add_tcase(suite, task);
	tcase_add_checked_fixture(cache, setup, teardown);
	tcase_add_loop_test(cache, kept_as_long_as_it_may_be, 0, ARRAY_LEN(kept));
	tcase_add_test(cache, ttl_zero_is_for_those_who_asked);
	tcase_add_test(cache, least_recently_used_leaves_first);
	tcase_add_test(cache, too_large_for_the_cache);
	suite_add_tcase(suite, cache);
	tcase_add_checked_fixture(many, setup, teardown);
	tcase_set_timeout(many, 60);
	tcase_add_test(many, equal_questions_fly_once);
	tcase_add_test(many, flights_are_bounded_and_dropped_when_unwanted);
	tcase_add_test(many, threads);
	suite_add_tcase(suite, many);
	return run_suite(suite);
}
