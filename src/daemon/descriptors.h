#ifndef ASSAY_DAEMON_DESCRIPTORS_H
#define ASSAY_DAEMON_DESCRIPTORS_H

#include "base/err.h"

#include <stdint.h>

/* descriptors - how many files a process may open, and which it begins with. */

/* 0, 1 and 2 are open afterwards (on /dev/null where they were not), all others closed. */
bool descriptors_clean(struct err *err);

/* Put /dev/null in the place of 0, 1 and 2. */
void descriptors_silence(void);

/*
 * Room for `connections` of the MTA and what a worker needs beside them (DNS, log, files).  The soft limit is
 * raised to the hard one; root raises that too.  Returns how many connections there is room for: at most
 * `connections`.  libmilter spins when accept finds no descriptor: do not let it come so far.
 */
int64_t descriptors_room_for(int64_t connections);

#endif
