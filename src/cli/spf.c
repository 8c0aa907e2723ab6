/*
 * assayctl spf - check_host() of RFC 7208 for an address and a sender, with the way to the result.
 */
#include "base/buffer.h"
#include "cli/check_json.h"
#include "cli/cli.h"
#include "cli/json.h"
#include "mail/address.h"
#include "milter/settings.h"
#include "spf/spf_trace.h"

#include <stdio.h>
#include <unistd.h>

struct question {
	struct cli_world world;
	struct view ip, from, helo;
	bool trace, as_json, engines, guess;
};

struct answer {
	const char *engine;
	enum spf_identity identity;
	struct spf_input in;
	const struct spf_result *r;
};

static const char *
identity_name(enum spf_identity identity)
{
	return identity == SPF_HELO ? "helo" : identity == SPF_GUESS ? "guess" : "mailfrom";
}

static const char *
result_name(const struct spf_result *r)
{
	return name_of(auth_result_names, r->result);
}

static int
exit_status(enum auth_result result)
{
	switch (result) {
	case AUTH_PASS:
		return CLI_OK;
	case AUTH_FAIL:
		return CLI_FAIL;
	case AUTH_PERMERROR:
		return CLI_PERMERROR;
	case AUTH_TEMPERROR:
		return CLI_TEMPERROR;
	default:
		return CLI_NOTHING;
	}
}

static void
print_row(const char *name, struct view value)
{
	if (value.n > 0)
		printf("%-12s%.*s\n", name, VIEW_ARG(value));
}

static struct view
quoted(struct view v, struct arena *arena)
{
	struct buffer b = buffer_in(arena);

	buffer_add_quoted(&b, v, 2000);
	return buffer_view(&b);
}

static void
print_answer(const struct answer *a, bool with_engine, struct arena *arena)
{
	const struct spf_result *r = a->r;

	if (with_engine)
		print_row("engine", view_of(a->engine));
	print_row("identity", view_of(identity_name(a->identity)));
	print_row("result", view_of(result_name(r)));
	if (r->domain.n > 0)
		print_row("domain", quoted(r->domain, arena));
	if (r->mechanism.n > 0)
		print_row("matched", quoted(r->mechanism, arena));
	print_row("problem", r->problem);
	print_row("lookups", arena_printf(arena, "%u of %lld, %u of %lld void", r->lookups,
	    (long long)a->in.conf->lookups_max, r->voids, (long long)a->in.conf->void_max));
	if (r->explanation.n > 0)
		print_row("explained", arena_printf(arena, "%.*s (the domain's words)", VIEW_ARG(quoted(r->explanation, arena))));
	print_row("in words", spf_header_comment(&a->in, r, arena));
}

static void
json_answer(struct json *j, const struct answer *a, struct arena *arena)
{
	const struct spf_result *r = a->r;

	json_object(j, NULL);
	json_cstr(j, "engine", a->engine);
	json_cstr(j, "identity", identity_name(a->identity));
	json_spf_members(j, r);
	json_text(j, "spf_header_comment", spf_header_comment(&a->in, r, arena));
	json_text(j, "spf_smtp_comment", spf_smtp_comment(&a->in, r, arena));
	json_text(j, "spf_received", spf_received(&a->in, a->identity, r, arena));
	json_spf_trace(j, a->in.trace);
	json_end(j, '}');
}

static struct answer
ask(const struct spf_input *in, const struct spf_conf *conf, enum spf_identity identity, struct dns_task *task,
    bool trace, struct arena *arena)
{
	struct answer a = {
		.engine = conf->engine == SPF_NATIVE ? "native" : "libspf2",
		.identity = identity,
		.in = *in,
	};

	a.in.conf = conf;
	a.in.trace = trace && conf->engine == SPF_NATIVE ? spf_trace_new(arena) : NULL;
	a.r = spf_join(spf_begin(&a.in, identity, task, arena));
	return a;
}

#define ANSWERS_MAX 6

/* MAIL FROM, HELO when it was given, the guess when asked for; by both engines when asked for. */
static size_t
ask_all(const struct question *q, const struct settings *settings, const struct spf_input *in, struct dns *dns,
    struct answer *answers, struct arena *arena)
{
	static const int engines[] = { SPF_NATIVE, SPF_LIBSPF2 };
	struct dns_budget budget = settings->assess.budget;
	size_t n = 0;

