#ifndef ASSAY_DAEMON_PARENT_H
#define ASSAY_DAEMON_PARENT_H

#include "milter/settings.h"

/*
 * parent - the small process that stays: owns the listening sockets and the lock, keeps workers alive.
 * It never reads an octet that an MTA or the DNS has sent.  When started as root it stays root, for one reason:
 * a new worker must be able to become the configured user, and the sockets to be removed at the end.
 *
 *	HUP		read the settings; when they are good, the workers read them too
 *	TERM, INT	close the sockets, let workers end gently; a second one: at once
 */
struct parent_start {
	const char *config;	/* path */
	struct settings *settings; /* a reference of the parent's own */
	bool foreground;
	int starter_fd; /* one octet is written when all workers are ready; -1: nobody waits */
};

/* Returns the exit status of the daemon. */
int parent_run(const struct parent_start *start);

#endif
