#include "conf/read.h"

#include "base/buffer.h"
#include "conf/saying.h"
#include "conf/suggest.h"
#include "conf/value.h"

#define SHOWN_MAX 60 /* octets of the file in a message */

struct reading {
	const struct conf_target *target;
	size_t targets;
	bool *broken; /* [targets]: a mistake was found in it */
	unsigned *line; /* [targets]: of the joined text, where its group begins; 0: the file has none */
	struct arena *keep;  /* what the caller gets */
	struct conf_saying said;
};

/* ---- saying ------------------------------------------------------------------------------- */

/* "FILE:LINE: group.name: text" */
static void
say_of(struct reading *r, const config_setting_t *setting, struct view text)
{
	struct buffer b = buffer_in(r->said.words);
	const config_setting_t *group = config_setting_parent(setting);

	if (group != NULL && group->name != NULL) {
		buffer_add_quoted(&b, view_of(group->name), SHOWN_MAX);
		buffer_add_char(&b, '.');
	}
	buffer_add_quoted(&b, view_of(setting->name), SHOWN_MAX);
	buffer_add_cstr(&b, ": ");
	buffer_add(&b, text);
	conf_say_at(&r->said, conf_source_place(&r->said.source, setting->line), buffer_view(&b));
}

/* ---- looking up ---------------------------------------------------------------------------- */

static const struct conf_item *
find_item(const struct conf_section *section, const char *name)
{
	for (size_t i = 0; i < section->items; i++)
		if (view_is(view_of(name), section->item[i].name))
			return &section->item[i];
	return NULL;
}

/* Index of the target whose section has this name; r->targets: none. */
static size_t
find_target(const struct reading *r, const char *name)
{
	size_t i = 0;

	while (i < r->targets && !view_is(view_of(name), r->target[i].section->name))
		i++;
	return i;
}

/* The group that has such a row; NULL: none. */
static const struct conf_section *
find_owner(const struct reading *r, const char *name)
{
	for (size_t i = 0; i < r->targets; i++)
		if (find_item(r->target[i].section, name) != NULL)
			return r->target[i].section;
	return NULL;
}

static void
suggest_items(struct suggest *near, const struct conf_section *section)
{
	for (size_t i = 0; i < section->items; i++)
		suggest_word(near, section->item[i].name);
}

/* section: NULL at the top level when the file has no settings there. */
static void
say_unknown(struct reading *r, const config_setting_t *setting, const struct conf_section *section, bool top)
{
	const struct conf_section *owner = find_owner(r, setting->name);
	struct suggest near = suggest_for(view_of(setting->name));
	const char *what = config_setting_is_group(setting) ? "group" : "setting";

	if (owner != NULL && *owner->name != '\0') {
		say_of(r, setting, arena_printf(r->said.words, "belongs into the group %s", owner->name));
		return;
	}
	if (owner != NULL) {
		say_of(r, setting, arena_printf(r->said.words, "belongs to the top of the file, into no group"));
		return;
	}
	if (section != NULL)
		suggest_items(&near, section);
	for (size_t i = 0; top && i < r->targets; i++)
		suggest_word(&near, r->target[i].section->name);
	if (near.best != NULL)
		say_of(r, setting, arena_printf(r->said.words, "no such %s; did you mean %s?", what, near.best));
	else
		say_of(r, setting, arena_printf(r->said.words, "no such %s", what));
}

/* ---- walking ------------------------------------------------------------------------------ */

static const char *
where_of(struct reading *r, const config_setting_t *setting)
{
	struct conf_place place = conf_source_place(&r->said.source, setting->line);

	return arena_printf(r->keep, "%s:%u", place.file, place.line).p;
}

static void
read_item(struct reading *r, config_setting_t *setting, size_t t, const struct conf_item *item)
{
	void *field = (char *)r->target[t].into + item->offset;
	struct view problem = VIEW_EMPTY;

	if (conf_value(setting, item, field, r->keep, r->said.words, &problem)) {
		if (item->type == CONF_TYPE_LIST)
			((struct conf_list *)field)->where = where_of(r, setting);
		return;
	}
	r->broken[t] = true;
	say_of(r, setting, problem);
}

