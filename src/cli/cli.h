#ifndef ASSAY_CLI_CLI_H
#define ASSAY_CLI_CLI_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "dns/dns_conf.h"

/*
 * cli - what the subcommands of assayctl share: options, files, a resolver, a clock.
 * One thread; everything lives until the program ends.
 */

/* Exit status, the same for every subcommand that finds something out; assayctl(1) lists them. */
enum cli_exit {
	CLI_OK = 0,	   /* pass */
	CLI_FAIL = 1,	   /* fail */
	CLI_USAGE = 2,	   /* wrong words, unreadable file: nothing was found out */
	CLI_NOTHING = 3,   /* none, neutral, softfail, policy: neither pass nor fail */
	CLI_PERMERROR = 4, /* what somebody published is wrong */
	CLI_TEMPERROR = 5, /* DNS trouble: try again */
};

struct cli_option {
	const char *name;      /* without the dashes */
	const char *value_name; /* for the help; NULL: a switch */
	const char *help;
	bool *given;	       /* set when the option was there; may be NULL for options with a value */
	struct view *value;    /* the value, the last one given; NULL for switches and lists */
	struct cli_list *list; /* all values, for options that may stand several times */
};

struct cli_list {
	struct view *item;
	size_t n;
};

struct cli_command {
	const char *name;
	const char *arguments; /* behind the options, for the help */
	const char *about;     /* one line */
	int (*run)(const struct cli_command *self, struct cli_list words, struct arena *arena);
};

/*
 * Take options, "--name value" or "--name=value", out of words; what is left is the arguments.  "--" ends
 * options.  False: *status is what the program ends with, after what is wrong was said on standard error, or after the
 * help was printed: every command has --help, so it is no row of theirs.
 */
bool cli_options(const struct cli_command *command, const struct cli_option *options, size_t n, struct cli_list words,
    struct cli_list *arguments, struct arena *arena, int *status);

/* Print on standard error "assayctl NAME: ..." and return CLI_USAGE. */
int cli_usage(const struct cli_command *command, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A file, or "-" for standard input; at most CLI_FILE_MAX octets. */
#define CLI_FILE_MAX ((size_t)256 * 1024 * 1024)
bool cli_read(struct view path, struct arena *arena, struct view *text, struct err *err);

/* The options that every subcommand with DNS has. */
struct cli_world {
	struct view config;    /* --config */
	struct view resolver;  /* --resolver ADDR[@PORT] */
	struct view fake_dns;  /* --fake-dns FILE */
	struct view time;      /* --time SECONDS */
};
#define CLI_WORLD_OPTIONS(world, preset)                                                                                \
	{ .name = "config", .value_name = "FILE", .help = "settings (default: " preset ")", .value = &(world)->config },   \
	    { .name = "resolver", .value_name = "ADDR[@PORT]", .help = "ask this name server",                          \
		.value = &(world)->resolver },                                                                          \
	    { .name = "fake-dns", .value_name = "FILE", .help = "answer every DNS question from this file",             \
		.value = &(world)->fake_dns },                                                                          \
	    { .name = "time", .value_name = "SECONDS", .help = "let it be then, in seconds since 1970 (UTC)",           \
		.value = &(world)->time }

/* The settings of --config, or presets; NULL: every mistake has been said.  settings_unref. */
struct settings;
struct settings *cli_settings(const struct cli_world *world, struct arena *arena);
/* A resolver as the options and conf say; NULL: err. */
struct dns *cli_dns_open(const struct cli_world *world, const struct dns_conf *conf, struct arena *arena,
    struct err *err);
/* clock_system, or fixed by --time. */
bool cli_clock(const struct cli_world *world, struct clock *clock, struct err *err);

extern const struct cli_command cli_commands[];
extern const size_t cli_commands_n;

int cli_check(const struct cli_command *self, struct cli_list words, struct arena *arena);
int cli_spf(const struct cli_command *self, struct cli_list words, struct arena *arena);
int cli_dmarc(const struct cli_command *self, struct cli_list words, struct arena *arena);
int cli_conf(const struct cli_command *self, struct cli_list words, struct arena *arena);
int cli_explain(const struct cli_command *self, struct cli_list words, struct arena *arena);
int cli_doctor(const struct cli_command *self, struct cli_list words, struct arena *arena);
int cli_srs(const struct cli_command *self, struct cli_list words, struct arena *arena);
int cli_keygen(const struct cli_command *self, struct cli_list words, struct arena *arena);

#endif
