#include "srs/srs_tables.h"

#include "base/lock.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INCLUDES_MAX 1000

/* Which text of a file it is. */
struct identity {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec written, changed;
};

struct file {
	enum srs_table_kind kind;
	char *path;
	struct srs_table *table; /* the last good one; NULL: none yet */
	struct identity read;	 /* what was last read, or tried */
	bool broken;		 /* said already */
	bool wanted;		 /* INCLUDE: some table names it */
};

struct set {
	struct srs_table_set public; /* first: srs_tables_drop gets this */
	atomic_uint refs;
	struct arena *arena;
};

struct srs_tables {
	struct lock lock;
	struct set *now; /* guarded by lock */
	int64_t look_ms;
	_Atomic int64_t next_look_ms; /* monotonic */
	atomic_flag looking;	      /* who has set it may touch what follows */
	struct file *file;
	size_t files, room;
};

/* What one look needs. */
struct look {
	struct srs_tables *tables;
	int64_t now; /* seconds since the epoch; 0: read whatever its age */
	srs_tables_say *say;
	void *ctx;
	struct arena *arena; /* of what is said */
	bool changed;
};

/* ---- one file ---- */

static struct identity
identity_of(const struct stat *st)
{
	return (struct identity){ st->st_dev, st->st_ino, st->st_size, st->st_mtim, st->st_ctim };
}

static bool
is_same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool
is_same(const struct identity *a, const struct identity *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size && is_same_time(a->written, b->written) &&
	    is_same_time(a->changed, b->changed);
}

/* @UNSAFE: writes at p + n, never past room */
static bool
read_all(int fd, char *p, size_t room, size_t *n, struct err *err)
{
	for (*n = 0; *n < room;) { /* ends: each turn reads something or leaves */
		ssize_t got = read(fd, p + *n, room - *n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_temp(err, "%s", strerrordesc_np(errno));
		if (got == 0)
			break;
		*n += (size_t)got;
	}
	return true;
}

static bool
read_open(int fd, struct view *text, struct identity *identity, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_temp(err, "%s", strerrordesc_np(errno));
	*identity = identity_of(&st);
	if (!S_ISREG(st.st_mode))
		return err_perm(err, "not a regular file");
	if ((uintmax_t)st.st_size > SRS_TABLE_OCTETS_MAX)
		return err_perm(err, "longer than %zu octets", SRS_TABLE_OCTETS_MAX);
	char *p = mem_zero((size_t)st.st_size + 1);
	size_t n;
	if (!read_all(fd, p, (size_t)st.st_size, &n, err)) {
		mem_free(p);
		return false;
	}
	*text = (struct view){ p, n };
	return true;
}

static bool
read_file(const char *path, struct view *text, struct identity *identity, struct err *err)
{
	/* O_NONBLOCK: a FIFO put there must not hang us; it is refused. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return err_temp(err, "%s", strerrordesc_np(errno));
	bool ok = read_open(fd, text, identity, err);
	close(fd);
	return ok;
}

static void
say_read(const struct look *l, const struct file *f)
{
	const char *what;
	unsigned line = srs_table_first_mistake(f->table, &what);

	if (l->say == NULL)
		return;
	if (line > 0)
		l->say(l->ctx, true, arena_printf(l->arena, "%s:%u: %s (%zu lines of the file are left out)", f->path,
		    line, what, srs_table_mistakes(f->table)).p);
	if (f->kind != SRS_TABLE_INCLUDE)
		l->say(l->ctx, false, arena_printf(l->arena, "%s: %zu keys", f->path, srs_table_keys(f->table)).p);
}

static bool
load(struct look *l, struct file *f, struct err *err)
{
	struct view text;

	if (!read_file(f->path, &text, &f->read, err))
		return false;
	struct srs_table *before = f->table;
	f->table = srs_table_new(f->kind, text);
	srs_table_unref(before);
	f->broken = false;
	l->changed = true;
	say_read(l, f);
	return true;
}

static void
look_at(struct look *l, struct file *f)
{
	struct stat st = { 0 };
	struct err err;
	bool there = stat(f->path, &st) == 0;
	struct identity identity = identity_of(&st);

	if (there && !f->broken && is_same(&identity, &f->read))
		return;
	if (there && l->now > 0 && f->table != NULL && st.st_mtim.tv_sec == l->now)
		return; /* somebody may be writing; the next look will see */
	if (load(l, f, &err))
		return;
	if (!f->broken && l->say != NULL)
		l->say(l->ctx, true, arena_printf(l->arena, "%s: %s; %s", f->path, err.text,
		    f->table == NULL ? "it counts as forwarded" : "what it said before stays in force").p);
	f->broken = true;
}

/* ---- :include: ---- */

static struct file *
add_file(struct srs_tables *t, enum srs_table_kind kind, struct view path)
{
	if (t->files == t->room) {
		t->room = t->room == 0 ? 8 : t->room * 2;
		t->file = mem_resize(t->file, mem_mul(t->room, sizeof(*t->file)));
	}
	char *p = mem_zero(path.n + 1);
	memcpy(p, path.p, path.n);
	t->file[t->files] = (struct file){ .kind = kind, .path = p };
	return &t->file[t->files++];
}

static void
want_include(struct srs_tables *t, struct view path)
{
	for (size_t i = 0; i < t->files; i++)
		if (t->file[i].kind == SRS_TABLE_INCLUDE && view_is(path, t->file[i].path)) {
			t->file[i].wanted = true;
			return;
		}
	if (t->files < INCLUDES_MAX && view_starts(path, VIEW_LIT("/")) && view_find(path, '\0') == VIEW_NONE)
		add_file(t, SRS_TABLE_INCLUDE, path)->wanted = true;
}

static void
free_file(struct file *f)
{
	srs_table_unref(f->table);
	mem_free(f->path);
}

static void
forget_unwanted(struct srs_tables *t)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->files; i++)
		if (t->file[i].kind != SRS_TABLE_INCLUDE || t->file[i].wanted)
			t->file[kept++] = t->file[i];
		else
			free_file(&t->file[i]);
	t->files = kept;
}

