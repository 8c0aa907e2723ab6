#include "daemon/listen.h"

#include "base/log.h"
#include "daemon/folder.h"
#include "daemon/privileges.h"
#include "milter/listen_address.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static bool
failed(const char *what, struct err *err)
{
	return err_perm(err, "%s: %s%s", what, strerrordesc_np(errno), errno == EADDRINUSE ? "; ss -ltnp shows by whom" :
		errno == EADDRNOTAVAIL ? ": no interface of this host has it" : "");
}

/* ---- unix --------------------------------------------------------------------------------- */

/* errno of a connection there; 0: somebody takes it. */
static int
ask(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int problem = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ? 0 : errno;

	if (fd >= 0)
		close(fd);
	return problem;
}

/*
 * Somebody answers there, or may: only "connection refused" says that nobody does.  Root without
 * CAP_DAC_OVERRIDE (contrib/systemd) is kept out of its worker's socket, and asks as its owner.
 */
static bool
is_alive(const struct sockaddr_un *address, uid_t owner)
{
	uid_t before = geteuid();
	int problem = ask(address);

	if (problem == EACCES && owner != before && seteuid(owner) == 0) {
		problem = ask(address);
		if (seteuid(before) != 0)
			abort(); /* cannot be: the real user id has not changed */
	}
	return problem != ECONNREFUSED;
}

static bool
remove_stale(const struct sockaddr_un *address, struct err *err)
{
	struct stat st;

	if (lstat(address->sun_path, &st) != 0)
		return errno == ENOENT || failed("lstat", err);
	if (!S_ISSOCK(st.st_mode))
		return err_perm(err, "there is something else than a socket at this path");
	if (is_alive(address, st.st_uid))
		return err_perm(err, "another process listens there");
	return unlink(address->sun_path) == 0 || failed("unlink", err);
}

struct owner {
	uid_t uid;
	gid_t gid;
};

static bool
find_owner(const struct process_conf *conf, struct owner *owner, struct err *err)
{
	*owner = (struct owner){ (uid_t)-1, (gid_t)-1 };
	if (!privileges_are_root())
		return true;
	return identity_uid(conf->socket_owner.n > 0 ? conf->socket_owner : conf->user, &owner->uid, err) &&
	    identity_gid(conf->socket_group.n > 0 ? conf->socket_group : conf->group, &owner->gid, err);
}

static bool
bind_unix(int fd, const struct sockaddr_un *address, const struct process_conf *conf, struct err *err)
{
	struct owner owner;

	if (!find_owner(conf, &owner, err) || !folder_make_for(address->sun_path, err) || !remove_stale(address, err))
		return false;
	mode_t before = umask((mode_t)(~conf->socket_mode & 0777));
	bool ok = bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || failed("bind", err);
	umask(before);
	/* Not chown: whoever may write to the folder could have put a link there by now. */
	if (ok && owner.uid != (uid_t)-1 && lchown(address->sun_path, owner.uid, owner.gid) != 0) {
		ok = failed("chown", err);
		unlink(address->sun_path);
	}
	return ok;
}

static bool
open_unix(struct listener *l, struct view path, const struct process_conf *conf, struct arena *arena, struct err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	memcpy(address.sun_path, path.p, path.n); /* fits: listen_address_parse has seen to it */
	l->kind = "unix";
	l->path = arena_cstr(arena, path);
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return (l->fd >= 0 || failed("socket", err)) && bind_unix(l->fd, &address, conf, err);
}

/* ---- inet --------------------------------------------------------------------------------- */

static bool
bind_inet(int fd, const struct sockaddr *address, socklen_t n, struct err *err)
{
	int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0)
		return failed("SO_REUSEADDR", err);
	/* Connections inherit it.  libmilter writes an edit and the final answer apart: with Nagle's rule the second
	 * would wait for the MTA's delayed acknowledgement, 40 ms for each message. */
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0)
		return failed("TCP_NODELAY", err);
	/* So that inet:PORT@0.0.0.0 and inet6:PORT@:: can stand side by side. */
	if (address->sa_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) != 0)
		return failed("IPV6_V6ONLY", err);
	return bind(fd, address, n) == 0 || failed("bind", err);
}

static bool
open_inet(struct listener *l, const struct listen_address *a, struct err *err)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons((uint16_t)a->port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)a->port) };
	bool four = a->kind == LISTEN_INET;

	memcpy(&in.sin_addr, a->ip.octet, sizeof(in.sin_addr));
	memcpy(&in6.sin6_addr, a->ip.octet, sizeof(in6.sin6_addr));
	l->kind = four ? "inet" : "inet6";
	l->fd = socket(four ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0)
		return failed("socket", err);
	return four ? bind_inet(l->fd, (struct sockaddr *)&in, sizeof(in), err) :
		      bind_inet(l->fd, (struct sockaddr *)&in6, sizeof(in6), err);
}

/* ---- both --------------------------------------------------------------------------------- */

static bool
open_one(struct listener *l, const struct process_conf *conf, struct arena *arena, struct err *err)
{
	struct listen_address address;

	if (!listen_address_parse(l->address, &address, err))
		return false;
	if (!(address.kind == LISTEN_UNIX ? open_unix(l, address.path, conf, arena, err) : open_inet(l, &address, err)))
		return false;
	return listen(l->fd, (int)conf->backlog) == 0 || failed("listen", err);
}

static bool
open_all(const struct conf_list *addresses, bool maps, const struct process_conf *conf, struct arena *arena,
    struct listeners *listeners, struct err *err)
{
	for (size_t i = 0; i < addresses->n; i++) {
		struct listener *l = &listeners->listener[listeners->n];
		*l = (struct listener){ .address = addresses->item[i], .maps = maps, .fd = -1 };
		if (!open_one(l, conf, arena, err)) {
			err_in(err, "%.*s", VIEW_ARG(l->address));
			if (l->fd >= 0)
				close(l->fd);
			return false;
		}
		listeners->n++;
	}
	return true;
}

bool
listeners_open(const struct process_conf *conf, const struct conf_list *maps, struct arena *arena,
    struct listeners *listeners, struct err *err)
{
	*listeners = (struct listeners){ ARENA_ARRAY(arena, conf->listen.n + maps->n, struct listener), 0 };
	if (open_all(&conf->listen, false, conf, arena, listeners, err) &&
	    open_all(maps, true, conf, arena, listeners, err))
		return true;
	listeners_close(listeners, true);
	return false;
}

int64_t
listen_backlog_max(void)
{
	char text[32];
	uint64_t max;
	int fd = open("/proc/sys/net/core/somaxconn", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

	if (fd >= 0)
		close(fd);
	if (n < 0 || !view_to_u64(view_trim((struct view){ text, (size_t)n }), INT32_MAX, &max))
		return -1;
	return (int64_t)max;
}

void
listeners_close(struct listeners *listeners, bool remove)
{
	for (size_t i = 0; i < listeners->n; i++) {
		struct listener *l = &listeners->listener[i];
		close(l->fd);
		if (remove && l->path != NULL && unlink(l->path) != 0 && errno != ENOENT)
			log_warning("%s: cannot be removed: %s", l->path, strerrordesc_np(errno));
	}
	listeners->n = 0;
}
