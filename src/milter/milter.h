#ifndef ASSAY_MILTER_MILTER_H
#define ASSAY_MILTER_MILTER_H

#include "milter/session.h"

/*
 * milter - the session under libmilter: one process, one listening socket, until it is told to stop.
 * libmilter keeps its state in statics and takes HUP, TERM and INT for itself (each of them stops it):
 * there is one milter_run in the life of a process, and that process is the daemon's worker.
 */
struct milter_env {
	const struct session_env *session; /* outlives milter_run; .load and .host are filled in when they are not */
	int listen_fd;	      /* bound, listening; taken over: milter_run closes it */
	const char *kind;     /* "unix", "inet" or "inet6": the family of listen_fd */
	int backlog;	      /* of listen_fd */
	int64_t timeout;      /* seconds that the MTA may be silent */
	int64_t connections_max; /* more are accepted and let go at once with 4xx */
	/* NULL, or called once, when connections are about to be taken. */
	void (*ready)(void *ctx);
	void *ctx;
};

/*
 * Registers the callbacks, adopts listen_fd, takes connections; returns when stopped.  False: err says why it
 * could not begin, or that the listener was lost.  On return no new connections are taken, but callbacks of
 * open ones may still run (libmilter does not wait for them): see milter_messages_open.
 */
bool milter_run(const struct milter_env *env, struct err *err);

/*
 * The gentle half of an end: no more connections (adopt.h: adopt_retire), new messages are answered 4xx, open
 * ones go on.  Any thread, any time after milter_env.ready; milter_run keeps running.
 */
void milter_drain(void);

/* Ask milter_run to end: any thread, any time after ready.  libmilter cuts open connections off. */
void milter_stop(void);

/* Messages between MAIL and their end in this process. */
size_t milter_messages_open(void);

#endif
