/*
 * assayctl explain - a stored message through the daemon's own session: every fact, every rule, every edit, every reply.
 */
#include "base/buffer.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/json.h"
#include "milter/deferrals.h"
#include "milter/session.h"
#include "milter/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct story {
	const struct cli_command *self;
	struct arena *arena;
	struct cli_world world;
	struct view ip, helo, name, from, auth, queue_id;
	struct view deferred; /* hours */
	struct cli_list rcpt;
	bool json, colour;
	struct settings *settings;
	struct json j;
	struct view line; /* of the log, the last one */
	int status;
};

/* ---- printing ---- */

/* An odd octet of a stranger must not reach a terminal. */
static void
print_clean(struct view v)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] == '\n')
			fputs("\n                ", stdout);
		else
			putchar(v.p[i] == '\t' || (v.p[i] >= ' ' && v.p[i] <= '~') ? v.p[i] : '?');
}

static const char *
paint(const struct story *st, const char *sgr)
{
	return st->colour ? sgr : "";
}

#define GREEN "\033[32m"
#define RED "\033[31m"
#define DIM "\033[2m"
#define PLAIN "\033[0m"

static void
row(const struct story *st, const char *key, struct view value)
{
	if (st->json)
		return;
	printf("%s%-14s%s  ", paint(st, DIM), key, paint(st, PLAIN));
	print_clean(value);
	putchar('\n');
}

static void
tell_reply(struct story *st, const char *key, struct view about, const struct session_reply *r)
{
	static const char *const words[] = { "250 ok", "250 ok", "550 refused", "451 deferred", "250 accepted", "250 discarded" };
	struct buffer b = buffer_in(st->arena);
	bool good = r->answer == SESSION_CONTINUE || r->answer == SESSION_SKIP || r->answer == SESSION_ACCEPT;

	buffer_add(&b, about);
	buffer_addf(&b, "%s%s", about.n > 0 ? "  " : "", paint(st, good ? GREEN : RED));
	if (r->code != 0)
		buffer_addf(&b, "%d %.*s %.*s", r->code, VIEW_ARG(r->enhanced), VIEW_ARG(r->text));
	else
		buffer_add_cstr(&b, words[r->answer]);
	if (st->json) {
		json_object(&st->j, NULL);
		json_cstr(&st->j, "at", key);
		json_text(&st->j, "about", about);
		json_cstr(&st->j, "answer", words[r->answer]);
		json_number(&st->j, "code", r->code);
		json_text(&st->j, "enhanced", r->enhanced);
		json_text(&st->j, "text", r->text);
		json_end(&st->j, '}');
		return;
	}
	printf("%s%-14s%s  ", paint(st, DIM), key, paint(st, PLAIN));
	fwrite(b.p, 1, b.n, stdout);
	printf("%s\n", paint(st, PLAIN));
}

/* ---- the session's surroundings ---- */

static struct settings *
take_settings(void *ctx)
{
	return settings_ref(((struct story *)ctx)->settings);
}

static void
drop_settings(void *ctx, struct settings *settings)
{
	(void)ctx;
	settings_unref(settings);
}

static void
keep_line(void *ctx, enum log_level level, const char *text)
{
	struct story *st = ctx;

	(void)level;
	st->line = arena_copy(st->arena, view_of(text));
	row(st, "log", st->line);
}

static const char *
ask_macro(void *ctx, const char *name)
{
	struct story *st = ctx;

	if (view_is(view_of(name), "i"))
		return arena_cstr(st->arena, st->queue_id);
	if (view_is(view_of(name), "{auth_authen}") && st->auth.n > 0)
		return arena_cstr(st->arena, st->auth);
	return NULL;
}

static void
tell_rule(struct story *st, const struct policy_step *step)
{
	const char *outcome = step->decides ? "decides" : step->overdue ? "holds, but defer-hours are over" : step->holds ? "holds, too late" : step->not_for_ours ?
	    "not for clients of ours" : "does not hold";

	if (st->json) {
		json_object(&st->j, NULL);
		json_text(&st->j, "rule", step->rule.rule);
		json_text(&st->j, "file", step->rule.file);
		json_number(&st->j, "line", step->rule.line);
		json_cstr(&st->j, "action", name_of(verdict_action_names, (int)step->rule.action));
		json_bool(&st->j, "shadow", step->shadow);
		json_cstr(&st->j, "outcome", outcome);
		json_end(&st->j, '}');
		return;
	}
	row(st, step->shadow ? "  shadow rule" : "  rule", arena_printf(st->arena, "%.*s (%.*s:%u) %s: %s",
	    VIEW_ARG(step->rule.rule), VIEW_ARG(step->rule.file), step->rule.line,
	    name_of(verdict_action_names, (int)step->rule.action), outcome));
}

