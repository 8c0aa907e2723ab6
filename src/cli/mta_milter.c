#include "cli/mta_milter.h"

#include "base/cursor.h"

/* ---- addresses ---- */

static bool
take_port(struct view text, unsigned *port)
{
	uint64_t number;

	if (!view_to_u64(text, 65535, &number) || number == 0)
		return false;
	*port = (unsigned)number;
	return true;
}

static struct view
without_brackets(struct view host)
{
	return view_starts(host, VIEW_LIT("[")) && view_ends(host, VIEW_LIT("]")) ? view_sub(host, 1, host.n - 2) : host;
}

/* Postfix: inet:HOST:PORT, also inet:PORT; the host may be an IPv6 address, with or without brackets. */
static void
parse_postfix(struct mta_milter *m)
{
	struct view word, rest;

	m->kind = MTA_SOCKET_BAD;
	if (!view_split(m->address, ':', &word, &rest) || rest.n == 0)
		return;
	if (view_is_nocase(word, "unix") || view_is_nocase(word, "local")) {
		m->kind = MTA_SOCKET_UNIX;
		m->path = rest;
	} else if (view_is_nocase(word, "inet")) { /* inet6: is none of Postfix's */
		size_t colon = view_find_last(rest, ':');
		struct view port = colon == VIEW_NONE ? rest : view_from(rest, colon + 1);
		m->host = colon == VIEW_NONE ? VIEW_EMPTY : without_brackets(view_sub(rest, 0, colon));
		if (take_port(port, &m->port))
			m->kind = view_find(m->host, ':') == VIEW_NONE ? MTA_SOCKET_INET : MTA_SOCKET_INET6;
	}
}

/* Sendmail: unix:PATH, inet:PORT@HOST, inet6:PORT@HOST; without a word it is a path. */
static void
parse_sendmail(struct mta_milter *m)
{
	struct view word, rest, port;
	bool six;

	m->kind = MTA_SOCKET_BAD;
	if (view_starts(m->address, VIEW_LIT("/"))) {
		m->kind = MTA_SOCKET_UNIX;
		m->path = m->address;
		return;
	}
	if (!view_split(m->address, ':', &word, &rest) || rest.n == 0)
		return;
	six = view_is_nocase(word, "inet6");
	if (view_is_nocase(word, "unix") || view_is_nocase(word, "local")) {
		m->kind = MTA_SOCKET_UNIX;
		m->path = rest;
	} else if (six || view_is_nocase(word, "inet")) {
		view_split(rest, '@', &port, &m->host);
		m->host = without_brackets(m->host);
		if (take_port(port, &m->port))
			m->kind = six ? MTA_SOCKET_INET6 : MTA_SOCKET_INET;
	}
}

/* ---- Postfix's list ---- */

#define SEPARATORS (CC_WSP | CC_CRLF)

static void
skip_separators(struct cursor *c)
{
	do { /* ends: each turn takes a comma or is the last */
		cursor_take(c, SEPARATORS);
	} while (cursor_char(c, ','));
}

/* Up to the "}" of the "{" just taken, nested ones counted; the rest when there is none. */
static struct view
take_braced(struct cursor *c)
{
	size_t from = cursor_offset(c), depth = 1;

	while (!cursor_end(c)) { /* ends: each turn takes an octet */
		struct view octet = cursor_take_n(c, 1);
		depth += octet.p[0] == '{' ? 1 : 0;
		depth -= octet.p[0] == '}' ? 1 : 0;
		if (depth == 0)
			return view_sub(c->text, from, cursor_offset(c) - from - 1);
	}
	return cursor_since(c, from);
}

static struct view
take_word(struct cursor *c)
{
	size_t from = cursor_offset(c);

	while (!cursor_end(c) && cursor_peek(c) != ',' && !char_in((char)cursor_peek(c), SEPARATORS)) /* as above */
		cursor_take_n(c, 1);
	return cursor_since(c, from);
}

