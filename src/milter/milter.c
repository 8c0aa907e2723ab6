#include "milter/milter.h"

#include "base/err.h"
#include "base/log.h"
#include "milter/adopt.h"
#include "milter/callbacks.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

/*
 * libmilter keeps one filter per process in its statics and gives its callbacks nothing of ours before
 * smfi_setpriv, so this is the one place in the room with statics of its own.
 */
static struct session_load load;
static struct milter_shared shared = { .said_leadspc = ATOMIC_FLAG_INIT };
static char host_name[256];
static _Atomic int listener = -1; /* while milter_run runs */

/* Verification needs little; thousands of idle threads with the usual 8 MiB would only look large. */
#define STACK_OCTETS ((size_t)1024 * 1024)

struct milter_shared *
milter_shared(void)
{
	return &shared;
}

static void
share(const struct milter_env *env)
{
	shared.session = *env->session;
	shared.connections_max = (size_t)env->connections_max;
	if (shared.session.load == NULL)
		shared.session.load = &load;
	if (shared.session.host.n == 0 && gethostname(host_name, sizeof(host_name) - 1) == 0)
		shared.session.host = view_of(host_name);
}

static bool
limit_stacks(struct err *err)
{
	pthread_attr_t attr;
	int rc = pthread_attr_init(&attr);

	if (rc == 0)
		rc = pthread_attr_setstacksize(&attr, STACK_OCTETS);
	if (rc == 0)
		rc = pthread_setattr_default_np(&attr);
	if (rc == 0)
		rc = pthread_attr_destroy(&attr);
	return rc == 0 || err_perm(err, "cannot set the stack size of threads: %s", strerror(rc));
}

bool
milter_run(const struct milter_env *env, struct err *err)
{
	share(env);
	if (!limit_stacks(err))
		return false;
	if (smfi_register(milter_callbacks) != MI_SUCCESS)
		return err_perm(err, "libmilter does not take the callbacks");
	if (smfi_settimeout((int)env->timeout) != MI_SUCCESS)
		return err_perm(err, "libmilter does not take a time-out of %lld seconds", (long long)env->timeout);
	if (!adopt_listener(env->listen_fd, env->backlog, err))
		return false;
	atomic_store(&listener, env->listen_fd);
	if (env->ready != NULL)
		env->ready(env->ctx);
	bool ok = smfi_main() == MI_SUCCESS;
	atomic_store(&listener, -1);
	return ok || err_temp(err, "libmilter gave up listening");
}

static struct session_load *
load_in_use(void)
{
	return shared.session.load != NULL ? shared.session.load : &load;
}

void
milter_drain(void)
{
	int fd = atomic_exchange(&listener, -1); /* a second call has nothing to retire */
	struct err err;

	atomic_store(&load_in_use()->draining, true);
	if (fd >= 0 && !adopt_retire(fd, &err))
		log_warning("event=drain: %s", err.text);
}

void
milter_stop(void)
{
	atomic_store(&load_in_use()->draining, true);
	smfi_stop();
}

size_t
milter_messages_open(void)
{
	return atomic_load(&load_in_use()->messages);
}
