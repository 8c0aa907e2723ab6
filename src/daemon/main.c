#include "daemon/descriptors.h"
#include "daemon/detach.h"
#include "daemon/notify.h"
#include "daemon/options.h"
#include "daemon/parent.h"
#include "daemon/privileges.h"

#include "base/log.h"
#include "milter/settings_srs.h"

#include <config.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

static void
say(void *ctx, const char *text)
{
	(void)ctx;
	fprintf(stderr, "assayd: %s\n", text);
}

static int
serve(const struct options *options, struct settings *settings)
{
	struct parent_start start = {
		.config = options->config, .settings = settings, .foreground = options->foreground, .starter_fd = -1,
	};
	struct err err;

	if (!options->foreground && !detach(&start.starter_fd, &err)) {
		say(NULL, err.text);
		settings_unref(settings);
		return 1;
	}
	if (options->foreground && notify_stderr_is_journal())
		log_to_journal();
	umask(022);
	if (chdir("/") != 0)
		say(NULL, "warning: cannot change to /");
	settings->generation = 1;
	log_set_level((enum log_level)settings->process.log_level);
	return parent_run(&start);
}

/* "FILE: user assay: there is none; ...".  Returns false. */
static bool
say_user(const struct settings *settings, const struct err *err)
{
	say(NULL, arena_printf(settings->arena, "%.*s: %s", VIEW_ARG(settings->path), err->text).p);
	return false;
}

/* The users and groups that a start as root needs; each that is wrong is said. */
static bool
check_users(const struct settings *settings)
{
	const struct process_conf *conf = &settings->process;
	struct identity identity;
	struct err err;
	uid_t uid;
	gid_t gid;
	bool ok = true;

	if (!identity_find(conf->user, conf->group, settings->arena, &identity, &err))
		ok = say_user(settings, &err);
	if (conf->socket_owner.n > 0 && !identity_uid(conf->socket_owner, &uid, &err)) {
		err_in(&err, "socket-owner");
		ok = say_user(settings, &err);
	}
	if (conf->socket_group.n > 0 && !identity_gid(conf->socket_group, &gid, &err)) {
		err_in(&err, "socket-group");
		ok = say_user(settings, &err);
	}
	return ok;
}

/* What only a check looks at: 0 or 1, the exit status. */
static int
check_rest(const struct options *options, const struct settings *settings)
{
	size_t broken = policy_mistakes(settings->policies) + settings->key_mistakes;
	bool users = !privileges_are_root() || check_users(settings);

	if (broken > 0)
		printf("%s: policy files with mistakes: %zu\n", options->config, broken);
	else if (users)
		printf("%s: no mistakes\n", options->config);
	return broken == 0 && users ? 0 : 1;
}

static int
load_and_serve(const struct options *options)
{
	struct settings *settings = settings_load(options->config, say, NULL);

	if (settings == NULL)
		return 1;
	if (!settings_open_keys(settings, NULL, say, NULL) || !settings_open_srs(settings, NULL, say, NULL)) {
		settings_unref(settings);
		return 1;
	}
	if (!options->check_only)
		return serve(options, settings);
	int status = check_rest(options, settings);
	settings_unref(settings);
	return status;
}

int
main(int argc, char **argv)
{
	struct options options;
	struct err err;
	int status = 0;

	log_to_stderr("assayd");
	if (!descriptors_clean(&err)) {
		say(NULL, err.text);
		return 1;
	}
	if (!options_parse(argc, argv, &options, &err)) {
		say(NULL, err.text);
		fputs(options_usage, stderr);
		return EX_USAGE;
	}
	if (options.help || options.version)
		fputs(options.help ? options_usage : "assayd " PACKAGE_VERSION "\n", stdout);
	else
		status = load_and_serve(&options);
	free(options.config);
	return status;
}
