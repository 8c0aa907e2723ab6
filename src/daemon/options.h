#ifndef ASSAY_DAEMON_OPTIONS_H
#define ASSAY_DAEMON_OPTIONS_H

#include "base/err.h"

/* options - the command line of assayd(8). */
struct options {
	char *config;	    /* -c: absolute, as the daemon changes to /; free it */
	bool foreground;    /* -f */
	bool check_only;    /* -n */
	bool version;	    /* -V */
	bool help;	    /* -h */
};

extern const char options_usage[];

/* False: err says what is wrong with the command line; options->config is NULL. */
bool options_parse(int argc, char **argv, struct options *options, struct err *err);

#endif
