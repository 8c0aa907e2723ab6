/*
 * The daemon: is it there, does it answer in the milter protocol.
 */
#include "cli/dial.h"
#include "cli/doctor.h"
#include "cli/milter_hello.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- the lock ---- */

/*
 * The process that holds the pid file's lock; 0: none.  Asking takes no lock.  The descriptor is opened for reading, for
 * which F_RDLCK is the lock to ask about: the daemon's own is F_WRLCK.
 */
static pid_t
holder_of(int fd)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };

	return fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? lock.l_pid : 0;
}

void
doctor_daemon(struct doctor *d)
{
	const char *path = arena_cstr(d->arena, d->settings->process.pid_file);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0 && errno == EACCES) {
		doctor_skip(d, "%s: we may not read it: run as root", path);
		return;
	}
	pid_t pid = fd < 0 ? 0 : holder_of(fd);
	if (fd >= 0)
		close(fd);
	if (pid > 0)
		doctor_ok(d, "assayd runs as process %ld", (long)pid);
	else if (fd < 0)
		doctor_problem(d, ADVICE(d, "systemctl start assayd, or: assayd -c %s", d->config), "assayd does not run: there is no %s",
		    path);
	else
		doctor_problem(d, ADVICE(d, "systemctl start assayd, or: assayd -c %s", d->config),
		    "assayd does not run: %s is left over, nobody has its lock", path);
}

/* ---- the answer ---- */

struct hello_wait {
	struct milter_hello hello;
	enum milter_hello_outcome outcome;
	struct err err;
};

static bool
hello_enough(void *ctx, struct view so_far)
{
	struct hello_wait *w = ctx;

	w->outcome = milter_hello_take(so_far, &w->hello, &w->err);
	return w->outcome != MILTER_HELLO_MORE;
}

static void
judge_hello(struct doctor *d, struct view address, const struct hello_wait *w)
{
	const unsigned needed = MILTER_ADDHDRS | MILTER_CHGHDRS;

	if (w->outcome == MILTER_HELLO_BAD)
		doctor_problem(d, ADVICE(d, "ss -lpn tells who listens there"), "%.*s: %s", VIEW_ARG(address), w->err.text);
	else if (w->hello.version != MILTER_VERSION)
		doctor_problem(d, ADVICE(d, "ss -lpn tells who listens there"), "%.*s: answers in version %u of the milter protocol, not %d",
		    VIEW_ARG(address), w->hello.version, MILTER_VERSION);
	else if ((w->hello.actions & needed) != needed)
		doctor_problem(d, ADVICE(d, "ss -lpn tells who listens there"),
		    "%.*s: it answers, but does not want to add and change header fields: that is another filter", VIEW_ARG(address));
	else
		doctor_ok(d, "%.*s answers in version %u of the milter protocol", VIEW_ARG(address), w->hello.version);
}

static void
say_not_open(struct doctor *d, struct view address, enum dial_outcome outcome, const struct err *err)
{
	if (outcome == DIAL_FORBIDDEN)
		doctor_skip(d, "%.*s: we may not connect: run as root", VIEW_ARG(address));
	else
		doctor_problem(d, ADVICE(d, "start assayd, or restart it when listen was changed; syslog says why it does not listen"),
		    "%.*s: %s", VIEW_ARG(address), err->text);
}

/* So that the filter knows that we leave on purpose; when it does not hear that, it sees us go. */
static void
send_quit(int fd)
{
	struct view quit = milter_hello_quit();

	(void)!send(fd, quit.p, quit.n, MSG_NOSIGNAL);
}

static void
greet(struct doctor *d, struct view text, const struct listen_address *address)
{
	struct hello_wait wait = { .outcome = MILTER_HELLO_MORE };
	struct view answer;
	struct err err;
	int fd;
	enum dial_outcome outcome = dial_open(address, &fd, &err);

	if (outcome != DIAL_OK) {
		say_not_open(d, text, outcome, &err);
		return;
	}
	if (dial_ask(fd, milter_hello_make(d->arena), hello_enough, &wait, MILTER_HELLO_MAX, d->arena, &answer, &err)) {
		judge_hello(d, text, &wait);
		send_quit(fd);
	} else {
		doctor_problem(d, ADVICE(d, "ss -lpn tells who listens there; syslog says what assayd is busy with"), "%.*s: %s",
		    VIEW_ARG(text), err.text);
	}
	close(fd);
}

void
doctor_answer(struct doctor *d)
{
	const struct conf_list *listen = &d->settings->process.listen;
	struct listen_address address;

	for (size_t i = 0; i < listen->n; i++)
		if (listen_address_parse(listen->item[i], &address, NULL))
			greet(d, listen->item[i], &address);
}
