#ifndef ASSAY_DAEMON_DETACH_H
#define ASSAY_DAEMON_DETACH_H

#include "base/err.h"

/*
 * detach - into the background, where the start command waits in front until all is well.
 * Returns in the new process, which leads a session of its own, with *starter_fd; the old one ends by itself: with 0
 * when an octet comes through, else with the new one's status, after the new one has said on standard error what
 * is wrong.
 */
bool detach(int *starter_fd, struct err *err);

#endif
