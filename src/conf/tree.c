#include "conf/tree.h"

#include "base/cursor.h"
#include "conf/saying.h"

#include <string.h>

struct planting {
	struct arena *keep;
	struct conf_saying said;
};

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
		conf_say_at(&t->said, (struct conf_place){ node->file, node->line },
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
	struct conf_place place = conf_source_place(&t->said.source, setting->line);

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

/* The names of files are in words' memory, which ends with the reading. */
static void
keep_files(struct planting *t)
{
	const char *before = NULL, *kept = NULL;

	for (size_t i = 0; i < t->said.source.segments; i++) {
		struct conf_segment *s = &t->said.source.segment[i];
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
	tree->text = arena_copy(t->keep, view_of(t->said.source.text));
	config_init(&config);
	if (config_read_string(&config, t->said.source.text) == CONFIG_TRUE)
		plant(t, config_root_setting(&config), &tree->root);
	else
		conf_say_syntax(&t->said, &config);
	config_destroy(&config);
}

bool
conf_tree_file(const char *path, struct arena *arena, struct conf_tree *tree, conf_say *say, void *ctx)
{
	struct planting t = { .keep = arena,
		.said = { .words = arena_new(), .say = say, .ctx = ctx, .ok = true } };
	struct conf_place place;
	const char *warning;
	struct err err;

	if (conf_source_file(path, t.said.words, &t.said.source, &place, &warning, &err)) {
		if (warning != NULL)
			say(ctx, warning);
		plant_all(&t, tree);
	} else {
		conf_say_at(&t.said, place, view_of(err.text));
	}
	arena_free(t.said.words);
	return t.said.ok;
}

bool
conf_tree_text(struct view text, const char *name, struct arena *arena, struct conf_tree *tree,
    conf_say *say, void *ctx)
{
	struct planting t = { .keep = arena,
		.said = { .words = arena_new(), .say = say, .ctx = ctx, .ok = true } };
	struct conf_place place;
	struct err err;

	if (conf_source_text(text, name, t.said.words, &t.said.source, &place, &err))
		plant_all(&t, tree);
	else
		conf_say_at(&t.said, place, view_of(err.text));
	arena_free(t.said.words);
	return t.said.ok;
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
