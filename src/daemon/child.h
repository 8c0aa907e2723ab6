#ifndef ASSAY_DAEMON_CHILD_H
#define ASSAY_DAEMON_CHILD_H

#include "daemon/worker.h"

/* child - a worker as its parent sees it: born, ready, dead, born again. */
struct child {
	const struct listener *listener;
	pid_t pid;		/* 0: there is none */
	int ready_fd;		/* becomes readable when it is ready (or dead); -1: known already */
	bool ready;		/* takes connections */
	int64_t born_ms;	/* clock_mono_ms */
	int64_t again_at_ms;	/* pid 0: when the next one is to be born */
	unsigned quick_deaths;	/* in a row, each within CHILD_QUICK_MS of its birth */
};

/*
 * A dead worker is replaced at once, and always within a second when it had been ready.  One that dies again and
 * again right after its birth would keep the machine busy: after CHILD_QUICK_FREE quick deaths in a row there is
 * a pause of CHILD_PAUSE_MS, which doubles up to CHILD_PAUSE_MAX_MS for one that does not even become ready.
 */
#define CHILD_QUICK_MS 1000
#define CHILD_QUICK_FREE 3
#define CHILD_PAUSE_MS 500
#define CHILD_PAUSE_MAX_MS 30000

/*
 * Fork.  The parent returns: false, err when there can be no new process now.  The new process runs `begin`
 * (which closes what is the parent's own) and the worker, and does not return.
 */
bool child_start(struct child *child, struct worker_job job, void (*begin)(void *ctx), void *ctx, int64_t now_ms,
    struct err *err);

/* It is readable: ready or dead. */
void child_hear(struct child *child);

/* waitpid had it: forget it and say when the next is due. */
void child_died(struct child *child, int64_t now_ms);

/* The pause after that many quick deaths in a row, in milliseconds; ready: the last one took connections. */
int64_t child_pause(unsigned quick_deaths, bool ready);

#endif
