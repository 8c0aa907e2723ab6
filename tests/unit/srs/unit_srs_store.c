#include "unit/srs/srs_test.h"

#include "srs/srs_hash.h"
#include "srs/srs_late_store.h"

#include <config.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *
store_path(void)
{
	return arena_printf(srs_test_arena, "%s/srs.sqlite", srs_test_folder()).p;
}

#ifdef HAVE_SQLITE

#include "base/clock.h"

#include <sqlite3.h>

#define THREADS 4
#define PROCESSES 3
#define EACH 25

static struct srs_store *
open_store(void)
{
	struct err err;
	struct srs_store *store = srs_sqlite_open(store_path(), &err);

	ck_assert_msg(store != NULL, "%s", err.text);
	return store;
}

static void
use_store(enum srs_database database)
{
	srs_test.store = open_store();
	srs_test_conf.database = (int)database;
}

static void
teardown(void)
{
	srs_store_close(srs_test.store);
	srs_test_teardown();
}

static const char *const long_sender = "a-sender-whose-local-part-is-long-enough-for-nobody@a-long-domain.example";

START_TEST(long_addresses_go_into_the_store)
{
	use_store(SRS_DB_LONG);
	struct srs_result r = srs_test_forward(long_sender, TEST_NOW);

	ck_outcome(r, SRS_REWRITTEN, "long");
	ck_assert_uint_le(view_find(r.address, '@'), SRS_LOCAL_MAX);
	ck_view_is(srs_test_reverse(r.address, TEST_NOW).address, long_sender);
	ck_view_is(srs_test_forward("ann@sender.example", TEST_NOW).address, "SRS0=Zcd9=G3=sender.example=ann@srs.test");
	/* Postfix folds the key. */
	ck_view_is(srs_test_reverse(arena_copy_lower(srs_test_arena, r.address), TEST_NOW).address, long_sender);
	ck_outcome(srs_test_reverse(r.address, TEST_NOW + 22 * TEST_DAY), SRS_EXPIRED, "22 days");
}
END_TEST

static const char *const odd_senders[] = { "Ann.B@Sender.Example", "\"john doe\"@sender.example", ("j\xc3\xb6rg@b\xc3\xbc" "cher.example"),
	"SRS0=HHH=TT=first.example=ann@other.example", "o'neill;--@sender.example" };

START_TEST(database_mode_keeps_every_octet)
{
	use_store(SRS_DB_ALWAYS);
	struct srs_result r = srs_test_forward(odd_senders[_i], TEST_NOW);

	ck_outcome(r, SRS_REWRITTEN, odd_senders[_i]);
	ck_assert(view_find(r.address, '"') == VIEW_NONE);
	ck_view_is(srs_test_reverse(r.address, TEST_NOW).address, odd_senders[_i]);
	/* The same sender has the same key, in the other scheme too. */
	ck_assert(view_eq(srs_test_forward(odd_senders[_i], TEST_NOW).address, r.address));
	srs_test_conf.scheme = SRS_EXIM;
	r = srs_test_forward(odd_senders[_i], TEST_NOW);
	ck_view_is(srs_test_reverse(r.address, TEST_NOW).address, odd_senders[_i]);
}
END_TEST

START_TEST(keys_are_signed_and_known_or_not)
{
	use_store(SRS_DB_ALWAYS);
	struct srs_result r = srs_test_forward(long_sender, TEST_NOW);
	char *bad = arena_cstr(srs_test_arena, r.address);

	*strchr(bad, '@') = 'x';
	ck_outcome(srs_test_reverse(view_of(bad), TEST_NOW), SRS_NO_ADDRESS, "no @");
	bad = arena_cstr(srs_test_arena, r.address);
	strchr(bad, '@')[-1] ^= 1;
	ck_outcome(srs_test_reverse(view_of(bad), TEST_NOW), SRS_FORGED, "another key");
	ck_outcome(srs_test_reverse(VIEW_LIT("SRS0=kNBO=G3=1=abcdefgh@srs.test"), TEST_NOW), SRS_UNKNOWN, "signed, not there");
}
END_TEST