/* What the session is about to decide upon, rule by rule. */
static void
tell_rules(void *ctx, const struct policy_set *set, const struct policy_facts *facts, const struct recipient *rcpt, size_t n)
{
	struct story *st = ctx;
	struct policy_step step;

	if (st->json) {
		json_end(&st->j, ']'); /* of the replies at RCPT */
		json_array(&st->j, "rules");
	}
	for (size_t i = 0; i < n; i++) {
		row(st, "recipient", rcpt[i].argument);
		if (st->json) {
			json_object(&st->j, NULL);
			json_text(&st->j, "recipient", rcpt[i].argument);
			json_array(&st->j, "tried");
		}
		for (size_t k = 0; policy_step(set, facts, &rcpt[i], k, false, st->arena, &step); k++)
			tell_rule(st, &step);
		for (size_t k = 0; policy_step(set, facts, &rcpt[i], k, true, st->arena, &step); k++)
			if (step.rule.rule.n > 0)
				tell_rule(st, &step);
		if (st->json) {
			json_end(&st->j, ']');
			json_end(&st->j, '}');
		}
	}
	if (st->json) {
		json_end(&st->j, ']');
		json_array(&st->j, "end");
	}
}

static void
tell_edit(struct story *st, const struct edit *e)
{
	static const char *const words[] = { "insert", "delete", "change-from", "add-rcpt", "delete-rcpt", "quarantine" };
	struct buffer b = buffer_in(st->arena);

	if (st->json) {
		json_object(&st->j, NULL);
		json_cstr(&st->j, "edit", words[e->kind]);
		json_text(&st->j, "name", e->name);
		json_text(&st->j, "value", e->value);
		json_text(&st->j, "args", e->args);
		json_number(&st->j, "nth", e->nth);
		json_end(&st->j, '}');
		return;
	}
	buffer_addf(&b, "%s ", words[e->kind]);
	buffer_add(&b, e->name);
	buffer_add_cstr(&b, e->kind == EDIT_INSERT_HEADER ? ":" : "");
	buffer_add(&b, e->value);
	if (e->nth > 0)
		buffer_addf(&b, " %u", e->nth);
	buffer_addf(&b, "%s%.*s", e->args.n > 0 ? " " : "", VIEW_ARG(e->args));
	row(st, "edit", buffer_view(&b));
}

/* ---- playing it ---- */

/* "<ann@example.org>", whichever way it was typed. */
static struct view
in_brackets(struct story *st, struct view address)
{
	return view_starts(address, VIEW_LIT("<")) ? address : arena_printf(st->arena, "<%.*s>", VIEW_ARG(address));
}

static bool
play_envelope(struct story *st, struct session *s, struct err *err)
{
	struct session_connect c = { .name = st->name, .port = 25, .local = st->ip.n == 0 };
	struct view from = in_brackets(st, st->from);

	if (st->ip.n > 0 && !ip_parse(st->ip, &c.client))
		return err_perm(err, "--ip wants an IPv4 or IPv6 address");
	session_on_connect(s, &c, ask_macro, st);
	session_on_helo(s, st->helo, ask_macro, st);
	struct session_reply reply = session_on_mail(s, &from, 1, ask_macro, st);
	tell_reply(st, "MAIL", from, &reply);
	size_t accepted = 0;
	for (size_t i = 0; i < st->rcpt.n && reply.answer == SESSION_CONTINUE; i++) {
		struct view rcpt = in_brackets(st, st->rcpt.item[i]);
		struct session_reply one = session_on_rcpt(s, &rcpt, 1, ask_macro, st);
		tell_reply(st, "RCPT", rcpt, &one);
		accepted += one.answer == SESSION_CONTINUE;
	}
	st->status = accepted > 0 ? CLI_OK : CLI_FAIL;
	return true;
}

static void
play_message(struct story *st, struct session *s, const struct header *header, struct view body)
{
	struct session_verdict v;

	session_on_data(s, ask_macro, st);
	for (size_t i = 0; i < header->n; i++)
		session_on_header(s, header->field[i].name, header->field[i].value);
	session_on_eoh(s, ask_macro, st);
	session_on_body(s, body);
	session_on_eom(s, ask_macro, st, &v);
	for (size_t i = 0; i < v.edits; i++)
		tell_edit(st, &v.edit[i]);
	tell_reply(st, "end of DATA", VIEW_EMPTY, &v.reply);
	if (v.reply.answer == SESSION_REJECT)
		st->status = CLI_FAIL;
	else if (v.reply.answer == SESSION_TEMPFAIL)
		st->status = CLI_TEMPERROR;
	session_on_abort(s);
}

