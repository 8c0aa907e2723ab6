#ifndef ASSAY_DAEMON_UNREADABLE_H
#define ASSAY_DAEMON_UNREADABLE_H

#include "milter/settings.h"

/*
 * unreadable - files of the settings that the parent could read as root, and a reload, which reads them as the worker's
 * user, cannot: a warning for each, and what will come of it.  As the worker is now.
 */
void unreadable_warn(const char *config, const struct settings *settings);

#endif
