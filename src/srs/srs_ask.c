#include "srs/srs_ask.h"

#include "base/cursor.h"
#include "base/lock.h"
#include "base/mem.h"
#include "srs/srs_socketmap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define IDLE_MAX 32	   /* connections that are kept */
#define REST_MS 1000	   /* after a failure */
#define REPLY_MAX (SOCKETMAP_REQUEST_MAX + 16)

struct srs_ask {
	struct sockaddr_storage address;
	socklen_t address_n;
	char *name; /* of the map */
	int64_t wait_ms;
	struct lock lock; /* guards what follows; never held during I/O */
	int idle[IDLE_MAX];
	size_t idles;
	int64_t rest_until_ms; /* monotonic */
	struct err last;       /* why nobody is asked until then */
};

/* ---- places ---- */

/* @UNSAFE: into the address's array, its room is checked */
static bool
take_unix(struct srs_ask *a, struct view path, struct err *err)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	if (path.n == 0 || path.n >= sizeof(un.sun_path) || path.p[0] != '/')
		return err_perm(err, "wants a path that begins with \"/\", of at most %zu octets", sizeof(un.sun_path) - 1);
	memcpy(un.sun_path, path.p, path.n);
	memcpy(&a->address, &un, sizeof(un));
	a->address_n = sizeof(un);
	return true;
}

static bool
take_inet(struct srs_ask *a, struct view host, struct view port, struct err *err)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&a->address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&a->address;
	char text[INET6_ADDRSTRLEN] = "";
	uint64_t number;

	if (view_starts(host, VIEW_LIT("[")) && view_ends(host, VIEW_LIT("]")))
		host = view_sub(host, 1, host.n - 2);
	if (!view_to_u64(port, 65535, &number) || number == 0)
		return err_perm(err, "wants a port of 1..65535");
	if (host.n < sizeof(text))
		memcpy(text, host.p, host.n);
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)number);
		a->address_n = sizeof(*v4);
	} else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)number);
		a->address_n = sizeof(*v6);
	} else {
		return err_perm(err, "wants an address in digits, as 127.0.0.1 or [::1]");
	}
	return true;
}

static bool
take_place(struct srs_ask *a, struct view place, struct view *name, struct err *err)
{
	size_t last = view_find_last(place, ':');
	struct view where = last == VIEW_NONE ? VIEW_EMPTY : view_sub(place, 0, last);
	struct view rest = view_from(where, 5);

	*name = last == VIEW_NONE ? VIEW_EMPTY : view_from(place, last + 1);
	if (name->n == 0 || !view_all_in(*name, CC_LDH | CC_DOT | CC_UNDERSCORE))
		return err_perm(err, "wants \"unix:PATH:NAME\" or \"inet:ADDRESS:PORT:NAME\"");
	if (view_starts(where, VIEW_LIT("unix:")))
		return take_unix(a, rest, err);
	size_t port = view_find_last(rest, ':');
	if (view_starts(where, VIEW_LIT("inet:")) && port != VIEW_NONE)
		return take_inet(a, view_sub(rest, 0, port), view_from(rest, port + 1), err);
	return err_perm(err, "wants \"unix:PATH:NAME\" or \"inet:ADDRESS:PORT:NAME\"");
}

struct srs_ask *
srs_ask_open(struct view place, int64_t wait_ms, struct err *err)
{
	struct srs_ask *a = mem_zero(sizeof(*a));
	struct view name;

	if (!take_place(a, place, &name, err)) {
		mem_free(a);
		return NULL;
	}
	a->name = mem_zero(name.n + 1);
	memcpy(a->name, name.p, name.n);
	a->wait_ms = wait_ms;
	lock_init(&a->lock);
	return a;
}

void
srs_ask_close(struct srs_ask *a)
{
	if (a == NULL)
		return;
	for (size_t i = 0; i < a->idles; i++)
		close(a->idle[i]);
	lock_destroy(&a->lock);
	mem_free(a->name);
	mem_free(a);
}

/* ---- replies ---- */

enum srs_found
srs_ask_reply(struct view payload, struct view *value, struct err *err)
{
	struct view word, rest;

	view_split(payload, ' ', &word, &rest);
	if (view_is(word, "OK") && rest.n > 0) {
		*value = rest;
		return SRS_FOUND;
	}
	if (view_is(word, "NOTFOUND"))
		return SRS_FOUND_NOT;
	bool known = view_is(word, "TEMP") || view_is(word, "TIMEOUT") || view_is(word, "PERM");
	err_temp(err, "the server says %.*s", known ? (int)word.n : 20, known ? word.p : "something odd");
	return SRS_FOUND_ERROR;
}

/* ---- one question ---- */

/* Until the deadline, which is of the real clock: so are sockets. */
static bool
wait_for(int fd, short events, int64_t until_ms, struct err *err)
{
	struct pollfd p = { .fd = fd, .events = events };

	for (;;) { /* ends: by the deadline */
		int64_t left = until_ms - clock_mono_ms(&clock_system);
		if (left <= 0)
			return err_temp(err, "no answer in time");
		int n = poll(&p, 1, (int)left);
		if (n > 0)
			return true;
		if (n < 0 && errno != EINTR)
			return err_temp(err, "poll: %s", strerrordesc_np(errno));
	}
}

