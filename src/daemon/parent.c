#include "daemon/parent.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/child.h"
#include "daemon/descriptors.h"
#include "daemon/notify.h"
#include "daemon/pidfile.h"
#include "daemon/reload.h"
#include "milter/settings_force.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a worker gets beyond stop-wait before it is killed. */
#define KILL_AFTER_MS 3000

struct parent {
	const struct parent_start *start;
	struct arena *arena;
	struct settings *at_start; /* the sockets and the lock are by these */
	struct settings *settings; /* what new workers get */
	struct identity identity;
	bool has_identity;
	int64_t connections_max, map_connections_max;
	const char *in_force; /* the file of settings_force.h */
	int pid_fd;
	int signal_fd;
	struct listeners listeners;
	struct child *child; /* one for each listener */
	size_t children;
	bool up;	/* all workers were ready once */
	bool stopping;
	int64_t kill_at_ms; /* stopping: when patience ends */
	int status;	/* of the daemon */
};

static int64_t
now_ms(void)
{
	return clock_mono_ms(&clock_system);
}

/* ---- workers ------------------------------------------------------------------------------ */

/* What a new process must let go of. */
struct birth {
	struct parent *parent;
	struct child *child;
};

static void
forget_parent(void *ctx)
{
	const struct birth *birth = ctx;
	const struct parent *p = birth->parent;

	close(p->signal_fd);
	close(p->pid_fd);
	if (!p->up && p->start->starter_fd >= 0)
		close(p->start->starter_fd);
	for (size_t i = 0; i < p->children; i++) {
		if (p->child[i].ready_fd >= 0)
			close(p->child[i].ready_fd);
		if (&p->child[i] != birth->child)
			close(p->child[i].listener->fd);
	}
}

static void
start_child(struct parent *p, struct child *child)
{
	struct birth birth = { p, child };
	struct worker_job job = {
		.settings = p->settings,
		.config = p->start->config,
		.identity = p->has_identity ? &p->identity : NULL,
		.connections_max = child->listener->maps ? p->map_connections_max : p->connections_max,
		.first = !p->up,
		.to_syslog = !p->start->foreground,
	};
	struct err err;

	if (child_start(child, job, forget_parent, &birth, now_ms(), &err))
		return;
	log_error("%.*s: no worker: %s", VIEW_ARG(child->listener->address), err.text);
	child->again_at_ms = now_ms() + CHILD_QUICK_MS;
}

static void
start_due_children(struct parent *p)
{
	for (size_t i = 0; i < p->children && !p->stopping; i++)
		if (p->child[i].pid == 0 && p->child[i].again_at_ms <= now_ms())
			start_child(p, &p->child[i]);
}

static void
signal_children(const struct parent *p, int signal)
{
	for (size_t i = 0; i < p->children; i++)
		if (p->child[i].pid > 0)
			kill(p->child[i].pid, signal);
}

static bool
has_children(const struct parent *p)
{
	for (size_t i = 0; i < p->children; i++)
		if (p->child[i].pid > 0)
			return true;
	return false;
}

static void
log_death(const struct parent *p, const struct child *child, int status)
{
	struct view address = child->listener->address;

	if (p->stopping)
		return;
	if (WIFSIGNALED(status))
		log_error("%.*s: worker %ld was killed by signal %d (%s)", VIEW_ARG(address), (long)child->pid,
		    WTERMSIG(status), sigdescr_np(WTERMSIG(status)) != NULL ? sigdescr_np(WTERMSIG(status)) : "?");
	else
		log_error("%.*s: worker %ld ended with status %d", VIEW_ARG(address), (long)child->pid,
		    WEXITSTATUS(status));
}

static void
bury(struct parent *p, struct child *child, int status)
{
	log_death(p, child, status);
	child_died(child, now_ms());
	if (p->stopping)
		return;
	if (!p->up) { /* a start that fails is said to whoever started us, not tried again */
		p->stopping = true;
		p->status = 1;
		p->kill_at_ms = now_ms();
	} else if (child->again_at_ms > now_ms()) {
		log_error("%.*s: %u workers died right after their start; the next begins in %lld ms",
		    VIEW_ARG(child->listener->address), child->quick_deaths, (long long)(child->again_at_ms - now_ms()));
	}
}

