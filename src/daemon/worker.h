#ifndef ASSAY_DAEMON_WORKER_H
#define ASSAY_DAEMON_WORKER_H

#include "daemon/listen.h"
#include "daemon/privileges.h"
#include "milter/settings.h"

/*
 * worker - the process that meets the mail: one for each listening socket, as libmilter serves one.  Where the
 * listener is the maps', map_server takes libmilter's place and all else is the same.
 * Born of the parent by fork, with the parent's settings; drops root before it does anything else.
 *
 * Signals from the parent: USR1 read the settings again (libmilter keeps HUP, TERM and INT for itself and
 * stops at each); USR2 end gently: no new connections, open messages get stop-wait seconds.  USR2 also comes
 * from the kernel when the parent dies.
 */
struct worker_job {
	struct settings *settings; /* a reference of the worker's own */
	const char *config;	   /* path, for reloads */
	const struct identity *identity; /* to become; NULL: stay */
	struct listener listener;
	int64_t connections_max;
	int ready_fd;	 /* one octet is written when connections are taken, then it is closed */
	pid_t parent;
	bool first;	 /* of the daemon's start: what is wrong ends it */
	bool to_syslog;
};

/* Returns the exit status; the caller leaves with _exit, as libmilter's threads may still run. */
int worker_main(const struct worker_job *job);

#endif