START_TEST(old_entries_go)
{
	struct err err;
	size_t gone = 99;

	use_store(SRS_DB_ALWAYS);
	struct srs_result old = srs_test_forward("old@sender.example", TEST_NOW);
	struct srs_result kept = srs_test_forward("kept@sender.example", TEST_NOW);
	int64_t later = TEST_NOW + 15 * TEST_DAY;
	srs_test_forward("kept@sender.example", later); /* written down again */
	ck_assert(srs_purge(&srs_test, TEST_NOW + 21 * TEST_DAY, &gone, &err));
	ck_assert_uint_eq(gone, 0); /* the 21st day still counts */
	ck_assert(srs_purge(&srs_test, TEST_NOW + 22 * TEST_DAY, &gone, &err));
	ck_assert_uint_eq(gone, 1);
	srs_test_conf.maxage = 100;
	ck_outcome(srs_test_reverse(old.address, later), SRS_UNKNOWN, "gone");
	ck_outcome(srs_test_reverse(kept.address, later), SRS_VALID, "kept");
}
END_TEST

START_TEST(one_key_never_means_two)
{
	struct srs_store *store = srs_test.store = open_store();
	struct view address;
	struct err err;

	ck_assert(srs_store_put(store, VIEW_LIT("k"), VIEW_LIT("a@b"), 5, &err));
	ck_assert(!srs_store_put(store, VIEW_LIT("k"), VIEW_LIT("c@d"), 6, &err));
	ck_assert_int_eq(err.kind, ERR_PERM);
	ck_assert_int_eq(srs_store_get(store, VIEW_LIT("k"), srs_test_arena, &address, &err), SRS_FOUND);
	ck_view_is(address, "a@b");
	ck_assert_int_eq(srs_store_get(store, VIEW_LIT("x"), srs_test_arena, &address, &err), SRS_FOUND_NOT);
}
END_TEST

/* Held by another program for as long as it likes: a backup, VACUUM, somebody's shell. */
static const char *const locks[] = {
	"CREATE TABLE other (x); BEGIN EXCLUSIVE", /* not in WAL mode, as a restored one may be */
	"PRAGMA journal_mode=WAL; CREATE TABLE other (x); BEGIN EXCLUSIVE",
};

static sqlite3 *
lock_database(const char *how)
{
	sqlite3 *other;

	ck_assert_int_eq(sqlite3_open(store_path(), &other), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(other, how, NULL, NULL, NULL), SQLITE_OK);
	return other;
}

#define LOCKED_MS 6500 /* five seconds, and a busy machine */

START_TEST(locked_when_it_is_opened)
{
	sqlite3 *other = lock_database(locks[_i]);
	int64_t begin = clock_mono_ms(&clock_system);
	struct err err = { .kind = ERR_TEMP };
	struct srs_store *store = srs_sqlite_open(store_path(), &err);

	ck_assert_int_lt(clock_mono_ms(&clock_system) - begin, LOCKED_MS);
	ck_assert(store == NULL && err.kind == ERR_TEMP);
	sqlite3_close(other);
	srs_test.store = open_store();
}
END_TEST

static void *
put_while_locked(void *arg)
{
	struct err err;

	ck_assert(!srs_store_put(srs_test.store, view_of(arg), VIEW_LIT("a@b"), 5, &err));
	ck_assert_int_eq(err.kind, ERR_TEMP);
	return NULL;
}

/* Also those who need a new connection wait once, not for each of its steps. */
START_TEST(locked_when_it_is_written)
{
	static char keys[][2] = { "a", "b", "c" };
	pthread_t thread[ARRAY_LEN(keys)];

	srs_test.store = open_store();
	sqlite3 *other = lock_database("BEGIN EXCLUSIVE");
	int64_t begin = clock_mono_ms(&clock_system);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, put_while_locked, keys[i]), 0);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		pthread_join(thread[i], NULL);
	ck_assert_int_lt(clock_mono_ms(&clock_system) - begin, LOCKED_MS);
	sqlite3_close(other);
}
END_TEST

static struct view
numbered(const char *who, int id, int i, struct arena *arena)
{
	return arena_printf(arena, "%s-%d-%d", who, id, i);
}

