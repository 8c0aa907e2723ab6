/*
 * assayctl conf - what the settings and the policy files say.
 */
#include "cli/cli.h"
#include "milter/settings.h"
#include "milter/settings_force.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_CONFIG SYSCONFDIR "/assay/assay.conf" /* as assayd has it */

struct tally {
	size_t lines;
};

static void
say(void *ctx, const char *text)
{
	struct tally *tally = ctx;

	tally->lines++;
	fprintf(stderr, "%s\n", text);
}

static const char *
config_path(struct view path, struct arena *arena)
{
	return path.n == 0 ? DEFAULT_CONFIG : arena_cstr(arena, path);
}

static struct settings *
load(struct view path, struct arena *arena, struct tally *tally)
{
	*tally = (struct tally){ 0 };
	return settings_load(config_path(path, arena), say, tally);
}

static void
hush(void *ctx, const char *text)
{
	(void)ctx;
	(void)text;
}

static struct settings *
load_quiet(struct view path, struct arena *arena)
{
	return settings_load(config_path(path, arena), hush, NULL);
}

/* ---- check ---- */

/* Keys that this user may not read are no mistake: somebody else's test. */
static bool
names_unreadable(const struct conf_list *keys, struct arena *arena)
{
	struct seal_key_place place;

	for (size_t i = 0; i < keys->n; i++)
		if (seal_key_parse(keys->item[i], &place, NULL) && access(arena_cstr(arena, place.path), R_OK) != 0 &&
		    errno == EACCES)
			return true;
	return false;
}

static bool
may_read_keys(const struct settings *s, struct arena *arena)
{
	const struct policy_seal *seal;

	if (s->seal.enable && names_unreadable(&s->seal.keys, arena))
		return false;
	for (size_t i = 0; (seal = policy_seal_nth(s->policies, i)) != NULL; i++)
		if (names_unreadable(&seal->keys, arena))
			return false;
	return true;
}

/* Everything that a reload would complain of. */
static int
conf_check(const struct cli_world *world, struct arena *arena)
{
	struct tally tally;
	struct settings *s = load(world->config, arena, &tally);

	if (s == NULL)
		return CLI_FAIL;
	size_t broken = policy_mistakes(s->policies);
	bool ok = true;
	if (may_read_keys(s, arena))
		ok = settings_open_keys(s, NULL, say, &tally);
	else
		printf("private keys were not looked at: this user may not read them\n");
	printf("%zu policy files in force, %zu with mistakes\n", policy_files(s->policies), broken + s->key_mistakes);
	ok = ok && broken + s->key_mistakes == 0;
	settings_unref(s);
	return ok ? CLI_OK : CLI_FAIL;
}

static bool
recipient_of(struct view address, struct arena *arena, struct recipient *rcpt, struct err *err)
{
	*rcpt = (struct recipient){ .argument = address, .notify = VIEW_EMPTY, .orcpt = VIEW_EMPTY };
	return mail_path_parse(address, arena, &rcpt->path, err);
}

static int
conf_show(const struct cli_command *self, const struct cli_world *world, struct view address, struct arena *arena)
{
	struct recipient rcpt;
	struct tally tally;
	struct err err;

	if (!recipient_of(address, arena, &rcpt, &err))
		return cli_usage(self, "show wants an address: %s", err.text);
	struct settings *s = load(world->config, arena, &tally);
	if (s == NULL)
		return CLI_FAIL;
	struct view text = policy_show(s->policies, &rcpt, arena);
	fwrite(text.p, 1, text.n, stdout);
	settings_unref(s);
	return CLI_OK;
}

/* ---- what would change ---- */

/* A recipient that stands for a name of a file: one of the domain, one below it, a stranger. */
static bool
stand_in(struct view key, struct arena *arena, struct recipient *rcpt)
{
	struct view address = key;
	struct err err;

	if (view_is(key, "*"))
		address = VIEW_LIT("somebody@site-default.invalid");
	else if (view_starts(key, VIEW_LIT(".")))
		address = arena_printf(arena, "somebody@any%.*s", VIEW_ARG(key));
	else if (view_find(key, '@') == VIEW_NONE)
		address = arena_printf(arena, "somebody@%.*s", VIEW_ARG(key));
	return recipient_of(address, arena, rcpt, &err);
}

static size_t
print_changes(const struct policy_set *keys, const struct policy_set *before, const struct policy_set *after, bool only_new,
    struct arena *arena)
{
	size_t changes = 0;
	struct view key;

	for (size_t i = 0; policy_key(keys, i, &key); i++) {
		struct recipient rcpt;
		if ((only_new && policy_has_key(before, key)) || !stand_in(key, arena, &rcpt))
			continue;
		if (policy_same_rules(before, after, &rcpt))
			continue;
		struct view was = policy_show(before, &rcpt, arena), is = policy_show(after, &rcpt, arena);
		printf("%.*s\n--- before\n%.*s+++ after\n%.*s\n", VIEW_ARG(key), VIEW_ARG(was), VIEW_ARG(is));
		changes++;
	}
	return changes;
}

