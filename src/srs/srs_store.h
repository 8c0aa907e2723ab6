#ifndef ASSAY_SRS_STORE_H
#define ASSAY_SRS_STORE_H

#include "base/arena.h"
#include "base/err.h"

/*
 * srs_store - original addresses by key, for rewritten addresses that do not carry them.
 * An interface: SQLite stands behind it today (srs_sqlite.c), a store on the network can.  What srs_store_put
 * has answered true to is kept, whatever becomes of the process then.  Thread-safe, and several processes may
 * have the same store open; none is carried across a fork.
 *
 * A key is lower case.  day: days since the epoch when the address was last written down; entries older than what
 * srs_store_purge is told may go.
 */
enum srs_found {
	SRS_FOUND,
	SRS_FOUND_NOT,
	SRS_FOUND_ERROR, /* err: ERR_TEMP */
};

struct srs_store;
struct srs_store_kind {
	/* Keep address under key, or its later day.  ERR_TEMP: not kept; ERR_PERM: the key stands for another address. */
	bool (*put)(struct srs_store *store, struct view key, struct view address, int64_t day, struct err *err);
	enum srs_found (*get)(struct srs_store *store, struct view key, struct arena *arena, struct view *address,
	    struct err *err);
	/* Forget what was last put before that day, a bounded number of entries at a time. */
	bool (*purge)(struct srs_store *store, int64_t before_day, size_t *gone, struct err *err);
	void (*close)(struct srs_store *store);
};

/* A store begins with this. */
struct srs_store {
	const struct srs_store_kind *kind;
};

/* NULL: err says why; also when the program was built without SQLite.  The file is made, mode 0600. */
struct srs_store *srs_sqlite_open(const char *path, struct err *err);

static inline bool
srs_store_put(struct srs_store *store, struct view key, struct view address, int64_t day, struct err *err)
{
	return store->kind->put(store, key, address, day, err);
}

static inline enum srs_found
srs_store_get(struct srs_store *store, struct view key, struct arena *arena, struct view *address, struct err *err)
{
	return store->kind->get(store, key, arena, address, err);
}

static inline bool
srs_store_purge(struct srs_store *store, int64_t before_day, size_t *gone, struct err *err)
{
	return store->kind->purge(store, before_day, gone, err);
}

static inline void
srs_store_close(struct srs_store *store)
{
	if (store != NULL)
		store->kind->close(store);
}

#endif
