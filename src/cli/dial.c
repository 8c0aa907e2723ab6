#include "cli/dial.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/cursor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* What poll may still wait, 0..INT_MAX. */
static int
left_until(int64_t deadline)
{
	int64_t left = deadline - clock_mono_ms(&clock_system);

	return left < 0 ? 0 : (int)left;
}

static bool
wait_for(int fd, short events, int64_t deadline, struct err *err)
{
	struct pollfd p = { .fd = fd, .events = events };
	int n;

	do { /* ends: the deadline comes nearer */
		n = poll(&p, 1, left_until(deadline));
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_temp(err, "poll: %s", strerrordesc_np(errno));
	return n > 0 || err_temp(err, "no answer within %d seconds", DIAL_MS / 1000);
}

/* ---- sockets ---- */

union any_address {
	struct sockaddr any;
	struct sockaddr_un un;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/* All addresses of this host are asked by loopback. */
static socklen_t
make_address(const struct listen_address *to, union any_address *a)
{
	memset(a, 0, sizeof(*a));
	switch (to->kind) {
	case LISTEN_UNIX:
		a->un.sun_family = AF_UNIX;
		memcpy(a->un.sun_path, to->path.p, to->path.n); /* fits: listen_address_parse has seen to it */
		return sizeof(a->un);
	case LISTEN_INET:
		a->in.sin_family = AF_INET;
		a->in.sin_port = htons((uint16_t)to->port);
		memcpy(&a->in.sin_addr, to->ip.octet, sizeof(a->in.sin_addr));
		if (ip_is_any(&to->ip))
			a->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return sizeof(a->in);
	default:
		a->in6.sin6_family = AF_INET6;
		a->in6.sin6_port = htons((uint16_t)to->port);
		memcpy(&a->in6.sin6_addr, to->ip.octet, sizeof(a->in6.sin6_addr));
		if (ip_is_any(&to->ip))
			a->in6.sin6_addr = in6addr_loopback;
		return sizeof(a->in6);
	}
}

/* 0, or why not. */
static int
finish_connect(int fd, struct err *err)
{
	int problem = 0;
	socklen_t n = sizeof(problem);

	if (!wait_for(fd, POLLOUT, clock_mono_ms(&clock_system) + DIAL_MS, err))
		return ETIMEDOUT;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &n) != 0)
		problem = errno;
	return problem;
}

enum dial_outcome
dial_open(const struct listen_address *to, int *fd, struct err *err)
{
	union any_address address;
	socklen_t n = make_address(to, &address);
	int problem = 0;

	*fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd < 0) {
		err_temp(err, "socket: %s", strerrordesc_np(errno));
		return DIAL_FAILED;
	}
	if (connect(*fd, &address.any, n) != 0)
		problem = errno == EINPROGRESS ? finish_connect(*fd, err) : errno;
	if (problem == 0)
		return DIAL_OK;
	if (problem == EAGAIN) /* unix(7): the backlog is full */
		err_temp(err, "its backlog is full");
	else
		err_temp(err, "%s", strerrordesc_np(problem));
	close(*fd);
	*fd = -1;
	return problem == EACCES || problem == EPERM ? DIAL_FORBIDDEN : DIAL_FAILED;
}

static bool
say(int fd, struct view words, int64_t deadline, struct err *err)
{
	while (words.n > 0) { /* ends: each turn sends octets, or the deadline comes */
		if (!wait_for(fd, POLLOUT, deadline, err))
			return false;
		ssize_t n = send(fd, words.p, words.n, MSG_NOSIGNAL);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return err_temp(err, "%s", strerrordesc_np(errno));
		words = view_from(words, n > 0 ? (size_t)n : 0);
	}
	return true;
}

bool
dial_ask(int fd, struct view words, bool (*enough)(void *ctx, struct view so_far), void *ctx, size_t max,
    struct arena *arena, struct view *answer, struct err *err)
{
	int64_t deadline = clock_mono_ms(&clock_system) + DIAL_MS;
	struct buffer got = buffer_in(arena);
	char piece[4096];

	if (!say(fd, words, deadline, err))
		return false;
	do { /* ends: octets come, at most max, or the deadline does */
		if (!wait_for(fd, POLLIN, deadline, err))
			return false;
		ssize_t n = recv(fd, piece, sizeof(piece), 0);
		if (n == 0)
			return err_temp(err, "it closed the connection without an answer");
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return err_temp(err, "%s", strerrordesc_np(errno));
		buffer_add(&got, (struct view){ piece, n > 0 ? (size_t)n : 0 });
		if (got.n > max)
			return err_perm(err, "its answer is longer than %zu octets", max);
	} while (!enough(ctx, buffer_view(&got)));
	*answer = buffer_view(&got);
	return true;
}
