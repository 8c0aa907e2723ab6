#ifndef ASSAY_DAEMON_FOLDER_H
#define ASSAY_DAEMON_FOLDER_H

#include "base/err.h"

/*
 * folder - where sockets and the pid file stand.
 * /run is empty after a boot: the last folder of path is made when it is missing, 0755 (Sendmail refuses a
 * socket in a folder that group or others may write to).  Folders above it are not made.
 */
bool folder_make_for(const char *path, struct err *err);

#endif
