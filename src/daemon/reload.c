#include "daemon/reload.h"

#include "base/log.h"
#include "milter/settings_srs.h"

#include <string.h>

static void
say_mistake(void *ctx, const char *text)
{
	(void)ctx;
	if (strstr(text, ": warning: ") != NULL)
		log_warning("%s", text);
	else
		log_error("%s", text);
}

static void
say_restart(void *ctx, const char *text)
{
	(void)ctx;
	log_warning("%s", text);
}

struct settings *
reload_settings(const char *path, const struct settings *before)
{
	struct settings *after = settings_reload(path, before, say_mistake, NULL);

	if (after != NULL &&
	    (!settings_open_keys(after, before, say_mistake, NULL) ||
	     !settings_open_srs(after, before, say_mistake, NULL))) {
		settings_unref(after);
		after = NULL;
	}
	if (after == NULL) {
		log_error("reload refused: the settings of generation %u stay in force", before->generation);
		return NULL;
	}
	after->generation = before->generation + 1;
	return after;
}

void
reload_name_restarts(const struct settings *at_start, const struct settings *after)
{
	settings_restart_needed(at_start, after, say_restart, NULL);
}
