#include "daemon/detach.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void
wait_in_front(int fd, pid_t pid)
{
	char octet;
	ssize_t n;
	int status;

	do
		n = read(fd, &octet, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		_exit(0);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	_exit(1);
}

bool
detach(int *starter_fd, struct err *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_perm(err, "pipe: %s", strerrordesc_np(errno));
	pid_t pid = fork();
	if (pid < 0)
		return err_perm(err, "fork: %s", strerrordesc_np(errno));
	if (pid > 0) {
		close(ends[1]);
		wait_in_front(ends[0], pid);
	}
	close(ends[0]);
	*starter_fd = ends[1];
	setsid();
	return true;
}
