/*
 * Plays scenarios (scenario.h) through milter/session.h, with DNS out of text and a clock that stands still.
 * Usage: replay [--update] FILE...
 * --update writes what came into the files, to be read before it is believed.
 */
#include "scenario.h"

#include "base/buffer.h"
#include "base/cursor.h"
#include "base/log.h"
#include "crypt/digest.h"
#include "dns/dns_conf.h"
#include "milter/deferrals.h"
#include "milter/outbox.h"
#include "milter/session.h"
#include "milter/settings_srs.h"
#include "support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct macro {
	struct view name, value;
};

#define MACROS_MAX 32
#define SESSIONS_MAX 4
#define POLICIES_MAX 8

/* A policy file of the scenario. */
struct policy_file {
	struct view name;
	struct buffer text;
};

struct play {
	struct arena *arena;
	struct scenario scenario;
	const char *key_file;
	struct settings *settings; /* the current snapshot */
	struct session_load load;
	struct rate *returns;
	struct arena *files; /* removes them */
	struct clock clock;
	struct session_env env;
	struct session *all[SESSIONS_MAX];
	struct session *session; /* the one of these that events go to */
	struct macro macro[MACROS_MAX];
	size_t macros;
	struct policy_file policy[POLICIES_MAX];
	size_t policies;
	struct buffer got; /* "= " lines of the step under way */
	bool broken;	   /* the scenario itself makes no sense */
};

static void
keep_log(void *ctx, enum log_level level, const char *text)
{
	static const char *const words[] = { "error", "warning", "notice", "info", "debug" };
	struct play *p = ctx;

	buffer_addf(&p->got, "= log %s %.*s\n", words[level], VIEW_ARG(scenario_show(view_of(text), p->arena)));
}

static struct settings *
take_settings(void *ctx)
{
	return settings_ref(((struct play *)ctx)->settings);
}

static void
drop_settings(void *ctx, struct settings *settings)
{
	(void)ctx;
	settings_unref(settings);
}

static void
say_mistake(void *ctx, const char *text)
{
	(void)ctx;
	fprintf(stderr, "%s\n", text);
}

/* A file of the settings; "%KEY%" is its path there. */
struct temporary {
	const char *word;
	struct view text;
	char path[32];
};
#define TEMPORARIES 4

static struct view
with_paths(struct view text, const struct temporary *file, struct arena *arena)
{
	struct buffer b = buffer_in(arena);

	for (size_t i = 0; i < text.n;) {
		size_t k = 0;
		while (k < TEMPORARIES && !view_starts(view_from(text, i), view_of(file[k].word)))
			k++;
		if (k < TEMPORARIES)
			buffer_add_cstr(&b, file[k].path);
		else
			buffer_add_char(&b, text.p[i]);
		i += k < TEMPORARIES ? strlen(file[k].word) : 1;
	}
	return buffer_view(&b);
}

/* mkstemp gives the mode that a key must have. */
static bool
write_temporary(struct temporary *file)
{
	strcpy(file->path, "/tmp/replay.XXXXXX");
	int fd = mkstemp(file->path);
	bool ok = fd >= 0 && write(fd, file->text.p, file->text.n) == (ssize_t)file->text.n;

	if (fd >= 0)
		close(fd);
	return ok;
}

static void
remove_file(void *path)
{
	unlink(path);
}

static struct settings *
open_settings(struct play *p, const char *path)
{
	struct settings *settings = settings_load(path, say_mistake, NULL);

	if (settings == NULL || (settings_open_keys(settings, NULL, say_mistake, NULL) &&
	    settings_open_srs(settings, p->settings, say_mistake, NULL)))
		return settings;
	settings_unref(settings);
	return NULL;
}

/* They stay until the scenario ends: tables are looked at as long as their settings are there. */
static bool
put_files(struct play *p, struct temporary *file)
{
	struct view pem = read_file(p->key_file);
	bool ok = true;

	file[0] = (struct temporary){ .word = "%KEY%", .text = pem };
	file[1] = (struct temporary){ .word = "%SECRETS%", .text = VIEW_LIT("tEsT-secret\n") };
	file[2] = (struct temporary){ .word = "%VIRTUAL%", .text = p->scenario.virtual };
	file[3] = (struct temporary){ .word = "%ALIASES%", .text = p->scenario.aliases };
	for (size_t i = 0; i < TEMPORARIES; i++) {
		ok = write_temporary(&file[i]) && ok;
		arena_defer(p->files, remove_file, arena_cstr(p->files, view_of(file[i].path)));
	}
	free((void *)pem.p);
	return ok;
}