static void
read_group(struct reading *r, config_setting_t *group, size_t t)
{
	const struct conf_section *section = r->target[t].section;
	int n = config_setting_length(group);

	r->line[t] = group->line;
	for (int i = 0; i < n; i++) {
		config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
		const struct conf_item *item = find_item(section, setting->name);
		if (item != NULL)
			read_item(r, setting, t, item);
		else
			say_unknown(r, setting, section, false);
	}
}

static void
read_top(struct reading *r, config_setting_t *setting)
{
	size_t top = find_target(r, "");
	size_t group = find_target(r, setting->name);
	const struct conf_item *item = top < r->targets ? find_item(r->target[top].section, setting->name) : NULL;

	if (item != NULL)
		read_item(r, setting, top, item);
	else if (group < r->targets && config_setting_is_group(setting))
		read_group(r, setting, group);
	else if (group < r->targets)
		say_of(r, setting, arena_printf(r->said.words, "is the name of a group: %s: { ... };", setting->name));
	else
		say_unknown(r, setting, top < r->targets ? r->target[top].section : NULL, true);
}

/* Where the group begins; the file as a whole for its top level, and for a group that is not in it. */
static struct conf_place
group_place(const struct reading *r, size_t t)
{
	if (r->line[t] == 0)
		return (struct conf_place){ r->said.source.segment[0].file, 0 };
	return conf_source_place(&r->said.source, r->line[t]);
}

static void
check_sections(struct reading *r)
{
	struct err err;

	for (size_t i = 0; i < r->targets; i++) {
		const struct conf_section *section = r->target[i].section;
		if (r->broken[i] || section->check == NULL || section->check(r->target[i].into, &err))
			continue;
		conf_say_at(&r->said, group_place(r, i),
		    *section->name == '\0' ? view_of(err.text) :
					     arena_printf(r->said.words, "%s: %s", section->name, err.text));
	}
}

static void
walk(struct reading *r)
{
	config_t config;

	config_init(&config);
	if (config_read_string(&config, r->said.source.text) != CONFIG_TRUE) {
		conf_say_syntax(&r->said, &config);
	} else {
		config_setting_t *root = config_root_setting(&config);
		int n = config_setting_length(root);
		for (int i = 0; i < n; i++)
			read_top(r, config_setting_get_elem(root, (unsigned)i));
		check_sections(r);
	}
	config_destroy(&config);
}

static struct reading
reading_begin(const struct conf_target *target, size_t targets, struct arena *keep, conf_say *say, void *ctx)
{
	struct arena *words = arena_new();

	for (size_t i = 0; i < targets; i++)
		conf_section_presets(target[i].section, target[i].into, keep);
	return (struct reading){
		.target = target, .targets = targets, .broken = ARENA_ARRAY(words, targets, bool),
		.line = ARENA_ARRAY(words, targets, unsigned), .keep = keep, .said = { .words = words, .say = say, .ctx = ctx, .ok = true },
	};
}

static bool
reading_end(struct reading *r)
{
	arena_free(r->said.words);
	return r->said.ok;
}

bool
conf_read(const char *path, const struct conf_target *target, size_t targets, struct arena *arena,
    conf_say *say, void *ctx)
{
	struct reading r = reading_begin(target, targets, arena, say, ctx);
	struct conf_place place;
	const char *warning;
	struct err err;

	if (conf_source_file(path, r.said.words, &r.said.source, &place, &warning, &err)) {
		if (warning != NULL)
			say(ctx, warning);
		walk(&r);
	} else {
		conf_say_at(&r.said, place, view_of(err.text));
	}
	return reading_end(&r);
}

bool
conf_read_text(struct view text, const char *name, const struct conf_target *target, size_t targets,
    struct arena *arena, conf_say *say, void *ctx)
{
	struct reading r = reading_begin(target, targets, arena, say, ctx);
	struct conf_place place;
	struct err err;

	if (conf_source_text(text, name, r.said.words, &r.said.source, &place, &err))
		walk(&r);
	else
		conf_say_at(&r.said, place, view_of(err.text));
	return reading_end(&r);
}
