#include "rig.h"

#include "base/cursor.h"
#include "support/support.h"

#include <stdlib.h>

#define FILES_MAX 16

static void
note(void *ctx, const char *text)
{
	struct buffer *said = ctx;

	buffer_addf(said, "%s\n", text);
}

const struct policy_set *
rig_set(const char *text, const char *delimiter, struct arena *arena, struct buffer *said)
{
	struct policy_conf conf = { .directory = VIEW_EMPTY, .delimiter = view_of(delimiter) };
	struct policy_text file[FILES_MAX];
	struct cursor c = cursor_over(view_of(text));
	size_t n = 0;

	*said = buffer_in(arena);
	if (!view_starts(view_of(text), VIEW_LIT("=== "))) {
		file[0] = (struct policy_text){ "f", view_of(text) };
		return policy_of_texts(&conf, file, 1, NULL, arena, note, said);
	}
	while (cursor_text(&c, VIEW_LIT("=== "))) {
		ck_assert_uint_lt(n, FILES_MAX);
		file[n].name = arena_cstr(arena, cursor_until(&c, '\n'));
		cursor_char(&c, '\n');
		size_t from = cursor_offset(&c);
		while (!cursor_end(&c) && !view_starts(cursor_rest(&c), VIEW_LIT("=== ")))
			cursor_until(&c, '\n'), cursor_char(&c, '\n');
		file[n++].text = cursor_since(&c, from);
	}
	return policy_of_texts(&conf, file, n, NULL, arena, note, said);
}

struct recipient
rig_rcpt(const char *address, struct arena *arena)
{
	struct recipient r = { .argument = view_of(address), .notify = VIEW_EMPTY, .orcpt = VIEW_EMPTY };
	struct err err;

	if (!mail_path_parse(r.argument, arena, &r.path, &err))
		ck_abort_msg("%s: %s", address, err.text);
	return r;
}

/* ---- facts ---- */

struct making {
	struct arena *arena;
	struct policy_facts f;
	struct assessment *found;
};

static int
word_of(const struct name_row *table, struct view word)
{
	int value = 0;

	ck_assert_msg(name_value(table, word, &value), "no such word: %.*s", VIEW_ARG(word));
	return value;
}

static const struct spf_result *
spf_of(struct making *m, struct view value)
{
	struct spf_result *r = ARENA_NEW(m->arena, struct spf_result);
	struct view result, domain;

	view_split(value, ':', &result, &domain);
	r->result = (enum auth_result)word_of(auth_result_names, result);
	r->domain = domain;
	return r;
}

static void
add_dkim(struct making *m, struct view value)
{
	struct auth_facts *all = &m->found->dkim;
	struct auth_fact *more = ARENA_ARRAY(m->arena, all->n + 1, struct auth_fact);
	struct view result, domain;

	view_split(value, ':', &result, &domain);
	for (size_t i = 0; i < all->n; i++)
		more[i] = all->fact[i];
	more[all->n] = (struct auth_fact){ .method = AUTH_DKIM, .domain = domain, .aligns = true,
		.result = (enum auth_result)word_of(auth_result_names, result) };
	all->fact = more;
	all->n++;
}

static void
set_dmarc(struct making *m, struct view value)
{
	struct dmarc_result *r = ARENA_NEW(m->arena, struct dmarc_result);

	r->status = (enum dmarc_status)word_of(dmarc_status_names, value);
	r->text = VIEW_LIT("text");
	r->from_domain = r->used_domain = r->org_domain = VIEW_LIT("bank.example");
	r->policy = r->disposition.policy = r->status == DMARC_STATUS_REJECT ? DMARC_REJECT :
	    r->status == DMARC_STATUS_QUARANTINE			     ? DMARC_QUARANTINE :
	    r->status == DMARC_STATUS_NONE				     ? DMARC_NONE :
									       DMARC_UNSET;
	m->found->dmarc = r;
}

