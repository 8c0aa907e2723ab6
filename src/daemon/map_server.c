#include "daemon/map_server.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/map_client.h"
#include "daemon/map_log.h"
#include "daemon/map_pool.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_AT_ONCE 256
/* Connections taken in one round, so that those who are served already are not kept waiting. */
#define ACCEPTS_AT_ONCE 64

struct map_server {
	struct map_server_env env;
	int epoll_fd, wake_fd;
	int listen_fd; /* -1: closed, draining */
	bool listening; /* listen_fd is in epoll */
	int64_t listen_again_ms; /* not listening: from when on, once a client has gone at the latest */
	atomic_bool drain; /* asked for */
	int64_t drain_until_ms; /* draining: when patience ends; 0: not draining */
	struct map_pool *pool;
	struct map_clients clients;
	struct map_log log;
	int64_t now_ms; /* of this round */
};

/* ---- epoll -------------------------------------------------------------------------------- */

/* who: what the event's data points to; a client, or a member of the server for its other descriptors. */
static bool
watch(struct map_server *s, int fd, unsigned events, void *who)
{
	struct epoll_event event = { .events = events, .data = { .ptr = who } };

	return epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void
watch_client(struct map_server *s, struct map_client *c, unsigned events)
{
	struct epoll_event event = { .events = events, .data = { .ptr = c } };

	if (events != c->events && epoll_ctl(s->epoll_fd, EPOLL_CTL_MOD, c->fd, &event) == 0)
		c->events = events;
}

static void
rest(struct map_server *s, int64_t until_ms)
{
	if (s->listening)
		epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, s->listen_fd, NULL);
	s->listening = false;
	s->listen_again_ms = until_ms;
}

static void
listen_again(struct map_server *s)
{
	if (!s->listening && s->listen_fd >= 0 && s->now_ms >= s->listen_again_ms)
		s->listening = watch(s, s->listen_fd, EPOLLIN, &s->listen_fd);
}

/* ---- one client --------------------------------------------------------------------------- */

static void
drop(struct map_server *s, struct map_client *c, const char *why)
{
	if (why != NULL)
		map_log_closed(&s->log, s->now_ms, why);
	map_client_close(&s->clients, c);
}

static void
finish(struct map_server *s, struct map_client *c, struct map_job *job)
{
	socketmap_stream_reply(&c->stream, job->reply);
	map_log_answer(&s->log, s->now_ms, job->map, job->request, &job->result);
	map_job_free(job);
}

/* Here and now, or, when a disk is to be waited for, by the pool: true when the client has to wait. */
static bool
answer(struct map_server *s, struct map_client *c, struct view request)
{
	struct map_job *job = map_job_new(c, request, s->now_ms);
	struct settings *settings = snapshot_take(s->env.snapshot);
	bool done = map_job_answer_at_once(job, settings), waits = !done && map_pool_put(s->pool, job);

	if (waits)
		map_client_move(&s->clients, c, MAP_BUSY, s->now_ms);
	else if (!done)
		map_job_answer(job, settings);
	snapshot_drop(s->env.snapshot, settings);
	if (!waits)
		finish(s, c, job);
	return waits;
}

/* Answer what is there, write what goes.  *step: what stopped it; false: the connection is broken. */
static bool
answer_all(struct map_server *s, struct map_client *c, enum socketmap_step *step, bool *progress)
{
	struct view request;

	for (;;) { /* ends: each turn uses up octets, or returns */
		*step = socketmap_stream_next(&c->stream, &request);
		if (*step == SOCKETMAP_REQUEST) {
			*progress = true;
			if (answer(s, c, request))
				return true;
			continue;
		}
		enum map_io wrote = map_client_write(c);
		if (wrote == MAP_IO_LOST)
			return false;
		*progress |= wrote == MAP_IO_SOME;
		if (*step != SOCKETMAP_FULL || wrote != MAP_IO_SOME)
			return true;
	}
}

