#include "srs/srs_late_store.h"

#include "base/mem.h"

#include <stdatomic.h>
#include <string.h>

struct late_store {
	struct srs_store store; /* first */
	atomic_uint refs;
	char *path;
	_Atomic(struct srs_store *) open; /* NULL: not yet; it stays until the last reference goes */
};

/* Two who open it at one time both do, and one of them closes his again: no lock is held while waiting for a disk. */
static struct srs_store *
opened(struct late_store *s, struct err *err)
{
	struct srs_store *open = atomic_load(&s->open), *none = NULL;

	if (open != NULL)
		return open;
	open = srs_sqlite_open(s->path, err);
	if (open == NULL && err != NULL)
		err->kind = ERR_TEMP;
	if (open == NULL)
		return NULL;
	if (atomic_compare_exchange_strong(&s->open, &none, open))
		return open;
	srs_store_close(open);
	return none; /* now the other's */
}

static bool
late_put(struct srs_store *store, struct view key, struct view address, int64_t day, struct err *err)
{
	struct srs_store *open = opened((struct late_store *)store, err);

	return open != NULL && srs_store_put(open, key, address, day, err);
}

static enum srs_found
late_get(struct srs_store *store, struct view key, struct arena *arena, struct view *address, struct err *err)
{
	struct srs_store *open = opened((struct late_store *)store, err);

	return open == NULL ? SRS_FOUND_ERROR : srs_store_get(open, key, arena, address, err);
}

static bool
late_purge(struct srs_store *store, int64_t before_day, size_t *gone, struct err *err)
{
	struct srs_store *open = opened((struct late_store *)store, err);

	return open != NULL && srs_store_purge(open, before_day, gone, err);
}

static void
late_close(struct srs_store *store)
{
	struct late_store *s = (struct late_store *)store;

	if (atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	srs_store_close(atomic_load(&s->open));
	mem_free(s->path);
	mem_free(s);
}

static const struct srs_store_kind late_kind = { late_put, late_get, late_purge, late_close };

struct srs_store *
srs_late_store_new(const char *path)
{
	struct late_store *s = mem_zero(sizeof(*s));

	s->store.kind = &late_kind;
	atomic_init(&s->refs, 1);
	atomic_init(&s->open, NULL);
	s->path = mem_cstr(path);
	return &s->store;
}

struct srs_store *
srs_late_store_ref(struct srs_store *store)
{
	atomic_fetch_add_explicit(&((struct late_store *)store)->refs, 1, memory_order_relaxed);
	return store;
}

bool
srs_late_store_is_of(const struct srs_store *store, const char *path)
{
	return strcmp(((const struct late_store *)store)->path, path) == 0;
}

bool
srs_late_store_open(struct srs_store *store, struct err *err)
{
	return opened((struct late_store *)store, err) != NULL;
}
