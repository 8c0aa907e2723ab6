#include "dmarc/dmarc_history.h"

#include "base/lock.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPENS_MAX 4 /* tries of one append to hold the file that has the name */

struct dmarc_history {
	char *path; /* constant */
	/*
	 * Guards the rest, and is held over one write to a local file: this is what keeps sets from mixing and
	 * lets a short one be cut off.
	 */
	struct lock lock;
	int fd;		/* -1: not open */
	bool torn;	/* the file does not end in a newline: somebody's set was cut by a crash */
};

struct dmarc_history *
dmarc_history_new(struct view path)
{
	struct dmarc_history *h = mem_zero(sizeof(*h));

	h->path = mem_zero(path.n + 1);
	memcpy(h->path, path.p, path.n);
	lock_init(&h->lock);
	h->fd = -1;
	return h;
}

/* With the lock held, or alone. */
static void
close_file(struct dmarc_history *h)
{
	if (h->fd >= 0)
		close(h->fd); /* drops the file lock too */
	h->fd = -1;
}

void
dmarc_history_free(struct dmarc_history *h)
{
	if (h == NULL)
		return;
	close_file(h);
	lock_destroy(&h->lock);
	mem_free(h->path);
	mem_free(h);
}

void
dmarc_history_reopen(struct dmarc_history *h)
{
	lock_take(&h->lock);
	close_file(h);
	lock_drop(&h->lock);
}

static bool
failed(struct dmarc_history *h, struct err *err)
{
	err_temp(err, "%s: %s", h->path, strerror(errno));
	close_file(h); /* the next append begins anew */
	return false;
}

static bool
open_file(struct dmarc_history *h, struct err *err)
{
	struct stat st;
	char last = '\n';

	/* O_NONBLOCK: a FIFO in its place must not hang mail */
	h->fd = open(h->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
	if (h->fd < 0 || fstat(h->fd, &st) != 0)
		return failed(h, err);
	if (!S_ISREG(st.st_mode)) {
		close_file(h);
		return err_temp(err, "%s: not a regular file", h->path);
	}
	if (st.st_size > 0 && pread(h->fd, &last, 1, st.st_size - 1) != 1)
		return failed(h, err);
	h->torn = last != '\n';
	return true;
}

/* Is what we hold still what has the name? */
static bool
still_there(struct dmarc_history *h)
{
	struct stat ours, named;

	return fstat(h->fd, &ours) == 0 && stat(h->path, &named) == 0 && ours.st_dev == named.st_dev &&
	    ours.st_ino == named.st_ino;
}

/*
 * Hold the file of that name, locked.  opendmarc-import locks what it reads (LOCK_SH): once we have the
 * lock and the name is still ours, a rename can only come behind our set.  A lock that cannot be had is an
 * import at work: of the renamed file, then ours is another; or of this very one, which our set only makes longer.
 */
static bool
hold_file(struct dmarc_history *h, struct err *err)
{
	for (int i = 0; i < OPENS_MAX; i++) {
		if (h->fd < 0 && !open_file(h, err))
			return false;
		(void)flock(h->fd, LOCK_EX | LOCK_NB);
		if (still_there(h))
			return true;
		close_file(h);
	}
	return err_temp(err, "%s: is replaced faster than it can be opened", h->path);
}

static bool
write_set(struct dmarc_history *h, struct view lines, struct err *err)
{
	struct stat st;
	ssize_t n;

	if (fstat(h->fd, &st) != 0)
		return failed(h, err);
	do
		n = write(h->fd, lines.p, lines.n);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return failed(h, err);
	if ((size_t)n == lines.n)
		return true;
	if (ftruncate(h->fd, st.st_size) != 0)
		return failed(h, err); /* open_file will find it torn */
	return err_temp(err, "%s: no room for a whole set of lines", h->path);
}

/* An empty line means nothing to the importer. */
static bool
mend(struct dmarc_history *h, struct err *err)
{
	if (h->torn && write(h->fd, "\n", 1) != 1)
		return failed(h, err);
	h->torn = false;
	return true;
}

bool
dmarc_history_append(struct dmarc_history *h, struct view lines, struct err *err)
{
	bool ok;

	lock_take(&h->lock);
	ok = hold_file(h, err) && mend(h, err) && write_set(h, lines, err);
	if (h->fd >= 0)
		(void)flock(h->fd, LOCK_UN);
	lock_drop(&h->lock);
	return ok;
}
