#include "base/mem.h"
#include "dns/dns_core.h"
#include "dns/dns_decode.h"
#include "dns/dns_name.h"
#include "dns/dns_unbound.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unbound.h>
#include <unistd.h>

/*
 * The resolver over libunbound: one thread of ours owns the context and is the only one that calls
 * the library.  Others put flights into the queue `submitted` and wake it.
 *
 * A flight is `waiting` until there is room, then a call; who waits without being wanted any more is dropped
 * when its turn comes.  When the time of a call is over its waiters are told at once; the call stays among the `late`,
 * because its answer is worth caching and because the library goes on working at it whether we listen or
 * not: it holds a port until it calls back, so it counts.  After LATE_MS it is cancelled.  All lists are
 * by deadline, since all questions have the same time.
 *
 * Nothing here trusts the library to call back: each call is in one list with a deadline until it ends.
 */
#define LATE_MS 30000 /* the library gives a silent server up after 6 seconds */
/* The library's pipe wakes us; should a wake-up ever be lost, we look by ourselves after so long. */
#define LOOK_MS 250
#define CLASS_IN 1

struct call {
	struct resolver *resolver;
	struct dns_flight *flight;
	struct call_list *list;
	struct call *prev, *next;
	int async_id;
};

struct call_list {
	struct call *first, *last;
};

struct resolver {
	struct dns *dns;
	int64_t timeout_ms;
	int wake; /* eventfd */
	pthread_t thread;

	struct lock lock; /* guards these three */
	struct dns_flight *submitted, **submitted_last;
	bool closing;

	/* the thread's only */
	struct ub_ctx *ctx;
	struct arena *arena;
	struct dns_flight *waiting, **waiting_last;
	struct call_list flying, late;
	size_t calls; /* in both */
	size_t calls_max;
	bool broken; /* the library's pipe or thread is gone */
};

static void
list_add(struct call_list *list, struct call *call)
{
	call->list = list;
	call->next = NULL;
	call->prev = list->last;
	*(list->last != NULL ? &list->last->next : &list->first) = call;
	list->last = call;
}

static void
list_remove(struct call *call)
{
	*(call->prev != NULL ? &call->prev->next : &call->list->first) = call->next;
	*(call->next != NULL ? &call->next->prev : &call->list->last) = call->prev;
}

static void
call_free(struct call *call)
{
	list_remove(call);
	call->resolver->calls--;
	mem_free(call);
}

/* DNS_TEMP for who waits, and the flight is over. */
static void
flight_fail(struct resolver *r, struct dns_flight *flight, const char *why)
{
	struct dns_answer answer = { .secure = false };

	dns_answer_temp(&answer, why);
	dns_flight_finish(r->dns, flight, &answer);
}

/* The library's callback; from ub_process alone, hence in our thread. */
static void
call_done(void *object, int error, struct ub_result *result)
{
	struct call *call = object;
	struct resolver *r = call->resolver;
	struct dns_answer answer;

	dns_unbound_answer(call->flight->type, error, result, r->arena, &answer);
	dns_flight_finish(r->dns, call->flight, &answer);
	call_free(call);
	ub_resolve_free(result);
	arena_reset(r->arena);
}

static void
call_cancel(struct call *call)
{
	ub_cancel(call->resolver->ctx, call->async_id);
	call_free(call);
}

static void
call_start(struct resolver *r, struct dns_flight *flight)
{
	struct call *call = mem_zero(sizeof(*call));
	char *name = arena_cstr(r->arena, dns_name_escaped(flight->name, r->arena));

	call->resolver = r;
	call->flight = flight;
	list_add(&r->flying, call);
	r->calls++;
	if (r->broken
	    || ub_resolve_async(r->ctx, name, flight->type, CLASS_IN, call, call_done, &call->async_id) != 0) {
		call_free(call);
		flight_fail(r, flight, "resolver failed");
	}
	arena_reset(r->arena);
}

static void
start_waiting(struct resolver *r)
{
	while (r->waiting != NULL) { /* ends: each turn takes one off, or returns */
		struct dns_flight *flight = r->waiting;

		if (r->calls >= r->calls_max)
			return;
		r->waiting = flight->next;
		if (r->waiting == NULL)
			r->waiting_last = &r->waiting;
		if (!dns_flight_drop(r->dns, flight))
			call_start(r, flight);
	}
}

/* Both queues in order: what waits longest is first. */
static bool
take_submitted(struct resolver *r)
{
	bool closing;

	lock_take(&r->lock);
	if (r->submitted != NULL) {
		*r->waiting_last = r->submitted;
		r->waiting_last = r->submitted_last;
		r->submitted = NULL;
		r->submitted_last = &r->submitted;
	}
	closing = r->closing;
	lock_drop(&r->lock);
	return !closing;
}

static void
expire(struct resolver *r, int64_t now)
{
	while (r->flying.first != NULL && r->flying.first->flight->deadline_ms <= now) {
		struct call *call = r->flying.first;

		dns_flight_expire(r->dns, call->flight, "timeout");
		list_remove(call);
		list_add(&r->late, call);
	}
	while (r->late.first != NULL && r->late.first->flight->deadline_ms + LATE_MS <= now) {
		struct call *call = r->late.first;

		dns_flight_drop(r->dns, call->flight);
		call_cancel(call);
	}
	while (r->waiting != NULL && r->waiting->deadline_ms <= now) {
		struct dns_flight *flight = r->waiting;

		r->waiting = flight->next;
		if (r->waiting == NULL)
			r->waiting_last = &r->waiting;
		flight_fail(r, flight, "timeout");
	}
}

