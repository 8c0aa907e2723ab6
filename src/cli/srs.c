/*
 * assayctl srs - what the daemon would make of a sender (forward) or of an SRS address (reverse), and why (status).
 */
#include "cli/cli.h"
#include "milter/settings.h"

#include <stdio.h>

struct wish {
	struct cli_world world;
	struct view domain, secrets, scheme, database;
};

static int
exit_status(enum srs_outcome outcome)
{
	switch (outcome) {
	case SRS_REWRITTEN:
	case SRS_VALID:
		return CLI_OK;
	case SRS_FORGED:
	case SRS_EXPIRED:
	case SRS_MALFORMED:
	case SRS_UNKNOWN:
		return CLI_FAIL;
	case SRS_TEMP:
		return CLI_TEMPERROR;
	default:
		return CLI_NOTHING;
	}
}

/* For a postmaster who wonders; what srs_forward and srs_reverse say of their own goes before. */
static struct view
because(const struct srs_result *r)
{
	static const struct name_row words[] = {
		{ "it is of our SRS domain already", SRS_OWN },
		{ "srs.exclude names its domain", SRS_EXCLUDED },
		{ "its domain is neither srs.domain nor one of srs.old-domains", SRS_NOT_OURS },
		{ "an ordinary address of our SRS domain", SRS_NOT_SRS },
		{ "fields are missing, or hold what they cannot hold", SRS_MALFORMED },
		{ "no secret of ours made its hash, or it was changed on the way", SRS_FORGED },
		{ "it is too old, or of a day to come", SRS_EXPIRED },
		{ "its key is not in the database", SRS_UNKNOWN },
		{ NULL, 0 },
	};

	return r->why.n > 0 ? r->why : view_of(name_of(words, (int)r->outcome));
}

static void
print_status(const struct srs *srs, const struct srs_result *r, struct arena *arena)
{
	const char *scheme = name_of(srs_scheme_names, r->scheme);
	long long maxage = srs_maxage(srs->conf, r->scheme == SRS_EXIM ? SRS_EXIM : SRS_LIBSRS2);
	const struct {
		const char *name;
		struct view value;
	} rows[] = {
		{ "status", view_of(name_of(srs_outcome_names, (int)r->outcome)) },
		{ "because", because(r) },
		{ "form", r->tag < 0 ? VIEW_EMPTY : arena_printf(arena, "SRS%d", r->tag) },
		{ "scheme", view_of(scheme) },
		{ "secret", r->secret < 0 ? VIEW_EMPTY :
			arena_printf(arena, "line %d of %zu", r->secret + 1, srs_secrets_n(srs->secrets)) },
		{ "age", r->age < 0 ? VIEW_EMPTY : arena_printf(arena, "%d days, %lld are taken", r->age, maxage) },
		{ "host", r->host },
		{ "user", r->user },
		{ "address", r->address },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].value.n > 0)
			printf("%-12s%.*s\n", rows[i].name, VIEW_ARG(rows[i].value));
}

/* forward and reverse print the address and nothing else, for scripts; why not, on standard error. */
static int
print_result(const struct srs_result *r)
{
	struct view why = because(r);

	if (r->address.n > 0)
		printf("%.*s\n", VIEW_ARG(r->address));
	else
		fprintf(stderr, "%s%s%.*s\n", name_of(srs_outcome_names, (int)r->outcome), why.n > 0 ? ": " : "",
		    VIEW_ARG(why));
	return exit_status(r->outcome);
}

static int
do_it(const struct srs *srs, struct view verb, struct view address, int64_t now, struct arena *arena)
{
	struct srs_result result;

	if (view_is(verb, "forward"))
		srs_forward(srs, address, now, arena, &result);
	else
		srs_reverse(srs, address, now, arena, &result);
	if (!view_is(verb, "status"))
		return print_result(&result);
	print_status(srs, &result, arena);
	return exit_status(result.outcome);
}