/* The settings go the whole way: through a file, as the daemon's do. */
static bool
load_settings(struct play *p, struct view text, unsigned generation)
{
	struct temporary file[TEMPORARIES], conf = { .word = "" };
	struct settings *settings = NULL;

	if (!put_files(p, file))
		return false;
	conf.text = with_paths(text, file, p->arena);
	if (write_temporary(&conf))
		settings = open_settings(p, conf.path);
	unlink(conf.path);
	if (settings == NULL)
		return false;
	settings->generation = generation;
	settings_unref(p->settings);
	p->settings = settings;
	return true;
}

static const char *
ask_macro(void *ctx, const char *name)
{
	struct play *p = ctx;

	for (size_t i = 0; i < p->macros; i++)
		if (view_is(p->macro[i].name, name))
			return p->macro[i].value.n == 0 ? NULL : arena_cstr(p->arena, p->macro[i].value);
	return NULL;
}

static void
set_macro(struct play *p, struct view rest)
{
	struct view name, value;

	view_split(rest, ' ', &name, &value);
	for (size_t i = 0; i < p->macros; i++)
		if (view_eq(p->macro[i].name, name)) {
			p->macro[i].value = value;
			return;
		}
	if (p->macros == MACROS_MAX)
		p->broken = true;
	else
		p->macro[p->macros++] = (struct macro){ name, value };
}

static void
show_reply(struct play *p, const struct session_reply *r)
{
	static const char *const words[] = { "continue", "skip", "reject", "tempfail", "accept", "discard" };

	buffer_addf(&p->got, "= %s", words[r->answer]);
	if (r->code != 0)
		buffer_addf(&p->got, " %d %.*s %.*s", r->code, VIEW_ARG(r->enhanced), VIEW_ARG(r->text));
	buffer_add_char(&p->got, '\n');
	for (size_t i = 0; i < r->lines; i++)
		buffer_addf(&p->got, "= line %.*s\n", VIEW_ARG(scenario_show(r->line[i], p->arena)));
}

static void
note(struct play *p, struct session_reply r)
{
	if (r.answer != SESSION_CONTINUE)
		show_reply(p, &r);
}

static void
show_edit(struct play *p, const struct edit *e)
{
	static const char *const words[] = { "insert", "delete", "change-from", "add-rcpt", "delete-rcpt", "quarantine" };

	buffer_addf(&p->got, "= %s ", words[e->kind]);
	buffer_add(&p->got, scenario_show(e->name, p->arena));
	if (e->kind == EDIT_DELETE_HEADER)
		buffer_addf(&p->got, " %u", e->nth);
	else if (e->kind == EDIT_INSERT_HEADER)
		buffer_add_char(&p->got, ':');
	buffer_add(&p->got, scenario_show(e->value, p->arena));
	if (e->args.n > 0)
		buffer_addf(&p->got, " %.*s", VIEW_ARG(scenario_show(e->args, p->arena)));
	buffer_add_char(&p->got, '\n');
}

/* ---- the steps ---- */

static void
play_connect(struct play *p, struct view rest)
{
	struct session_connect c = { .local = false };
	struct view address, port, tail;
	uint64_t number = 0;

	view_split(rest, ' ', &c.name, &tail);
	view_split(tail, ' ', &address, &port);
	if (view_is(address, "unix"))
		c.local = true;
	else if (!view_is(address, "unknown") && !ip_parse(address, &c.client))
		p->broken = true;
	if (port.n > 0 && !view_to_u64(port, 65535, &number))
		p->broken = true;
	c.port = (unsigned)number;
	note(p, session_on_connect(p->session, &c, ask_macro, p));
}

static void
play_helo(struct play *p, struct view rest)
{
	note(p, session_on_helo(p->session, rest, ask_macro, p));
}

static size_t
split_arguments(struct play *p, struct view rest, struct view **argv)
{
	size_t n = 0;

	*argv = ARENA_ARRAY(p->arena, rest.n / 2 + 2, struct view);
	while (rest.n > 0) {
		view_split(rest, ' ', &(*argv)[n], &rest);
		if (view_is((*argv)[n], "\"\""))
			(*argv)[n].n = 0;
		n++;
	}
	return n;
}

static void
play_mail(struct play *p, struct view rest)
{
	struct view *argv;
	size_t n = split_arguments(p, rest, &argv);

	note(p, session_on_mail(p->session, argv, n, ask_macro, p));
}

static void
play_rcpt(struct play *p, struct view rest)
{
	struct view *argv;
	size_t n = split_arguments(p, rest, &argv);

	note(p, session_on_rcpt(p->session, argv, n, ask_macro, p));
}