/* The list it belongs to now, and the events to wake up for. */
static void
settle(struct map_server *s, struct map_client *c, bool progress)
{
	bool output = socketmap_stream_output(&c->stream).n > 0, half = socketmap_stream_is_half(&c->stream);
	enum map_wait wait = c->wait == MAP_BUSY ? MAP_BUSY : output || half ? MAP_HALF : MAP_IDLE;

	/* Who sends one octet now and then makes no progress. */
	if (wait != c->wait || (progress && wait != MAP_BUSY))
		map_client_move(&s->clients, c, wait, s->now_ms);
	/* While it waits for the pool or does not read, the kernel keeps what it sends, up to the kernel's limit. */
	watch_client(s, c, wait == MAP_BUSY ? 0 : output ? EPOLLOUT : EPOLLIN);
}

static void
serve(struct map_server *s, struct map_client *c)
{
	enum socketmap_step step;
	bool progress = false;

	if (!answer_all(s, c, &step, &progress)) {
		drop(s, c, NULL);
		return;
	}
	bool over = c->wait != MAP_BUSY && socketmap_stream_output(&c->stream).n == 0 &&
	    (step == SOCKETMAP_BAD || c->hung_up || s->drain_until_ms > 0);
	if (over)
		drop(s, c, step == SOCKETMAP_BAD ? "what it sent is no netstring" : NULL);
	else
		settle(s, c, progress);
}

static void
hear_client(struct map_server *s, struct map_client *c, unsigned events)
{
	if (c->wait == MAP_GONE)
		return;
	if (c->wait == MAP_BUSY) { /* broken: its answer comes and is thrown away */
		c->hung_up = true;
		epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, c->fd, NULL);
		return;
	}
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && !c->hung_up && map_client_read(c) == MAP_IO_LOST) {
		drop(s, c, NULL);
		return;
	}
	serve(s, c);
}

static void
take_answers(struct map_server *s)
{
	struct map_job *next = map_pool_take(s->pool);

	while (next != NULL) {
		struct map_job *job = next;
		struct map_client *c = job->client;
		next = job->next;
		map_client_move(&s->clients, c, MAP_HALF, s->now_ms);
		finish(s, c, job);
		serve(s, c);
	}
}

/* ---- new ones ----------------------------------------------------------------------------- */

/* Close the one that can do best without us.  False: all wait for an answer. */
static bool
make_room(struct map_server *s)
{
	struct map_client *oldest = s->clients.list[MAP_IDLE].first;

	if (oldest == NULL)
		oldest = s->clients.list[MAP_HALF].first;
	if (oldest == NULL)
		return false;
	drop(s, oldest, "room is needed: srs.connections-max, or the limit of open files, is reached");
	return true;
}

static void
take_client(struct map_server *s, int fd)
{
	struct map_client *c = map_client_new(&s->clients, fd, s->now_ms);

	c->events = EPOLLIN;
	if (!watch(s, fd, c->events, c))
		drop(s, c, "no memory to watch it");
}

static void
take_clients(struct map_server *s)
{
	for (int i = 0; i < ACCEPTS_AT_ONCE && s->listen_fd >= 0; i++) {
		bool full = s->clients.n >= (size_t)s->env.connections_max;
		if (full && i > 0) /* nobody makes room before epoll says that there is another one */
			return;
		if (full && !make_room(s)) {
			rest(s, s->now_ms + MAP_ACCEPT_PAUSE_MS);
			return;
		}
		int fd = accept4(s->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0)
			take_client(s, fd);
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			return;
		else if ((errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) && !make_room(s)) {
			rest(s, s->now_ms + MAP_ACCEPT_PAUSE_MS);
			return;
		} /* else: that one has gone already, or there is room again */
	}
}

/* ---- time --------------------------------------------------------------------------------- */

static void
drop_slow_ones(struct map_server *s)
{
	struct map_client *c;

	while ((c = s->clients.list[MAP_HALF].first) != NULL && s->now_ms - c->since_ms >= MAP_HALF_MS)
		drop(s, c, "it did not send the rest of a request, or did not read a reply");
}

