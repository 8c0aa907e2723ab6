#include "base/buffer.h"
#include "base/lock.h"
#include "base/lru.h"
#include "base/mem.h"
#include "support/support.h"

#include <pthread.h>
#include <string.h>

struct entry {
	struct lru_node node; /* first */
	unsigned key;
};

static bool
is_key(const struct lru_node *node, const void *key)
{
	return ((const struct entry *)node)->key == *(const unsigned *)key;
}

static struct entry *
find(struct lru *lru, unsigned key, uint64_t hash)
{
	return (struct entry *)lru_find(lru, hash, is_key, &key);
}

static struct entry *
put(struct lru *lru, unsigned key, uint64_t hash, size_t octets)
{
	struct entry *e = mem_zero(sizeof(*e));

	*e = (struct entry){ .node = { .hash = hash, .octets = octets }, .key = key };
	lru_put(lru, &e->node);
	return e;
}

static void
shrink(struct lru *lru)
{
	while (lru_is_full(lru))
		mem_free(lru_take_oldest(lru));
}

static void
end(struct lru *lru)
{
	struct lru_node *node;

	while ((node = lru_take_oldest(lru)) != NULL)
		mem_free(node);
	ck_assert_uint_eq(lru->entries, 0);
	ck_assert_uint_eq(lru->octets, 0);
	ck_assert(lru->newest == NULL && lru->oldest == NULL);
	lru_close(lru);
}

/* "1 2 3": the keys, the newest first, seen from both ends. */
static struct view
order(struct lru *lru, struct arena *arena)
{
	struct buffer b = buffer_in(arena);
	struct lru_node *last = NULL;
	size_t n = 0;

	for (struct lru_node *node = lru->newest; node != NULL; last = node, node = node->older, n++) {
		ck_assert_ptr_eq(node->newer, last);
		buffer_addf(&b, "%s%u", n == 0 ? "" : " ", ((struct entry *)node)->key);
	}
	ck_assert_ptr_eq(lru->oldest, last);
	ck_assert_uint_eq(lru->entries, n);
	return buffer_view(&b);
}

/* Steps: a letter and a key.  p: put, u: use, r: remove, s: put and shrink.  An entry's octets are ten times its key. */
static const struct {
	const char *what;
	size_t entries_max, octets_max;
	const char *steps;
	const char *order;
} cases[] = {
	{ "nothing", LRU_ANY, LRU_ANY, "", "" },
	{ "in the order of putting", LRU_ANY, LRU_ANY, "p1p2p3", "3 2 1" },
	{ "the oldest is used", LRU_ANY, LRU_ANY, "p1p2p3u1", "1 3 2" },
	{ "one in the middle is used", LRU_ANY, LRU_ANY, "p1p2p3u2", "2 3 1" },
	{ "the newest is used", LRU_ANY, LRU_ANY, "p1p2p3u3", "3 2 1" },
	{ "the only one is used", LRU_ANY, LRU_ANY, "p1u1", "1" },
	{ "removed at each end and in the middle", LRU_ANY, LRU_ANY, "p1p2p3p4p5r1r5r3", "4 2" },
	{ "removed, the only one", LRU_ANY, LRU_ANY, "p1r1", "" },
	{ "removed and put again", LRU_ANY, LRU_ANY, "p1p2r1p1", "1 2" },
	{ "as many as may be", 2, LRU_ANY, "s1s2", "2 1" },
	{ "one too many", 2, LRU_ANY, "s1s2s3", "3 2" },
	{ "a used one stays", 2, LRU_ANY, "s1s2u1s3", "3 1" },
	{ "as many octets as may be", LRU_ANY, 60, "s1s2s3", "3 2 1" },
	{ "several leave for a large one", LRU_ANY, 60, "s1s2s3s5", "5" },
	{ "one too large", LRU_ANY, 60, "s1s7", "" },
	{ "both limits", 3, 60, "s1s1s1s1", "1 1 1" },
};

