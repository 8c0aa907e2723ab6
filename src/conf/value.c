#include "conf/value.h"

#include "base/buffer.h"
#include "base/cursor.h"
#include "conf/suggest.h"

#include <inttypes.h>

#define SHOWN_MAX 60 /* octets of a value in a message */

struct job {
	const struct conf_item *item;
	struct arena *keep;
	struct arena *words;
	struct view *problem;
};

const char *
conf_value_kind(const config_setting_t *setting)
{
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_GROUP:
		return "a group";
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		return "a number";
	case CONFIG_TYPE_FLOAT:
		return "a broken number";
	case CONFIG_TYPE_STRING:
		return "a text";
	case CONFIG_TYPE_BOOL:
		return "true or false";
	case CONFIG_TYPE_ARRAY:
	case CONFIG_TYPE_LIST:
		return "a list";
	default:
		return "nothing";
	}
}

static bool
wrong_kind(const struct job *job, const config_setting_t *setting)
{
	*job->problem = arena_printf(job->words, "wants %.*s, not %s", VIEW_ARG(conf_item_allowed(job->item, job->words)),
	    conf_value_kind(setting));
	return false;
}

/* "SHOWN is not WANTED" */
static bool
wrong_value(const struct job *job, struct view shown, const char *wanted)
{
	struct buffer b = buffer_in(job->words);

	buffer_add_quoted(&b, shown, SHOWN_MAX);
	buffer_addf(&b, " %s", wanted);
	*job->problem = buffer_view(&b);
	return false;
}

static bool
take_bool(const struct job *job, config_setting_t *setting, bool *field)
{
	if (config_setting_type(setting) != CONFIG_TYPE_BOOL)
		return wrong_kind(job, setting);
	*field = config_setting_get_bool(setting) != CONFIG_FALSE;
	return true;
}

static bool
take_int(const struct job *job, config_setting_t *setting, int64_t *field)
{
	int type = config_setting_type(setting);

	if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64)
		return wrong_kind(job, setting);
	int64_t value = type == CONFIG_TYPE_INT ? config_setting_get_int(setting) : config_setting_get_int64(setting);
	if (value < job->item->min || value > job->item->max) {
		*job->problem = arena_printf(job->words, "%" PRId64 " is not within %.*s", value,
		    VIEW_ARG(conf_item_allowed(job->item, job->words)));
		return false;
	}
	*field = value;
	return true;
}

static bool
take_mode(const struct job *job, config_setting_t *setting, int64_t *field)
{
	int64_t value = 0;

	if (config_setting_type(setting) != CONFIG_TYPE_STRING)
		return wrong_kind(job, setting); /* 0660 without quotes is decimal in libconfig's grammar */
	struct view text = view_of(config_setting_get_string(setting));
	bool ok = text.n > 0 && text.n <= 6;
	for (size_t i = 0; ok && i < text.n; i++) {
		ok = text.p[i] >= '0' && text.p[i] <= '7';
		value = value * 8 + (text.p[i] - '0');
	}
	if (!ok || value > job->item->max) {
		const char *wanted = arena_printf(job->words, "is not %.*s",
		    VIEW_ARG(conf_item_allowed(job->item, job->words))).p;
		return wrong_value(job, text, wanted);
	}
	*field = value;
	return true;
}

static bool
take_enum(const struct job *job, config_setting_t *setting, int *field)
{
	if (config_setting_type(setting) != CONFIG_TYPE_STRING)
		return wrong_kind(job, setting);
	struct view text = view_of(config_setting_get_string(setting));
	if (name_value(job->item->names, text, field))
		return true;
	struct suggest near = suggest_for(text);
	for (const struct name_row *row = job->item->names; row->name != NULL; row++)
		suggest_word(&near, row->name);
	struct view wanted = conf_item_allowed(job->item, job->words);
	if (near.best != NULL)
		wanted = arena_printf(job->words, "%.*s; did you mean %s?", VIEW_ARG(wanted), near.best);
	return wrong_value(job, text, arena_printf(job->words, "is not %.*s", VIEW_ARG(wanted)).p);
}

