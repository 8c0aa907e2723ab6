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
