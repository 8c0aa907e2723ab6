#include "milter/settings_srs.h"

#include "srs/srs_late_store.h"

static void
drop_secrets(void *secrets)
{
	srs_secrets_unref(secrets);
}

static void
drop_store(void *store)
{
	srs_store_close(store);
}

static struct srs_store *
store_of(const struct srs_conf *conf, const struct settings *before, struct arena *arena)
{
	const char *path = arena_cstr(arena, conf->database_file);
	struct srs_store *known = before == NULL ? NULL : before->srs_now.store;

	if (known != NULL && srs_late_store_is_of(known, path))
		return srs_late_store_ref(known);
	return srs_late_store_new(path);
}

static void
close_tables(void *tables)
{
	srs_tables_close(tables);
}

static void
close_ask(void *ask)
{
	srs_ask_close(ask);
}

struct saying {
	struct settings *s;
	void (*say)(void *ctx, const char *text);
	void *ctx;
};

static void
say_mistake(void *ctx, bool bad, const char *text)
{
	struct saying *w = ctx;

	if (bad)
		w->say(w->ctx, arena_printf(w->s->arena, "%.*s: warning: srs: %s", VIEW_ARG(w->s->path), text).p);
}

/* What the milter must know to see whose mail leaves. */
static bool
open_leave(struct settings *s, struct saying *w, struct err *err)
{
	const struct srs_leave_conf *leave = &s->srs.leave;

	s->srs_tables = srs_tables_open(leave, say_mistake, w, err);
	if (s->srs_tables == NULL)
		return false;
	arena_defer(s->arena, close_tables, s->srs_tables);
	if (leave->leave_map.n == 0)
		return true;
	s->srs_ask = srs_ask_open(leave->leave_map, leave->leave_map_wait, err);
	if (s->srs_ask == NULL)
		return false;
	arena_defer(s->arena, close_ask, s->srs_ask);
	return true;
}

bool
settings_open_srs(struct settings *s, const struct settings *before, void (*say)(void *ctx, const char *text), void *ctx)
{
	struct srs_secrets *secrets;
	struct err err;

	s->srs_now = (struct srs){ .conf = &s->srs };
	if (!s->srs.enable)
		return true;
	secrets = srs_secrets_load(arena_cstr(s->arena, s->srs.secrets_file), &err);
	if (secrets == NULL) {
		say(ctx, arena_printf(s->arena, "%.*s: srs.secrets: %s", VIEW_ARG(s->path), err.text).p);
		return false;
	}
	arena_defer(s->arena, drop_secrets, secrets);
	s->srs_now.secrets = secrets;
	if (s->srs.milter && !open_leave(s, &(struct saying){ s, say, ctx }, &err)) {
		say(ctx, arena_printf(s->arena, "%.*s: srs: %s", VIEW_ARG(s->path), err.text).p);
		return false;
	}
	if (s->srs.database == SRS_DB_NEVER)
		return true;
	s->srs_now.store = store_of(&s->srs, before, s->arena);
	arena_defer(s->arena, drop_store, s->srs_now.store);
	return true;
}

bool
settings_try_srs_store(const struct settings *s, struct err *err)
{
	return s->srs_now.store == NULL || srs_late_store_open(s->srs_now.store, err) || err_in(err, "srs.database-file");
}
