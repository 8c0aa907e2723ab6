#ifndef ASSAY_DAEMON_PIDFILE_H
#define ASSAY_DAEMON_PIDFILE_H

#include "base/err.h"

#include <sys/types.h>

/*
 * pidfile - one daemon at a time: a file that is locked as long as we live, with our number in it.
 * The lock is a record lock of fcntl(2): it is the process's own (a child does not inherit it, the kernel drops
 * it however the process ends) and the kernel knows who has it.  It would be lost if this process opened
 * and closed the same file a second time: nothing else here touches it.
 */

/* The descriptor that keeps the lock, or -1: err; when another has the lock it says which process. */
int pidfile_take(const char *path, struct err *err);
/* Remove the file, then let go. */
void pidfile_drop(const char *path, int fd);

#endif
