#include "milter/settings.h"

#include "base/clock.h"
#include "base/cursor.h"
#include "base/log.h"
#include "conf/read.h"
#include "milter/listen_address.h"
#include "milter/session_history.h"

#include <stdlib.h>
#include <string.h>
#include <syslog.h>

static const struct name_row facility_names[] = {
	{ "mail", LOG_MAIL },
	{ "daemon", LOG_DAEMON },
	{ "local0", LOG_LOCAL0 },
	{ "local1", LOG_LOCAL1 },
	{ "local2", LOG_LOCAL2 },
	{ "local3", LOG_LOCAL3 },
	{ "local4", LOG_LOCAL4 },
	{ "local5", LOG_LOCAL5 },
	{ "local6", LOG_LOCAL6 },
	{ "local7", LOG_LOCAL7 },
	{ NULL, 0 },
};

static const struct name_row level_names[] = {
	{ "error", LOG_LEVEL_ERROR },
	{ "warning", LOG_LEVEL_WARNING },
	{ "notice", LOG_LEVEL_NOTICE },
	{ "info", LOG_LEVEL_INFO },
	{ "debug", LOG_LEVEL_DEBUG },
	{ NULL, 0 },
};

static bool
check_listen(const void *field, struct err *err)
{
	const struct conf_list *list = field;
	struct listen_address address;

	for (size_t i = 0; i < list->n; i++) {
		if (!listen_address_parse(list->item[i], &address, err))
			return false;
		for (size_t j = 0; j < i; j++)
			if (view_eq(list->item[i], list->item[j]))
				return err_perm(err, "an address stands there twice");
	}
	return true;
}

static bool
check_absolute(const void *field, struct err *err)
{
	const struct view *path = field;

	if (path->n == 0 || path->p[0] != '/')
		return err_perm(err, "wants a path that begins with \"/\"");
	return true;
}

static bool
check_name(const void *field, struct err *err)
{
	const struct view *name = field;

	return name->n > 0 || err_perm(err, "wants a name");
}

/* A dot-string of RFC 5322 or a host name: what RFC 8601 2.5 can write without quotes. */
static bool
check_authserv_id(const void *field, struct err *err)
{
	const struct view *id = field;

	if (!view_all_in(*id, CC_LDH | CC_DOT | CC_UNDERSCORE))
		return err_perm(err, "wants a name of letters, digits, \"-\", \".\" and \"_\"");
	if (id->n > 255)
		return err_perm(err, "wants a name of at most 255 octets");
	return true;
}

static const struct conf_item process_rows[] = {
	/*        struct        name                field            default, min, max, unit or check */
	CONF_LIST(process_conf, "listen",	    listen,	     "unix:/run/assay/assay.sock", 1, 16, check_listen),
	CONF_TEXT(process_conf, "user",		    user,	     "assay", check_name),
	CONF_TEXT(process_conf, "group",	    group,	     "assay", check_name),
	CONF_TEXT(process_conf, "socket-owner",	    socket_owner,    "", NULL),
	CONF_TEXT(process_conf, "socket-group",	    socket_group,    "", NULL),
	CONF_MODE(process_conf, "socket-mode",	    socket_mode,     0660),
	CONF_TEXT(process_conf, "pid-file",	    pid_file,	     "/run/assay/assayd.pid", check_absolute),
	CONF_ENUM(process_conf, "syslog-facility",  syslog_facility, LOG_MAIL, facility_names),
	CONF_ENUM(process_conf, "log-level",	    log_level,	     LOG_LEVEL_INFO, level_names),
	/* systemd kills what has not ended after 90 s; an end of message with DNS waits takes about 20 s. */
	CONF_INT (process_conf, "stop-wait",	    stop_wait,	     30, 0, 3600, "seconds"),
	/* Postfix keeps one milter connection for each smtpd: default_process_limit 100, busy sites some thousand. */
	CONF_BOOL(process_conf, "wait-at-rcpt",	    wait_at_rcpt,    false),
	CONF_INT (process_conf, "connections-max",  connections_max, 5000, 1, 100000, "connections"),
	/* What Linux allows by itself (net.core.somaxconn). */
	CONF_INT (process_conf, "backlog",	    backlog,	     4096, 1, 65535, "connections"),
};
const struct conf_section process_section = CONF_SECTION("", process_conf, process_rows, NULL);

static const struct conf_item site_rows[] = {
	CONF_TEXT(site_conf, "authserv-id",	    authserv_id,	 "", check_authserv_id),
	CONF_NETS(site_conf, "internal",	    internal,		 "127.0.0.0/8 ::1", 10000),
	CONF_BOOL(site_conf, "strip-forged",	    strip_forged,	 true),
	CONF_BOOL(site_conf, "trust-authenticated", trust_authenticated, true),
};
const struct conf_section site_section = CONF_SECTION("site", site_conf, site_rows, NULL);