static void
reap(struct parent *p)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (size_t i = 0; i < p->children; i++)
			if (p->child[i].pid == pid)
				bury(p, &p->child[i], status);
}

/* ---- what comes in ------------------------------------------------------------------------ */

/* For `assayctl conf diff`; nothing else depends on it. */
static void
publish(const struct parent *p)
{
	struct err err;

	if (!settings_force_write(p->settings, p->at_start, p->in_force, &err))
		log_warning("%s", err.text);
}

/* All are ready for the first time: the start command may return. */
static void
tell_up(struct parent *p)
{
	for (size_t i = 0; i < p->children; i++)
		if (!p->child[i].ready)
			return;
	p->up = true;
	publish(p);
	notify("READY=1");
	if (!p->start->foreground) {
		log_to_syslog("assayd", p->settings->process.syslog_facility);
		while (write(p->start->starter_fd, "", 1) < 0 && errno == EINTR)
			;
		close(p->start->starter_fd);
		descriptors_silence();
	}
	for (size_t i = 0; i < p->children; i++)
		log_notice("listening on %.*s%s, worker %ld", VIEW_ARG(p->child[i].listener->address),
		    p->child[i].listener->maps ? " for the maps of SRS" : "", (long)p->child[i].pid);
}

static void
hear_children(struct parent *p, const struct pollfd *poll_fd)
{
	for (size_t i = 0; i < p->children; i++) {
		struct child *child = &p->child[i];
		if (poll_fd[i].revents == 0 || child->ready_fd < 0)
			continue;
		child_hear(child);
		if (child->ready && p->up)
			log_notice("%.*s: worker %ld is ready", VIEW_ARG(child->listener->address), (long)child->pid);
	}
	if (!p->up && !p->stopping)
		tell_up(p);
}

static void
reload(struct parent *p)
{
	struct settings *after = reload_settings(p->start->config, p->settings);

	if (after == NULL)
		return;
	reload_name_restarts(p->at_start, after);
	log_set_level((enum log_level)after->process.log_level);
	settings_unref(p->settings);
	p->settings = after;
	publish(p);
	signal_children(p, SIGUSR1);
}

static void
stop(struct parent *p)
{
	if (p->stopping) {
		signal_children(p, SIGKILL);
		return;
	}
	log_notice("stopping; open messages get %lld seconds", (long long)p->settings->process.stop_wait);
	notify("STOPPING=1");
	p->stopping = true;
	p->kill_at_ms = now_ms() + p->settings->process.stop_wait * 1000 + KILL_AFTER_MS;
	listeners_close(&p->listeners, true);
	signal_children(p, SIGUSR2);
}

static void
take_signals(struct parent *p)
{
	struct signalfd_siginfo info;

	while (read(p->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP && !p->stopping)
			reload(p);
		else if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
			stop(p);
	}
	reap(p); /* SIGCHLD may stand for several */
}

/* ---- life --------------------------------------------------------------------------------- */

/* Milliseconds until something is due; -1: nothing is. */
static int
time_to_wait(const struct parent *p)
{
	int64_t due = p->stopping ? p->kill_at_ms : INT64_MAX;

	for (size_t i = 0; i < p->children && !p->stopping; i++)
		if (p->child[i].pid == 0 && p->child[i].again_at_ms < due)
			due = p->child[i].again_at_ms;
	if (due == INT64_MAX)
		return -1;
	int64_t wait = due - now_ms();
	return wait < 0 ? 0 : wait > 60000 ? 60000 : (int)wait;
}

static void
live(struct parent *p)
{
	struct pollfd *fd = ARENA_ARRAY(p->arena, p->children + 1, struct pollfd);

	while (!p->stopping || has_children(p)) {
		start_due_children(p);
		for (size_t i = 0; i < p->children; i++)
			fd[i] = (struct pollfd){ .fd = p->child[i].ready_fd, .events = POLLIN };
		fd[p->children] = (struct pollfd){ .fd = p->signal_fd, .events = POLLIN };
		int n = poll(fd, (nfds_t)(p->children + 1), time_to_wait(p));
		if (n > 0) {
			hear_children(p, fd);
			take_signals(p);
		}
		if (p->stopping && now_ms() >= p->kill_at_ms && has_children(p)) {
			signal_children(p, SIGKILL);
			p->kill_at_ms = now_ms() + KILL_AFTER_MS;
		}
	}
}

