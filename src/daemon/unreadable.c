#include "daemon/unreadable.h"

#include "base/log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void
warn_of_secret(const char *path)
{
	if (access(path, R_OK) != 0)
		log_warning("%s: cannot be read by the worker's user (%s): a reload will change nothing; "
			    "owner root, group of the worker and mode 0640 are wanted",
		    path, strerrordesc_np(errno));
}

static void
warn_of_unreadable_keys(const struct conf_list *keys, const char *then, struct arena *arena)
{
	struct seal_key_place place;

	for (size_t i = 0; i < keys->n; i++)
		if (seal_key_parse(keys->item[i], &place, NULL) && access(arena_cstr(arena, place.path), R_OK) != 0)
			log_warning("%.*s: cannot be read by the worker's user (%s): %s; "
				    "owner root, group of the worker and mode 0640 are wanted",
			    VIEW_ARG(place.path), strerrordesc_np(errno), then);
}

static void
warn_of_unreadable_tables(const struct conf_list *list, struct arena *arena)
{
	for (size_t i = 0; i < list->n; i++)
		if (view_starts(list->item[i], VIEW_LIT("/")) && access(arena_cstr(arena, list->item[i]), R_OK) != 0)
			log_warning("%.*s: cannot be read by the worker's user (%s): what it says now stays in force",
			    VIEW_ARG(list->item[i]), strerrordesc_np(errno));
}

void
unreadable_warn(const char *config, const struct settings *s)
{
	const struct policy_seal *seal;
	struct arena *arena = arena_new();

	if (access(config, R_OK) != 0)
		log_warning("%s: cannot be read by the worker's user (%s): a reload will change nothing",
		    config, strerrordesc_np(errno));
	if (s->seal.enable)
		warn_of_unreadable_keys(&s->seal.keys, "a reload will change nothing", arena);
	for (size_t i = 0; (seal = policy_seal_nth(s->policies, i)) != NULL; i++)
		warn_of_unreadable_keys(&seal->keys, "a reload will keep the key as it is now", arena);
	if (s->srs.enable)
		warn_of_secret(arena_cstr(arena, s->srs.secrets_file));
	if (s->srs.enable && s->srs.milter) {
		const struct srs_leave_conf *leave = &s->srs.leave;
		warn_of_unreadable_tables(&leave->virtual_files, arena);
		warn_of_unreadable_tables(&leave->alias_files, arena);
		warn_of_unreadable_tables(&leave->relocated_files, arena);
		warn_of_unreadable_tables(&leave->local_domains, arena);
	}
	arena_free(arena);
}
