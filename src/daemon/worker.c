#include "daemon/worker.h"

#include "base/clock.h"
#include "base/log.h"
#include "crypt/digest.h"
#include "daemon/descriptors.h"
#include "daemon/map_server.h"
#include "daemon/poster.h"
#include "daemon/reload.h"
#include "daemon/snapshot.h"
#include "daemon/unreadable.h"
#include "milter/deferrals.h"
#include "milter/milter.h"
#include "milter/outbox.h"
#include "milter/settings_srs.h"
#include "sig/key_record.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* Parsed public keys that are kept: about 1 KiB each; a large site meets some thousand signing domains a day. */
#define KEYS_MAX 10000
/* Parsed SPF records that are kept, by their text. */
#define SPF_RECORDS_OCTETS ((size_t)8 * 1024 * 1024)
#define DRAIN_LOOK_MS 50
/* The counter of open messages falls when our callback returns; libmilter writes its reply after that. */
#define REPLY_MS 250
#define NOTICES_MS 5000

struct worker {
	const struct worker_job *job;
	struct snapshot snapshot;
	struct session_env env;	  /* of the milter */
	struct map_server *maps;  /* instead of the milter; NULL: the milter */
	int signal_fd;
	struct poster poster; /* of the outbox's thread */
	atomic_bool ready;
};

/* ---- the control thread ------------------------------------------------------------------- */

static void
take_new_settings(struct worker *w)
{
	struct settings *before = snapshot_take(&w->snapshot);
	struct settings *after = reload_settings(w->job->config, before);
	struct err err;

	if (after != NULL) {
		if (!settings_try_srs_store(after, &err))
			log_error("%s", err.text);
		log_set_level((enum log_level)after->process.log_level);
		log_notice("settings of generation %u are in force", after->generation);
		snapshot_put(&w->snapshot, after);
	}
	settings_unref(before);
}

/*
 * Notices that wait get a little time while we still take connections: the MTA that is to take them mostly asks us about
 * them too.
 */
static void
send_notices(struct worker *w, int64_t stop_wait_ms)
{
	int64_t most = stop_wait_ms / 4 < NOTICES_MS ? stop_wait_ms / 4 : NOTICES_MS;
	int64_t until = clock_mono_ms(&clock_system) + most;

	while (outbox_fresh(w->env.outbox) > 0 && clock_mono_ms(&clock_system) < until)
		poll(NULL, 0, DRAIN_LOOK_MS);
}

/* What is left of them goes to the log. */
static _Noreturn void
leave(struct worker *w, int64_t until_ms)
{
	outbox_close(w->env.outbox, until_ms);
	_exit(0);
}

/* Give open messages their time, then end the process. */
static _Noreturn void
drain_milter(struct worker *w)
{
	struct settings *settings = snapshot_take(&w->snapshot);
	int64_t until = clock_mono_ms(&clock_system) + settings->process.stop_wait * 1000;
	int64_t quiet_since = -1;
	send_notices(w, settings->process.stop_wait * 1000);
	milter_drain();
	for (;;) { /* ends: by until */
		int64_t now = clock_mono_ms(&clock_system);
		size_t open = milter_messages_open();
		if (open > 0)
			quiet_since = -1;
		else if (quiet_since < 0)
			quiet_since = now;
		if (quiet_since >= 0 && now - quiet_since >= REPLY_MS)
			leave(w, until);
		if (now >= until && open > 0) {
			log_warning("stopping with %zu messages open: stop-wait of %lld seconds is over", open,
			    (long long)settings->process.stop_wait);
			leave(w, until);
		}
		poll(NULL, 0, DRAIN_LOOK_MS);
	}
}

static void
drain(struct worker *w)
{
	if (!atomic_load(&w->ready)) /* nothing has begun */
		_exit(0);
	if (w->maps == NULL)
		drain_milter(w);
	map_server_drain(w->maps); /* run() returns when all is answered */
}

static void *
control(void *arg)
{
	struct worker *w = arg;
	struct signalfd_siginfo info;

	for (;;) { /* ends: with the process */
		ssize_t n = read(w->signal_fd, &info, sizeof(info));
		if (n != (ssize_t)sizeof(info))
			continue;
		if (info.ssi_signo == SIGUSR1)
			take_new_settings(w);
		else if (info.ssi_signo == SIGUSR2)
			drain(w);
	}
	return NULL;
}

/* ---- beginning ---------------------------------------------------------------------------- */

/* All threads inherit the mask (the parent has set it before our birth): only the descriptor hears these signals. */
static bool
open_signals(struct worker *w, struct err *err)
{
	sigset_t ours;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&ours);
	sigaddset(&ours, SIGUSR1);
	sigaddset(&ours, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &ours, NULL);
	w->signal_fd = signalfd(-1, &ours, SFD_CLOEXEC);
	return w->signal_fd >= 0 || err_temp(err, "signalfd: %s", strerrordesc_np(errno));
}

/* After the change of user, which forgets it. */
static bool
die_with_parent(pid_t parent, struct err *err)
{
	if (prctl(PR_SET_PDEATHSIG, SIGUSR2, 0, 0, 0) != 0)
		return err_perm(err, "prctl: %s", strerrordesc_np(errno));
	return getppid() == parent || err_temp(err, "the parent has gone");
}

