#ifndef ASSAY_DAEMON_MAP_SERVER_H
#define ASSAY_DAEMON_MAP_SERVER_H

#include "daemon/snapshot.h"

/*
 * map_server - the maps of SRS on one listening socket: what libmilter is for the milter's.
 * Source: srs_socketmap.h.  A worker of its own runs it: whatever strangers' addresses do to it, the milter's
 * worker does not notice.
 *
 * One loop serves all clients; requests that wait for a disk go to map_pool.  Clients keep their connections,
 * Postfix for 100 s, Sendmail as long as its process lives, so there is no time-out for an idle one; dead peers are
 * found by TCP.  When connections_max are open the one that has been idle longest makes room for the next (both
 * MTAs connect again), else the one that has been half-way longest.  A client that does not send the rest of its
 * request, or does not read its reply, for MAP_HALF_MS is closed, as is one that sends no netstrings.
 */
#define MAP_HALF_MS 30000
/* No descriptor or memory for another connection: the listener rests so long. */
#define MAP_ACCEPT_PAUSE_MS 100

struct map_server_env {
	struct snapshot *snapshot;
	int listen_fd; /* bound, listening, non-blocking; taken over */
	int64_t connections_max;
	/* NULL, or called once, when connections are about to be taken. */
	void (*ready)(void *ctx);
	void *ctx;
};

struct map_server;

/* NULL: err. */
struct map_server *map_server_new(const struct map_server_env *env, struct err *err);
/* Serve.  Returns true after map_server_drain, false when it cannot go on. */
bool map_server_run(struct map_server *server, struct err *err);
/*
 * No more connections; what has been asked is answered, within stop-wait of the settings then in force; idle
 * connections are closed.  Any thread, any time after map_server_new.
 */
void map_server_drain(struct map_server *server);

#endif