/* A file that is read may name others, which come behind it. */
static void
read_includes(struct look *l)
{
	struct srs_tables *t = l->tables;

	for (size_t i = 0; i < t->files; i++)
		t->file[i].wanted = false;
	for (size_t i = 0; i < t->files; i++) {
		size_t at = 0;
		struct view path;
		if (t->file[i].kind == SRS_TABLE_INCLUDE && t->file[i].table == NULL)
			look_at(l, &t->file[i]);
		while (t->file[i].table != NULL && srs_table_include(t->file[i].table, &at, &path))
			want_include(t, path);
	}
	forget_unwanted(t);
}

/* ---- sets ---- */

static struct set *
make_set(const struct srs_tables *t)
{
	struct arena *arena = arena_new();
	struct set *set = ARENA_NEW(arena, struct set);
	struct srs_table_file *file = ARENA_ARRAY(arena, t->files, struct srs_table_file);

	atomic_init(&set->refs, 1);
	set->arena = arena;
	for (size_t i = 0; i < t->files; i++)
		file[i] = (struct srs_table_file){ t->file[i].kind, arena_copy(arena, view_of(t->file[i].path)),
			t->file[i].table == NULL ? NULL : srs_table_ref(t->file[i].table) };
	set->public = (struct srs_table_set){ file, t->files };
	return set;
}

