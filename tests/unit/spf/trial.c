#include "trial.h"

#include "base/buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void
trial_open(struct trial *t, struct view zone)
{
	struct err err;

	*t = (struct trial){ .arena = arena_new(), .queries_max = 200 };
	conf_section_presets(&spf_section, &t->conf, t->arena);
	t->dns = dns_open_fake(zone, &err);
	if (t->dns == NULL) {
		fprintf(stderr, "zone: %s\n", err.text);
		exit(1);
	}
	t->in = (struct spf_input){ .conf = &t->conf, .receiver = VIEW_LIT("mx.receiver.example"), .now = 1700000000 };
	trial_from(t, "192.0.2.1", "helo.example.org", "user@example.org");
}

void
trial_close(struct trial *t)
{
	arena_free(t->arena);
	dns_close(t->dns);
}

void
trial_from(struct trial *t, const char *client, const char *helo, const char *mail)
{
	struct view v = view_of(mail);
	size_t at = view_find_last(v, '@');

	t->in.client = (struct ip){ 0 };
	(void)ip_parse(view_of(client), &t->in.client);
	t->in.helo = view_of(helo);
	t->in.mail_local = at == VIEW_NONE ? v : view_sub(v, 0, at);
	t->in.mail_domain = at == VIEW_NONE ? VIEW_EMPTY : view_from(v, at + 1);
}

static struct spf_check *
begin(struct trial *t)
{
	t->task = dns_task_new(t->dns, t->arena, (struct dns_budget){ t->queries_max, 20000 });
	return spf_begin(&t->in, t->identity, t->task, t->arena);
}

const struct spf_result *
trial_join(struct trial *t)
{
	return spf_join(begin(t));
}

const struct spf_result *
trial_step(struct trial *t)
{
	struct spf_check *check = begin(t);
	const struct timespec nap = { .tv_nsec = 200000 };

	for (int i = 0; i < 50000 && !spf_step(check); i++)
		nanosleep(&nap, NULL);
	ck_assert_msg(spf_step(check), "no result by steps alone");
	return spf_join(check);
}

struct view
trial_delayed(struct view zone, unsigned seed, unsigned most, struct arena *arena)
{
	struct buffer b = buffer_in(arena);
	struct view line, name, rest = zone;
	bool more;

	buffer_add(&b, zone);
	buffer_add_char(&b, '\n');
	do {
		more = view_split(rest, '\n', &line, &rest);
		(void)view_split(line, ' ', &name, &line);
		seed = seed * 1103515245u + 12345u;
		if (name.n > 0)
			buffer_addf(&b, "%.*s DELAY %u\n", VIEW_ARG(name), (seed >> 16) % (most + 1));
	} while (more);
	return buffer_view(&b);
}

enum auth_result
result_named(const char *word)
{
	int value;

	if (!name_value(auth_result_names, view_of(word), &value)) {
		fprintf(stderr, "no result is called %s\n", word);
		exit(1);
	}
	return (enum auth_result)value;
}