static int
connect_new(const struct srs_ask *a, int64_t until_ms, struct err *err)
{
	int fd = socket(a->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), problem = 0;
	socklen_t n = sizeof(problem);

	if (fd < 0) {
		err_temp(err, "socket: %s", strerrordesc_np(errno));
		return -1;
	}
	if (connect(fd, (const struct sockaddr *)&a->address, a->address_n) == 0)
		return fd;
	if (errno != EINPROGRESS)
		problem = errno;
	else if (!wait_for(fd, POLLOUT, until_ms, err))
		problem = ETIMEDOUT;
	else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &n) != 0)
		problem = errno;
	if (problem == 0)
		return fd;
	close(fd);
	err_temp(err, "connect: %s", strerrordesc_np(problem));
	return -1;
}

static bool
send_all(int fd, struct view octets, int64_t until_ms, struct err *err)
{
	while (octets.n > 0) { /* ends: each turn sends something or returns */
		ssize_t n = send(fd, octets.p, octets.n, MSG_NOSIGNAL);
		if (n > 0)
			octets = view_from(octets, (size_t)n);
		else if (errno == EAGAIN && wait_for(fd, POLLOUT, until_ms, err))
			continue;
		else if (errno != EINTR)
			return err_temp(err, "send: %s", strerrordesc_np(errno));
	}
	return true;
}

/* *nothing: it was closed before a single octet came. */
static bool
receive(int fd, struct arena *arena, int64_t until_ms, struct view *payload, bool *nothing, struct err *err)
{
	char *p = arena_alloc(arena, REPLY_MAX);
	size_t n = 0, used;

	for (;;) { /* ends: by the deadline, the room, or an answer */
		if (!wait_for(fd, POLLIN, until_ms, err))
			return false;
		ssize_t got = recv(fd, p + n, REPLY_MAX - n, 0);
		if (got < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		*nothing = got <= 0 && n == 0;
		if (got <= 0)
			return err_temp(err, "the server closed the connection");
		n += (size_t)got;
		switch (netstring_take((struct view){ p, n }, payload, &used)) {
		case NETSTRING_WHOLE:
			return used == n || err_temp(err, "the server says more than one answer");
		case NETSTRING_BAD:
			return err_temp(err, "the server says no netstring");
		case NETSTRING_MORE:
			if (n == REPLY_MAX)
				return err_temp(err, "the answer is too long");
		}
	}
}

static int
take_idle(struct srs_ask *a)
{
	lock_take(&a->lock);
	int fd = a->idles > 0 ? a->idle[--a->idles] : -1;
	lock_drop(&a->lock);
	return fd;
}

static void
keep_idle(struct srs_ask *a, int fd)
{
	lock_take(&a->lock);
	bool kept = a->idles < IDLE_MAX;
	if (kept)
		a->idle[a->idles++] = fd;
	lock_drop(&a->lock);
	if (!kept)
		close(fd);
}

/* On one connection; -1: a new one.  *stale: an old one that the server had closed meanwhile. */
static bool
ask_on(struct srs_ask *a, int fd, struct view request, int64_t until_ms, struct arena *arena, struct view *payload,
    bool *stale, struct err *err)
{
	bool old = fd >= 0, nothing = false;

	*stale = false;
	if (!old && (fd = connect_new(a, until_ms, err)) < 0)
		return false;
	bool sent = send_all(fd, request, until_ms, err);
	if (sent && receive(fd, arena, until_ms, payload, &nothing, err)) {
		keep_idle(a, fd);
		return true;
	}
	*stale = old && (!sent || nothing);
	close(fd);
	return false;
}

static bool
is_resting(struct srs_ask *a, int64_t now_ms, struct err *err)
{
	lock_take(&a->lock);
	bool resting = now_ms < a->rest_until_ms;
	if (resting)
		*err = a->last;
	lock_drop(&a->lock);
	return resting;
}

static void
rest(struct srs_ask *a, int64_t now_ms, const struct err *err)
{
	lock_take(&a->lock);
	a->rest_until_ms = now_ms + REST_MS;
	a->last = *err;
	lock_drop(&a->lock);
}

enum srs_found
srs_ask(struct srs_ask *a, struct view key, const struct clock *clock, struct arena *arena, struct view *value,
    struct err *err)
{
	int64_t until_ms = clock_mono_ms(&clock_system) + a->wait_ms;
	struct view payload, request = arena_printf(arena, "%s %.*s", a->name, VIEW_ARG(key));
	bool stale;

	if (!view_all_in(key, CC_VCHAR | CC_UTF8) || request.n > SOCKETMAP_REQUEST_MAX)
		return SRS_FOUND_NOT; /* no address that a map could hold */
	if (is_resting(a, clock_mono_ms(clock), err))
		return SRS_FOUND_ERROR;
	request = netstring_of(request, arena);
	bool ok = ask_on(a, take_idle(a), request, until_ms, arena, &payload, &stale, err);
	while (!ok && stale) /* ends: the kept ones are used up, and a new one is never stale */
		ok = ask_on(a, take_idle(a), request, until_ms, arena, &payload, &stale, err);
	if (ok)
		return srs_ask_reply(payload, value, err);
	rest(a, clock_mono_ms(clock), err);
	return SRS_FOUND_ERROR;
}