/* One that is needed only after a reload is not there: notices.by wants a restart. */
static bool
start_poster(struct worker *w, struct err *err)
{
	const struct notices_conf *notices = &w->job->settings->notices;

	w->poster.fd = -1;
	return w->job->listener.maps || notices->by != NOTICES_BY_SENDMAIL ||
	    poster_start(&w->poster, w->job->identity, &notices->command, err);
}

/* We may not make another poster, being nobody: the worker that comes after us has its own. */
static bool
send_by_poster(struct worker *w, const struct smtp_mail *mail, int64_t wait_ms, bool *reached, struct err *err)
{
	bool there = w->poster.fd >= 0, sent = poster_send(&w->poster, mail, wait_ms, reached, err);

	if (there && w->poster.fd < 0) {
		log_error("the poster of notices.by = \"sendmail\" has gone: this worker ends, so that a new one has one");
		kill(getpid(), SIGUSR2);
	}
	return sent;
}

static bool
send_mail(void *ctx, const struct smtp_mail *mail, int64_t wait_ms, bool *reached, struct err *err)
{
	struct worker *w = ctx;

	if (w->job->settings->notices.by == NOTICES_BY_SENDMAIL)
		return send_by_poster(w, mail, wait_ms, reached, err);
	return smtp_send(mail, wait_ms, reached, err);
}

static bool
open_env(struct worker *w, struct err *err)
{
	w->env = (struct session_env){
		.settings_take = snapshot_take,
		.settings_drop = snapshot_drop,
		.ctx = &w->snapshot,
		.clock = &clock_system,
	};
	if (!crypt_open(err))
		return false;
	if (w->job->listener.maps)
		return true;
	w->env.shared.keys = key_cache_new(KEYS_MAX);
	w->env.returns = rate_new(SESSION_RETURN_ADDRESSES);
	w->env.shared.records = spf_cache_new(SPF_RECORDS_OCTETS);
	w->env.outbox = outbox_new();
	w->env.deferrals = deferrals_new();
	w->env.shared.dns = dns_open(&w->job->settings->dns, err);
	return w->env.shared.dns != NULL || err_in(err, "dns");
}

static bool
start_control(struct worker *w, struct err *err)
{
	pthread_t thread;
	int problem = pthread_create(&thread, NULL, control, w);

	if (problem == 0)
		problem = pthread_detach(thread);
	return problem == 0 || err_temp(err, "thread: %s", strerrordesc_np(problem));
}

/* At the start whoever gave the command hears what is wrong; later on, mail that does not need it goes on. */
static bool
open_store(const struct worker *w, struct err *err)
{
	if (settings_try_srs_store(w->job->settings, err))
		return true;
	if (w->job->first)
		return false;
	log_error("%s", err->text);
	return true;
}

static bool
prepare(struct worker *w, struct err *err)
{
	return open_signals(w, err) && start_poster(w, err) && privileges_drop(w->job->identity, err) &&
	    die_with_parent(w->job->parent, err) && open_env(w, err) && open_store(w, err) &&
	    (w->env.outbox == NULL || outbox_start(w->env.outbox, send_mail, w, err)) && start_control(w, err);
}

static void
tell_ready(void *ctx)
{
	struct worker *w = ctx;

	atomic_store(&w->ready, true);
	unreadable_warn(w->job->config, w->job->settings);
	if (w->job->to_syslog)
		descriptors_silence();
	while (write(w->job->ready_fd, "", 1) < 0 && errno == EINTR)
		;
	close(w->job->ready_fd);
}

static bool
run_maps(struct worker *w, struct err *err)
{
	struct map_server_env env = {
		.snapshot = &w->snapshot,
		.listen_fd = w->job->listener.fd,
		.connections_max = w->job->connections_max,
		.ready = tell_ready,
		.ctx = w,
	};

	w->maps = map_server_new(&env, err);
	return w->maps != NULL && map_server_run(w->maps, err);
}

static bool
run_milter(struct worker *w, struct err *err)
{
	const struct settings *settings = w->job->settings;
	struct milter_env env = {
		.session = &w->env,
		.listen_fd = w->job->listener.fd,
		.kind = w->job->listener.kind,
		.backlog = (int)settings->process.backlog,
		.timeout = settings->limits.milter_timeout,
		.connections_max = w->job->connections_max,
		.ready = tell_ready,
		.ctx = w,
	};

	return milter_run(&env, err);
}

int
worker_main(const struct worker_job *job)
{
	struct worker w = { .job = job };
	struct err err;

	snapshot_init(&w.snapshot, settings_ref(job->settings));
	if (job->to_syslog) /* now, as there is one thread */
		log_to_syslog("assayd", job->settings->process.syslog_facility);
	bool ok = prepare(&w, &err) && (job->listener.maps ? run_maps(&w, &err) : run_milter(&w, &err));
	if (ok)
		return 0;
	log_error("%.*s: %s", VIEW_ARG(job->listener.address), err.text);
	if (job->to_syslog && !atomic_load(&w.ready)) /* the start command still shows what is said here */
		dprintf(STDERR_FILENO, "assayd: error: %.*s: %s\n", VIEW_ARG(job->listener.address), err.text);
	return 1;
}