/* A stored message has LF or CRLF; on the wire it has CRLF. */
static struct view
with_crlf(struct story *st, struct view body)
{
	struct buffer b = buffer_in(st->arena);

	for (size_t i = 0; i < body.n; i++) {
		if (body.p[i] == '\n' && (i == 0 || body.p[i - 1] != '\r'))
			buffer_add_char(&b, '\r');
		buffer_add_char(&b, body.p[i]);
	}
	return buffer_view(&b);
}

static bool
play(struct story *st, struct view message, struct err *err)
{
	struct session_env env = { .settings_take = take_settings, .settings_drop = drop_settings, .ctx = st,
		.decided_upon = tell_rules };
	uint64_t hours = 0;
	struct header header;
	struct clock clock;
	struct view body;
	char host[256] = "localhost";

	if (st->deferred.n > 0 && !view_to_u64(st->deferred, 100000, &hours))
		return err_perm(err, "--deferred wants a number of hours");
	header_init(&header, st->arena, (size_t)st->settings->limits.header_octets, (size_t)st->settings->limits.header_fields);
	if (!cli_clock(&st->world, &clock, err) || !header_read(message, &header, &body, err))
		return false;
	env.shared.dns = cli_dns_open(&st->world, &st->settings->dns, st->arena, err);
	if (env.shared.dns == NULL)
		return false;
	gethostname(host, sizeof(host) - 1);
	env.clock = &clock;
	env.deferrals = deferrals_of_age((int64_t)hours * 3600);
	env.host = view_of(host);
	struct session *s = session_new(&env);
	bool ok = play_envelope(st, s, err);
	if (ok && st->status == CLI_OK)
		play_message(st, s, &header, with_crlf(st, body));
	session_free(s);
	deferrals_free(env.deferrals);
	dns_close(env.shared.dns);
	return ok;
}

static int
explain(struct story *st, struct view file)
{
	struct view message;
	struct err err;

	st->settings = cli_settings(&st->world, st->arena);
	if (st->settings == NULL)
		return CLI_USAGE;
	st->settings->generation = 1;
	st->settings->history = NULL; /* a story is no mail */
	st->colour = !st->json && isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL;
	log_to_function(keep_line, st);
	st->j = json_in(st->arena);
	if (st->json) {
		json_object(&st->j, NULL);
		json_array(&st->j, "envelope");
	}
	bool ok = cli_read(file, st->arena, &message, &err) && play(st, message, &err);
	log_to_stderr("assayctl");
	if (ok && st->json) {
		json_end(&st->j, ']');
		json_text(&st->j, "log", st->line);
		json_end(&st->j, '}');
		json_print(&st->j);
	}
	if (!ok)
		fprintf(stderr, "assayctl explain: %s\n", err.text);
	settings_unref(st->settings);
	return ok ? st->status : CLI_USAGE;
}

int
cli_explain(const struct cli_command *self, struct cli_list words, struct arena *arena)
{
	struct story st = { .self = self, .arena = arena, .queue_id = VIEW_LIT("EXPLAIN"), .line = VIEW_EMPTY };
	bool help = false;
	const struct cli_option options[] = {
		{ .name = "ip", .value_name = "ADDR", .help = "the client; without it the mail is local", .value = &st.ip },
		{ .name = "name", .value_name = "NAME", .help = "the client's name in DNS", .value = &st.name },
		{ .name = "helo", .value_name = "NAME", .help = "what the client called itself", .value = &st.helo },
		{ .name = "from", .value_name = "ADDR", .help = "envelope sender (default: the null sender)", .value = &st.from },
		{ .name = "rcpt", .value_name = "ADDR", .help = "envelope recipient; may stand several times", .list = &st.rcpt },
		{ .name = "auth", .value_name = "USER", .help = "the client has used SMTP AUTH", .value = &st.auth },
		{ .name = "deferred", .value_name = "HOURS", .help = "temporary errors have deferred this sender for so long",
			.value = &st.deferred },
		{ .name = "json", .help = "all of it as JSON", .given = &st.json },
		CLI_WORLD_OPTIONS(&st.world),
		{ .name = "help", .help = "this text", .given = &help },
	};
	size_t n = sizeof(options) / sizeof(options[0]);
	struct cli_list arguments;

	st.ip = st.helo = st.name = st.from = st.auth = st.deferred = VIEW_EMPTY;
	if (!cli_options(self, options, n, words, &arguments, arena))
		return CLI_USAGE;
	if (help) {
		cli_help(self, options, n);
		return CLI_OK;
	}
	if (arguments.n != 1 || st.rcpt.n == 0)
		return cli_usage(self, "wants one FILE (\"-\" is standard input) and at least one --rcpt");
	return explain(&st, arguments.item[0]);
}