static void
set_arc(struct making *m, struct view value)
{
	struct arc_result *r = ARENA_NEW(m->arena, struct arc_result);
	struct view result, sealer;

	view_split(value, ':', &result, &sealer);
	r->result = (enum auth_result)word_of(auth_result_names, result);
	r->sealer = sealer;
	r->covers_from = r->result == AUTH_PASS;
	r->selector = VIEW_LIT("sel");
	r->reason = r->newest_authres = VIEW_EMPTY;
	r->domains = &r->sealer;
	r->domains_n = 1;
	m->found->arc = r;
}

static void
set_aar(struct making *m, struct view value)
{
	struct arc_result *r = ARENA_NEW(m->arena, struct arc_result);

	*r = *m->found->arc;
	r->newest_authres = arena_printf(m->arena, "mx.example; dmarc=pass header.from=%.*s", VIEW_ARG(value));
	m->found->arc = r;
}

/* The newest signature does not cover From. */
static void
uncover_from(struct making *m)
{
	struct arc_result *r = ARENA_NEW(m->arena, struct arc_result);

	*r = *m->found->arc;
	r->covers_from = false;
	m->found->arc = r;
}

static void
set_from(struct making *m, struct view value)
{
	struct view *domain = ARENA_NEW(m->arena, struct view);

	*domain = value;
	m->found->from = (struct from_domain){ .outcome = FROM_ONE, .domain = value, .domains = domain, .n = 1 };
}

static void
set_one(struct making *m, struct view key, struct view value)
{
	uint64_t size;
	struct err err;

	if (view_is(key, "spf"))
		m->found->spf = spf_of(m, value);
	else if (view_is(key, "spf_helo"))
		m->found->spf_helo = spf_of(m, value);
	else if (view_is(key, "spf_guess"))
		m->found->spf_guess = spf_of(m, value);
	else if (view_is(key, "dkim"))
		add_dkim(m, value);
	else if (view_is(key, "dmarc"))
		set_dmarc(m, value);
	else if (view_is(key, "arc"))
		set_arc(m, value);
	else if (view_is(key, "aar"))
		set_aar(m, value);
	else if (view_is(key, "uncovered"))
		uncover_from(m);
	else if (view_is(key, "from"))
		set_from(m, value);
	else if (view_is(key, "sender"))
		ck_assert(mail_path_parse(value, m->arena, &m->f.from, &err));
	else if (view_is(key, "null"))
		m->f.null_sender = true;
	else if (view_is(key, "client"))
		ck_assert(ip_parse(value, &m->f.client));
	else if (view_is(key, "name"))
		m->f.client_name = value;
	else if (view_is(key, "helo"))
		m->f.helo = value;
	else if (view_is(key, "size") && view_to_u64(value, UINT64_MAX, &size))
		m->f.size = size;
	else if (view_is(key, "list"))
		m->f.list = value, m->f.list_id = true;
	else if (view_is(key, "cert"))
		m->f.certificate = value, m->f.tls = true;
	else if (view_is(key, "tls"))
		m->f.tls = true;
	else if (view_is(key, "auth"))
		m->f.authenticated = true;
	else if (view_is(key, "internal"))
		m->f.internal = true;
	else if (view_is(key, "local"))
		m->f.local = true;
	else if (view_is(key, "early"))
		m->f.content_known = m->f.spf_known = false;
	else if (view_is(key, "spf-known"))
		m->f.content_known = false;
	else
		ck_abort_msg("no such fact: %.*s", VIEW_ARG(key));
}

struct policy_facts
rig_facts(const char *words, struct arena *arena)
{
	struct making m = { .arena = arena, .found = ARENA_NEW(arena, struct assessment) };
	struct view rest = view_of(words), word, key, value;

	m.f = (struct policy_facts){ .found = m.found, .spf_known = true, .content_known = true, .list = VIEW_EMPTY,
		.client_name = VIEW_EMPTY, .helo = VIEW_EMPTY, .queue_id = VIEW_EMPTY, .certificate = VIEW_EMPTY,
		.from = { VIEW_EMPTY, VIEW_EMPTY, VIEW_EMPTY } };
	set_from(&m, VIEW_LIT("bank.example"));
	while (rest.n > 0) {
		view_split(rest, ' ', &word, &rest);
		view_split(word, '=', &key, &value);
		if (word.n > 0)
			set_one(&m, key, value);
	}
	return m.f;
}
