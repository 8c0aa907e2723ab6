/*
 * assayctl check - one stored message through the daemon's own checks.
 */
#include "assess/assess.h"
#include "cli/check_json.h"
#include "cli/cli.h"
#include "mail/auth_results.h"
#include "mail/domain.h"
#include "milter/settings.h"

#include <stdio.h>
#include <unistd.h>

struct envelope {
	struct view ip, helo, from;
	struct cli_list rcpt;
};

struct run {
	const struct cli_command *self;
	struct cli_world world;
	struct envelope envelope;
	struct settings *settings;
	struct arena *arena;
	struct view authserv_id;
};

static bool
read_client(struct run *r, struct assess_client *client, struct err *err)
{
	struct mail_path path;

	*client = (struct assess_client){ .helo = r->envelope.helo, .receiver = r->authserv_id };
	if (r->envelope.ip.n > 0 && !ip_parse(r->envelope.ip, &client->ip))
		return err_perm(err, "--ip wants an IPv4 or IPv6 address, not \"%.*s\"", VIEW_ARG(r->envelope.ip));
	if (!mail_path_parse(r->envelope.from, r->arena, &path, err))
		return err_in(err, "--from");
	client->mail_local = path.local;
	client->mail_domain = path.domain;
	return true;
}

/* DMARC's word on the author's domain; CLI_NOTHING: it has none. */
static int
dmarc_status(const struct dmarc_result *dmarc)
{
	switch (dmarc == NULL ? AUTH_NONE : dmarc->fact.result) {
	case AUTH_PASS:
		return CLI_OK;
	case AUTH_FAIL:
		return CLI_FAIL;
	case AUTH_TEMPERROR:
		return CLI_TEMPERROR;
	case AUTH_PERMERROR:
		return CLI_PERMERROR;
	default:
		return CLI_NOTHING;
	}
}

/* assayctl(1) "EXIT STATUS": is the author's domain shown to be true? */
static int
exit_status(const struct assessment *found)
{
	const struct auth_facts *facts = &found->facts;
	bool any_temp = false, any_fail = false, any_perm = false;
	int status = dmarc_status(found->dmarc);

	if (status != CLI_NOTHING)
		return status;
	for (size_t i = 0; i < facts->n; i++) {
		const struct auth_fact *f = &facts->fact[i];
		if (f->aligns)
			return CLI_OK;
		any_temp |= f->result == AUTH_TEMPERROR;
		any_fail |= f->result == AUTH_FAIL;
		any_perm |= f->result == AUTH_PERMERROR;
	}
	return any_temp ? CLI_TEMPERROR : any_fail ? CLI_FAIL : any_perm ? CLI_PERMERROR : CLI_NOTHING;
}

/* An MTA hands bodies over with lines in CRLF; files mostly have them in LF, and then the first line tells. */
static bool
has_bare_lines(struct view message)
{
	struct view first, rest;

	return view_split(message, '\n', &first, &rest) && !view_ends(first, VIEW_LIT("\r"));
}

static void
tell_body(struct assess *a, struct view body, bool bare_lines)
{
	struct view line;
	bool more = bare_lines;

	if (!bare_lines)
		assess_body(a, body);
	while (more) { /* ends: each turn takes a line */
		more = view_split(body, '\n', &line, &body);
		assess_body(a, line);
		if (more)
			assess_body(a, view_ends(line, VIEW_LIT("\r")) ? VIEW_LIT("\n") : VIEW_LIT("\r\n"));
	}
}

static bool
check_message(struct run *r, struct view message, bool as_json, int *status, struct err *err)
{
	const struct settings *conf = r->settings;
	struct assess_client client;
	struct header header;
	struct view body;
	struct clock clock;

	header_init(&header, r->arena, (size_t)conf->limits.header_octets, (size_t)conf->limits.header_fields);
	if (!read_client(r, &client, err) || !cli_clock(&r->world, &clock, err) ||
	    !header_read(message, &header, &body, err))
		return false;
	struct dns *dns = cli_dns_open(&r->world, &conf->dns, r->arena, err);
	if (dns == NULL)
		return false;
	struct assess_shared shared = { .dns = dns };
	struct arena *arena = arena_new(); /* the message's own: its DNS task must end before the resolver does */
	struct assess *a = assess_begin(&conf->assess, &client, &shared, clock_wall(&clock), arena);
	if (assess_header(a, &header))
		tell_body(a, body, has_bare_lines(message));
	const struct assessment *found = assess_end(a);
	struct view field = auth_results_write(r->authserv_id, &found->facts, true, 23, arena);
	if (as_json)
		check_json_print(r->authserv_id, field, found, arena);
	else
		printf("Authentication-Results:%.*s\n", VIEW_ARG(field));
	*status = exit_status(found);
	arena_free(arena);
	dns_close(dns);
	return true;
}

static struct view
own_name(const struct settings *settings, struct view wish, struct arena *arena)
{
	char name[256];

	if (wish.n > 0)
		return wish;
	if (settings->site.authserv_id.n > 0)
		return settings->site.authserv_id;
	if (gethostname(name, sizeof(name)) != 0)
		return VIEW_LIT("localhost");
	name[sizeof(name) - 1] = '\0';
	return arena_copy(arena, view_of(name));
}

static int
check_file(struct run *r, struct view file, bool as_json, struct view authserv_id)
{
	struct err err;
	struct view message;
	int status = CLI_USAGE;

	r->settings = cli_settings(&r->world, r->arena);
	if (r->settings == NULL)
		return CLI_USAGE;
	r->authserv_id = own_name(r->settings, authserv_id, r->arena);
	if (!cli_read(file, r->arena, &message, &err) || !check_message(r, message, as_json, &status, &err))
		fprintf(stderr, "assayctl check: %s\n", err.text);
	settings_unref(r->settings);
	return status;
}

int
cli_check(const struct cli_command *self, struct cli_list words, struct arena *arena)
{
	struct run r = { .self = self, .arena = arena };
	struct view authserv_id = VIEW_EMPTY;
	bool as_json = false;
	const struct cli_option options[] = {
		{ .name = "ip", .value_name = "ADDR", .help = "the client; without it SPF is not asked",
		    .value = &r.envelope.ip },
		{ .name = "helo", .value_name = "NAME", .help = "what the client called itself", .value = &r.envelope.helo },
		{ .name = "from", .value_name = "ADDR", .help = "envelope sender (default: the null sender)",
		    .value = &r.envelope.from },
		{ .name = "rcpt", .value_name = "ADDR", .help = "envelope recipient; may stand several times",
		    .list = &r.envelope.rcpt },
		{ .name = "authserv-id", .value_name = "NAME", .help = "our name in the results", .value = &authserv_id },
		{ .name = "json", .help = "every fact, as JSON", .given = &as_json },
		CLI_WORLD_OPTIONS(&r.world, "presets"),
	};
	size_t n = sizeof(options) / sizeof(options[0]);
	struct cli_list arguments;
	int status;

	if (!cli_options(self, options, n, words, &arguments, arena, &status))
		return status;
	if (arguments.n != 1)
		return cli_usage(self, "one FILE is wanted (\"-\" is standard input)");
	return check_file(&r, arguments.item[0], as_json, authserv_id);
}
