#include "cli/dial.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/cursor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct output {
	int fd; /* -1: it has ended */
	struct buffer text;
};

extern char **environ;

/* Standard input empty, both outputs into pipes. */
static int
spawn(const char *const *argv, int out, int complaints, pid_t *pid)
{
	posix_spawn_file_actions_t files;
	int problem = posix_spawn_file_actions_init(&files);

	if (problem != 0)
		return problem;
	problem = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (problem == 0)
		problem = posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
	if (problem == 0)
		problem = posix_spawn_file_actions_adddup2(&files, complaints, STDERR_FILENO);
	if (problem == 0) /* the strings of argv are not written to: POSIX keeps char * for old programs */
		problem = posix_spawn(pid, argv[0], &files, NULL, (char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&files);
	return problem;
}

/* One read; what has ended is closed. */
static void
read_some(struct output *o)
{
	char piece[16384];
	ssize_t n = read(o->fd, piece, sizeof(piece));

	if (n > 0)
		buffer_add(&o->text, (struct view){ piece, (size_t)n });
	else if (n == 0 || errno != EINTR) {
		close(o->fd);
		o->fd = -1;
	}
}

static bool
collect(struct output output[2], struct err *err)
{
	int64_t deadline = clock_mono_ms(&clock_system) + RUN_MS;

	while (output[0].fd >= 0 || output[1].fd >= 0) { /* ends: octets come, bounded, or the deadline does */
		struct pollfd p[2] = { { .fd = output[0].fd, .events = POLLIN }, { .fd = output[1].fd, .events = POLLIN } };
		int64_t left = deadline - clock_mono_ms(&clock_system);
		int n = left <= 0 ? 0 : poll(p, 2, (int)left);
		if (n == 0)
			return err_temp(err, "does not end within %d seconds", RUN_MS / 1000);
		for (int i = 0; i < 2; i++) {
			if (n > 0 && output[i].fd >= 0 && p[i].revents != 0)
				read_some(&output[i]);
			if (output[i].text.n > RUN_OCTETS_MAX)
				return err_perm(err, "prints more than %zu octets", RUN_OCTETS_MAX);
		}
	}
	return true;
}

/* The first line of what it said, made fit for a terminal. */
static void
blame(struct view complaints, int status, struct arena *arena, struct err *err)
{
	struct buffer clean = buffer_in(arena);
	struct view line, rest;

	view_split(complaints, '\n', &line, &rest);
	for (size_t i = 0; i < line.n; i++)
		buffer_add_char(&clean, char_in(line.p[i], CC_CTL) ? '?' : line.p[i]);
	if (line.n > 0)
		err_perm(err, "%.*s", VIEW_ARG(buffer_view(&clean)));
	else
		err_perm(err, "ended with status %d", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

/* It has closed its outputs: it ends soon, or is ended. */
static int
reap(pid_t pid)
{
	int status = 0;

	for (int i = 0; i < 100; i++) {
		pid_t done = waitpid(pid, &status, WNOHANG);
		if (done == pid)
			return status;
		poll(NULL, 0, 10);
	}
	kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		; /* ends: nothing outlives that signal */
	return status;
}

static bool
attend(pid_t pid, struct output output[2], struct arena *arena, struct err *err)
{
	bool ok = collect(output, err);
	int status;

	if (!ok)
		kill(pid, SIGKILL);
	for (int i = 0; i < 2; i++)
		if (output[i].fd >= 0)
			close(output[i].fd);
	status = reap(pid);
	if (ok && (!WIFEXITED(status) || WEXITSTATUS(status) != 0)) {
		blame(buffer_view(&output[1].text), status, arena, err);
		return false;
	}
	return ok;
}

bool
dial_run(const char *const *argv, struct arena *arena, struct view *out, struct err *err)
{
	struct output output[2] = { { -1, buffer_in(arena) }, { -1, buffer_in(arena) } };
	int pipes[2][2] = { { -1, -1 }, { -1, -1 } };
	pid_t pid = -1;
	int problem = pipe2(pipes[0], O_CLOEXEC) != 0 || pipe2(pipes[1], O_CLOEXEC) != 0 ? errno : 0;

	if (problem == 0)
		problem = spawn(argv, pipes[0][1], pipes[1][1], &pid);
	for (int i = 0; i < 2; i++) {
		if (pipes[i][1] >= 0)
			close(pipes[i][1]);
		output[i].fd = pipes[i][0];
	}
	if (problem != 0) {
		for (int i = 0; i < 2; i++)
			if (output[i].fd >= 0)
				close(output[i].fd);
		return err_perm(err, "%s: %s", argv[0], strerrordesc_np(problem));
	}
	if (!attend(pid, output, arena, err))
		return err_in(err, "%s", argv[0]);
	*out = buffer_view(&output[0].text);
	return true;
}