static bool
put_all(struct srs_store *store, const char *who, int id)
{
	struct arena *arena = arena_new();
	struct err err;
	bool ok = true;

	for (int i = 0; i < EACH && ok; i++) {
		struct view v = numbered(who, id, i, arena);
		ok = srs_store_put(store, v, v, 1, &err) && srs_store_put(store, VIEW_LIT("shared"), VIEW_LIT("same"), i, &err);
		if (!ok)
			fprintf(stderr, "%.*s: %s\n", VIEW_ARG(v), err.text);
	}
	arena_free(arena);
	return ok;
}

static void
ck_all_there(const char *who, int ids)
{
	struct view found;
	struct err err;

	for (int id = 0; id < ids; id++)
		for (int i = 0; i < EACH; i++) {
			struct view v = numbered(who, id, i, srs_test_arena);
			ck_assert_msg(srs_store_get(srs_test.store, v, srs_test_arena, &found, &err) == SRS_FOUND, "%.*s is lost",
			    VIEW_ARG(v));
			ck_assert(view_eq(found, v));
		}
}

struct writer {
	pthread_t thread;
	int id;
	bool ok;
};

static void *
write_in_thread(void *arg)
{
	struct writer *w = arg;

	w->ok = put_all(srs_test.store, "thread", w->id);
	return NULL;
}

