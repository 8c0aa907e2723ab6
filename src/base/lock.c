#include "base/lock.h"

#include "base/mem.h"

#include <errno.h>
#include <time.h>

static void
must(int rc, const char *what)
{
	if (rc != 0)
		mem_fatal(what);
}

void
lock_init(struct lock *lock)
{
	must(pthread_mutex_init(&lock->mutex, NULL), "mutex init");
}

void
lock_destroy(struct lock *lock)
{
	must(pthread_mutex_destroy(&lock->mutex), "mutex destroy");
}

void
lock_take(struct lock *lock)
{
	must(pthread_mutex_lock(&lock->mutex), "mutex lock");
}

void
lock_drop(struct lock *lock)
{
	must(pthread_mutex_unlock(&lock->mutex), "mutex unlock");
}

void
signal_init(struct signal *signal)
{
	pthread_condattr_t attr;

	must(pthread_condattr_init(&attr), "condattr init");
	must(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC), "condattr setclock");
	must(pthread_cond_init(&signal->cond, &attr), "cond init");
	pthread_condattr_destroy(&attr);
}

void
signal_destroy(struct signal *signal)
{
	must(pthread_cond_destroy(&signal->cond), "cond destroy");
}

void
signal_all(struct signal *signal)
{
	must(pthread_cond_broadcast(&signal->cond), "cond broadcast");
}

bool
signal_wait(struct signal *signal, struct lock *lock, int64_t until_ms)
{
	struct timespec until = { .tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000 };
	int rc = pthread_cond_timedwait(&signal->cond, &lock->mutex, &until);

	if (rc == ETIMEDOUT)
		return false;
	must(rc, "cond wait");
	return true;
}
