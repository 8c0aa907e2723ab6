#include "conf/item.h"

#include <assert.h>
#include <string.h>

/* The words of a preset, one space between them. */
static size_t
count_words(struct view text)
{
	size_t n = text.n > 0;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == ' ';
	return n;
}

static struct conf_list
preset_list(struct view text, struct arena *arena)
{
	size_t n = count_words(text);
	struct view *item = ARENA_ARRAY(arena, n, struct view);
	struct view word;

	for (size_t i = 0; i < n; i++) {
		view_split(text, ' ', &word, &text);
		item[i] = (struct view){ arena_cstr(arena, word), word.n };
	}
	return (struct conf_list){ item, n, NULL };
}

static struct conf_nets
preset_nets(struct view text, struct arena *arena)
{
	size_t n = count_words(text);
	struct ip_net *net = ARENA_ARRAY(arena, n, struct ip_net);
	struct view word;

	for (size_t i = 0; i < n; i++) {
		view_split(text, ' ', &word, &text);
		bool ok = ip_net_parse(word, &net[i]);
		assert(ok); /* our own row */
		(void)ok;
	}
	return (struct conf_nets){ net, n };
}

static void
preset_field(const struct conf_item *item, void *field, struct arena *arena)
{
	struct view text = view_of(item->preset_text);

	switch (item->type) {
	case CONF_TYPE_BOOL:
		*(bool *)field = item->preset != 0;
		break;
	case CONF_TYPE_INT:
	case CONF_TYPE_MODE:
		*(int64_t *)field = item->preset;
		break;
	case CONF_TYPE_ENUM:
		*(int *)field = (int)item->preset;
		break;
	case CONF_TYPE_TEXT:
		*(struct view *)field = (struct view){ arena_cstr(arena, text), text.n };
		break;
	case CONF_TYPE_LIST:
		*(struct conf_list *)field = preset_list(text, arena);
		break;
	case CONF_TYPE_NETS:
		*(struct conf_nets *)field = preset_nets(text, arena);
		break;
	}
}

void
conf_section_presets(const struct conf_section *section, void *into, struct arena *arena)
{
	memset(into, 0, section->size);
	for (size_t i = 0; i < section->items; i++)
		preset_field(&section->item[i], (char *)into + section->item[i].offset, arena);
}
