#include "daemon/child.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

bool
child_start(struct child *child, struct worker_job job, void (*begin)(void *ctx), void *ctx, int64_t now_ms,
    struct err *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_temp(err, "pipe: %s", strerrordesc_np(errno));
	job.parent = getpid();
	job.listener = *child->listener;
	job.ready_fd = ends[1];
	pid_t pid = fork();
	if (pid == 0) {
		setpgid(0, 0); /* ^C on a terminal is meant for the parent: libmilter would stop at once */
		close(ends[0]);
		begin(ctx);
		_exit(worker_main(&job));
	}
	close(ends[1]);
	if (pid < 0) {
		err_temp(err, "fork: %s", strerrordesc_np(errno));
		close(ends[0]);
		return false;
	}
	child->pid = pid;
	child->ready_fd = ends[0];
	child->ready = false;
	child->born_ms = now_ms;
	return true;
}

void
child_hear(struct child *child)
{
	char octet;
	ssize_t n = read(child->ready_fd, &octet, 1);

	if (n < 0 && errno == EINTR)
		return;
	child->ready = n == 1;
	close(child->ready_fd);
	child->ready_fd = -1;
}

int64_t
child_pause(unsigned quick_deaths, bool ready)
{
	if (quick_deaths <= CHILD_QUICK_FREE)
		return 0;
	unsigned doublings = quick_deaths - CHILD_QUICK_FREE - 1;
	if (ready || doublings == 0)
		return CHILD_PAUSE_MS;
	if (doublings > 6 || (int64_t)CHILD_PAUSE_MS << doublings > CHILD_PAUSE_MAX_MS)
		return CHILD_PAUSE_MAX_MS;
	return (int64_t)CHILD_PAUSE_MS << doublings;
}

void
child_died(struct child *child, int64_t now_ms)
{
	bool quick = now_ms - child->born_ms < CHILD_QUICK_MS;

	child->quick_deaths = quick ? child->quick_deaths + 1 : 0;
	child->again_at_ms = now_ms + child_pause(child->quick_deaths, child->ready);
	child->pid = 0;
	child->ready = false;
	if (child->ready_fd >= 0)
		close(child->ready_fd);
	child->ready_fd = -1;
}
