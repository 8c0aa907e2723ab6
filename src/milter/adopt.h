#ifndef ASSAY_MILTER_ADOPT_H
#define ASSAY_MILTER_ADOPT_H

#include "base/err.h"

/*
 * adopt - a listening socket that somebody else has opened, in the hands of libmilter.
 * The daemon's parent owns the sockets, so that they never close while workers come and go; libmilter
 * wants to open its own.  Debian's libmilter knows "fd:NUMBER" (its patch for socket activation): it takes
 * the descriptor as it is, whatever its family, accepts from it, and unlinks nothing at the end.
 */

/*
 * Between smfi_register and smfi_main.  fd listens and is made non-blocking: the poll of libmilter may see a
 * connection that another process takes.  libmilter calls listen() once more, with this backlog, and closes
 * fd when smfi_main ends.
 */
bool adopt_listener(int fd, int backlog, struct err *err);

/*
 * Take no more connections on fd, now, from any thread, while smfi_main runs on and with it the open
 * connections (smfi_stop would cut them off).  A socket that nobody can connect to is put in fd's place and
 * the old one is shut down: for every process that has it, so only when the daemon ends.
 */
bool adopt_retire(int fd, struct err *err);

#endif