static const struct conf_item limits_rows[] = {
	/* Sendmail refuses headers above 32768 octets, Postfix cuts each field at 102400 (header_size_limit). */
	CONF_INT(limits_conf, "header-octets",	header_octets,	1048576, 1024, 67108864, "octets"),
	CONF_INT(limits_conf, "header-fields",	header_fields,	2000, 10, 100000, "fields"),
	/* Postfix: smtpd_recipient_limit 1000; Sendmail has none by default. */
	CONF_INT(limits_conf, "recipients",	recipients,	LIMITS_RECIPIENTS, 1, 1000000, "recipients"),
	CONF_INT(limits_conf, "messages-open",	messages_open,	2000, 1, 100000, "messages"),
	/* libmilter's own default is 7210: two hours of SMTP silence and a little. */
	CONF_INT(limits_conf, "milter-timeout", milter_timeout, 7210, 10, 86400, "seconds"),
};
const struct conf_section limits_section = CONF_SECTION("limits", limits_conf, limits_rows, NULL);

/* All of the file: a room with settings of its own adds its line here. */
static const struct {
	const struct conf_section *section;
	size_t offset;
} parts[] = {
	{ &process_section, offsetof(struct settings, process) },
	{ &site_section, offsetof(struct settings, site) },
	{ &limits_section, offsetof(struct settings, limits) },
	{ &dns_section, offsetof(struct settings, dns) },
	{ &spf_section, offsetof(struct settings, assess.spf) },
	{ &dkim_section, offsetof(struct settings, assess.dkim) },
	{ &arc_section, offsetof(struct settings, assess.arc) },
	{ &arc_seal_section, offsetof(struct settings, seal) },
	{ &dmarc_section, offsetof(struct settings, assess.dmarc) },
	{ &policy_section, offsetof(struct settings, policy) },
	{ &notices_section, offsetof(struct settings, notices) },
	{ &srs_section, offsetof(struct settings, srs) },
};
#define PARTS (sizeof(parts) / sizeof(parts[0]))

static struct settings *
settings_new(void)
{
	struct arena *arena = arena_new();
	struct settings *s = ARENA_NEW(arena, struct settings);

	s->arena = arena;
	atomic_init(&s->refs, 1);
	s->path = VIEW_EMPTY;
	return s;
}

/* What is made of several groups. */
static void
join_parts(struct settings *s)
{
	s->assess.dnssec = s->dns.dnssec;
	s->assess.budget = (struct dns_budget){
		.queries = (unsigned)s->dns.queries_per_message,
		.wait_ms = s->dns.wait_per_message,
	};
}

/* What settings name and messages use.  The presets name nothing, so only a file's settings can fail here. */
static bool
open_files(struct settings *s, void (*say)(void *ctx, const char *text), void *ctx)
{
	struct view warning;
	struct err err;

	s->assess.lists = dmarc_lists_open(&s->assess.dmarc, clock_wall(&clock_system), s->arena, &warning, &err);
	if (s->assess.lists == NULL)
		say(ctx, arena_printf(s->arena, "%.*s: dmarc: %s", VIEW_ARG(s->path), err.text).p);
	else if (warning.n > 0)
		say(ctx, arena_printf(s->arena, "%.*s: warning: dmarc: %.*s", VIEW_ARG(s->path), VIEW_ARG(warning)).p);
	if (s->assess.dmarc.enable && s->assess.dmarc.history_file.n > 0)
		s->history = session_history_open(s->assess.dmarc.history_file, s->arena);
	return s->assess.lists != NULL;
}

static bool
check_map_listen(const struct settings *s, struct err *err)
{
	const struct conf_list *maps = &s->srs.listen, *milter = &s->process.listen;

	if (!check_listen(maps, err))
		return false;
	for (size_t i = 0; i < maps->n; i++)
		for (size_t j = 0; j < milter->n; j++)
			if (view_eq(maps->item[i], milter->item[j]))
				return err_perm(err, "the milter listens there: the maps want an address of their own");
	return true;
}

/* What one group asks of another. */
static bool
check_parts(const struct settings *s, void (*say)(void *ctx, const char *text), void *ctx)
{
	struct err err;

	if (!check_map_listen(s, &err)) {
		say(ctx, arena_printf(s->arena, "%s: srs.listen: %s", s->srs.listen.where, err.text).p);
		return false;
	}
	if (s->notices.enable && s->policy.recipients != POLICY_SPLIT)
		say(ctx, arena_printf(s->arena, "%.*s: warning: notices: enable = true does little without policy.recipients = "
		    "\"split\": else who refuses is mostly not taken from the envelope", VIEW_ARG(s->path)).p);
	if (!s->seal.enable || s->assess.arc.enable)
		return true;
	say(ctx, arena_printf(s->arena, "%.*s: seal: enable = true needs arc.enable: cv= says how the chain was found",
	    VIEW_ARG(s->path)).p);
	return false;
}

struct settings *
settings_presets(void)
{
	struct settings *s = settings_new();

	for (size_t i = 0; i < PARTS; i++)
		conf_section_presets(parts[i].section, (char *)s + parts[i].offset, s->arena);
	join_parts(s);
	return s;
}

static int
by_domain(const void *a, const void *b)
{
	return view_cmp_nocase(*(const struct view *)a, *(const struct view *)b);
}

