#include "daemon/map_pool.h"

#include "base/clock.h"
#include "base/mem.h"

#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>

#define IDLE_MS 60000 /* any: an idle thread has nothing to do then either */

struct queue { /* first in, first out */
	struct map_job *first, *last;
};

struct map_pool {
	struct snapshot *snapshot;
	int wake_fd;
	struct lock lock;
	struct signal more;
	struct queue asked, answered; /* guarded by lock */
	unsigned threads, idle;	      /* guarded by lock */
};

static void
queue_add(struct queue *q, struct map_job *job)
{
	job->next = NULL;
	if (q->last == NULL)
		q->first = job;
	else
		q->last->next = job;
	q->last = job;
}

static struct map_job *
queue_take(struct queue *q)
{
	struct map_job *job = q->first;

	q->first = job->next;
	if (q->first == NULL)
		q->last = NULL;
	return job;
}

/* ---- one request -------------------------------------------------------------------------- */

static void
answer_by(struct map_job *job, const struct srs *srs)
{
	if (srs->secrets == NULL) {
		job->map = SOCKETMAP_NONE;
		job->reply = netstring_of(VIEW_LIT("NOTFOUND "), job->arena);
		return;
	}
	job->reply = srs_socketmap_answer(srs, job->request, clock_wall(&clock_system), job->arena, &job->map, &job->result);
}

void
map_job_answer(struct map_job *job, const struct settings *settings)
{
	answer_by(job, &settings->srs_now);
}

/* In the store's place: it has nothing, and notes that it was asked. */
struct note {
	struct srs_store store; /* first */
	bool asked;
};

static bool
note_put(struct srs_store *store, struct view key, struct view address, int64_t day, struct err *err)
{
	(void)key, (void)address, (void)day;
	((struct note *)store)->asked = true;
	return err_temp(err, "not asked yet");
}

static enum srs_found
note_get(struct srs_store *store, struct view key, struct arena *arena, struct view *address, struct err *err)
{
	(void)key, (void)arena, (void)address;
	((struct note *)store)->asked = true;
	err_temp(err, "not asked yet");
	return SRS_FOUND_ERROR;
}

bool
map_job_answer_at_once(struct map_job *job, const struct settings *settings)
{
	static const struct srs_store_kind kind = { .put = note_put, .get = note_get };
	struct note note = { .store = { &kind } };
	struct srs srs = settings->srs_now;

	if (srs.store != NULL)
		srs.store = &note.store;
	answer_by(job, &srs);
	return !note.asked;
}

/* ---- threads ------------------------------------------------------------------------------ */

static void
answer_too_late(struct map_job *job)
{
	static const char why[] = "the SRS database is too slow";

	job->map = view_starts(job->request, VIEW_LIT("forward ")) ? SOCKETMAP_FORWARD : SOCKETMAP_REVERSE;
	job->result = (struct srs_result){ .outcome = SRS_TEMP, .address = VIEW_EMPTY, .why = view_of(why) };
	job->reply = netstring_of(arena_printf(job->arena, "TEMP %s", why), job->arena);
}

static void
answer(struct map_pool *pool, struct map_job *job)
{
	struct settings *settings;

	if (clock_mono_ms(&clock_system) - job->asked_ms > MAP_POOL_WAIT_MS) {
		answer_too_late(job);
		return;
	}
	settings = snapshot_take(pool->snapshot);
	map_job_answer(job, settings);
	snapshot_drop(pool->snapshot, settings);
}

static struct map_job *
wait_for_job(struct map_pool *pool)
{
	lock_take(&pool->lock);
	pool->idle++;
	while (pool->asked.first == NULL)
		signal_wait(&pool->more, &pool->lock, clock_mono_ms(&clock_system) + IDLE_MS);
	pool->idle--;
	struct map_job *job = queue_take(&pool->asked);
	lock_drop(&pool->lock);
	return job;
}

static void *
serve(void *arg)
{
	struct map_pool *pool = arg;

	for (;;) { /* ends: with the process */
		struct map_job *job = wait_for_job(pool);
		answer(pool, job);
		lock_take(&pool->lock);
		queue_add(&pool->answered, job);
		lock_drop(&pool->lock);
		eventfd_write(pool->wake_fd, 1); /* cannot overflow: the loop has fewer jobs than 2^64 */
	}
	return NULL;
}

struct map_pool *
map_pool_new(struct snapshot *snapshot, int wake_fd)
{
	struct map_pool *pool = mem_zero(sizeof(*pool));

	pool->snapshot = snapshot;
	pool->wake_fd = wake_fd;
	lock_init(&pool->lock);
	signal_init(&pool->more);
	return pool;
}

/* One thread more when all are at work and there may be more.  False: there is none at all. */
static bool
have_thread(struct map_pool *pool)
{
	pthread_t thread;

	lock_take(&pool->lock);
	unsigned threads = pool->threads;
	bool wanted = pool->threads < MAP_POOL_THREADS && (pool->idle == 0 || pool->asked.first != NULL);
	lock_drop(&pool->lock);
	if (!wanted || pthread_create(&thread, NULL, serve, pool) != 0)
		return threads > 0;
	pthread_detach(thread);
	lock_take(&pool->lock);
	pool->threads++;
	lock_drop(&pool->lock);
	return true;
}

bool
map_pool_put(struct map_pool *pool, struct map_job *job)
{
	if (!have_thread(pool))
		return false;
	lock_take(&pool->lock);
	queue_add(&pool->asked, job);
	signal_all(&pool->more);
	lock_drop(&pool->lock);
	return true;
}

struct map_job *
map_pool_take(struct map_pool *pool)
{
	lock_take(&pool->lock);
	struct map_job *first = pool->answered.first;
	pool->answered = (struct queue){ NULL, NULL };
	lock_drop(&pool->lock);
	return first;
}

struct map_job *
map_job_new(void *client, struct view request, int64_t now_ms)
{
	struct arena *arena = arena_new();
	struct map_job *job = ARENA_NEW(arena, struct map_job);

	*job = (struct map_job){ .client = client, .arena = arena, .request = arena_copy(arena, request), .asked_ms = now_ms };
	return job;
}

void
map_job_free(struct map_job *job)
{
	arena_free(job->arena);
}