START_TEST(many_writers)
{
	struct writer writers[THREADS];
	pid_t children[PROCESSES];
	int status;

	/* Processes first, and none has the file yet: they make it all at once. */
	store_path();
	for (int i = 0; i < PROCESSES; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			struct err err;
			struct srs_store *store = srs_sqlite_open(store_path(), &err);
			if (store == NULL)
				fprintf(stderr, "%s\n", err.text);
			_exit(store != NULL && put_all(store, "process", i) ? 0 : 1);
		}
	}
	srs_test.store = open_store();
	for (int i = 0; i < THREADS; i++) {
		writers[i] = (struct writer){ .id = i };
		ck_assert_int_eq(pthread_create(&writers[i].thread, NULL, write_in_thread, &writers[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(writers[i].thread, NULL);
		ck_assert(writers[i].ok);
	}
	for (int i = 0; i < PROCESSES; i++) {
		ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
		ck_assert_int_eq(status, 0);
	}
	ck_all_there("thread", THREADS);
	ck_all_there("process", PROCESSES);
}
END_TEST

/* A child says each key after it has been put, until it is killed in the middle; what it said must be there. */
START_TEST(nothing_is_lost_by_a_kill)
{
	int said[2], status, last = -1;
	struct view found;
	struct err err;

	store_path();
	ck_assert_int_eq(pipe(said), 0);
	pid_t child = fork();
	if (child == 0) {
		struct srs_store *store = srs_sqlite_open(store_path(), &err);
		for (int i = 0; store != NULL; i++) {
			struct view v = numbered("kill", 0, i, srs_test_arena);
			if (!srs_store_put(store, v, v, 1, &err) || write(said[1], &i, sizeof(i)) != sizeof(i))
				break;
		}
		_exit(1);
	}
	close(said[1]);
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(read(said[0], &last, sizeof(last)), sizeof(last));
	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	while (read(said[0], &last, sizeof(last)) == sizeof(last))
		continue;
	close(said[0]);
	srs_test.store = open_store();
	for (int i = 0; i <= last; i++) {
		struct view v = numbered("kill", 0, i, srs_test_arena);
		ck_assert_msg(srs_store_get(srs_test.store, v, srs_test_arena, &found, &err) == SRS_FOUND, "%d of %d is lost", i, last);
	}
}
END_TEST

struct asker {
	pthread_t thread;
	struct srs_store *store;
	int id;
	bool ok;
};

static void *
ask_in_thread(void *arg)
{
	struct asker *a = arg;
	struct arena *arena = arena_new();
	struct view key = arena_printf(arena, "key%d", a->id), address;
	struct err err;

	a->ok = srs_store_put(a->store, key, VIEW_LIT("ann@sender.example"), 1, &err) &&
	    srs_store_get(a->store, key, arena, &address, &err) == SRS_FOUND && view_is(address, "ann@sender.example");
	srs_store_close(a->store);
	arena_free(arena);
	return NULL;
}

/* All find it closed; whoever opens it, they end up with one. */
START_TEST(late_store_is_opened_by_all_at_once)
{
	struct srs_store *store = srs_late_store_new(store_path());
	struct asker askers[8];
	struct err err;

	ck_assert_int_ne(access(store_path(), F_OK), 0);
	for (int i = 0; i < ARRAY_LEN(askers); i++) {
		askers[i] = (struct asker){ .store = srs_late_store_ref(store), .id = i };
		ck_assert_int_eq(pthread_create(&askers[i].thread, NULL, ask_in_thread, &askers[i]), 0);
	}
	for (int i = 0; i < ARRAY_LEN(askers); i++) {
		pthread_join(askers[i].thread, NULL);
		ck_assert(askers[i].ok);
	}
	ck_assert(srs_late_store_open(store, &err));
	ck_assert(srs_late_store_is_of(store, store_path()));
	srs_store_close(store);
	ck_assert_int_ne(access(arena_printf(srs_test_arena, "%s-wal", store_path()).p, F_OK), 0); /* closed by the last */
}
END_TEST

/* TEMP while its folder is missing, whatever SQLite makes of that; then it is there. */
START_TEST(late_store_may_come_later)
{
	const char *place = arena_printf(srs_test_arena, "%s/later", srs_test_folder()).p;
	struct srs_store *store = srs_late_store_new(arena_printf(srs_test_arena, "%s/srs.sqlite", place).p);
	struct view address;
	struct err err = { .kind = ERR_PERM };

	ck_assert(!srs_store_put(store, VIEW_LIT("k"), VIEW_LIT("a@b"), 1, &err));
	ck_assert_int_eq(err.kind, ERR_TEMP);
	ck_assert_int_eq(srs_store_get(store, VIEW_LIT("k"), srs_test_arena, &address, &err), SRS_FOUND_ERROR);
	ck_assert_int_eq(mkdir(place, 0700), 0);
	ck_assert_msg(srs_store_put(store, VIEW_LIT("k"), VIEW_LIT("a@b"), 1, &err), "%s", err.text);
	ck_assert_int_eq(srs_store_get(store, VIEW_LIT("k"), srs_test_arena, &address, &err), SRS_FOUND);
	srs_store_close(store);
}
END_TEST

START_TEST(file_is_private)
{
	struct stat st;

	srs_test.store = open_store();
	ck_assert_int_eq(stat(store_path(), &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
}
END_TEST

START_TEST(what_is_no_database)
{
	struct err err;
	FILE *f = fopen(store_path(), "w");

	ck_assert(f != NULL && fputs("this is not a database, and it is long enough to see\n", f) >= 0 && fclose(f) == 0);
	ck_assert(srs_sqlite_open(store_path(), &err) == NULL);
	ck_assert(strstr(err.text, "srs.sqlite") != NULL);
	ck_assert(srs_sqlite_open("/nowhere/at/all", &err) == NULL);
}
END_TEST

static void
add_tests(TCase *tc)
{
	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, srs_test_setup, teardown);
	tcase_add_test(tc, long_addresses_go_into_the_store);
	tcase_add_loop_test(tc, database_mode_keeps_every_octet, 0, ARRAY_LEN(odd_senders));
	tcase_add_test(tc, keys_are_signed_and_known_or_not);
	tcase_add_test(tc, old_entries_go);
	tcase_add_test(tc, one_key_never_means_two);
	tcase_add_loop_test(tc, locked_when_it_is_opened, 0, ARRAY_LEN(locks));
	tcase_add_test(tc, locked_when_it_is_written);
	tcase_add_test(tc, many_writers);
	tcase_add_test(tc, nothing_is_lost_by_a_kill);
	tcase_add_test(tc, late_store_is_opened_by_all_at_once);
	tcase_add_test(tc, late_store_may_come_later);
	tcase_add_test(tc, file_is_private);
	tcase_add_test(tc, what_is_no_database);
}

#else

START_TEST(without_sqlite_it_says_so)
{
	struct err err;

	ck_assert(srs_sqlite_open(store_path(), &err) == NULL);
	ck_assert(strstr(err.text, "without SQLite") != NULL);
}
END_TEST

static void
add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, srs_test_setup, srs_test_teardown);
	tcase_add_test(tc, without_sqlite_it_says_so);
}

#endif

int
main(void)
{
	Suite *suite = suite_create("srs_store");
	TCase *tc = tcase_create("store");

	add_tests(tc);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