/* What senders are rewritten to must find its way back. */
static void
join_srs_domains(struct settings *s)
{
	struct conf_list *list = &s->srs.policy_domains;
	struct view domain;
	size_t n = 0, once = 0;

	while (policy_srs_domain(s->policies, n, &domain))
		n++;
	if (n == 0)
		return;
	struct view *item = ARENA_ARRAY(s->arena, n, struct view);
	for (size_t i = 0; i < n; i++)
		policy_srs_domain(s->policies, i, &item[i]);
	qsort(item, n, sizeof(*item), by_domain);
	for (size_t i = 0; i < n; i++)
		if (once == 0 || !view_eq_nocase(item[once - 1], item[i]))
			item[once++] = item[i];
	*list = (struct conf_list){ .item = item, .n = once };
}

/* "FILE: policy.directory: ..." */
static bool
open_policies(struct settings *s, const struct settings *before, void (*say)(void *ctx, const char *text), void *ctx)
{
	s->policies = policy_load(&s->policy, before == NULL ? NULL : before->policies, s->arena, say, ctx);
	if (s->policies == NULL)
		return false;
	join_srs_domains(s);
	return true;
}

struct settings *
settings_load(const char *path, void (*say)(void *ctx, const char *text), void *ctx)
{
	return settings_reload(path, NULL, say, ctx);
}

struct settings *
settings_reload(const char *path, const struct settings *before, void (*say)(void *ctx, const char *text), void *ctx)
{
	struct settings *s = settings_new();
	struct conf_target target[PARTS];

	for (size_t i = 0; i < PARTS; i++)
		target[i] = (struct conf_target){ parts[i].section, (char *)s + parts[i].offset };
	if (!conf_read(path, target, PARTS, s->arena, say, ctx)) {
		settings_unref(s);
		return NULL;
	}
	s->path = (struct view){ arena_cstr(s->arena, view_of(path)), strlen(path) };
	join_parts(s);
	if (!check_parts(s, say, ctx) || !open_files(s, say, ctx) || !open_policies(s, before, say, ctx)) {
		settings_unref(s);
		return NULL;
	}
	return s;
}

bool
settings_read_rows(struct settings *s, struct view text, const char *name, void (*say)(void *ctx, const char *text), void *ctx)
{
	struct conf_target target[PARTS];

	for (size_t i = 0; i < PARTS; i++)
		target[i] = (struct conf_target){ parts[i].section, (char *)s + parts[i].offset };
	return conf_read_text(text, name, target, PARTS, s->arena, say, ctx);
}

/* Taken over by a reload although their neighbours of the group are not, and the other way about for group "srs". */
bool
settings_reloads(const struct conf_section *section, const char *name)
{
	if (section == &srs_section)
		return strcmp(name, "listen") != 0 && strcmp(name, "connections-max") != 0;
	static const struct {
		const struct conf_section *section;
		const char *name;
	} rows[] = {
		{ &process_section, "log-level" },
		{ &process_section, "stop-wait" },
		{ &process_section, "wait-at-rcpt" },
		{ &limits_section, "header-octets" },
		{ &limits_section, "header-fields" },
		{ &limits_section, "recipients" },
		{ &limits_section, "messages-open" },
		{ &dns_section, "queries-per-message" },
		{ &dns_section, "wait-per-message" },
	};

	if (section == &notices_section)
		return strcmp(name, "by") != 0 && strcmp(name, "command") != 0;
	if (section != &process_section && section != &limits_section && section != &dns_section)
		return true;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].section == section && strcmp(rows[i].name, name) == 0)
			return true;
	return false;
}

static void
compare_section(const struct conf_section *section, const void *before, const void *after, struct arena *words,
    void (*say)(void *ctx, const char *text), void *ctx)
{
	const char *dot = *section->name == '\0' ? "" : ".";

	for (size_t i = 0; i < section->items; i++) {
		const struct conf_item *item = &section->item[i];
		if (settings_reloads(section, item->name) ||
		    view_eq(conf_item_value(item, before, words), conf_item_value(item, after, words)))
			continue;
		say(ctx, arena_printf(words, "%s%s%s: the change needs a restart", section->name, dot, item->name).p);
	}
}

void
settings_restart_needed(const struct settings *before, const struct settings *after,
    void (*say)(void *ctx, const char *text), void *ctx)
{
	struct arena *words = arena_new();

	for (size_t i = 0; i < PARTS; i++)
		compare_section(parts[i].section, (const char *)before + parts[i].offset,
		    (const char *)after + parts[i].offset, words, say, ctx);
	arena_free(words);
}

bool
settings_each(const struct settings *settings, size_t i, const struct conf_section **section, const void **values)
{
	if (i >= PARTS)
		return false;
	*section = parts[i].section;
	*values = settings == NULL ? NULL : (const char *)settings + parts[i].offset;
	return true;
}

struct settings *
settings_ref(struct settings *settings)
{
	atomic_fetch_add_explicit(&settings->refs, 1, memory_order_relaxed);
	return settings;
}

void
settings_unref(struct settings *settings)
{
	if (settings != NULL && atomic_fetch_sub_explicit(&settings->refs, 1, memory_order_acq_rel) == 1)
		arena_free(settings->arena); /* it holds *settings too */
}