/* The rows of assay.conf. */
static size_t
print_rows(const struct settings *before, const struct settings *after, struct arena *arena)
{
	const struct conf_section *section;
	const void *was, *is;
	size_t changes = 0;

	for (size_t i = 0; settings_each(before, i, &section, &was) && settings_each(after, i, &section, &is); i++)
		for (size_t k = 0; k < section->items; k++) {
			const struct conf_item *item = &section->item[k];
			struct view a = conf_item_value(item, was, arena), b = conf_item_value(item, is, arena);
			if (view_eq(a, b))
				continue;
			printf("%s%s%s: %.*s -> %.*s\n", section->name, *section->name == '\0' ? "" : ".", item->name,
			    VIEW_ARG(a), VIEW_ARG(b));
			changes++;
		}
	return changes;
}

static void
print_restart(void *ctx, const char *text)
{
	(void)ctx;
	printf("%s\n", text);
}

static int
print_diff(const struct settings *a, const struct settings *b, struct arena *arena)
{
	size_t rows = print_rows(a, b, arena);
	size_t names = print_changes(a->policies, a->policies, b->policies, false, arena);

	names += print_changes(b->policies, a->policies, b->policies, true, arena);
	printf("%zu settings change, %zu names change\n", rows, names);
	return rows + names == 0 ? CLI_OK : CLI_FAIL;
}

/* The pid file is locked as long as the daemon lives. */
static bool
is_running(const char *pid_file)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open(pid_file, O_RDONLY | O_CLOEXEC);
	bool running = fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;

	if (fd >= 0)
		close(fd);
	return running;
}

/* What the daemon has in force whose pid file these settings name; NULL: said why. */
static struct settings *
load_in_force(const struct settings *asked, struct arena *arena)
{
	struct view pid_file = asked->process.pid_file, path = settings_force_path(pid_file, arena), text;
	struct settings *s = NULL;
	struct err err;

	if (!is_running(pid_file.p)) {
		fprintf(stderr, "assayctl conf: no assayd runs with pid file %s, so nothing is in force; "
				"--before FILE compares with settings of a file\n", pid_file.p);
		return NULL;
	}
	if (cli_read(path, arena, &text, &err)) {
		s = settings_force_parse(text, &err);
		if (s == NULL)
			err_in(&err, "%s", path.p);
	}
	if (s == NULL)
		fprintf(stderr, "assayctl conf: %s%s\n", err.text, access(path.p, R_OK) == 0 ? "" :
		    " (what is in force is for root, or the user that assayd was started as)");
	return s;
}

/* A reload beside what is in force: files with mistakes keep what they say there. */
static int
diff_with_daemon(const struct cli_world *world, struct arena *arena)
{
	struct tally tally;
	struct settings *asked = load_quiet(world->config, arena);
	struct settings *before = asked == NULL ? NULL : load_in_force(asked, arena);
	int status = CLI_USAGE;

	if (asked == NULL)
		load(world->config, arena, &tally); /* says why */
	if (before != NULL) {
		struct settings *after = settings_reload(config_path(world->config, arena), before, say, &tally);
		printf("in force: generation %u of %.*s\n", before->generation, VIEW_ARG(before->path));
		if (after != NULL) {
			settings_restart_needed(before, after, print_restart, NULL);
			status = print_diff(before, after, arena);
		} else {
			printf("a reload would be refused, and change nothing\n");
			status = CLI_FAIL;
		}
		settings_unref(after);
	}
	settings_unref(before);
	settings_unref(asked);
	return status;
}

static int
conf_diff(const struct cli_world *world, struct view before, struct arena *arena)
{
	struct tally tally;

	if (before.n == 0)
		return diff_with_daemon(world, arena);
	struct settings *a = load(before, arena, &tally), *b = load(world->config, arena, &tally);
	int status = a == NULL || b == NULL ? CLI_USAGE : print_diff(a, b, arena);
	settings_unref(a);
	settings_unref(b);
	return status;
}

int
cli_conf(const struct cli_command *self, struct cli_list words, struct arena *arena)
{
	struct cli_world world = { .config = VIEW_EMPTY };
	struct view before = VIEW_EMPTY;
	const struct cli_option options[] = {
		{ .name = "config", .value_name = "FILE", .help = "settings (default: " DEFAULT_CONFIG ")", .value = &world.config },
		{ .name = "before", .value_name = "FILE", .help = "diff: compare with these, not with the daemon's", .value = &before },
	};
	size_t n = sizeof(options) / sizeof(options[0]);
	struct cli_list arguments;
	int status;

	if (!cli_options(self, options, n, words, &arguments, arena, &status))
		return status;
	if (arguments.n == 1 && view_is(arguments.item[0], "check"))
		return conf_check(&world, arena);
	if (arguments.n == 2 && view_is(arguments.item[0], "show"))
		return conf_show(self, &world, arguments.item[1], arena);
	if (arguments.n == 1 && view_is(arguments.item[0], "diff"))
		return conf_diff(&world, before, arena);
	return cli_usage(self, "wants check, show USER@DOMAIN, or diff");
}
