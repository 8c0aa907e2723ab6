#include "daemon/options.h"

#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PRESET_CONFIG SYSCONFDIR "/assay/assay.conf"

const char options_usage[] = "usage: assayd [-fhnV] [-c FILE]\n"
			     "  -c FILE  the settings (default: " PRESET_CONFIG ")\n"
			     "  -f       stay in the foreground, log to standard error\n"
			     "  -n       check the settings and exit\n"
			     "  -V       print the version\n"
			     "  -h       print this\n";

/* Not realpath(): that names the target of a link, which may move under our feet. */
static char *
make_absolute(const char *path, struct err *err)
{
	char *joined = NULL;

	if (*path == '/')
		return mem_cstr(path);
	char *folder = getcwd(NULL, 0);
	if (folder == NULL) {
		err_perm(err, "the working folder has no name: %s", strerrordesc_np(errno));
		return NULL;
	}
	if (asprintf(&joined, "%s/%s", folder, path) < 0)
		mem_fatal("out of memory");
	free(folder);
	return joined;
}

bool
options_parse(int argc, char **argv, struct options *options, struct err *err)
{
	const char *config = PRESET_CONFIG;
	int c;

	*options = (struct options){ 0 };
	optind = 1;
	opterr = 0;
	while ((c = getopt(argc, argv, "+:c:fnVh")) != -1) {
		switch (c) {
		case 'c':
			config = optarg;
			break;
		case 'f':
			options->foreground = true;
			break;
		case 'n':
			options->check_only = true;
			break;
		case 'V':
			options->version = true;
			break;
		case 'h':
			options->help = true;
			break;
		case ':':
			return err_perm(err, "option -%c wants a file", optopt);
		default:
			return err_perm(err, "unknown option -%c", optopt);
		}
	}
	if (optind < argc)
		return err_perm(err, "no arguments are taken beside the options");
	options->config = make_absolute(config, err);
	return options->config != NULL;
}
