/*
 * assayctl explain - a stored message through the daemon's own session: every fact, every rule, every edit, every reply.
 */
#include "cli/explain.h"

#include "base/buffer.h"
#include "base/log.h"
#include "milter/deferrals.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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
	struct cli_list *said = &st->said;

	(void)level;
	said->item = arena_grow(st->arena, said->item, said->n * sizeof(*said->item), (said->n + 1) * sizeof(*said->item));
	said->item[said->n++] = arena_copy(st->arena, view_of(text));
}

static const char *
text_or_null(struct story *st, struct view text)
{
	return text.n == 0 ? NULL : arena_cstr(st->arena, text);
}

static const char *
ask_macro(void *ctx, const char *name)
{
	struct story *st = ctx;

	if (view_is(view_of(name), "i"))
		return arena_cstr(st->arena, st->queue_id);
	if (view_is(view_of(name), "{auth_authen}"))
		return text_or_null(st, st->auth);
	if (view_is(view_of(name), "{cert_subject}"))
		return text_or_null(st, st->certificate);
	if (view_is(view_of(name), "{tls_version}") && (st->tls || st->certificate.n > 0))
		return "TLSv1.3";
	return NULL;
}

/* What the session is about to decide upon. */
static void
decided_upon(void *ctx, const struct policy_set *set, const struct policy_facts *facts, const struct recipient *rcpt, size_t n)
{
	struct story *st = ctx;

	story_facts(st, facts);
	story_rules(st, set, facts, rcpt, n);
	story_part(st, "end");
	st->decided = true;
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
	struct session_connect c = { .name = st->name, .port = 25, .local = st->local || (st->ip.n == 0 && !st->has_log) };
	struct view from = in_brackets(st, st->from);

	if (st->ip.n > 0 && !ip_parse(st->ip, &c.client))
		return err_perm(err, "--ip wants an IPv4 or IPv6 address");
	story_part(st, "envelope");
	session_on_connect(s, &c, ask_macro, st);
	session_on_helo(s, st->helo, ask_macro, st);
	struct session_reply reply = session_on_mail(s, &from, 1, ask_macro, st);
	story_reply(st, "MAIL", from, &reply);
	size_t accepted = 0;
	for (size_t i = 0; i < st->rcpt.n && reply.answer == SESSION_CONTINUE; i++) {
		struct view rcpt = in_brackets(st, st->rcpt.item[i]);
		struct session_reply one = session_on_rcpt(s, &rcpt, 1, ask_macro, st);
		story_reply(st, "RCPT", rcpt, &one);
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
	if (!st->decided) /* refused before anything was asked */
		story_part(st, "end");
	for (size_t i = 0; i < v.edits; i++)
		story_edit(st, &v.edit[i]);
	story_reply(st, "end of DATA", VIEW_EMPTY, &v.reply);
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

static void
tell_said(struct story *st)
{
	story_part(st, "log");
	for (size_t i = 0; i < st->said.n; i++) {
		story_row(st, "log", MOOD_PLAIN, st->said.item[i]);
		if (st->json)
			json_text(&st->j, NULL, st->said.item[i]);
	}
}

static bool
play(struct story *st, struct view message, struct err *err)
{
	struct session_env env = { .settings_take = take_settings, .settings_drop = drop_settings, .ctx = st,
		.decided_upon = decided_upon, .shared = { .trace = true } };
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
	env.shared.dns = st->dns = cli_dns_open(&st->world, &st->settings->dns, st->arena, err);
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
	if (ok)
		tell_said(st);
	return ok;
}

/* ---- before it ---- */

static void
note_keys(void *ctx, const char *text)
{
	struct story *st = ctx;

	if (st->no_keys.n == 0)
		st->no_keys = arena_copy(st->arena, view_of(text));
}

/* Who asks is seldom who may read the keys; the story goes on without the seal, and says so. */
static void
open_keys(struct story *st)
{
	if (!settings_open_keys(st->settings, NULL, note_keys, st))
		st->settings->sealing.keys = 0;
}

static void
tell_beginning(struct story *st)
{
	const struct settings *s = st->settings;

	if (st->json) {
		json_text(&st->j, "settings", s->path);
		json_text(&st->j, "keys", st->no_keys);
		json_text(&st->j, "queue_id", st->queue_id);
		json_number(&st->j, "recipients_not_in_the_log", (int64_t)st->line.more);
		return;
	}
	story_rowf(st, "settings", "%.*s", VIEW_ARG(s->path.n > 0 ? s->path : VIEW_LIT("presets")));
	story_rowf(st, "client", "%.*s[%.*s], helo %.*s", VIEW_ARG(st->name), VIEW_ARG(st->ip.n > 0 ? st->ip : VIEW_LIT("local")),
	    VIEW_ARG(st->helo));
	if (st->world.time.n > 0)
		story_rowf(st, "time", "%.*s seconds since 1970", VIEW_ARG(st->world.time));
	if (st->no_keys.n > 0)
		story_row(st, "seal", MOOD_ODD, arena_printf(st->arena, "not all of it can be shown: %.*s\n"
		    "(run it as a user who may read the key)", VIEW_ARG(st->no_keys)));
	if (st->line.more > 0)
		story_row(st, "recipients", MOOD_ODD, arena_printf(st->arena, "%zu more are not in the line of the log: "
		    "--rcpt names them", st->line.more));
}

#define DEFAULT_CONFIG SYSCONFDIR "/assay/assay.conf" /* as assayd has it */

static bool
load(struct story *st)
{
	if (st->world.config.n == 0 && access(DEFAULT_CONFIG, F_OK) == 0)
		st->world.config = VIEW_LIT(DEFAULT_CONFIG);
	st->settings = cli_settings(&st->world, st->arena);
	if (st->settings == NULL)
		return false;
	st->settings->generation = 1;
	st->settings->history = NULL; /* a story is no mail */
	open_keys(st);
	return true;
}

static int
explain(struct story *st, struct view file)
{
	struct view message;
	struct err err;

	if (!load(st))
		return CLI_USAGE;
	st->colour = !st->json && isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL;
	log_to_function(keep_line, st);
	st->j = json_in(st->arena);
	if (st->json)
		json_object(&st->j, NULL);
	bool ok = cli_read(file, st->arena, &message, &err);
	if (ok) {
		tell_beginning(st);
		ok = play(st, message, &err);
	}
	log_to_stderr("assayctl");
	if (ok && st->json) {
		json_end(&st->j, ']');
		json_end(&st->j, '}');
		json_print(&st->j);
	}
	if (!ok)
		fprintf(stderr, "assayctl explain: %s\n", err.text);
	settings_unref(st->settings);
	return ok ? st->status : CLI_USAGE;
}

/* NULL: none; else what is wrong with the words. */
static const char *
mistake_in(const struct story *st, const struct cli_list *files)
{
	struct view file = files->n == 1 ? files->item[0] : VIEW_EMPTY;

	if (file.n == 0)
		return "wants one FILE (\"-\" is standard input)";
	if (st->log.n > 0 && st->log_file.n > 0)
		return "wants --log or --log-file, not both";
	if (view_is(file, "-") && (view_is(st->log, "-") || view_is(st->log_file, "-")))
		return "cannot read the message and the log from standard input both";
	if (st->id.n > 0 && st->log_file.n == 0)
		return "--id is of use with --log-file only";
	return NULL;
}

int
cli_explain(const struct cli_command *self, struct cli_list words, struct arena *arena)
{
	struct story st = { .self = self, .arena = arena, .queue_id = VIEW_LIT("EXPLAIN"), .no_keys = VIEW_EMPTY };
	const struct cli_option options[] = {
		{ .name = "ip", .value_name = "ADDR", .help = "the client; without it the mail is local", .value = &st.ip },
		{ .name = "name", .value_name = "NAME", .help = "the client's name in DNS", .value = &st.name },
		{ .name = "helo", .value_name = "NAME", .help = "what the client called itself", .value = &st.helo },
		{ .name = "from", .value_name = "ADDR", .help = "envelope sender (default: the null sender)", .value = &st.from },
		{ .name = "rcpt", .value_name = "ADDR", .help = "envelope recipient; may stand several times", .list = &st.rcpt },
		{ .name = "auth", .value_name = "USER", .help = "the client has used SMTP AUTH", .value = &st.auth },
		{ .name = "tls", .help = "the client has used TLS", .given = &st.tls },
		{ .name = "certificate", .value_name = "NAME", .help = "of its verified certificate", .value = &st.certificate },
		{ .name = "log", .value_name = "LINE", .help = "a line of the log, for the envelope (\"-\": stdin)",
		    .value = &st.log },
		{ .name = "log-file", .value_name = "FILE", .help = "the same, from the last line for --id in this log",
		    .value = &st.log_file },
		{ .name = "id", .value_name = "QUEUEID", .help = "of the message in --log-file", .value = &st.id },
		{ .name = "deferred", .value_name = "HOURS", .help = "this sender has been deferred for so long",
			.value = &st.deferred },
		{ .name = "json", .help = "all of it as JSON", .given = &st.json },
		CLI_WORLD_OPTIONS(&st.world, DEFAULT_CONFIG),
	};
	size_t n = sizeof(options) / sizeof(options[0]);
	struct cli_list arguments;
	int status;
	struct err err;

	st.ip = st.helo = st.name = st.from = st.auth = st.certificate = st.log = st.log_file = st.id = st.deferred = VIEW_EMPTY;
	if (!cli_options(self, options, n, words, &arguments, arena, &status))
		return status;
	const char *mistake = mistake_in(&st, &arguments);
	if (mistake != NULL)
		return cli_usage(self, "%s", mistake);
	if (!story_take_log(&st, &err))
		return cli_usage(self, "%s", err.text);
	if (st.rcpt.n == 0)
		return cli_usage(self, "wants at least one --rcpt");
	return explain(&st, arguments.item[0]);
}
