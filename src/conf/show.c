#include "conf/item.h"

#include "base/buffer.h"

#include <inttypes.h>

static void
add_names(struct buffer *b, const struct name_row *names)
{
	const struct name_row *first = names;

	buffer_add_cstr(b, "one of");
	for (const struct name_row *row = names; row->name != NULL; row++)
		if (name_of(first, row->value) == row->name) /* not a second spelling */
			buffer_addf(b, "%s %s", row == first ? "" : ",", row->name);
}

static void
add_count(struct buffer *b, const struct conf_item *item, const char *of)
{
	if (item->max == 0)
		buffer_addf(b, "a list of %s", of);
	else
		buffer_addf(b, "a list of %" PRId64 "..%" PRId64 " %s", item->min, item->max, of);
}

struct view
conf_item_allowed(const struct conf_item *item, struct arena *arena)
{
	struct buffer b = buffer_in(arena);

	switch (item->type) {
	case CONF_TYPE_BOOL:
		buffer_add_cstr(&b, "true or false");
		break;
	case CONF_TYPE_INT:
		buffer_addf(&b, "%" PRId64 "..%" PRId64 "%s%s", item->min, item->max, *item->unit == '\0' ? "" : " ",
		    item->unit);
		break;
	case CONF_TYPE_ENUM:
		add_names(&b, item->names);
		break;
	case CONF_TYPE_TEXT:
		if (item->max > 0)
			buffer_addf(&b, "a text of %" PRId64 "..%" PRId64 " octets", item->min, item->max);
		else
			buffer_add_cstr(&b, "a text");
		break;
	case CONF_TYPE_LIST:
		add_count(&b, item, "texts");
		break;
	case CONF_TYPE_NETS:
		add_count(&b, item, "addresses and networks");
		break;
	case CONF_TYPE_MODE:
		buffer_addf(&b, "a text of octal digits, \"0\"..\"%04" PRIo64 "\"", item->max);
		break;
	}
	return buffer_view(&b);
}

/* As libconfig reads it back. */
static void
add_text(struct buffer *b, struct view v)
{
	buffer_add_char(b, '"');
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] == '"' || v.p[i] == '\\')
			buffer_add_char(b, '\\');
		buffer_add_char(b, v.p[i]);
	}
	buffer_add_char(b, '"');
}

static void
add_list(struct buffer *b, const struct conf_list *list)
{
	buffer_add_char(b, '(');
	for (size_t i = 0; i < list->n; i++) {
		buffer_add_cstr(b, i == 0 ? "" : ", ");
		add_text(b, list->item[i]);
	}
	buffer_add_char(b, ')');
}

static void
add_nets(struct buffer *b, const struct conf_nets *nets, struct arena *arena)
{
	buffer_add_char(b, '(');
	for (size_t i = 0; i < nets->n; i++) {
		const struct ip_net *net = &nets->net[i];
		buffer_addf(b, "%s\"%.*s", i == 0 ? "" : ", ", VIEW_ARG(ip_text(&net->ip, arena)));
		if (net->bits != (net->ip.family == 4 ? 32 : 128))
			buffer_addf(b, "/%d", net->bits);
		buffer_add_char(b, '"');
	}
	buffer_add_char(b, ')');
}

struct view
conf_item_value(const struct conf_item *item, const void *section, struct arena *arena)
{
	const void *field = (const char *)section + item->offset;
	struct buffer b = buffer_in(arena);

	switch (item->type) {
	case CONF_TYPE_BOOL:
		buffer_add_cstr(&b, *(const bool *)field ? "true" : "false");
		break;
	case CONF_TYPE_INT: /* libconfig wants an L behind what does not fit an int */
		buffer_addf(&b, "%" PRId64 "%s", *(const int64_t *)field,
		    *(const int64_t *)field == (int)*(const int64_t *)field ? "" : "L");
		break;
	case CONF_TYPE_ENUM: {
		const char *name = name_of(item->names, *(const int *)field);
		add_text(&b, view_of(name));
		break;
	}
	case CONF_TYPE_TEXT:
		add_text(&b, *(const struct view *)field);
		break;
	case CONF_TYPE_LIST:
		add_list(&b, field);
		break;
	case CONF_TYPE_NETS:
		add_nets(&b, field, arena);
		break;
	case CONF_TYPE_MODE:
		buffer_addf(&b, "\"%04" PRIo64 "\"", *(const int64_t *)field);
		break;
	}
	return buffer_view(&b);
}

struct view
conf_section_show(const struct conf_section *section, const void *from, struct arena *arena)
{
	struct buffer b = buffer_in(arena);
	bool group = *section->name != '\0';

	if (group)
		buffer_addf(&b, "%s: {\n", section->name);
	for (size_t i = 0; i < section->items; i++) {
		struct view value = conf_item_value(&section->item[i], from, arena);
		buffer_addf(&b, "%s%s = ", group ? "\t" : "", section->item[i].name);
		buffer_add(&b, value);
		buffer_add_cstr(&b, ";\n");
	}
	if (group)
		buffer_add_cstr(&b, "};\n");
	return buffer_view(&b);
}