/* Options over settings, as for a domain that is not set up yet. */
static bool
take_options(const struct wish *w, struct srs_conf *conf, struct err *err)
{
	if (w->domain.n > 0)
		conf->domain = w->domain;
	if (w->secrets.n > 0)
		conf->secrets_file = w->secrets;
	if (w->scheme.n > 0 && !name_value(srs_scheme_names, w->scheme, &conf->scheme))
		return err_perm(err, "--scheme is libsrs2 or exim");
	if (w->database.n > 0) {
		conf->database_file = w->database;
		conf->database = conf->database == SRS_DB_NEVER ? SRS_DB_ALWAYS : conf->database;
	}
	if (conf->domain.n == 0)
		return err_perm(err, "no SRS domain: give --domain or --config");
	return true;
}

static bool
open_parts(const struct srs_conf *conf, struct srs *srs, struct srs_secrets **secrets, struct arena *arena,
    struct err *err)
{
	*srs = (struct srs){ .conf = conf };
	*secrets = srs_secrets_load(arena_cstr(arena, conf->secrets_file), err);
	srs->secrets = *secrets;
	if (*secrets == NULL)
		return err_in(err, "srs.secrets");
	if (conf->database != SRS_DB_NEVER)
		srs->store = srs_sqlite_open(arena_cstr(arena, conf->database_file), err);
	return conf->database == SRS_DB_NEVER || srs->store != NULL || err_in(err, "srs.database-file");
}

static int
answer(const struct wish *w, const struct settings *settings, struct cli_list arguments, struct arena *arena)
{
	struct srs_conf conf = settings->srs;
	struct srs_secrets *secrets = NULL;
	struct srs srs = { 0 };
	struct clock clock;
	struct err err;
	int status = CLI_USAGE;

	if (take_options(w, &conf, &err) && cli_clock(&w->world, &clock, &err) &&
	    open_parts(&conf, &srs, &secrets, arena, &err))
		status = do_it(&srs, arguments.item[0], arguments.item[1], clock_wall(&clock), arena);
	else
		fprintf(stderr, "assayctl srs: %s\n", err.text);
	srs_store_close(srs.store);
	srs_secrets_unref(secrets);
	return status;
}

int
cli_srs(const struct cli_command *self, struct cli_list words, struct arena *arena)
{
	struct wish w = { 0 };
	const struct cli_option options[] = {
		{ .name = "domain", .value_name = "DOMAIN", .help = "of the rewritten addresses", .value = &w.domain },
		{ .name = "secrets", .value_name = "FILE", .help = "a secret on each line; the first signs",
		    .value = &w.secrets },
		{ .name = "scheme", .value_name = "NAME", .help = "libsrs2 or exim", .value = &w.scheme },
		{ .name = "database", .value_name = "FILE", .help = "keep the address there, write a key",
		    .value = &w.database },
		{ .name = "config", .value_name = "FILE", .help = "settings (default: presets)", .value = &w.world.config },
		{ .name = "time", .value_name = "SECONDS", .help = "let it be then, in seconds since 1970 (UTC)",
		    .value = &w.world.time },
	};
	size_t n = sizeof(options) / sizeof(options[0]);
	struct cli_list arguments;
	int status;

	if (!cli_options(self, options, n, words, &arguments, arena, &status))
		return status;
	if (arguments.n != 2)
		return cli_usage(self, "wants forward, reverse or status, and one address");
	if (!view_is(arguments.item[0], "forward") && !view_is(arguments.item[0], "reverse") &&
	    !view_is(arguments.item[0], "status"))
		return cli_usage(self, "what is \"%.*s\"?", VIEW_ARG(arguments.item[0]));
	struct settings *settings = cli_settings(&w.world, arena);
	if (settings == NULL)
		return CLI_USAGE;
	status = answer(&w, settings, arguments, arena);
	settings_unref(settings);
	return status;
}