static void
begin_drain(struct map_server *s)
{
	struct settings *settings = snapshot_take(s->env.snapshot);

	/* Not 0 on the day the clock begins. */
	s->drain_until_ms = s->now_ms + settings->process.stop_wait * 1000 + 1;
	snapshot_drop(s->env.snapshot, settings);
	rest(s, 0);
	close(s->listen_fd);
	s->listen_fd = -1;
	static const enum map_wait waits[] = { MAP_IDLE, MAP_HALF };
	for (size_t i = 0; i < 2; i++)
		for (struct map_client *c = s->clients.list[waits[i]].first, *next; c != NULL; c = next) {
			next = c->after;
			hear_client(s, c, EPOLLIN); /* what it has asked already is answered */
		}
}

static int
time_to_wait(const struct map_server *s)
{
	const struct map_client *half = s->clients.list[MAP_HALF].first;
	int64_t due = s->drain_until_ms > 0 ? s->drain_until_ms : s->now_ms + 60000;

	if (half != NULL && half->since_ms + MAP_HALF_MS < due)
		due = half->since_ms + MAP_HALF_MS;
	if (s->listen_fd >= 0 && !s->listening && s->listen_again_ms < due)
		due = s->listen_again_ms;
	return due <= s->now_ms ? 0 : (int)(due - s->now_ms);
}

/* ---- life --------------------------------------------------------------------------------- */

static void
hear(struct map_server *s, const struct epoll_event *event)
{
	eventfd_t n;

	if (event->data.ptr == &s->listen_fd) {
		take_clients(s);
	} else if (event->data.ptr == &s->wake_fd) {
		eventfd_read(s->wake_fd, &n);
		take_answers(s);
		if (atomic_load(&s->drain) && s->drain_until_ms == 0)
			begin_drain(s);
	} else {
		hear_client(s, event->data.ptr, event->events);
	}
}

static bool
is_over(const struct map_server *s)
{
	if (s->drain_until_ms == 0 || s->clients.n == 0)
		return s->drain_until_ms > 0;
	if (s->now_ms < s->drain_until_ms)
		return false;
	log_warning("stopping with %zu clients of the maps unanswered: stop-wait is over", s->clients.n);
	return true;
}

bool
map_server_run(struct map_server *s, struct err *err)
{
	struct epoll_event event[EVENTS_AT_ONCE];

	if (s->env.ready != NULL)
		s->env.ready(s->env.ctx);
	for (;;) { /* ends: after map_server_drain */
		s->now_ms = clock_mono_ms(&clock_system);
		drop_slow_ones(s);
		listen_again(s);
		map_clients_bury(&s->clients);
		if (is_over(s))
			return true;
		int n = epoll_wait(s->epoll_fd, event, EVENTS_AT_ONCE, time_to_wait(s));
		if (n < 0 && errno != EINTR)
			return err_temp(err, "epoll_wait: %s", strerrordesc_np(errno));
		s->now_ms = clock_mono_ms(&clock_system);
		for (int i = 0; i < n; i++)
			hear(s, &event[i]);
	}
}

void
map_server_drain(struct map_server *s)
{
	atomic_store(&s->drain, true);
	eventfd_write(s->wake_fd, 1);
}

struct map_server *
map_server_new(const struct map_server_env *env, struct err *err)
{
	struct map_server *s = mem_zero(sizeof(*s));
	int on = 1;

	s->env = *env;
	s->listen_fd = env->listen_fd;
	atomic_init(&s->drain, false);
	/* Connections inherit it: peers that vanished are found in the end.  Of no use, and no harm, to unix sockets. */
	setsockopt(s->listen_fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->epoll_fd < 0 || s->wake_fd < 0 || !watch(s, s->wake_fd, EPOLLIN, &s->wake_fd) ||
	    !watch(s, s->listen_fd, EPOLLIN, &s->listen_fd)) {
		err_temp(err, "epoll: %s", strerrordesc_np(errno));
		return NULL; /* the worker ends, and all of it with it */
	}
	s->listening = true;
	s->pool = map_pool_new(env->snapshot, s->wake_fd);
	return s;
}
