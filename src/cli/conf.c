/*
 * assayctl conf - what the settings and the policy files say.
 */
#include "cli/cli.h"
#include "milter/settings.h"

#include <stdio.h>
#include <string.h>

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

static struct settings *
load(struct view path, struct arena *arena, struct tally *tally)
{
	*tally = (struct tally){ 0 };
	return settings_load(path.n == 0 ? DEFAULT_CONFIG : arena_cstr(arena, path), say, tally);
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
	printf("%zu policy files in force, %zu with mistakes\n", policy_files(s->policies), broken);
	settings_unref(s);
	return broken == 0 ? CLI_OK : CLI_FAIL;
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

static int
conf_diff(const struct cli_command *self, const struct cli_world *world, struct view before, struct arena *arena)
{
	struct tally tally;

	if (before.n == 0)
		return cli_usage(self, "diff wants --before FILE, the settings to compare with");
	struct settings *a = load(before, arena, &tally), *b = load(world->config, arena, &tally);
	if (a == NULL || b == NULL) {
		settings_unref(a);
		settings_unref(b);
		return CLI_USAGE;
	}
	size_t changes = print_changes(a->policies, a->policies, b->policies, false, arena);
	changes += print_changes(b->policies, a->policies, b->policies, true, arena);
	printf("%zu names change\n", changes);
	settings_unref(a);
	settings_unref(b);
	return changes == 0 ? CLI_OK : CLI_FAIL;
}

int
cli_conf(const struct cli_command *self, struct cli_list words, struct arena *arena)
{
	struct cli_world world = { .config = VIEW_EMPTY };
	struct view before = VIEW_EMPTY;
	bool help = false;
	const struct cli_option options[] = {
		{ .name = "config", .value_name = "FILE", .help = "settings (default: " DEFAULT_CONFIG ")", .value = &world.config },
		{ .name = "before", .value_name = "FILE", .help = "diff: the settings to compare with", .value = &before },
		{ .name = "help", .help = "this text", .given = &help },
	};
	size_t n = sizeof(options) / sizeof(options[0]);
	struct cli_list arguments;

	if (!cli_options(self, options, n, words, &arguments, arena))
		return CLI_USAGE;
	if (help) {
		cli_help(self, options, n);
		return CLI_OK;
	}
	if (arguments.n == 1 && view_is(arguments.item[0], "check"))
		return conf_check(&world, arena);
	if (arguments.n == 2 && view_is(arguments.item[0], "show"))
		return conf_show(self, &world, arguments.item[1], arena);
	if (arguments.n == 1 && view_is(arguments.item[0], "diff"))
		return conf_diff(self, &world, before, arena);
	return cli_usage(self, "wants check, show USER@DOMAIN, or diff");
}