/* A text that may go into logs and paths: UTF-8, no control characters. */
static bool
take_text(const struct job *job, config_setting_t *setting, struct view *field)
{
	if (config_setting_type(setting) != CONFIG_TYPE_STRING)
		return wrong_kind(job, setting);
	struct view text = view_of(config_setting_get_string(setting));
	for (size_t i = 0; i < text.n; i++)
		if (char_in(text.p[i], CC_CTL))
			return wrong_value(job, text, "holds a control character");
	if (!view_is_utf8(text))
		return wrong_value(job, text, "is not UTF-8");
	*field = (struct view){ arena_cstr(job->keep, text), text.n };
	return true;
}

static bool
take_sized_text(const struct job *job, config_setting_t *setting, struct view *field)
{
	if (!take_text(job, setting, field))
		return false;
	if (job->item->max > 0 && ((int64_t)field->n < job->item->min || (int64_t)field->n > job->item->max))
		return wrong_value(job, *field, arena_printf(job->words, "is not %.*s",
		    VIEW_ARG(conf_item_allowed(job->item, job->words))).p);
	return true;
}

/* How many texts a list setting has; -1: it is no list and no text. */
static int
list_length(config_setting_t *setting)
{
	if (config_setting_type(setting) == CONFIG_TYPE_STRING)
		return 1;
	if (config_setting_is_list(setting) || config_setting_is_array(setting))
		return config_setting_length(setting);
	return -1;
}

/* The list as texts, within the row's limits. */
static bool
take_list(const struct job *job, config_setting_t *setting, struct conf_list *field)
{
	int n = list_length(setting);

	if (n < 0)
		return wrong_kind(job, setting);
	if (job->item->max > 0 && (n < job->item->min || n > job->item->max)) {
		*job->problem = arena_printf(job->words, "%d are not %.*s", n,
		    VIEW_ARG(conf_item_allowed(job->item, job->words)));
		return false;
	}
	struct view *item = ARENA_ARRAY(job->keep, (size_t)n, struct view);
	for (int i = 0; i < n; i++) {
		config_setting_t *one = config_setting_type(setting) == CONFIG_TYPE_STRING ?
		    setting : config_setting_get_elem(setting, (unsigned)i);
		if (!take_text(job, one, &item[i]))
			return false;
		if (item[i].n == 0)
			return wrong_value(job, item[i], "as part of a list has no meaning");
	}
	*field = (struct conf_list){ item, (size_t)n, NULL };
	return true;
}

static bool
take_nets(const struct job *job, config_setting_t *setting, struct conf_nets *field)
{
	struct conf_list list;

	if (!take_list(job, setting, &list))
		return false;
	struct ip_net *net = ARENA_ARRAY(job->keep, list.n, struct ip_net);
	for (size_t i = 0; i < list.n; i++)
		if (!ip_net_parse(list.item[i], &net[i]))
			return wrong_value(job, list.item[i], "is no address (192.0.2.1, 2001:db8::1) and no network "
							      "(192.0.2.0/24, 2001:db8::/32)");
	*field = (struct conf_nets){ net, list.n };
	return true;
}

static bool
take(const struct job *job, config_setting_t *setting, void *field)
{
	switch (job->item->type) {
	case CONF_TYPE_BOOL:
		return take_bool(job, setting, field);
	case CONF_TYPE_INT:
		return take_int(job, setting, field);
	case CONF_TYPE_ENUM:
		return take_enum(job, setting, field);
	case CONF_TYPE_TEXT:
		return take_sized_text(job, setting, field);
	case CONF_TYPE_LIST:
		return take_list(job, setting, field);
	case CONF_TYPE_NETS:
		return take_nets(job, setting, field);
	case CONF_TYPE_MODE:
		return take_mode(job, setting, field);
	}
	return false;
}

bool
conf_value(config_setting_t *setting, const struct conf_item *item, void *field, struct arena *keep,
    struct arena *words, struct view *problem)
{
	struct job job = { item, keep, words, problem };
	struct err err;

	if (!take(&job, setting, field))
		return false;
	if (item->check != NULL && !item->check(field, &err)) {
		*problem = arena_copy(words, view_of(err.text));
		return false;
	}
	return true;
}
