#include "daemon/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define BESIDE 256 /* descriptors that are no connections of the MTA */

bool
descriptors_clean(struct err *err)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_NOCTTY);
		if (fd < 0)
			return err_perm(err, "/dev/null: %s", strerrordesc_np(errno));
	} while (fd <= STDERR_FILENO);
	close_range(STDERR_FILENO + 1, ~0U, 0);
	return true;
}

void
descriptors_silence(void)
{
	int fd = open("/dev/null", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return; /* the old ones stay: nothing better is at hand */
	dup2(fd, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

int64_t
descriptors_room_for(int64_t connections)
{
	rlim_t wanted = (rlim_t)connections + BESIDE;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return connections;
	if (limit.rlim_max < wanted) {
		struct rlimit more = { wanted, wanted };
		if (setrlimit(RLIMIT_NOFILE, &more) == 0) /* root may */
			return connections;
	}
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
		return connections;
	return limit.rlim_cur > 2 * BESIDE ? (int64_t)(limit.rlim_cur - BESIDE) : (int64_t)(limit.rlim_cur / 2);
}
