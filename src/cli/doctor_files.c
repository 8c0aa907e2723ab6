/*
 * What is on disk: the settings, who we become, what that user may read and write, who else may.
 */
#include "arc/arc_seal_conf.h"
#include "cli/doctor.h"
#include "cli/path_walk.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* ---- settings ---- */

static void
take_mistake(void *ctx, const char *text)
{
	struct doctor *d = ctx;

	if (strstr(text, "warning: ") != NULL)
		doctor_warn(d, VIEW_EMPTY, "%s", text);
	else
		doctor_problem(d, ADVICE(d, "mend that; then: assayctl conf check --config %s", d->config), "%s", text);
}

void
doctor_settings(struct doctor *d)
{
	size_t before = d->lines;

	if (access(d->config, R_OK) != 0) {
		if (errno == EACCES)
			doctor_skip(d, "%s: we may not read it: run as root", d->config);
		else
			doctor_problem(d, ADVICE(d, "name another with --config FILE, or put one there"), "%s: %s", d->config,
			    strerrordesc_np(errno));
		return;
	}
	d->settings = settings_load(d->config, take_mistake, d);
	if (d->lines == before)
		doctor_ok(d, "%s: no mistakes", d->config);
}

/* Their mistakes were said with those of the settings. */
void
doctor_policies(struct doctor *d)
{
	struct view directory = d->settings->policy.directory;
	size_t broken = policy_mistakes(d->settings->policies), files = policy_files(d->settings->policies);

	if (directory.n == 0)
		doctor_ok(d, "policy.directory is empty: everybody gets the same, and nothing is refused");
	else if (broken > 0)
		doctor_problem(d, ADVICE(d, "assayctl conf check --config %s; then reload with HUP", d->config),
		    "%.*s: %zu files with mistakes", VIEW_ARG(directory), broken);
	else
		doctor_ok(d, "%.*s: %zu files in force", VIEW_ARG(directory), files);
}

/* ---- who we become ---- */

void
doctor_user(struct doctor *d)
{
	const struct process_conf *conf = &d->settings->process;
	struct identity who;
	struct err err;

	if (!identity_find(conf->user, conf->group, d->arena, &who, &err)) {
		doctor_problem(d, ADVICE(d, "adduser --system --group --no-create-home --home /nonexistent assay\n"
			"or name another in %s: user = \"...\"; group = \"...\";", d->config), "%s", err.text);
		return;
	}
	gid_t *gid = ARENA_NEW(d->arena, gid_t);
	*gid = who.gid;
	d->worker = (struct identity_groups){ who.uid, gid, 1 };
	doctor_ok(d, "the worker becomes %.*s, group %.*s", VIEW_ARG(identity_user_name(who.uid, d->arena)),
	    VIEW_ARG(identity_group_name(who.gid, d->arena)));
}

/* ---- reaching a file ---- */

static const char *
need_words(unsigned need)
{
	return (need & PATH_WRITE) != 0 ? "write to" : "read";
}

/* What lets `who` pass a step, as narrow as it goes: by its group when the step has it, else for all. */
static struct view
open_advice(const struct doctor *d, const struct identity_groups *who, const struct path_step *step, bool last, unsigned need)
{
	const char *bits = last ? ((need & PATH_WRITE) != 0 ? "rw" : "r") : "x";
	struct view group = identity_group_name(who->gid[0], d->arena);

	if (!last)
		return ADVICE(d, "chmod a+x %.*s", VIEW_ARG(step->path));
	if (S_ISDIR(step->mode))
		return ADVICE(d, "chgrp %.*s %.*s; chmod g+%sx %.*s", VIEW_ARG(group), VIEW_ARG(step->path), bits,
		    VIEW_ARG(step->path));
	return ADVICE(d, "chgrp %.*s %.*s; chmod g+%s %.*s", VIEW_ARG(group), VIEW_ARG(step->path), bits,
	    VIEW_ARG(step->path));
}