/* An item of a list: a word, or what stands in braces.  False: the end. */
static bool
take_item(struct cursor *c, struct view *item, bool *braced)
{
	skip_separators(c);
	if (cursor_end(c))
		return false;
	*braced = cursor_char(c, '{');
	*item = *braced ? take_braced(c) : take_word(c);
	return true;
}

static void
take_setting(struct mta_milter *m, struct view item)
{
	const struct {
		const char *name;
		struct view *field;
	} rows[] = {
		{ "default_action", &m->default_action },
		{ "protocol", &m->protocol },
		{ "connect_timeout", &m->connect_timeout },
		{ "command_timeout", &m->command_timeout },
		{ "content_timeout", &m->content_timeout },
	};
	struct view name, value;

	if (!view_split(item, '=', &name, &value))
		return;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (view_is(view_trim(name), rows[i].name))
			*rows[i].field = view_trim(value);
}

/* "inet:host:port, default_action=tempfail, { name = value }" */
static void
parse_settings(struct view inside, struct mta_milter *m)
{
	struct cursor c = cursor_over(inside);
	struct view item;
	bool braced, first = true;

	for (; take_item(&c, &item, &braced); first = false)
		if (first)
			m->address = item;
		else
			take_setting(m, item);
}

size_t
mta_milters_postfix(struct view list, struct arena *arena, struct mta_milter **milters)
{
	struct cursor c = cursor_over(list);
	struct view item;
	size_t n = 0;
	bool braced;

	*milters = NULL;
	while (take_item(&c, &item, &braced)) { /* ends: each turn takes an octet at least */
		*milters = arena_grow(arena, *milters, n * sizeof(**milters), (n + 1) * sizeof(**milters));
		struct mta_milter *m = &(*milters)[n++];
		*m = (struct mta_milter){ .address = item };
		if (braced)
			parse_settings(item, m);
		parse_postfix(m);
	}
	return n;
}

/* ---- Sendmail's line ---- */

/* "C:10m;S:10s;R:10s;E:5m" */
static void
take_times(struct mta_milter *m, struct view value)
{
	struct view one;

	while (value.n > 0) { /* ends: each split takes the separator, or all */
		view_split(value, ';', &one, &value);
		one = view_trim(one);
		struct view time = view_from(one, 2);
		if (view_starts(one, VIEW_LIT("C:")))
			m->connect_timeout = time;
		else if (view_starts(one, VIEW_LIT("R:")))
			m->command_timeout = time;
		else if (view_starts(one, VIEW_LIT("E:")))
			m->content_timeout = time;
	}
}

void
mta_milter_sendmail(struct view line, struct mta_milter *m)
{
	struct view one, rest;

	*m = (struct mta_milter){ .name = VIEW_EMPTY };
	view_split(line, ',', &one, &rest);
	m->name = view_trim(one);
	while (rest.n > 0) { /* ends: each split takes the separator, or all */
		struct view key, value;
		view_split(rest, ',', &one, &rest);
		view_split(one, '=', &key, &value);
		key = view_trim(key);
		value = view_trim(value);
		if (view_is(key, "S"))
			m->address = value;
		else if (view_is(key, "F"))
			m->default_action = value;
		else if (view_is(key, "T"))
			take_times(m, value);
	}
	parse_sendmail(m);
}

/* ---- times ---- */

bool
mta_time(struct view text, char unit, int64_t *seconds)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
	struct cursor c = cursor_over(view_trim(text));
	uint64_t number;

	if (!cursor_u64(&c, 1000000, &number))
		return false;
	if (!cursor_end(&c))
		unit = ascii_lower(cursor_take_n(&c, 1).p[0]);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]) && cursor_end(&c); i++)
		if (units[i].unit == unit) {
			*seconds = (int64_t)number * units[i].seconds;
			return true;
		}
	return false;
}
