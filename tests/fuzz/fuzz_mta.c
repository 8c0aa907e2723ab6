/*
 * What assayctl doctor reads from others: the answer of a filter, what postconf prints, lists of milters, lines of
 * sendmail.cf.  The first octet chooses.  All that comes out lies within what came in; prefixes of a whole answer ask for more.
 */
#include "cli/milter_hello.h"
#include "cli/mta_milter.h"
#include "cli/mta_postconf.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_hello(struct view input)
{
	struct milter_hello hello;
	struct err err;

	if (milter_hello_take(input, &hello, &err) != MILTER_HELLO_WHOLE)
		return;
	assert(input.n >= 17 && (hello.actions & ~MILTER_ACTIONS) == 0);
	for (size_t n = 0; n < 17; n++)
		assert(milter_hello_take(view_sub(input, 0, n), &hello, &err) == MILTER_HELLO_MORE);
}

static bool
within(struct view part, struct view whole)
{
	return part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

static void
check_milter(const struct mta_milter *m, struct view text)
{
	int64_t seconds;

	assert(within(m->name, text) && within(m->address, text) && within(m->path, text) && within(m->host, text));
	assert(within(m->default_action, text) && within(m->protocol, text) && within(m->command_timeout, text));
	assert(m->kind != MTA_SOCKET_UNIX || m->path.n > 0);
	assert((m->kind != MTA_SOCKET_INET && m->kind != MTA_SOCKET_INET6) || (m->port >= 1 && m->port <= 65535));
	if (mta_time(m->command_timeout, 's', &seconds))
		assert(seconds >= 0);
}

static void
check_milters(struct view text, struct arena *arena)
{
	struct mta_milter *m, one;
	size_t n = mta_milters_postfix(text, arena, &m);

	for (size_t i = 0; i < n; i++)
		check_milter(&m[i], text);
	mta_milter_sendmail(text, &one);
	check_milter(&one, text);
}

static void
check_postconf(struct view text, struct arena *arena)
{
	struct postconf p = postconf_in(arena);
	struct view word;

	postconf_add_values(&p, text);
	postconf_add_services(&p, text);
	postconf_add_overrides(&p, text);
	for (size_t i = 0; i < p.values; i++)
		assert(p.value[i].name.n > 0 && within(p.value[i].name, text) && within(p.value[i].value, text));
	for (size_t i = 0; i < p.services; i++) {
		assert(p.service[i].command.n > 0 && within(p.service[i].command, text));
		assert(within(postconf_get(&p, &p.service[i], "smtpd_milters"), text));
	}
	while (postconf_word(&text, &word)) /* ends: each turn takes an octet at least */
		assert(word.n > 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view input = { (const char *)data, size };
	struct arena *arena;

	if (size == 0)
		return 0;
	arena = arena_new();
	switch (data[0]) {
	case 'h':
		check_hello(view_from(input, 1));
		break;
	case 'm':
		check_milters(view_from(input, 1), arena);
		break;
	default:
		check_postconf(input, arena);
	}
	arena_free(arena);
	return 0;
}