static bool
open_signals(struct parent *p, struct err *err)
{
	sigset_t ours, blocked;

	sigemptyset(&ours);
	sigaddset(&ours, SIGHUP);
	sigaddset(&ours, SIGTERM);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGCHLD);
	blocked = ours;
	/* For the workers: what is sent to a new one must wait until it listens, not kill it. */
	sigaddset(&blocked, SIGUSR1);
	sigaddset(&blocked, SIGUSR2);
	signal(SIGCHLD, SIG_DFL); /* it may have been ignored by who started us: then there is nothing to wait for */
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_SETMASK, &blocked, NULL) != 0)
		return err_perm(err, "sigprocmask: %s", strerrordesc_np(errno));
	p->signal_fd = signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
	return p->signal_fd >= 0 || err_perm(err, "signalfd: %s", strerrordesc_np(errno));
}

static bool
find_identity(struct parent *p, struct err *err)
{
	const struct process_conf *conf = &p->settings->process;

	p->has_identity = privileges_are_root();
	if (p->has_identity)
		return identity_find(conf->user, conf->group, p->arena, &p->identity, err);
	log_notice("not started as root: user, group, socket-owner and socket-group are not used");
	return true;
}

static int64_t
room_for(int64_t wanted, const char *setting)
{
	int64_t room = descriptors_room_for(wanted);

	if (room < wanted)
		log_warning("%s: only %lld of %lld: the limit of open files is too low", setting, (long long)room,
		    (long long)wanted);
	return room;
}

static void
make_room(struct parent *p)
{
	const struct settings *s = p->settings;
	int64_t backlog_max = listen_backlog_max();

	p->connections_max = room_for(s->process.connections_max, "connections-max");
	if (s->srs.listen.n > 0)
		p->map_connections_max = room_for(s->srs.connections_max, "srs.connections-max");
	if (backlog_max >= 0 && s->process.backlog > backlog_max)
		log_warning("backlog: the kernel's net.core.somaxconn makes %lld of %lld", (long long)backlog_max,
		    (long long)s->process.backlog);
}

static bool
begin(struct parent *p, struct err *err)
{
	const struct process_conf *conf = &p->settings->process;

	if (!find_identity(p, err))
		return false;
	make_room(p);
	p->pid_fd = pidfile_take(conf->pid_file.p, err);
	if (p->pid_fd < 0)
		return false;
	if (!listeners_open(conf, &p->settings->srs.listen, p->arena, &p->listeners, err) || !open_signals(p, err)) {
		listeners_close(&p->listeners, true);
		pidfile_drop(conf->pid_file.p, p->pid_fd);
		return false;
	}
	p->children = p->listeners.n;
	p->child = ARENA_ARRAY(p->arena, p->children, struct child);
	for (size_t i = 0; i < p->children; i++)
		p->child[i] = (struct child){ .listener = &p->listeners.listener[i], .ready_fd = -1 };
	return true;
}

static void
end(struct parent *p)
{
	listeners_close(&p->listeners, true);
	unlink(p->in_force);
	pidfile_drop(p->at_start->process.pid_file.p, p->pid_fd);
	close(p->signal_fd);
	if (p->up)
		log_notice("stopped");
}

int
parent_run(const struct parent_start *start)
{
	struct parent p = {
		.start = start,
		.arena = arena_new(),
		.at_start = settings_ref(start->settings),
		.settings = start->settings,
	};
	struct err err;

	p.in_force = settings_force_path(p.at_start->process.pid_file, p.arena).p;
	if (begin(&p, &err)) {
		live(&p);
		end(&p);
	} else {
		log_error("%s", err.text);
		p.status = 1;
	}
	settings_unref(p.settings);
	settings_unref(p.at_start);
	arena_free(p.arena);
	return p.status;
}
