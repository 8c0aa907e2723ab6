#include "crypt/private_file.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Looks at the open file, not at its name, so nobody can exchange it in between. */
static bool
is_private(int fd, size_t max, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_temp(err, "%s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_perm(err, "not a regular file");
	if (st.st_mode & (S_IWGRP | S_IXGRP | S_IRWXO))
		return err_perm(err, "mode %04o lets others at it: chmod 0640", (unsigned)st.st_mode & 07777);
	if (st.st_size > (off_t)max)
		return err_perm(err, "longer than %zu octets", max);
	return true;
}

/* @UNSAFE: writes at text + n, never past room */
static ssize_t
read_whole(int fd, char *text, size_t room)
{
	size_t n = 0;

	while (n < room) {
		ssize_t got = read(fd, text + n, room - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	return (ssize_t)n;
}

bool
private_file_read(const char *path, size_t max, struct view *text, struct err *err)
{
	/* O_NONBLOCK: a FIFO put there must not hang the start; it is refused below. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	bool ok = false;

	if (fd < 0)
		return errno == ENOENT || errno == EACCES ? err_perm(err, "%s: %s", path, strerror(errno)) :
							    err_temp(err, "%s: %s", path, strerror(errno));
	if (is_private(fd, max, err)) {
		char *p = mem_zero(max + 1);
		ssize_t n = read_whole(fd, p, max);
		*text = (struct view){ p, n < 0 ? max : (size_t)n };
		ok = n >= 0 || err_temp(err, "%s", strerror(errno));
		if (!ok)
			private_file_wipe(*text);
	}
	close(fd);
	return ok || err_in(err, "%s", path);
}

void
private_file_wipe(struct view text)
{
	mem_wipe((void *)text.p, text.n);
	mem_free((void *)text.p);
}
