#include "cli/mta_postconf.h"

#include "base/cursor.h"

struct postconf
postconf_in(struct arena *arena)
{
	return (struct postconf){ .arena = arena };
}

/* ---- values ---- */

static void
add_value(struct postconf *p, struct view service, struct view name, struct view value)
{
	p->value = arena_grow(p->arena, p->value, p->values * sizeof(*p->value), (p->values + 1) * sizeof(*p->value));
	p->value[p->values++] = (struct postconf_value){ service, name, value };
}

/* "name = value", "name =" */
static bool
split_setting(struct view line, struct view *name, struct view *value)
{
	if (!view_split(line, '=', name, value))
		return false;
	*name = view_trim(*name);
	*value = view_trim(*value);
	return name->n > 0;
}

static bool
take_line(struct view *text, struct view *line)
{
	if (text->n == 0)
		return false;
	view_split(*text, '\n', line, text);
	return true;
}

void
postconf_add_values(struct postconf *p, struct view text)
{
	struct view line, name, value;

	while (take_line(&text, &line)) /* ends: each turn takes a line */
		if (split_setting(line, &name, &value))
			add_value(p, VIEW_EMPTY, name, value);
}

/* "submission/inet/smtpd_milters"; a service's name may hold a "/": "unix:private/x" does not, a path may. */
static bool
split_key(struct view key, struct view *service, struct view *name)
{
	size_t slash = view_find_last(key, '/');

	if (slash == VIEW_NONE || slash == 0)
		return false;
	*service = view_sub(key, 0, slash);
	*name = view_from(key, slash + 1);
	return name->n > 0 && service->p[0] != '/' && view_find(*service, '/') != VIEW_NONE;
}

void
postconf_add_overrides(struct postconf *p, struct view text)
{
	struct view line, key, value, service, name;

	while (take_line(&text, &line)) /* ends: each turn takes a line */
		if (split_setting(line, &key, &value) && split_key(key, &service, &name))
			add_value(p, service, name, value);
}

/* ---- services ---- */

static bool
take_field(struct cursor *c, struct view *field)
{
	size_t from;

	cursor_take(c, CC_FWS);
	from = cursor_offset(c);
	while (!cursor_end(c) && !char_in((char)cursor_peek(c), CC_FWS)) /* ends: each turn takes an octet */
		cursor_take_n(c, 1);
	*field = cursor_since(c, from);
	return field->n > 0;
}

/* service type private unpriv chroot wakeup maxproc command */
static bool
parse_service(struct view line, struct arena *arena, struct postconf_service *service)
{
	struct cursor c = cursor_over(line);
	struct view field[8];

	for (size_t i = 0; i < 8; i++)
		if (!take_field(&c, &field[i]))
			return false;
	*service = (struct postconf_service){
		.key = arena_printf(arena, "%.*s/%.*s", VIEW_ARG(field[0]), VIEW_ARG(field[1])),
		.name = field[0],
		.type = field[1],
		.unprivileged = field[3].p[0],
		.chroot = field[4].p[0],
		.command = field[7],
	};
	return true;
}

void
postconf_add_services(struct postconf *p, struct view text)
{
	struct postconf_service service;
	struct view line;

	while (take_line(&text, &line)) { /* ends: each turn takes a line */
		if (view_starts(line, VIEW_LIT("#")) || !parse_service(line, p->arena, &service))
			continue;
		p->service = arena_grow(p->arena, p->service, p->services * sizeof(service),
		    (p->services + 1) * sizeof(service));
		p->service[p->services++] = service;
	}
}

/* ---- asking ---- */

static const struct postconf_value *
find_value(const struct postconf *p, struct view service, const char *name)
{
	for (size_t i = p->values; i > 0; i--) /* the last one counts */
		if (view_eq(p->value[i - 1].service, service) && view_is(p->value[i - 1].name, name))
			return &p->value[i - 1];
	return NULL;
}

bool
postconf_own(const struct postconf *p, const struct postconf_service *service, const char *name, struct view *value)
{
	const struct postconf_value *found = find_value(p, service->key, name);

	if (found != NULL)
		*value = found->value;
	return found != NULL;
}

struct view
postconf_get(const struct postconf *p, const struct postconf_service *service, const char *name)
{
	const struct postconf_value *found = service == NULL ? NULL : find_value(p, service->key, name);

	if (found == NULL)
		found = find_value(p, VIEW_EMPTY, name);
	return found == NULL ? VIEW_EMPTY : found->value;
}

bool
postconf_word(struct view *list, struct view *word)
{
	struct cursor c = cursor_over(*list);
	size_t from;

	do { /* ends: each turn takes a comma or is the last */
		cursor_take(&c, CC_FWS);
	} while (cursor_char(&c, ','));
	from = cursor_offset(&c);
	while (!cursor_end(&c) && cursor_peek(&c) != ',' && !char_in((char)cursor_peek(&c), CC_FWS)) /* as above */
		cursor_take_n(&c, 1);
	*word = cursor_since(&c, from);
	*list = cursor_rest(&c);
	return word->n > 0;
}
