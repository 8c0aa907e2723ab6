#include "daemon/descriptors.h"
#include "daemon/detach.h"
#include "daemon/options.h"
#include "daemon/parent.h"

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
	umask(022);
	if (chdir("/") != 0)
		say(NULL, "warning: cannot change to /");
	settings->generation = 1;
	log_set_level((enum log_level)settings->process.log_level);
	return parent_run(&start);
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
	size_t broken = policy_mistakes(settings->policies) + settings->key_mistakes;
	settings_unref(settings);
	if (broken > 0) {
		printf("%s: %zu policy files with mistakes\n", options->config, broken);
		return 1;
	}
	printf("%s: no mistakes\n", options->config);
	return 0;
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