	budget.queries *= 3; /* several evaluations share the task */
	struct dns_task *task = dns_task_new(dns, arena, budget);
	for (size_t e = 0; e < 2; e++) {
		struct spf_conf *conf = ARENA_NEW(arena, struct spf_conf);
		*conf = settings->assess.spf;
		if (q->engines)
			conf->engine = engines[e];
		else if (e > 0)
			break;
		answers[n++] = ask(in, conf, SPF_MAILFROM, task, q->trace || q->as_json, arena);
		if (q->helo.n > 0 && in->mail_domain.n > 0)
			answers[n++] = ask(in, conf, SPF_HELO, task, q->trace || q->as_json, arena);
		if (q->guess)
			answers[n++] = ask(in, conf, SPF_GUESS, task, q->trace || q->as_json, arena);
	}
	return n;
}

static void
print_all(const struct question *q, const struct answer *answers, size_t n, struct arena *arena)
{
	if (q->as_json) {
		struct json j = json_in(arena);
		json_array(&j, NULL);
		for (size_t i = 0; i < n; i++)
			json_answer(&j, &answers[i], arena);
		json_end(&j, ']');
		json_print(&j);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			putchar('\n');
		print_answer(&answers[i], q->engines, arena);
		if (answers[i].in.trace != NULL) {
			struct view text = spf_trace_text(answers[i].in.trace, arena);
			printf("\n%.*s", VIEW_ARG(text));
		}
	}
}

static bool
make_input(const struct question *q, const struct settings *settings, struct spf_input *in, struct arena *arena,
    struct err *err)
{
	struct clock clock;
	struct mail_path path;
	char name[256] = "localhost";

	*in = (struct spf_input){ .conf = &settings->assess.spf, .helo = q->helo };
	if (!ip_parse(q->ip, &in->client))
		return err_perm(err, "--ip wants an IPv4 or IPv6 address, not \"%.*s\"", VIEW_ARG(q->ip));
	if (!mail_path_parse(q->from, arena, &path, err))
		return err_in(err, "--from");
	if (path.domain.n == 0 && path.text.n > 0) /* a bare domain, as people type it */
		path = (struct mail_path){ path.text, VIEW_LIT("postmaster"), path.text };
	in->mail_local = path.local;
	in->mail_domain = path.domain;
	if (!cli_clock(&q->world, &clock, err))
		return false;
	in->now = clock_wall(&clock);
	gethostname(name, sizeof(name) - 1);
	in->receiver = settings->site.authserv_id.n > 0 ? settings->site.authserv_id : arena_copy(arena, view_of(name));
	return true;
}

static int
answer_question(const struct question *q, const struct settings *settings, struct arena *arena)
{
	struct answer answers[ANSWERS_MAX];
	struct spf_input in;
	struct err err;

	if (!make_input(q, settings, &in, arena, &err)) {
		fprintf(stderr, "assayctl spf: %s\n", err.text);
		return CLI_USAGE;
	}
	struct dns *dns = cli_dns_open(&q->world, &settings->dns, arena, &err);
	if (dns == NULL) {
		fprintf(stderr, "assayctl spf: %s\n", err.text);
		return CLI_USAGE;
	}
	struct arena *own = arena_new(); /* its DNS task must end before the resolver does */
	size_t n = ask_all(q, settings, &in, dns, answers, own);
	print_all(q, answers, n, own);
	int status = exit_status(answers[0].r->result);
	arena_free(own);
	dns_close(dns);
	return status;
}

int
cli_spf(const struct cli_command *self, struct cli_list words, struct arena *arena)
{
	struct question q = { 0 };
	const struct cli_option options[] = {
		{ .name = "ip", .value_name = "ADDR", .help = "the client, IPv4 or IPv6", .value = &q.ip },
		{ .name = "from", .value_name = "ADDR", .help = "envelope sender; without it postmaster at --helo",
		    .value = &q.from },
		{ .name = "helo", .value_name = "NAME", .help = "what the client called itself; judged as well",
		    .value = &q.helo },
		{ .name = "trace", .help = "print each record, term and look-up", .given = &q.trace },
		{ .name = "engines", .help = "ask both engines, native and libspf2", .given = &q.engines },
		{ .name = "guess", .help = "evaluate the best-guess record of the settings too", .given = &q.guess },
		{ .name = "json", .help = "all of it as JSON", .given = &q.as_json },
		CLI_WORLD_OPTIONS(&q.world, "presets"),
	};
	size_t n = sizeof(options) / sizeof(options[0]);
	struct cli_list arguments;
	int status;

	if (!cli_options(self, options, n, words, &arguments, arena, &status))
		return status;
	if (arguments.n > 0)
		return cli_usage(self, "what is \"%.*s\"?", VIEW_ARG(arguments.item[0]));
	if (q.ip.n == 0 || (q.from.n == 0 && q.helo.n == 0))
		return cli_usage(self, "--ip is needed, and --from or --helo");
	struct settings *settings = cli_settings(&q.world, arena);
	if (settings == NULL)
		return CLI_USAGE;
	status = answer_question(&q, settings, arena);
	settings_unref(settings);
	return status;
}
