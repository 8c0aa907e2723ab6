#include "daemon/poster.h"

#include "base/arena.h"
#include "base/clock.h"
#include "daemon/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define ADDRESS_MAX 1024
#define LOOK_MS 10
#define ANSWER_MS 2000 /* what the answer may take beyond the command's time */

/* The recipient follows; the mail comes as a descriptor. */
struct request {
	int64_t wait_ms;
	char address[ADDRESS_MAX + 1];
};

struct answer {
	int problem; /* errno: it could not be executed; 0: it was */
	bool killed; /* it took too long */
	int status;  /* of waitpid */
};

union fd_message { /* aligned for a header of it */
	struct cmsghdr header;
	char octets[CMSG_SPACE(sizeof(int))];
};

/* ---- the poster ---- */

static struct answer
wait_for(pid_t pid, int64_t wait_ms)
{
	int64_t until = clock_mono_ms(&clock_system) + wait_ms;
	struct answer answer = { .problem = 0 };

	while (waitpid(pid, &answer.status, WNOHANG) == 0) { /* ends: by until it is killed */
		if (!answer.killed && clock_mono_ms(&clock_system) >= until) {
			answer.killed = true;
			kill(-pid, SIGKILL);
		}
		poll(NULL, 0, LOOK_MS);
	}
	return answer;
}

/* In a group of its own, with no signal blocked or ignored. */
static int
spawn(pid_t *pid, char *const *argv, int mail)
{
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", lang[] = "LANG=C";
	char *const environment[] = { path, lang, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, mail, STDIN_FILENO);
	posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	int problem = posix_spawn(pid, argv[0], &files, &attributes, argv, environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&files);
	return problem;
}

static struct answer
run_command(const struct conf_list *command, struct request *request, int mail)
{
	struct arena *arena = arena_new();
	char **argv = ARENA_ARRAY(arena, command->n + 2, char *);
	struct answer answer = { .problem = 0 };
	pid_t pid;

	for (size_t i = 0; i < command->n; i++)
		argv[i] = arena_cstr(arena, command->item[i]);
	argv[command->n] = request->address;
	answer.problem = spawn(&pid, argv, mail);
	if (answer.problem == 0)
		answer = wait_for(pid, request->wait_ms);
	arena_free(arena);
	return answer;
}

/* False: the worker has gone. */
static bool
take_request(int fd, struct request *request, int *mail)
{
	union fd_message control = { .octets = { 0 } };
	struct iovec part = { request, sizeof(*request) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.octets,
		.msg_controllen = sizeof(control.octets) };
	ssize_t n;

	do /* ends: with a request or the worker */
		n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	if (n != (ssize_t)sizeof(*request) || header == NULL || header->cmsg_type != SCM_RIGHTS)
		return false;
	memcpy(mail, CMSG_DATA(header), sizeof(*mail));
	request->address[ADDRESS_MAX] = '\0';
	return true;
}

static bool
settle_down(const struct identity *identity)
{
	sigset_t none;

	sigemptyset(&none);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	if (identity != NULL && !privileges_become(identity, NULL))
		return false;
	umask(077);
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 && sigprocmask(SIG_SETMASK, &none, NULL) == 0;
}

/* Whatever else was open is the worker's: 3 is all that we keep. */
static _Noreturn void
serve(int fd, const struct identity *identity, const struct conf_list *command)
{
	struct request request;
	int mail;

	if ((fd != 3 && dup2(fd, 3) != 3) || fcntl(3, F_SETFD, FD_CLOEXEC) != 0 || close_range(4, ~0U, 0) != 0 ||
	    !settle_down(identity))
		_exit(1);
	descriptors_silence(); /* whoever started us waits for the end of what we could say */
	while (take_request(3, &request, &mail)) {
		struct answer answer = run_command(command, &request, mail);
		close(mail);
		if (send(3, &answer, sizeof(answer), 0) < 0)
			break;
	}
	_exit(0);
}

