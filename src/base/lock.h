#ifndef ASSAY_BASE_LOCK_H
#define ASSAY_BASE_LOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <pthread.h>

/*
 * lock - a mutex whose calls cannot fail unnoticed, and a condition with a monotonic deadline.
 * A failing call means broken memory or a broken promise: the process ends.
 * Every lock says in its struct what it guards.  None is held across I/O or while waiting for DNS.
 */
struct lock {
	pthread_mutex_t mutex;
};

struct signal {
	pthread_cond_t cond; /* on CLOCK_MONOTONIC */
};

void lock_init(struct lock *lock);
void lock_destroy(struct lock *lock);
void lock_take(struct lock *lock);
void lock_drop(struct lock *lock);

void signal_init(struct signal *signal);
void signal_destroy(struct signal *signal);
void signal_all(struct signal *signal);
/*
 * Wait, with lock held, until signalled or until the monotonic clock (clock_system) reaches
 * until_ms.  False: the time is up.  May wake for nothing: look at the guarded state in a loop.
 */
bool signal_wait(struct signal *signal, struct lock *lock, int64_t until_ms);

#endif
