#include "srs/srs_store.h"

#include <config.h>

#ifdef HAVE_SQLITE

#include "base/clock.h"
#include "base/lock.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/*
 * A connection of SQLite belongs to one thread at a time: idle ones wait in a list, and who finds none opens one.
 * The lock is held to move list members only, never across I/O.
 */
#define IDLE_MAX 8
/* Who asks waits this long for others in all, also for a connection that is opened first; then the MTA tries again. */
#define BUSY_MS 5000
#define LOOK_MS 10 /* how often it is looked whether they are through */
#define PURGE_MAX 1000

struct connection {
	struct connection *next;
	sqlite3 *db;
	sqlite3_stmt *put, *look, *purge;
	int64_t until_ms; /* how long is waited now */
};

struct sqlite_store {
	struct srs_store store; /* first */
	char *path;
	struct lock lock;
	struct connection *idle; /* guarded by lock */
	size_t idle_n;		 /* guarded by lock */
};

/* synchronous=FULL: what is committed outlives a power cut too, not only a killed process. */
static const char setup_sql[] = "PRAGMA synchronous=FULL;"
				"CREATE TABLE IF NOT EXISTS srs_address (key TEXT PRIMARY KEY NOT NULL, address BLOB NOT NULL,"
				" day INTEGER NOT NULL) WITHOUT ROWID;"
				"CREATE INDEX IF NOT EXISTS srs_address_day ON srs_address (day);";
static const char put_sql[] = "INSERT INTO srs_address (key, address, day) VALUES (?1, ?2, ?3)"
			      " ON CONFLICT (key) DO UPDATE SET day = max(day, excluded.day) WHERE address = excluded.address";
static const char look_sql[] = "SELECT address, day FROM srs_address WHERE key = ?1";
static const char purge_sql[] = "DELETE FROM srs_address WHERE key IN"
				" (SELECT key FROM srs_address WHERE day < ?1 ORDER BY day LIMIT ?2)";

static bool
sql_error(struct connection *c, const char *what, struct err *err)
{
	return err_temp(err, "%s: %s", what, c->db == NULL ? "no memory" : sqlite3_errmsg(c->db));
}

static void
connection_close(struct connection *c)
{
	sqlite3_finalize(c->put);
	sqlite3_finalize(c->look);
	sqlite3_finalize(c->purge);
	sqlite3_close(c->db);
	mem_free(c);
}

/* SQLite's busy handler: 0 gives up. */
static int
wait_for_others(void *ctx, int turn)
{
	const struct connection *c = ctx;
	int64_t ms = turn < LOOK_MS ? turn + 1 : LOOK_MS;

	if (clock_mono_ms(&clock_system) >= c->until_ms)
		return 0;
	nanosleep(&(struct timespec){ .tv_nsec = ms * 1000 * 1000 }, NULL);
	return 1;
}

/*
 * The write-ahead log lets readers read while one writes.  The busy handler is not asked about every step of the switch
 * to it, so those who open a new file at one time take turns here.
 */
static bool
use_wal(struct connection *c)
{
	int status, turn = 0;

	do /* ends: by until_ms */
		status = sqlite3_exec(c->db, "PRAGMA journal_mode=WAL", NULL, NULL, NULL);
	while (status == SQLITE_BUSY && wait_for_others(c, turn++) != 0);
	return status == SQLITE_OK;
}

static bool
prepare(struct connection *c, const char *sql, sqlite3_stmt **statement)
{
	return sqlite3_prepare_v3(c->db, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL) == SQLITE_OK;
}

static struct connection *
connection_open(const char *path, struct err *err)
{
	struct connection *c = mem_zero(sizeof(*c));
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;

	c->until_ms = clock_mono_ms(&clock_system) + BUSY_MS;
	if (sqlite3_open_v2(path, &c->db, flags, NULL) == SQLITE_OK &&
	    sqlite3_busy_handler(c->db, wait_for_others, c) == SQLITE_OK &&
	    use_wal(c) && sqlite3_exec(c->db, setup_sql, NULL, NULL, NULL) == SQLITE_OK && prepare(c, put_sql, &c->put) &&
	    prepare(c, look_sql, &c->look) && prepare(c, purge_sql, &c->purge))
		return c;
	sql_error(c, path, err);
	connection_close(c);
	return NULL;
}

static struct connection *
connection_take(struct sqlite_store *s, struct err *err)
{
	lock_take(&s->lock);
	struct connection *c = s->idle;
	if (c != NULL) {
		s->idle = c->next;
		s->idle_n--;
	}
	lock_drop(&s->lock);
	if (c == NULL)
		return connection_open(s->path, err);
	c->until_ms = clock_mono_ms(&clock_system) + BUSY_MS;
	return c;
}

static void
connection_give(struct sqlite_store *s, struct connection *c)
{
	lock_take(&s->lock);
	bool keep = s->idle_n < IDLE_MAX;
	if (keep) {
		c->next = s->idle;
		s->idle = c;
		s->idle_n++;
	}
	lock_drop(&s->lock);
	if (!keep)
		connection_close(c);
}