START_TEST(the_longest_unused_leaves)
{
	struct arena *arena = arena_new();
	struct lru lru;

	/* One chain and many: the hash is the same for all, or differs where the bucket is chosen. */
	for (unsigned spread = 0; spread < 2; spread++) {
		size_t octets = 0;
		lru_init(&lru, 4, cases[_i].entries_max, cases[_i].octets_max);
		for (const char *step = cases[_i].steps; *step != '\0'; step += 2) {
			unsigned key = (unsigned)(step[1] - '0');
			uint64_t hash = (uint64_t)key * spread << 8;
			struct entry *e = find(&lru, key, hash);
			if (*step == 'u') {
				lru_use(&lru, &e->node);
			} else if (*step == 'r') {
				lru_remove(&lru, &e->node);
				mem_free(e);
			} else {
				put(&lru, key, hash, key * 10u);
			}
			if (*step == 's')
				shrink(&lru);
		}
		struct view got = order(&lru, arena);
		ck_assert_msg(view_is(got, cases[_i].order), "%s: %.*s", cases[_i].what, VIEW_ARG(got));
		for (struct lru_node *node = lru.newest; node != NULL; node = node->older)
			octets += node->octets;
		ck_assert_uint_eq(lru.octets, octets);
		end(&lru);
	}
	arena_free(arena);
}
END_TEST

START_TEST(keys_of_one_hash_are_kept_apart)
{
	struct lru lru;

	lru_init(&lru, 0, LRU_ANY, LRU_ANY);
	for (unsigned key = 1; key <= 100; key++)
		put(&lru, key, 7, 1);
	put(&lru, 50, 8, 1); /* another hash in the same bucket, the same key */
	for (unsigned key = 1; key <= 100; key++) {
		struct entry *e = find(&lru, key, 7);
		ck_assert(e != NULL && e->key == key && e->node.hash == 7);
	}
	ck_assert(find(&lru, 101, 7) == NULL && find(&lru, 1, 8) == NULL && find(&lru, 50, 8)->node.hash == 8);
	end(&lru);
}
END_TEST

START_TEST(any_number_of_buckets_will_do)
{
	static const size_t likely[] = { 0, 1, 15, 16, 17, 1000 };

	for (int i = 0; i < ARRAY_LEN(likely); i++) {
		struct lru lru;
		lru_init(&lru, likely[i], LRU_ANY, LRU_ANY);
		ck_assert_uint_ge(lru.mask + 1, likely[i]);
		ck_assert_uint_eq(lru.mask & (lru.mask + 1), 0);
		for (unsigned key = 0; key < 500; key++)
			put(&lru, key, (uint64_t)key * UINT64_C(0x9e3779b97f4a7c15), 1);
		for (unsigned key = 0; key < 500; key++)
			ck_assert_ptr_nonnull(find(&lru, key, (uint64_t)key * UINT64_C(0x9e3779b97f4a7c15)));
		end(&lru);
	}
}
END_TEST

/* ---- many threads, one lock: as the owners use it ---------------------------------------------- */

#define THREADS 4
#define ROUNDS 20000
#define KEYS 64
#define MAX 16

static struct {
	struct lock lock;
	struct lru lru;
} shared;

static void *
work(void *arg)
{
	unsigned seed = *(unsigned *)arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		seed = seed * 1103515245u + 12345u;
		unsigned key = (seed >> 16) % KEYS;
		struct lru_node *gone = NULL;
		lock_take(&shared.lock);
		struct entry *e = find(&shared.lru, key, (uint64_t)key << 8);
		if (e == NULL)
			put(&shared.lru, key, (uint64_t)key << 8, 1);
		else
			lru_use(&shared.lru, &e->node);
		if (lru_is_full(&shared.lru))
			gone = lru_take_oldest(&shared.lru);
		lock_drop(&shared.lock);
		mem_free(gone);
	}
	return NULL;
}

START_TEST(threads_share_it_under_a_lock)
{
	pthread_t thread[THREADS];
	unsigned seed[THREADS];
	bool seen[KEYS] = { false };

	lock_init(&shared.lock);
	lru_init(&shared.lru, MAX, MAX, LRU_ANY);
	for (unsigned i = 0; i < THREADS; i++) {
		seed[i] = i + 1;
		ck_assert_int_eq(pthread_create(&thread[i], NULL, work, &seed[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	ck_assert_uint_eq(shared.lru.entries, MAX);
	for (struct lru_node *node = shared.lru.newest; node != NULL; node = node->older) {
		unsigned key = ((struct entry *)node)->key;
		ck_assert_msg(!seen[key], "%u is there twice", key);
		seen[key] = true;
	}
	end(&shared.lru);
	lock_destroy(&shared.lock);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("lru");
	TCase *tc = tcase_create("lru");

	tcase_add_loop_test(tc, the_longest_unused_leaves, 0, ARRAY_LEN(cases));
	tcase_add_test(tc, keys_of_one_hash_are_kept_apart);
	tcase_add_test(tc, any_number_of_buckets_will_do);
	tcase_add_test(tc, threads_share_it_under_a_lock);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