bool
doctor_reach(struct doctor *d, const struct identity_groups *who, struct view name, unsigned need, const char *purpose)
{
	struct path path;
	struct view stopped;

	switch (path_look(name, d->arena, &path, &stopped)) {
	case PATH_MISSING:
		doctor_problem(d, VIEW_EMPTY, "%s: %.*s: there is none%s%.*s", purpose, VIEW_ARG(name),
		    view_eq(name, stopped) ? "" : "; missing from ", VIEW_ARG(view_eq(name, stopped) ? VIEW_EMPTY : stopped));
		return false;
	case PATH_UNSEEN:
		doctor_skip(d, "%s: we may not look at %.*s: run as root", purpose, VIEW_ARG(stopped));
		return false;
	default:
		break;
	}
	size_t at = path_walk(&path, who, need);
	if (at == path.n)
		return true;
	const struct path_step *step = &path.step[at];
	bool last = at + 1 == path.n;
	struct view user = identity_user_name(who->uid, d->arena);
	if (step->acl)
		doctor_skip(d, "%s: %.*s has an access list, which is not read here; try as %.*s", purpose, VIEW_ARG(step->path),
		    VIEW_ARG(user));
	else
		doctor_problem(d, open_advice(d, who, step, last, need), "%s: %.*s cannot %s %.*s (%.*s, %.*s, mode %04o)", purpose,
		    VIEW_ARG(user), last ? need_words(need) : "pass", VIEW_ARG(step->path),
		    VIEW_ARG(identity_user_name(step->uid, d->arena)), VIEW_ARG(identity_group_name(step->gid, d->arena)),
		    (unsigned)step->mode & 07777);
	return false;
}

/* Whoever may write to a file of ours decides what the mail system does. */
static bool
is_ours_alone(struct doctor *d, struct view name, const char *purpose)
{
	struct stat st;

	if (stat(arena_cstr(d->arena, name), &st) != 0 || (st.st_mode & S_IWOTH) == 0)
		return true;
	doctor_problem(d, ADVICE(d, "chmod o-w %.*s", VIEW_ARG(name)), "%s: everybody may write to %.*s (mode %04o)", purpose,
	    VIEW_ARG(name), (unsigned)st.st_mode & 07777);
	return false;
}

/* ---- what the worker reads, also at a reload ---- */

static void
look_at_policies(struct doctor *d, struct view directory)
{
	DIR *dir = directory.n == 0 ? NULL : opendir(arena_cstr(d->arena, directory));
	const struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) { /* ends with the folder */
		struct view path = arena_printf(d->arena, "%.*s/%s", VIEW_ARG(directory), entry->d_name);
		if (view_ends(path, VIEW_LIT(".conf")) && doctor_reach(d, &d->worker, path, PATH_READ, "a policy file"))
			is_ours_alone(d, path, "a policy file");
	}
	if (dir != NULL)
		closedir(dir);
}

/* Of a list of names, those that are files. */
static void
look_at_lists(struct doctor *d)
{
	const struct srs_leave_conf *leave = &d->settings->srs.leave;
	const struct {
		const char *purpose;
		const struct conf_list *list;
	} rows[] = {
		{ "srs.leaves", &leave->leaves },	{ "srs.local-domains", &leave->local_domains },
		{ "srs.virtual", &leave->virtual_files }, { "srs.aliases", &leave->alias_files },
		{ "srs.relocated", &leave->relocated_files },
	};

	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++)
		for (size_t i = 0; i < rows[r].list->n; i++)
			if (view_starts(rows[r].list->item[i], VIEW_LIT("/")))
				doctor_reach(d, &d->worker, rows[r].list->item[i], PATH_READ, rows[r].purpose);
}

void
doctor_files(struct doctor *d)
{
	const struct settings *s = d->settings;
	size_t before = d->lines;

	if (d->worker.n == 0) {
		doctor_skip(d, "without the user nobody knows what it may read");
		return;
	}
	/* Where it is missing and the settings are good, it is the preset, which need not be there. */
	bool policies = s->policy.directory.n > 0 &&
	    (access(arena_cstr(d->arena, s->policy.directory), F_OK) == 0 || errno != ENOENT);
	const struct {
		const char *purpose;
		struct view path;
		unsigned need;
		bool wanted;
	} rows[] = {
		{ "the settings", view_of(d->config), PATH_READ, true },
		{ "policy.directory", s->policy.directory, PATH_READ | PATH_SEARCH, policies },
		{ "dmarc.tld-file", s->assess.dmarc.tld_file, PATH_READ, dmarc_lists_psl(s->assess.lists) != NULL },
		{ "dns.trust-anchor", s->dns.trust_anchor, PATH_READ, s->dns.dnssec && s->dns.trust_anchor.n > 0 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].wanted && doctor_reach(d, &d->worker, rows[i].path, rows[i].need, rows[i].purpose))
			is_ours_alone(d, rows[i].path, rows[i].purpose);
	look_at_policies(d, s->policy.directory);
	if (s->srs.enable && s->srs.milter)
		look_at_lists(d);
	if (d->lines == before)
		doctor_ok(d, "the worker can read its settings and lists, and others cannot write to them");
}

/* ---- secrets ---- */