bool
poster_start(struct poster *poster, const struct identity *identity, const struct conf_list *command, struct err *err)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return err_temp(err, "socketpair: %s", strerrordesc_np(errno));
	pid_t pid = fork();
	if (pid == 0)
		serve(ends[1], identity, command);
	close(ends[1]);
	poster->fd = ends[0];
	return pid > 0 || err_temp(err, "fork: %s", strerrordesc_np(errno));
}

/* ---- the worker ---- */

static bool
write_all(int fd, struct view text)
{
	while (text.n > 0) { /* ends: each turn writes something, or fails */
		ssize_t n = write(fd, text.p, text.n);
		if (n < 0 && errno != EINTR)
			return false;
		text = view_from(text, n > 0 ? (size_t)n : 0);
	}
	return true;
}

/* The text in memory of its own, lines ending in LF; -1: err. */
static int
open_mail(struct view text, struct err *err)
{
	int fd = memfd_create("notice", MFD_CLOEXEC);
	struct view line;
	bool ok = fd >= 0;

	while (ok && text.n > 0) { /* ends: each turn takes a line */
		bool whole = view_split(text, '\n', &line, &text);
		ok = write_all(fd, view_ends(line, VIEW_LIT("\r")) ? view_sub(line, 0, line.n - 1) : line) &&
		    (!whole || write_all(fd, VIEW_LIT("\n")));
	}
	if (ok && lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	err_temp(err, "memfd: %s", strerrordesc_np(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

/* For good: what is heard from it now could be about an earlier mail. */
static bool
lose(struct poster *poster, struct err *err)
{
	close(poster->fd);
	poster->fd = -1;
	return err_temp(err, "the poster has gone");
}

static bool
send_request(int fd, const struct request *request, int mail)
{
	union fd_message control = { .octets = { 0 } };
	struct iovec part = { (void *)request, sizeof(*request) }; /* it only reads it */
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.octets,
		.msg_controllen = sizeof(control.octets) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(mail));
	memcpy(CMSG_DATA(header), &mail, sizeof(mail));
	return sendmsg(fd, &message, MSG_NOSIGNAL) == (ssize_t)sizeof(*request);
}

static bool
judge(const struct answer *answer, struct err *err)
{
	int status = WIFEXITED(answer->status) ? WEXITSTATUS(answer->status) : -1;

	if (answer->problem != 0)
		return err_temp(err, "notices.command: %s", strerrordesc_np(answer->problem));
	if (answer->killed)
		return err_temp(err, "notices.command took too long");
	if (status == 0)
		return true;
	if (status == EX_USAGE || status == EX_DATAERR || status == EX_NOUSER || status == EX_NOHOST)
		return err_perm(err, "notices.command ended with status %d", status);
	if (status > 0)
		return err_temp(err, "notices.command ended with status %d", status);
	return err_temp(err, "notices.command was ended by signal %d", WTERMSIG(answer->status));
}

/* The answer to this request: one that is late must not be taken for the next one's. */
static bool
take_answer(struct poster *poster, int64_t wait_ms, struct answer *answer, struct err *err)
{
	struct pollfd fd = { .fd = poster->fd, .events = POLLIN };
	int n;

	do /* ends: by wait_ms, but for signals, and none comes to this thread */
		n = poll(&fd, 1, (int)wait_ms);
	while (n < 0 && errno == EINTR);
	if (n > 0 && recv(poster->fd, answer, sizeof(*answer), 0) == (ssize_t)sizeof(*answer))
		return true;
	return lose(poster, err);
}

bool
poster_send(struct poster *poster, const struct smtp_mail *mail, int64_t wait_ms, bool *reached, struct err *err)
{
	struct request request = { .wait_ms = wait_ms };
	struct answer answer;

	*reached = poster->fd >= 0;
	if (!*reached)
		return err_temp(err, "there is no poster: notices.by = \"sendmail\" needs a restart");
	if (mail->to.n > ADDRESS_MAX)
		return err_perm(err, "the address is too long");
	memcpy(request.address, mail->to.p, mail->to.n);
	int fd = open_mail(mail->text, err);
	if (fd < 0)
		return false;
	bool sent = send_request(poster->fd, &request, fd) || lose(poster, err);
	close(fd);
	return sent && take_answer(poster, wait_ms + ANSWER_MS, &answer, err) && judge(&answer, err);
}