void
srs_tables_drop(const struct srs_table_set *public)
{
	struct set *set = (struct set *)public;

	if (set == NULL || atomic_fetch_sub_explicit(&set->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < set->public.files; i++)
		srs_table_unref(set->public.file[i].table);
	arena_free(set->arena);
}

static void
publish(struct srs_tables *t)
{
	struct set *after = make_set(t), *before;

	lock_take(&t->lock);
	before = t->now;
	t->now = after;
	lock_drop(&t->lock);
	srs_tables_drop((struct srs_table_set *)before);
}

static void
look(struct srs_tables *t, int64_t now, srs_tables_say *say, void *ctx)
{
	struct look l = { .tables = t, .now = now, .say = say, .ctx = ctx, .arena = arena_new() };

	for (size_t i = 0; i < t->files; i++)
		look_at(&l, &t->file[i]);
	if (l.changed) {
		read_includes(&l);
		publish(t);
	}
	arena_free(l.arena);
}

const struct srs_table_set *
srs_tables_take(struct srs_tables *t, const struct clock *clock, srs_tables_say *say, void *ctx)
{
	int64_t now_ms = clock_mono_ms(clock);

	if (now_ms >= atomic_load(&t->next_look_ms) && !atomic_flag_test_and_set(&t->looking)) {
		if (now_ms >= atomic_load(&t->next_look_ms)) {
			atomic_store(&t->next_look_ms, now_ms + t->look_ms);
			look(t, clock_wall(clock), say, ctx);
		}
		atomic_flag_clear(&t->looking);
	}
	lock_take(&t->lock);
	struct set *set = t->now;
	atomic_fetch_add_explicit(&set->refs, 1, memory_order_relaxed);
	lock_drop(&t->lock);
	return &set->public;
}

/* ---- beginning and end ---- */

static void
add_list(struct srs_tables *t, enum srs_table_kind kind, const struct conf_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (view_starts(list->item[i], VIEW_LIT("/"))) /* of local-domains the others are domains */
			add_file(t, kind, list->item[i]);
}

static bool
load_all(struct srs_tables *t, srs_tables_say *say, void *ctx, struct err *err)
{
	struct look l = { .tables = t, .say = say, .ctx = ctx, .arena = arena_new() };
	bool ok = true;

	for (size_t i = 0; ok && i < t->files; i++)
		ok = load(&l, &t->file[i], err) || err_in(err, "%s", t->file[i].path);
	if (ok)
		read_includes(&l);
	arena_free(l.arena);
	return ok;
}

struct srs_tables *
srs_tables_open(const struct srs_leave_conf *conf, srs_tables_say *say, void *ctx, struct err *err)
{
	struct srs_tables *t = mem_zero(sizeof(*t));

	lock_init(&t->lock);
	t->look_ms = conf->table_look * 1000;
	atomic_init(&t->next_look_ms, INT64_MIN);
	atomic_flag_clear(&t->looking);
	add_list(t, SRS_TABLE_VIRTUAL, &conf->virtual_files);
	add_list(t, SRS_TABLE_ALIASES, &conf->alias_files);
	add_list(t, SRS_TABLE_RELOCATED, &conf->relocated_files);
	add_list(t, SRS_TABLE_DOMAINS, &conf->local_domains);
	if (!load_all(t, say, ctx, err)) {
		srs_tables_close(t);
		return NULL;
	}
	publish(t);
	return t;
}

void
srs_tables_close(struct srs_tables *t)
{
	if (t == NULL)
		return;
	srs_tables_drop((struct srs_table_set *)t->now);
	for (size_t i = 0; i < t->files; i++)
		free_file(&t->file[i]);
	mem_free(t->file);
	lock_destroy(&t->lock);
	mem_free(t);
}

/* ---- looking things up ---- */

bool
srs_tables_find(const struct srs_table_set *set, enum srs_table_kind kind, struct view key, struct view *value)
{
	for (size_t i = 0; set != NULL && i < set->files; i++)
		if (set->file[i].kind == kind && srs_table_find(set->file[i].table, key, value))
			return true;
	return false;
}

bool
srs_tables_include(const struct srs_table_set *set, struct view path, struct view *text)
{
	for (size_t i = 0; set != NULL && i < set->files; i++)
		if (set->file[i].kind == SRS_TABLE_INCLUDE && view_eq(set->file[i].path, path) &&
		    set->file[i].table != NULL) {
			*text = srs_table_text(set->file[i].table);
			return true;
		}
	return false;
}