/* Milliseconds until something has to be done by the clock; -1: nothing has. */
static int
poll_time(const struct resolver *r, int64_t now)
{
	int64_t until = r->calls > 0 ? now + LOOK_MS : INT64_MAX;

	if (r->flying.first != NULL && r->flying.first->flight->deadline_ms < until)
		until = r->flying.first->flight->deadline_ms;
	if (r->waiting != NULL && r->waiting->deadline_ms < until)
		until = r->waiting->deadline_ms;
	if (until == INT64_MAX)
		return -1;
	return until > now ? (int)(until - now) : 0;
}

static void
fail_all(struct resolver *r, const char *why)
{
	while (r->waiting != NULL) {
		struct dns_flight *flight = r->waiting;

		r->waiting = flight->next;
		flight_fail(r, flight, why);
	}
	r->waiting_last = &r->waiting;
	while (r->calls > 0) {
		struct call *call = r->flying.first != NULL ? r->flying.first : r->late.first;

		flight_fail(r, call->flight, why);
		call_free(call);
	}
}

static void
wait_for_work(struct resolver *r)
{
	struct pollfd fd[2] = { { .fd = r->wake, .events = POLLIN } };
	uint64_t count;
	int n;

	fd[1].fd = r->broken ? -1 : ub_fd(r->ctx);
	fd[1].events = POLLIN;
	n = poll(fd, 2, poll_time(r, clock_mono_ms(&clock_system)));
	if (n < 0 && errno != EINTR)
		mem_fatal("poll of the resolver");
	if (n > 0 && fd[0].revents != 0 && read(r->wake, &count, sizeof(count)) < 0 && errno != EAGAIN)
		mem_fatal("eventfd of the resolver");
	if (r->broken || r->calls == 0)
		return;
	if (ub_process(r->ctx) != 0 || (n > 0 && (fd[1].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0)) {
		/* Its thread is gone; who still waits is told, and so are all who ask from now on. */
		r->broken = true;
		fail_all(r, "resolver failed");
	}
}

static void *
resolver_thread(void *object)
{
	struct resolver *r = object;

	while (take_submitted(r)) {
		expire(r, clock_mono_ms(&clock_system));
		start_waiting(r);
		wait_for_work(r);
	}
	/* The library's thread ends first: it may still be writing answers. */
	ub_ctx_delete(r->ctx);
	fail_all(r, "closed");
	return NULL;
}

static void
wake_up(struct resolver *r)
{
	const uint64_t one = 1;

	if (write(r->wake, &one, sizeof(one)) < 0 && errno != EAGAIN)
		mem_fatal("eventfd of the resolver");
}

static void
resolver_start(void *object, struct dns_flight *flight)
{
	struct resolver *r = object;
	bool was_empty;

	lock_take(&r->lock);
	flight->deadline_ms = clock_mono_ms(&clock_system) + r->timeout_ms;
	flight->next = NULL;
	was_empty = r->submitted == NULL;
	*r->submitted_last = flight;
	r->submitted_last = &flight->next;
	lock_drop(&r->lock);
	if (was_empty)
		wake_up(r);
}

static void
resolver_free(struct resolver *r)
{
	lock_destroy(&r->lock);
	arena_free(r->arena);
	if (r->wake >= 0)
		close(r->wake);
	mem_free(r);
}

static void
resolver_close(void *object)
{
	struct resolver *r = object;

	lock_take(&r->lock);
	r->closing = true;
	lock_drop(&r->lock);
	wake_up(r);
	pthread_join(r->thread, NULL);
	resolver_free(r);
}

static const struct dns_resolver unbound_resolver = { .start = resolver_start, .close = resolver_close };

/* With all signals blocked, in the library's thread too: they belong to the threads of daemon/. */
static bool
thread_start(struct resolver *r, struct err *err)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&r->thread, NULL, resolver_thread, r);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error == 0 || err_temp(err, "thread of the resolver: error %d", error);
}

static struct resolver *
resolver_new(const struct dns_conf *conf, struct err *err)
{
	struct resolver *r = mem_zero(sizeof(*r));
	unsigned ports = dns_unbound_ports();

	r->calls_max = ports / 2; /* recursing, a question may have several of its own under way */
	r->timeout_ms = conf->timeout;
	r->arena = arena_new();
	r->submitted_last = &r->submitted;
	r->waiting_last = &r->waiting;
	lock_init(&r->lock);
	r->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->wake < 0)
		err_temp(err, "eventfd: error %d", errno);
	else
		r->ctx = dns_unbound_new(conf, ports, err);
	if (r->ctx == NULL) {
		resolver_free(r);
		return NULL;
	}
	return r;
}

struct dns *
dns_open(const struct dns_conf *conf, struct err *err)
{
	struct dns_limits limits = {
		.cache_octets = (size_t)conf->cache_octets,
		.ttl_max = (uint32_t)conf->ttl_max,
		.ttl_negative_max = (uint32_t)conf->ttl_negative_max,
	};
	struct resolver *r = resolver_new(conf, err);

	if (r == NULL)
		return NULL;
	r->dns = dns_new(&unbound_resolver, r, &limits);
	if (!thread_start(r, err)) {
		ub_ctx_delete(r->ctx);
		dns_free(r->dns);
		resolver_free(r);
		return NULL;
	}
	return r->dns;
}
