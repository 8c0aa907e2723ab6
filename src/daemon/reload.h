#ifndef ASSAY_DAEMON_RELOAD_H
#define ASSAY_DAEMON_RELOAD_H

#include "milter/settings.h"

/*
 * reload - the file once more, beside the settings in force.
 * The parent reads it first and says what is wrong; only then do the workers read it.
 */

/*
 * NULL: the file has mistakes, each has been logged, and what is in force stays.  Else the new settings, their
 * generation one above that of `before`.
 */
struct settings *reload_settings(const char *path, const struct settings *before);

/* Log what differs from the start and only a restart changes. */
void reload_name_restarts(const struct settings *at_start, const struct settings *after);

#endif
