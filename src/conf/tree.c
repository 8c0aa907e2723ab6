#include "conf/tree.h"

#include "base/buffer.h"
#include "base/cursor.h"
#include "conf/source.h"

#include <libconfig.h>
#include <string.h>

#define SHOWN_MAX 60 /* octets of the file in a message */

struct planting {
	struct conf_source source;
	struct arena *keep;
	struct arena *words;
	conf_say *say;
	void *ctx;
	bool ok;
};

static void
say_at(struct planting *t, struct conf_place place, struct view text)
{
	struct buffer b = buffer_in(t->words);

	if (place.file != NULL)
		buffer_addf(&b, "%s:", place.file);
	if (place.line > 0)
		buffer_addf(&b, "%u:", place.line);
	if (place.file != NULL)
		buffer_add_char(&b, ' ');
	buffer_add(&b, text);
	buffer_add_char(&b, '\0');
	t->say(t->ctx, buffer_view(&b).p);
	t->ok = false;
}

/* A text that may go into logs, replies and headers. */
static bool
is_clean(struct view text)
{
	for (size_t i = 0; i < text.n; i++)
		if (char_in(text.p[i], CC_CTL))
			return false;
	return view_is_utf8(text);
}

static void
plant_text(struct planting *t, config_setting_t *setting, struct conf_node *node)
{
	struct view text = view_of(config_setting_get_string(setting));

	node->kind = CONF_STRING;
	if (!is_clean(text))
		say_at(t, (struct conf_place){ node->file, node->line },
		    VIEW_LIT("a text holds a control character, or is not UTF-8"));
	node->text = (struct view){ arena_cstr(t->keep, text), text.n };
}

static void
plant_scalar(struct planting *t, config_setting_t *setting, struct conf_node *node)
{
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_INT:
		node->kind = CONF_NUMBER;
		node->number = config_setting_get_int(setting);
		break;
	case CONFIG_TYPE_INT64:
		node->kind = CONF_NUMBER;
		node->number = config_setting_get_int64(setting);
		break;
	case CONFIG_TYPE_BOOL:
		node->kind = CONF_BOOLEAN;
		node->yes = config_setting_get_bool(setting) != CONFIG_FALSE;
		break;
	case CONFIG_TYPE_STRING:
		plant_text(t, setting, node);
		break;
	default:
		node->kind = CONF_OTHER;
	}
}

/* Calls itself; conf/source.h has looked that it goes no deeper than CONF_NESTING_MAX. */
static void
plant(struct planting *t, config_setting_t *setting, struct conf_node *node)
{
	bool group = config_setting_is_group(setting) != CONFIG_FALSE;
	struct conf_place place = conf_source_place(&t->source, setting->line);

	node->name = setting->name == NULL ? VIEW_EMPTY : view_of(arena_cstr(t->keep, view_of(setting->name)));
	node->file = place.file;
	node->line = place.line;
	node->text = VIEW_EMPTY;
	if (!group && !config_setting_is_list(setting) && !config_setting_is_array(setting)) {
		plant_scalar(t, setting, node);
		return;
	}
	node->kind = group ? CONF_GROUP : CONF_LISTING;
	node->n = (size_t)config_setting_length(setting);
	node->child = ARENA_ARRAY(t->keep, node->n, struct conf_node);
	for (size_t i = 0; i < node->n; i++)
		plant(t, config_setting_get_elem(setting, (unsigned)i), &node->child[i]);
}

static void
say_syntax(struct planting *t, const config_t *config)
{
	unsigned line = config_error_line(config) > 0 ? (unsigned)config_error_line(config) : 1;
	struct view text = conf_source_line(&t->source, line);
	struct buffer b = buffer_in(t->words);

	buffer_add_cstr(&b, config_error_text(config) != NULL ? config_error_text(config) : "syntax error");
	if (text.n > 0) {
		buffer_add_cstr(&b, " at or before: ");
		buffer_add_quoted(&b, text, SHOWN_MAX);
	}
	say_at(t, conf_source_place(&t->source, line), buffer_view(&b));
}

/* The names of files are in words' memory, which ends with the reading. */
static void
keep_files(struct planting *t)
{
	const char *before = NULL, *kept = NULL;

	for (size_t i = 0; i < t->source.segments; i++) {
		struct conf_segment *s = &t->source.segment[i];
		if (before == NULL || strcmp(before, s->file) != 0)
			kept = arena_cstr(t->keep, view_of(s->file));
		before = s->file;
		s->file = kept;
	}
}

static void
plant_all(struct planting *t, struct conf_tree *tree)
{
	config_t config;

	keep_files(t);
	tree->text = arena_copy(t->keep, view_of(t->source.text));
	config_init(&config);
	if (config_read_string(&config, t->source.text) == CONFIG_TRUE)
		plant(t, config_root_setting(&config), &tree->root);
	else
		say_syntax(t, &config);
	config_destroy(&config);
}

bool
conf_tree_file(const char *path, struct arena *arena, struct conf_tree *tree, conf_say *say, void *ctx)
{
	struct planting t = { .keep = arena, .words = arena_new(), .say = say, .ctx = ctx, .ok = true };
	struct conf_place place;
	const char *warning;
	struct err err;

	if (conf_source_file(path, t.words, &t.source, &place, &warning, &err)) {
		if (warning != NULL)
			say(ctx, warning);
		plant_all(&t, tree);
	} else {
		say_at(&t, place, view_of(err.text));
	}
	arena_free(t.words);
	return t.ok;
}

bool
conf_tree_text(struct view text, const char *name, struct arena *arena, struct conf_tree *tree,
    conf_say *say, void *ctx)
{
	struct planting t = { .keep = arena, .words = arena_new(), .say = say, .ctx = ctx, .ok = true };
	struct conf_place place;
	struct err err;

	if (conf_source_text(text, name, t.words, &t.source, &place, &err))
		plant_all(&t, tree);
	else
		say_at(&t, place, view_of(err.text));
	arena_free(t.words);
	return t.ok;
}

const struct conf_node *
conf_node_find(const struct conf_node *group, const char *name)
{
	for (size_t i = 0; i < group->n; i++)
		if (view_is(group->child[i].name, name))
			return &group->child[i];
	return NULL;
}

const char *
conf_kind_words(enum conf_kind kind)
{
	static const char *const words[] = {
		[CONF_GROUP] = "a group",
		[CONF_LISTING] = "a list",
		[CONF_STRING] = "a text",
		[CONF_NUMBER] = "a number",
		[CONF_BOOLEAN] = "true or false",
		[CONF_OTHER] = "a broken number",
	};

	return words[kind];
}