static void
play_data(struct play *p, struct view rest)
{
	(void)rest;
	note(p, session_on_data(p->session, ask_macro, p));
}

static void
play_header(struct play *p, struct view rest)
{
	struct view name, value;

	view_split(rest, ':', &name, &value);
	note(p, session_on_header(p->session, name, value));
}

static void
play_eoh(struct play *p, struct view rest)
{
	(void)rest;
	note(p, session_on_eoh(p->session, ask_macro, p));
}

static void
play_body(struct play *p, struct view rest)
{
	note(p, session_on_body(p->session, rest));
}

static void
play_eom(struct play *p, struct view rest)
{
	struct session_verdict v;

	(void)rest;
	session_on_eom(p->session, ask_macro, p, &v);
	show_reply(p, &v.reply);
	for (size_t i = 0; i < v.edits; i++)
		show_edit(p, &v.edit[i]);
}

/* The word that nobody can guess is drawn anew each time. */
static struct view
without_unique(struct view text, struct arena *arena)
{
	struct buffer b = buffer_in(arena);
	struct cursor c = cursor_over(text);

	while (!cursor_end(&c)) { /* ends: each turn takes a run of either kind */
		struct view run = cursor_take(&c, CC_HEXDIG);
		buffer_add(&b, run.n == 32 ? VIEW_LIT("UNIQUE") : run);
		if (!cursor_end(&c))
			buffer_add(&b, cursor_take_n(&c, 1));
	}
	return buffer_view(&b);
}

static void
show_mail(struct play *p, const struct outbox_mail *mail)
{
	struct cursor c = cursor_over(without_unique(mail->mail.text, p->arena));

	buffer_addf(&p->got, "= mail to <%.*s> by %.*s port %u helo %.*s\n", VIEW_ARG(mail->mail.to),
	    VIEW_ARG(ip_text(&mail->mail.server, p->arena)), mail->mail.port, VIEW_ARG(mail->mail.helo));
	while (!cursor_end(&c)) { /* ends: each turn takes a line */
		struct view line = view_trim_end(cursor_until(&c, '\n'));
		buffer_addf(&p->got, "= |%.*s\n", VIEW_ARG(scenario_show(line, p->arena)));
		cursor_char(&c, '\n');
	}
}

static void
play_done(struct play *p, struct view rest)
{
	struct outbox_mail mail;

	(void)rest;
	session_edits_done(p->session);
	while (outbox_take(p->env.outbox, p->arena, &mail))
		show_mail(p, &mail);
}

static void
play_wait(struct play *p, struct view rest)
{
	uint64_t seconds;

	if (!view_to_u64(rest, 1 << 30, &seconds)) {
		p->broken = true;
		return;
	}
	p->clock.fixed_wall += (int64_t)seconds;
	p->clock.fixed_mono_ms += (int64_t)seconds * 1000;
}

static void
play_abort(struct play *p, struct view rest)
{
	(void)rest;
	session_on_abort(p->session);
}

static void
play_failed(struct play *p, struct view rest)
{
	session_edits_failed(p->session, rest);
}

static void
play_close(struct play *p, struct view rest)
{
	size_t i = 0;

	(void)rest;
	while (p->all[i] != p->session)
		i++;
	session_free(p->session);
	p->all[i] = p->session = session_new(&p->env);
}

static void
play_session(struct play *p, struct view rest)
{
	uint64_t n;

	if (view_to_u64(rest, SESSIONS_MAX, &n) && n > 0)
		p->session = p->all[n - 1];
	else
		p->broken = true;
}

static void
play_unheard(struct play *p, struct view rest)
{
	p->broken |= rest.n > 0 && !view_is(rest, "mail") && !view_is(rest, "mail rcpt");
	session_go_unheard(p->session, rest.n > 0, view_is(rest, "mail rcpt"));
}

static void
play_drain(struct play *p, struct view rest)
{
	(void)rest;
	atomic_store(&p->load.draining, true);
}

static void
play_reload(struct play *p, struct view rest)
{
	if (!load_settings(p, rest, p->settings->generation + 1))
		p->broken = true;
}

static void
play_policy(struct play *p, struct view rest)
{
	struct view name, line;
	size_t i = 0;

	view_split(rest, ' ', &name, &line);
	while (i < p->policies && !view_eq(p->policy[i].name, name))
		i++;
	if (i == POLICIES_MAX) {
		p->broken = true;
		return;
	}
	if (i == p->policies)
		p->policy[p->policies++] = (struct policy_file){ arena_copy(p->arena, name), buffer_in(p->arena) };
	buffer_add(&p->policy[i].text, line);
	buffer_add_char(&p->policy[i].text, '\n');
}