static void
look_at_secret(struct doctor *d, struct view path, const char *purpose)
{
	struct stat st;

	if (!doctor_reach(d, &d->worker, path, PATH_READ, purpose) || stat(arena_cstr(d->arena, path), &st) != 0)
		return;
	if ((st.st_mode & (S_IWGRP | S_IRWXO)) != 0)
		doctor_problem(d, ADVICE(d, "chmod 0640 %.*s", VIEW_ARG(path)), "%s: mode %04o of %.*s lets others at it", purpose,
		    (unsigned)st.st_mode & 07777, VIEW_ARG(path));
	else
		doctor_ok(d, "%s: %.*s is kept from others (mode %04o)", purpose, VIEW_ARG(path), (unsigned)st.st_mode & 07777);
}

static void
look_at_key(struct doctor *d, struct view domain, const struct seal_key_place *place)
{
	(void)domain;
	look_at_secret(d, place->path, "a key that seals");
}

void
doctor_secrets(struct doctor *d)
{
	size_t before = d->lines;

	if (d->worker.n == 0) {
		doctor_skip(d, "without the user nobody knows what it may read");
		return;
	}
	doctor_each_key(d, look_at_key);
	if (d->settings->srs.enable)
		look_at_secret(d, d->settings->srs.secrets_file, "srs.secrets");
	if (d->lines == before)
		doctor_skip(d, "there are none: nothing is sealed, and srs.enable is off");
}

/* ---- what the worker writes ---- */

static struct view
folder_of(struct view path)
{
	size_t slash = view_find_last(path, '/');

	return slash == 0 ? VIEW_LIT("/") : view_sub(path, 0, slash == VIEW_NONE ? 0 : slash);
}

/* beside: other files are made in the folder, as SQLite does. */
static void
look_at_written(struct doctor *d, struct view path, bool beside, const char *purpose)
{
	struct view folder = folder_of(path);
	struct stat st;

	if (folder.n == 0) {
		doctor_problem(d, ADVICE(d, "give a path that begins with \"/\" in %s", d->config), "%s: %.*s: assayd works in /",
		    purpose, VIEW_ARG(path));
		return;
	}
	if (stat(arena_cstr(d->arena, folder), &st) != 0 && errno == ENOENT) {
		doctor_problem(d, ADVICE(d, "install -d -o %.*s -g %.*s -m 0750 %.*s",
			VIEW_ARG(identity_user_name(d->worker.uid, d->arena)),
			VIEW_ARG(identity_group_name(d->worker.gid[0], d->arena)), VIEW_ARG(folder)),
		    "%s: the folder %.*s is not there", purpose, VIEW_ARG(folder));
		return;
	}
	bool there = stat(arena_cstr(d->arena, path), &st) == 0;
	if (((beside || !there) && !doctor_reach(d, &d->worker, folder, PATH_WRITE | PATH_SEARCH, purpose)) ||
	    (there && !doctor_reach(d, &d->worker, path, PATH_WRITE, purpose)))
		return;
	doctor_ok(d, "%s: the worker can write to %.*s", purpose, VIEW_ARG(path));
}

/* The daemon makes the last folder itself, not those above it. */
static void
look_at_run_folder(struct doctor *d, struct view path, const char *purpose)
{
	struct view folder = folder_of(path);
	struct stat st;

	if (stat(arena_cstr(d->arena, folder), &st) == 0 || stat(arena_cstr(d->arena, folder_of(folder)), &st) == 0)
		return;
	if (errno == EACCES)
		doctor_skip(d, "%s: we may not look at %.*s: run as root", purpose, VIEW_ARG(folder));
	else
		doctor_problem(d, ADVICE(d, "mkdir -p %.*s", VIEW_ARG(folder)), "%s: the folder %.*s is not there, nor the one above it",
		    purpose, VIEW_ARG(folder));
}

static void
look_at_sockets(struct doctor *d, const struct conf_list *listen, const char *purpose)
{
	struct listen_address a;

	for (size_t i = 0; i < listen->n; i++)
		if (listen_address_parse(listen->item[i], &a, NULL) && a.kind == LISTEN_UNIX)
			look_at_run_folder(d, a.path, purpose);
}

void
doctor_folders(struct doctor *d)
{
	const struct settings *s = d->settings;
	size_t before = d->lines;

	look_at_run_folder(d, s->process.pid_file, "pid-file");
	look_at_sockets(d, &s->process.listen, "listen");
	if (s->srs.enable)
		look_at_sockets(d, &s->srs.listen, "srs.listen");
	if (d->worker.n > 0 && s->assess.dmarc.enable && s->assess.dmarc.history_file.n > 0)
		look_at_written(d, s->assess.dmarc.history_file, false, "dmarc.history-file");
	if (d->worker.n > 0 && s->srs.enable && s->srs.database != SRS_DB_NEVER)
		look_at_written(d, s->srs.database_file, true, "srs.database-file");
	if (d->lines == before)
		doctor_ok(d, "the folders of pid file and sockets are there or can be made");
}
