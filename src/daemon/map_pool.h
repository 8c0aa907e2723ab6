#ifndef ASSAY_DAEMON_MAP_POOL_H
#define ASSAY_DAEMON_MAP_POOL_H

#include "daemon/snapshot.h"
#include "srs/srs_socketmap.h"

/*
 * map_pool - threads that answer requests of the maps which wait for a disk.
 * A commit takes milliseconds, and a busy database up to five seconds: the loop that serves the clients must not
 * stand still for that long.  Most requests need no disk (ordinary recipients, senders that fit); those are answered
 * without a thread, however long the others wait.  No lock is held while a request is answered.
 */

/* As many as the SQLite store keeps connections for; they begin with the first request. */
#define MAP_POOL_THREADS 8
/*
 * A request that waited so long for a thread is answered TEMP at once: Postfix gives up after 100 s, and
 * answers nobody waits for any more would keep the others waiting too.
 */
#define MAP_POOL_WAIT_MS 10000

struct map_job {
	struct map_job *next;
	void *client;	      /* whose it is */
	struct arena *arena;  /* of all that follows */
	struct view request;
	int64_t asked_ms;     /* clock_mono_ms */
	struct view reply;
	enum socketmap_map map; /* of srs_socketmap_answer, for the log */
	struct srs_result result;
};

/* Answer it here and now: NOTFOUND to everything while srs.enable is false. */
void map_job_answer(struct map_job *job, const struct settings *settings);
/* The same, when the store need not be asked for it.  False: it must, and *job has no answer. */
bool map_job_answer_at_once(struct map_job *job, const struct settings *settings);

struct map_pool;

/* Each answer is told by adding 1 to wake_fd, an eventfd that outlives the pool's threads: they end with the process. */
struct map_pool *map_pool_new(struct snapshot *snapshot, int wake_fd);
/* Takes the job over.  False: there can be no thread now; the job stays the caller's. */
bool map_pool_put(struct map_pool *pool, struct map_job *job);
/* All that are answered, linked by next, in the order of their answers; NULL: none. */
struct map_job *map_pool_take(struct map_pool *pool);

struct map_job *map_job_new(void *client, struct view request, int64_t now_ms); /* copies request */
void map_job_free(struct map_job *job);

#endif
