/*
 * assayctl - asks the daemon's own code about messages, senders and records, without a daemon.
 */
#include "cli/cli.h"
#include "crypt/digest.h"

#include <config.h>

#include <stdio.h>

const struct cli_command cli_commands[] = {
	{ "check", "FILE", "Run one stored message (\"-\": standard input) through the checks", cli_check },
	{ "spf", "", "Ask whether an address may send for a domain", cli_spf },
	{ "dmarc", "DOMAIN", "Walk to the DMARC policy of a domain, step by step", cli_dmarc },
	{ "conf", "check | show USER@DOMAIN | diff", "Check settings and policies, show a recipient's rules, compare", cli_conf },
	{ "explain", "FILE", "Tell the story of a message: facts, rules, edits, replies", cli_explain },
	{ "doctor", "", "Look at the whole installation and say what to do", cli_doctor },
	{ "srs", "forward|reverse|status ADDRESS", "Rewrite an envelope sender, or find the one behind an SRS address", cli_srs },
	{ "keygen", "", "Make a signing key and its DNS record", cli_keygen },
};
const size_t cli_commands_n = sizeof(cli_commands) / sizeof(cli_commands[0]);

static int
help(FILE *to, int status)
{
	fprintf(to, "usage: assayctl COMMAND [OPTION...] [ARGUMENT...]\n\n");
	for (size_t i = 0; i < cli_commands_n; i++)
		fprintf(to, "  %-10s%s\n", cli_commands[i].name, cli_commands[i].about);
	fprintf(to, "\nassayctl COMMAND --help tells the options of one.\n");
	return status;
}

static const struct cli_command *
command_find(const char *name)
{
	for (size_t i = 0; i < cli_commands_n; i++)
		if (view_is(view_of(name), cli_commands[i].name))
			return &cli_commands[i];
	return NULL;
}

static int
run(const struct cli_command *command, int argc, char **argv)
{
	struct arena *arena = arena_new();
	struct cli_list words = { ARENA_ARRAY(arena, (size_t)argc + 1, struct view), 0 };
	struct err err;
	int status;

	for (int i = 0; i < argc; i++)
		words.item[words.n++] = view_of(argv[i]);
	if (!crypt_open(&err)) {
		fprintf(stderr, "assayctl: %s\n", err.text);
		status = CLI_USAGE;
	} else {
		status = command->run(command, words, arena);
	}
	arena_free(arena);
	crypt_close();
	return status;
}

int
main(int argc, char **argv)
{
	if (argc < 2)
		return help(stderr, CLI_USAGE);
	struct view word = view_of(argv[1]);
	if (view_is(word, "--help") || view_is(word, "-h") || view_is(word, "help"))
		return help(stdout, CLI_OK);
	if (view_is(word, "--version") || view_is(word, "-V")) {
		printf("assayctl %s\n", PACKAGE_VERSION);
		return CLI_OK;
	}
	const struct cli_command *command = command_find(argv[1]);
	if (command == NULL) {
		fprintf(stderr, "assayctl: there is no command \"%s\"\n\n", argv[1]);
		return help(stderr, CLI_USAGE);
	}
	return run(command, argc - 2, argv + 2);
}
