#include "milter/adopt.h"

#include <errno.h>
#include <fcntl.h>
#include <libmilter/mfapi.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

bool
adopt_listener(int fd, int backlog, struct err *err)
{
	char conn[sizeof("fd:-2147483648")];
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
		return err_temp(err, "listening socket: %s", strerrordesc_np(errno));
	snprintf(conn, sizeof(conn), "fd:%d", fd);
	if (smfi_setbacklog(backlog) != MI_SUCCESS || smfi_setconn(conn) != MI_SUCCESS)
		return err_perm(err, "libmilter does not take the listening socket");
	if (smfi_opensocket(false) != MI_SUCCESS)
		return err_perm(err, "libmilter knows no \"fd:\" sockets; it must be Debian's or one with that patch");
	return true;
}

/* A listening socket with the name the kernel chooses, of which nobody is told. */
static int
deaf_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr family_only = { .sa_family = AF_UNIX };

	if (fd < 0)
		return -1;
	/* An address of the family alone binds to a fresh abstract name (unix(7), autobind). */
	if (bind(fd, &family_only, sizeof(family_only.sa_family)) != 0 || listen(fd, 0) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

bool
adopt_retire(int fd, struct err *err)
{
	int old = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	int deaf = deaf_socket();
	bool ok = old >= 0 && deaf >= 0 && dup3(deaf, fd, O_CLOEXEC) == fd;

	if (!ok)
		err_temp(err, "listening socket: %s", strerrordesc_np(errno));
	else
		shutdown(old, SHUT_RDWR); /* wakes libmilter's poll, which has a hold on the old one */
	if (deaf >= 0)
		close(deaf);
	if (old >= 0)
		close(old);
	return ok;
}
