#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>

int
cli_usage(const struct cli_command *command, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "assayctl %s: ", command->name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "; see assayctl %s --help\n", command->name);
	return CLI_USAGE;
}

static void
print_option(const struct cli_option *option)
{
	int width = printf("  --%s%s%s", option->name, option->value_name == NULL ? "" : " ",
	    option->value_name == NULL ? "" : option->value_name);

	printf("%*s%s\n", width < 28 ? 28 - width : 2, "", option->help);
}

static void
print_help(const struct cli_command *command, const struct cli_option *options, size_t n,
    const struct cli_option *help)
{
	printf("usage: assayctl %s [OPTION...]%s%s\n%s.\n\n", command->name, *command->arguments == '\0' ? "" : " ",
	    command->arguments, command->about);
	for (size_t i = 0; i < n; i++)
		print_option(&options[i]);
	print_option(help);
}

static const struct cli_option *
option_find(const struct cli_option *options, size_t n, const struct cli_option *help, struct view name)
{
	for (size_t i = 0; i < n; i++)
		if (view_is(name, options[i].name))
			return &options[i];
	return view_is(name, help->name) ? help : NULL;
}

static void
list_add(struct cli_list *list, struct view item, struct arena *arena)
{
	list->item = arena_grow(arena, list->item, list->n * sizeof(*list->item), (list->n + 1) * sizeof(*list->item));
	list->item[list->n++] = item;
}

/* One "--name[=value]" at words[*i]; a value of its own word moves *i on. */
static bool
take_option(const struct cli_command *command, const struct cli_option *options, size_t n, const struct cli_option *help,
    struct cli_list words, size_t *i, struct arena *arena)
{
	struct view name, value;
	bool joined = view_split(view_from(words.item[*i], 2), '=', &name, &value);
	const struct cli_option *option = option_find(options, n, help, name);

	if (option == NULL) {
		cli_usage(command, "there is no option --%.*s", VIEW_ARG(name));
		return false;
	}
	if (option->given != NULL)
		*option->given = true;
	if (option->value_name == NULL) {
		if (joined)
			cli_usage(command, "--%s takes no value", option->name);
		return !joined;
	}
	if (!joined) {
		if (*i + 1 == words.n) {
			cli_usage(command, "--%s needs a value: %s", option->name, option->value_name);
			return false;
		}
		value = words.item[++*i];
	}
	if (option->value != NULL)
		*option->value = value;
	if (option->list != NULL)
		list_add(option->list, value, arena);
	return true;
}

bool
cli_options(const struct cli_command *command, const struct cli_option *options, size_t n, struct cli_list words,
    struct cli_list *arguments, struct arena *arena, int *status)
{
	bool wanted = false;
	const struct cli_option help = { .name = "help", .help = "this text", .given = &wanted };

	*status = CLI_USAGE;
	*arguments = (struct cli_list){ 0 };
	for (size_t i = 0; i < words.n; i++) {
		if (view_is(words.item[i], "--")) {
			for (i++; i < words.n; i++)
				list_add(arguments, words.item[i], arena);
		} else if (view_starts(words.item[i], VIEW_LIT("--"))) {
			if (!take_option(command, options, n, &help, words, &i, arena))
				return false;
		} else {
			list_add(arguments, words.item[i], arena);
		}
	}
	if (wanted) {
		print_help(command, options, n, &help);
		*status = CLI_OK;
	}
	return !wanted;
}
