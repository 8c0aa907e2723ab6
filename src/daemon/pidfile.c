#include "daemon/pidfile.h"

#include "daemon/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
refuse(int fd, const char *path, struct err *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (errno != EACCES && errno != EAGAIN)
		return err_perm(err, "%s: cannot be locked: %s", path, strerrordesc_np(errno));
	if (fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
		return err_perm(err, "another assayd is running: process %ld has the lock of %s", (long)lock.l_pid, path);
	return err_perm(err, "another assayd is running: it has the lock of %s", path);
}

/* The one before us may have removed the file between our open and our lock. */
static bool
is_still_there(int fd, const char *path)
{
	struct stat ours, there;

	return fstat(fd, &ours) == 0 && stat(path, &there) == 0 && ours.st_dev == there.st_dev &&
	    ours.st_ino == there.st_ino;
}

static bool
write_pid(int fd, const char *path, struct err *err)
{
	if (ftruncate(fd, 0) == 0 && dprintf(fd, "%ld\n", (long)getpid()) > 0)
		return true;
	return err_perm(err, "%s: cannot be written: %s", path, strerrordesc_np(errno));
}

int
pidfile_take(const char *path, struct err *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd;

	if (!folder_make_for(path, err))
		return -1;
	for (;;) { /* ends: each turn again means that another daemon has just ended */
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
		if (fd < 0) {
			err_perm(err, "%s: cannot be opened: %s", path, strerrordesc_np(errno));
			return -1;
		}
		if (fcntl(fd, F_SETLK, &lock) != 0) {
			refuse(fd, path, err);
			close(fd);
			return -1;
		}
		if (is_still_there(fd, path))
			break;
		close(fd);
	}
	if (!write_pid(fd, path, err)) {
		close(fd);
		return -1;
	}
	return fd;
}

void
pidfile_drop(const char *path, int fd)
{
	unlink(path);
	close(fd);
}