static void
note_policy(void *ctx, const char *text)
{
	struct play *p = ctx;

	buffer_addf(&p->got, "= says %.*s\n", VIEW_ARG(scenario_show(view_of(text), p->arena)));
}

static void
play_policies(struct play *p, struct view rest)
{
	struct policy_text text[POLICIES_MAX];
	struct settings *s = p->settings;

	struct temporary file[TEMPORARIES];
	struct settings before = { .policies = s->policies, .file_sealing = s->file_sealing };

	(void)rest;
	if (!put_files(p, file)) {
		p->broken = true;
		return;
	}
	for (size_t i = 0; i < p->policies; i++)
		text[i] = (struct policy_text){ arena_cstr(p->arena, p->policy[i].name),
			with_paths(buffer_view(&p->policy[i].text), file, p->arena) };
	s->policies = policy_of_texts(&s->policy, text, p->policies, s->policies, s->arena, note_policy, p);
	settings_open_file_keys(s, &before, note_policy, p);
	p->policies = 0;
}

/* A field with its folds: LF inside, as libmilter hands it over. */
static struct view
take_field(struct cursor *c)
{
	size_t from = cursor_offset(c), to;

	do {
		cursor_until(c, '\n');
		to = cursor_offset(c);
		cursor_char(c, '\n');
	} while (cursor_peek(c) == ' ' || cursor_peek(c) == '\t');
	return view_sub(c->text, from, to - from);
}

static struct view
body_with_crlf(struct play *p, struct cursor *c)
{
	struct buffer b = buffer_in(p->arena);

	while (!cursor_end(c)) {
		buffer_add(&b, cursor_until(c, '\n'));
		cursor_char(c, '\n');
		buffer_add_cstr(&b, "\r\n");
	}
	return buffer_view(&b);
}

/* rest: the number behind the word, LF, the lines */
static void
play_message(struct play *p, struct view rest)
{
	struct view number, lines;
	uint64_t chunk = SIZE_MAX;

	view_split(rest, '\n', &number, &lines);
	if (number.n > 0 && (!view_to_u64(number, SIZE_MAX, &chunk) || chunk == 0))
		p->broken = true;
	struct cursor c = cursor_over(lines);
	while (!cursor_end(&c) && cursor_peek(&c) != '\n')
		play_header(p, take_field(&c));
	cursor_char(&c, '\n');
	play_eoh(p, VIEW_EMPTY);
	for (struct view body = body_with_crlf(p, &c); body.n > 0 && chunk > 0; body = view_from(body, (size_t)chunk))
		play_body(p, view_sub(body, 0, (size_t)chunk));
}

static const struct {
	const char *word;
	void (*play)(struct play *p, struct view rest);
} words[] = {
	{ "connect", play_connect },
	{ "helo", play_helo },
	{ "mail", play_mail },
	{ "rcpt", play_rcpt },
	{ "data", play_data },
	{ "header", play_header },
	{ "eoh", play_eoh },
	{ "body", play_body },
	{ "eom", play_eom },
	{ "done", play_done },
	{ "wait", play_wait },
	{ "abort", play_abort },
	{ "failed", play_failed },
	{ "close", play_close },
	{ "session", play_session },
	{ "macro", set_macro },
	{ "unheard", play_unheard },
	{ "drain", play_drain },
	{ "reload", play_reload },
	{ "message", play_message },
	{ "policy", play_policy },
	{ "policies", play_policies },
};

static void
play_step(struct play *p, const struct step *step)
{
	size_t i = 0;

	while (i < sizeof(words) / sizeof(words[0]) && !view_is(step->word, words[i].word))
		i++;
	if (i == sizeof(words) / sizeof(words[0])) {
		p->broken = true;
		return;
	}
	p->got = buffer_in(p->arena);
	for (unsigned turn = 1; turn <= step->repeat; turn++) {
		/* A copy of exact size, freed at once: AddressSanitizer sees who keeps what it was only shown. */
		struct view rest = tight_copy(view_is(step->word, "message") ? step->rest :
		    scenario_unescape(step->rest, turn, p->arena));
		bool keeps = view_is(step->word, "macro");
		words[i].play(p, keeps ? arena_copy(p->arena, rest) : rest);
		free((void *)rest.p);
	}
}

/* ---- a scenario ---- */

