#ifndef ASSAY_MILTER_SETTINGS_FORCE_H
#define ASSAY_MILTER_SETTINGS_FORCE_H

#include "milter/settings.h"

/*
 * settings_force - the settings in force as one file beside the pid file: assayd writes it at the start and after each
 * reload, and removes it at its end; `assayctl conf diff` compares with it.
 *
 *	assay in force 1
 *	generation 3
 *	settings LENGTH PATH		every row of assay.conf as it is in force, presets included
 *	(LENGTH octets) LF
 *	policy LENGTH PATH		a policy file as it is in force, which may not be what it says now
 *	(LENGTH octets) LF
 */

/* "/run/assay/assayd.pid" -> "/run/assay/assayd.in-force".  NUL-terminated. */
struct view settings_force_path(struct view pid_file, struct arena *arena);

/* at_start: of the process, for the rows that a reload does not take over. */
struct view settings_force_text(const struct settings *settings, const struct settings *at_start, struct arena *arena);

/* NULL: err.  No file but this text is opened: there are neither keys nor lists nor a history. */
struct settings *settings_force_parse(struct view text, struct err *err);

/* By way of another name, so that nobody sees half of it; mode 0600. */
bool settings_force_write(const struct settings *settings, const struct settings *at_start, const char *path,
    struct err *err);

#endif
