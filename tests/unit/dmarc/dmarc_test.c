#include "dmarc_test.h"

#include "base/buffer.h"
#include "base/cursor.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const char dmarc_test_list[] = "// ===BEGIN ICANN DOMAINS===\n"
			       "com\n"
			       "org\n"
			       "uk\n"
			       "co.uk\n"
			       "// a country with nothing registered at the second level but one name\n"
			       "ck\n"
			       "*.ck\n"
			       "!www.ck\n"
			       "jp\n"
			       "kobe.jp\n"
			       "*.kobe.jp\n"
			       "!city.kobe.jp\n"
			       "// ===END ICANN DOMAINS===\n"
			       "// ===BEGIN PRIVATE DOMAINS===\n"
			       "blogspot.com\n"
			       "\xe5\x85\xac\xe5\x8f\xb8.cn\n" /* xn--55qx5d.cn */
			       "// ===END PRIVATE DOMAINS===\n";

struct dmarc_conf
dmarc_test_presets(struct arena *arena)
{
	struct dmarc_conf conf = { 0 };

	(void)arena;
	for (size_t i = 0; i < dmarc_section.items; i++) { /* numbers and words; the texts are of no use here */
		const struct conf_item *item = &dmarc_section.item[i];
		char *field = (char *)&conf + item->offset;
		if (item->type == CONF_TYPE_BOOL)
			*(bool *)field = item->preset != 0;
		else if (item->type == CONF_TYPE_ENUM)
			*(int *)field = (int)item->preset;
		else if (item->type == CONF_TYPE_INT)
			*(int64_t *)field = item->preset;
	}
	return conf;
}

/* Not ck_assert: history_sample is no test. */
static void
give_up(const char *what, struct view why)
{
	fprintf(stderr, "%s: %.*s\n", what, VIEW_ARG(why));
	exit(1);
}

static void
take_word(struct cursor *c, const struct name_row *names, char stop, int *value)
{
	struct view word = cursor_until(c, stop);

	if (!name_value(names, word, value))
		give_up("test facts", word);
	cursor_char(c, stop);
}

struct auth_facts
dmarc_test_facts(const char *text, struct arena *arena)
{
	struct auth_facts facts = { ARENA_ARRAY(arena, 64, struct auth_fact), 0 };
	struct cursor c = cursor_over(view_of(text));

	while (!cursor_end(&c)) {
		struct auth_fact *f = &facts.fact[facts.n++];
		int method, result;
		take_word(&c, auth_method_names, '=', &method);
		take_word(&c, auth_result_names, ':', &result);
		f->method = (enum auth_method)method;
		f->result = (enum auth_result)result;
		bool partial = cursor_char(&c, '!'); /* passes, but is not to be built on */
		bool helo = cursor_char(&c, '@');
		struct view domain = arena_copy(arena, cursor_until(&c, ' '));
		cursor_char(&c, ' ');
		f->aligns = f->result == AUTH_PASS && !partial && !helo;
		if (f->aligns || partial || (f->method == AUTH_SPF && !helo))
			f->domain = domain;
		auth_fact_property(f, f->method == AUTH_DKIM ? "header" : "smtp",
		    f->method == AUTH_DKIM ? "d" : helo ? "helo" : "mailfrom", domain);
	}
	return facts;
}

static void
take_from(const char *text, struct arena *arena, struct from_domain *from)
{
	struct view *list = ARENA_ARRAY(arena, 64, struct view), rest = view_of(text);
	bool more = rest.n > 0;

	*from = (struct from_domain){ .domains = list };
	while (more)
		more = view_split(rest, ' ', &list[from->n++], &rest);
	from->outcome = from->n == 0 ? FROM_NONE : from->n == 1 ? FROM_ONE : FROM_SEVERAL;
	from->domain = from->n == 1 ? list[0] : VIEW_EMPTY;
}

const struct dmarc_lists *
dmarc_test_lists(const char *text, struct dmarc_conf conf, int64_t now, struct arena *arena, struct view *warning,
    struct err *err)
{
	char path[] = "/tmp/dmarc_test_XXXXXX";
	int fd = mkstemp(path);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

	if (f == NULL)
		give_up("cannot be made", view_of(path));
	fputs(text, f);
	fclose(f);
	conf.tld_file = view_of(path);
	const struct dmarc_lists *lists = dmarc_lists_open(&conf, now, arena, warning, err);
	unlink(path);
	return lists;
}

struct dmarc_tested
dmarc_test_run(const struct dmarc_test *t)
{
	struct dmarc_tested d = { .arena = arena_new() };
	struct from_domain *from = ARENA_NEW(d.arena, struct from_domain);
	struct auth_facts facts = dmarc_test_facts(t->facts, d.arena);
	struct dmarc_input *in = ARENA_NEW(d.arena, struct dmarc_input);
	struct dns_budget budget = { t->queries == 0 ? 1000 : t->queries, 60000 };
	struct view warning;
	struct err err;

	d.dns = dns_open_fake(view_of(t->zone), &err);
	if (d.dns == NULL)
		give_up("test zone", view_of(err.text));
	d.task = dns_task_new(d.dns, d.arena, budget);
	take_from(t->from, d.arena, from);
	from->fields = t->fields == 0 ? 1 : t->fields;
	if (from->fields > 1) {
		from->outcome = FROM_SEVERAL;
		from->domain = VIEW_EMPTY;
	}
	in->conf = &t->conf;
	in->from = from;
	in->draw = t->draw;
	if (t->list != NULL) {
		in->lists = dmarc_test_lists(t->list, t->conf, 0, d.arena, &warning, &err);
		if (in->lists == NULL)
			give_up("test list", view_of(err.text));
	}
	struct dmarc_check *check = dmarc_begin(in, d.task, d.arena);
	dmarc_step(check);
	d.result = dmarc_end(check, &facts);
	return d;
}

void
dmarc_test_end(struct dmarc_tested *d)
{
	arena_free(d->arena);
	dns_close(d->dns);
}

const char *
dmarc_test_text(const struct dmarc_result *r, struct arena *arena)
{
	struct buffer b = buffer_in(arena);

	buffer_add_cstr(&b, name_of(dmarc_status_names, (int)r->status));
	if (r->policy != DMARC_UNSET)
		buffer_addf(&b, " %s=%s", r->policy_tag, name_of(dmarc_policy_names, (int)r->policy));
	if (r->applied != r->policy)
		buffer_addf(&b, "->%s", name_of(dmarc_policy_names, (int)r->applied));
	if (r->record != NULL)
		buffer_addf(&b, " at %.*s", VIEW_ARG(r->used_domain));
	buffer_add_char(&b, '\0');
	return buffer_view(&b).p;
}