static bool
begin(struct play *p, const char *path)
{
	struct err err;

	if (!scenario_parse(read_file(path), p->arena, &p->scenario, &err)) {
		printf("%s: %s\n", path, err.text);
		return false;
	}
	struct view folder = view_sub(view_of(path), 0, view_find_last(view_of(path), '/') + 1); /* +1: none becomes 0 */
	p->key_file = arena_printf(p->arena, "%.*skeys/rsa.pem", VIEW_ARG(folder)).p;
	if (!load_settings(p, p->scenario.conf, 1)) {
		printf("%s: its settings cannot be used\n", path);
		return false;
	}
	p->clock = (struct clock){ .fixed_wall = p->scenario.clock, .fixed_mono_ms = 1000 };
	p->env = (struct session_env){ .settings_take = take_settings, .settings_drop = drop_settings, .ctx = p,
		.clock = &p->clock, .load = &p->load, .returns = p->returns, .host = p->scenario.host };
	p->env.shared.dns = dns_open_fake(p->scenario.dns, &err);
	if (p->env.shared.dns == NULL) {
		printf("%s: its DNS: %s\n", path, err.text);
		return false;
	}
	p->env.shared.keys = key_cache_new(100);
	p->env.outbox = outbox_new();
	p->env.deferrals = deferrals_new();
	for (size_t i = 0; i < SESSIONS_MAX; i++)
		p->all[i] = session_new(&p->env);
	p->session = p->all[0];
	log_to_function(keep_log, p);
	return true;
}

/* What is left when the last connection is gone: nothing. */
static bool
end(struct play *p, const char *path)
{
	bool clean = true;

	log_to_stderr("replay");
	for (size_t i = 0; i < SESSIONS_MAX; i++)
		session_free(p->all[i]);
	if (atomic_load(&p->load.messages) != 0) {
		printf("%s: a message is still counted as open\n", path);
		clean = false;
	}
	if (p->settings != NULL && atomic_load(&p->settings->refs) != 1) {
		printf("%s: the settings are still held\n", path);
		clean = false;
	}
	rate_free(p->returns);
	key_cache_free(p->env.shared.keys);
	outbox_free(p->env.outbox);
	deferrals_free(p->env.deferrals);
	dns_close(p->env.shared.dns);
	settings_unref(p->settings);
	arena_free(p->files);
	free((void *)p->scenario.text.p);
	arena_free(p->arena);
	return clean;
}

static void
show_difference(const char *path, const struct step *step, struct view got)
{
	printf("%s:%u: %.*s\n--- wanted\n%.*s--- got\n%.*s", path, step->line, VIEW_ARG(step->word),
	    VIEW_ARG(step->wanted), VIEW_ARG(got));
}

static bool
play_file(const char *path, struct buffer *updated)
{
	struct play p = { .arena = arena_new(), .files = arena_new(), .returns = rate_new(SESSION_RETURN_ADDRESSES) };
	bool ok = begin(&p, path);
	size_t written = 0;

	for (size_t i = 0; ok && i < p.scenario.steps; i++) {
		const struct step *step = &p.scenario.step[i];
		play_step(&p, step);
		struct view got = buffer_view(&p.got);
		if (p.broken) {
			printf("%s:%u: cannot be played\n", path, step->line);
			ok = false;
		} else if (updated != NULL) {
			buffer_add(updated, view_sub(p.scenario.text, written, step->wanted_from - written));
			buffer_add(updated, got);
			written = step->wanted_to;
		} else if (!view_eq(got, step->wanted)) {
			show_difference(path, step, got);
			ok = false;
		}
	}
	if (updated != NULL)
		buffer_add(updated, view_from(p.scenario.text, written));
	return end(&p, path) && ok;
}

static bool
update_file(const char *path)
{
	struct arena *arena = arena_new();
	struct buffer updated = buffer_in(arena);
	bool ok = play_file(path, &updated);
	FILE *f = ok ? fopen(path, "w") : NULL;

	if (f != NULL) {
		ok = fwrite(updated.p, 1, updated.n, f) == updated.n;
		ok = fclose(f) == 0 && ok;
	}
	arena_free(arena);
	return ok && f != NULL;
}

int
main(int argc, char **argv)
{
	bool update = argc > 1 && strcmp(argv[1], "--update") == 0;
	unsigned passed = 0, failed = 0;
	struct err err;

	if (!crypt_open(&err)) {
		printf("replay: %s\n", err.text);
		return 1;
	}
	for (int i = update ? 2 : 1; i < argc; i++) {
		bool ok = update ? update_file(argv[i]) : play_file(argv[i], NULL);
		printf("%s: %s\n", ok ? "ok" : "FAILED", argv[i]);
		*(ok ? &passed : &failed) += 1;
	}
	crypt_close();
	printf("replay: %u passed, %u failed\n", passed, failed);
	return failed == 0 && passed > 0 ? 0 : 1;
}
