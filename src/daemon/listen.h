#ifndef ASSAY_DAEMON_LISTEN_H
#define ASSAY_DAEMON_LISTEN_H

#include "milter/settings.h"

#include <sys/types.h>

/* listen - the sockets where the MTA finds us, opened once by the parent. */
struct listener {
	struct view address; /* as configured */
	bool maps;	     /* the maps of SRS are asked for there, not the milter */
	const char *kind;    /* "unix", "inet", "inet6" */
	const char *path;    /* unix: of the socket; else NULL */
	int fd;
};

struct listeners {
	struct listener *listener;
	size_t n;
};

/*
 * Open all of conf->listen, and of maps (srs.listen).  A unix socket gets its mode when it is bound and its owner before it listens; one
 * that is left over from a dead process is removed, one that somebody answers on is not: the caller holds the pid
 * file's lock, so it is not ours.  False: err, and nothing stays open.
 */
bool listeners_open(const struct process_conf *conf, const struct conf_list *maps, struct arena *arena,
    struct listeners *listeners, struct err *err);

/* net.core.somaxconn: the kernel cuts a longer backlog to this without a word; -1: not known. */
int64_t listen_backlog_max(void);

/* Close all; remove the unix sockets when `remove`. */
void listeners_close(struct listeners *listeners, bool remove);

#endif