static void
bind_text(sqlite3_stmt *statement, int i, struct view v)
{
	sqlite3_bind_text(statement, i, v.p, (int)v.n, SQLITE_STATIC);
}

/* SRS_FOUND: *address, and *day when it is not NULL. */
static enum srs_found
look(struct connection *c, struct view key, struct arena *arena, struct view *address, int64_t *day, struct err *err)
{
	enum srs_found found = SRS_FOUND_ERROR;

	bind_text(c->look, 1, key);
	int status = sqlite3_step(c->look);
	if (status == SQLITE_ROW) {
		const void *p = sqlite3_column_blob(c->look, 0);
		int n = sqlite3_column_bytes(c->look, 0);
		*address = arena_copy(arena, (struct view){ p == NULL ? "" : p, p == NULL ? 0 : (size_t)n });
		if (day != NULL)
			*day = sqlite3_column_int64(c->look, 1);
		found = SRS_FOUND;
	} else if (status == SQLITE_DONE) {
		found = SRS_FOUND_NOT;
	} else {
		sql_error(c, "reading the SRS database", err);
	}
	sqlite3_reset(c->look);
	sqlite3_clear_bindings(c->look);
	return found;
}

static bool
write_down(struct connection *c, struct view key, struct view address, int64_t day, struct err *err)
{
	bind_text(c->put, 1, key);
	sqlite3_bind_blob(c->put, 2, address.p, (int)address.n, SQLITE_STATIC);
	sqlite3_bind_int64(c->put, 3, day);
	int status = sqlite3_step(c->put);
	bool ok = status == SQLITE_DONE || sql_error(c, "writing the SRS database", err);
	if (ok && sqlite3_changes(c->db) == 0)
		ok = err_perm(err, "two addresses have one key");
	sqlite3_reset(c->put);
	sqlite3_clear_bindings(c->put);
	return ok;
}

static bool
sqlite_put(struct srs_store *store, struct view key, struct view address, int64_t day, struct err *err)
{
	struct sqlite_store *s = (struct sqlite_store *)store;
	struct connection *c = connection_take(s, err);
	struct arena *arena = arena_new();
	struct view known;
	int64_t known_day;
	bool ok = false;

	/* A sender of many messages costs one write in a day, not one for each. */
	if (c != NULL && look(c, key, arena, &known, &known_day, err) == SRS_FOUND && view_eq(known, address) && known_day >= day)
		ok = true;
	else if (c != NULL)
		ok = write_down(c, key, address, day, err);
	if (c != NULL)
		connection_give(s, c);
	arena_free(arena);
	return ok;
}

static enum srs_found
sqlite_get(struct srs_store *store, struct view key, struct arena *arena, struct view *address, struct err *err)
{
	struct sqlite_store *s = (struct sqlite_store *)store;
	struct connection *c = connection_take(s, err);

	if (c == NULL)
		return SRS_FOUND_ERROR;
	enum srs_found found = look(c, key, arena, address, NULL, err);
	connection_give(s, c);
	return found;
}

static bool
sqlite_purge(struct srs_store *store, int64_t before_day, size_t *gone, struct err *err)
{
	struct sqlite_store *s = (struct sqlite_store *)store;
	struct connection *c = connection_take(s, err);

	if (c == NULL)
		return false;
	sqlite3_bind_int64(c->purge, 1, before_day);
	sqlite3_bind_int64(c->purge, 2, PURGE_MAX);
	bool ok = sqlite3_step(c->purge) == SQLITE_DONE || sql_error(c, "purging the SRS database", err);
	*gone = ok ? (size_t)sqlite3_changes(c->db) : 0;
	sqlite3_reset(c->purge);
	connection_give(s, c);
	return ok;
}

static void
sqlite_close(struct srs_store *store)
{
	struct sqlite_store *s = (struct sqlite_store *)store;

	while (s->idle != NULL) {
		struct connection *c = s->idle;
		s->idle = c->next;
		connection_close(c);
	}
	lock_destroy(&s->lock);
	mem_free(s->path);
	mem_free(s);
}

static const struct srs_store_kind sqlite_kind = { sqlite_put, sqlite_get, sqlite_purge, sqlite_close };

/*
 * SQLite would make it readable to all.  Only when it is not there: to close a second descriptor of a database
 * that is in use would drop the locks of this process on it (POSIX).
 */
static bool
make_file(const char *path, struct err *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 && errno != EEXIST)
		return err_perm(err, "%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return true;
}

struct srs_store *
srs_sqlite_open(const char *path, struct err *err)
{
	if (!make_file(path, err))
		return NULL;
	struct connection *first = connection_open(path, err);
	if (first == NULL)
		return NULL;
	struct sqlite_store *s = mem_zero(sizeof(*s));
	s->store.kind = &sqlite_kind;
	s->path = mem_cstr(path);
	lock_init(&s->lock);
	connection_give(s, first);
	return &s->store;
}

#else

struct srs_store *
srs_sqlite_open(const char *path, struct err *err)
{
	err_perm(err, "%s: this program was built without SQLite", path);
	return NULL;
}

#endif
