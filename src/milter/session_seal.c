#include "milter/session_state.h"

#include "mail/auth_results.h"

#include <string.h>

/* Of one upstream hop's results; a hop of ours writes some five. */
#define CARRIED_MAX 30

/* Who writes mail at such a host (AUTH, sendmail(1)) is no hop, and may have written results too. */
bool
session_is_upstream(const struct session *s, const struct seal_conf *conf)
{
	if (s->msg.trust != TRUST_NONE && s->msg.trust != TRUST_INTERNAL)
		return false;
	for (size_t i = 0; i < conf->trusted_upstream.n; i++)
		if (ip_in_net(&s->client, &conf->trusted_upstream.net[i]))
			return true;
	return false;
}

/* ---- the message as the next hop will see it ---- */

/* The deletions of one name, which stand together from the highest nth down, in one walk from the bottom up. */
static size_t
mark_deleted(const struct header *h, const struct edit *edit, size_t n, bool *gone)
{
	size_t nth = header_count(h, edit[0].name), done = 0;

	for (size_t i = h->n; i > 0; i--) {
		if (!view_eq_nocase(h->field[i - 1].name, edit[0].name))
			continue;
		if (done < n && edit[done].kind == EDIT_DELETE_HEADER && view_eq(edit[done].name, edit[0].name) &&
		    edit[done].nth == nth) {
			gone[i - 1] = true;
			done++;
		}
		nth--;
	}
	return done > 0 ? done : 1;
}

/* What we add stands on top, the last one highest. */
static bool
add_inserted(const struct edit *edit, size_t n, struct header *out, struct err *err)
{
	for (size_t i = n; i > 0; i--)
		if (edit[i - 1].kind == EDIT_INSERT_HEADER &&
		    !header_add(out, edit[i - 1].name, edit[i - 1].value, err))
			return false;
	return true;
}

static bool
apply_edits(const struct header *h, const struct edit *edit, size_t n, struct arena *arena, struct header *out,
    struct err *err)
{
	bool *gone = ARENA_ARRAY(arena, h->n, bool);

	for (size_t i = 0; i < n;)
		i += edit[i].kind == EDIT_DELETE_HEADER ? mark_deleted(h, &edit[i], n - i, gone) : 1;
	header_init(out, arena, SIZE_MAX, SIZE_MAX); /* the limits were kept when it came */
	if (!add_inserted(edit, n, out, err))
		return false;
	for (size_t i = 0; i < h->n; i++)
		if (!gone[i] && !header_add(out, h->field[i].name, h->field[i].value, err))
			return false;
	return true;
}

/* ---- results of the hop before us (RFC 8617 5.1, 4.1.1) ---- */

static bool
is_trusted_id(struct view id, const struct seal_conf *conf)
{
	for (size_t i = 0; i < conf->trusted_ids.n; i++)
		if (view_eq_nocase(id, conf->trusted_ids.item[i]))
			return true;
	return false;
}

static void
carry_properties(const struct auth_results_info *info, struct arena *arena, struct auth_fact *fact)
{
	for (size_t i = 0; i < info->properties && fact->properties < AUTH_PROPERTIES_MAX; i++) {
		const struct auth_results_property *p = &info->property[i];
		if (p->ptype.n > 0)
			auth_fact_property(fact, arena_cstr(arena, p->ptype), arena_cstr(arena, p->name), p->value);
	}
}

/* Chains are judged by us alone, and "none" tells nothing that silence does not. */
static bool
carry_info(const struct auth_results_info *info, struct arena *arena, struct auth_fact *fact)
{
	int method, result;

	*fact = (struct auth_fact){ .reason = info->reason };
	if (!name_value(auth_method_names, info->method, &method) ||
	    !name_value(auth_result_names, info->result, &result) ||
	    method == AUTH_ARC || result == AUTH_NONE)
		return false;
	fact->method = (enum auth_method)method;
	fact->result = (enum auth_result)result;
	carry_properties(info, arena, fact);
	return true;
}

static void
carry_field(struct view value, const struct seal_conf *conf, struct arena *arena, struct auth_facts *carried)
{
	struct auth_results results;
	struct err err;

	if (!auth_results_parse(value, arena, &results, &err) || !is_trusted_id(results.authserv_id, conf))
		return;
	for (size_t i = 0; i < results.n && carried->n < CARRIED_MAX; i++)
		if (carry_info(&results.info[i], arena, &carried->fact[carried->n]))
			carried->n++;
}

static bool
has_method(const struct auth_facts *facts, enum auth_method method)
{
	for (size_t i = 0; i < facts->n; i++)
		if (facts->fact[i].method == method)
			return true;
	return false;
}

static bool
is_same(const struct auth_fact *a, const struct auth_fact *b)
{
	if (a->method != b->method || a->result != b->result || a->properties != b->properties)
		return false;
	for (size_t i = 0; i < a->properties; i++)
		if (strcmp(a->property[i].name, b->property[i].name) != 0 ||
		    !view_eq_nocase(a->property[i].value, b->property[i].value))
			return false;
	return true;
}

static bool
has_same(const struct auth_facts *facts, const struct auth_fact *fact)
{
	for (size_t i = 0; i < facts->n; i++)
		if (is_same(&facts->fact[i], fact))
			return true;
	return false;
}

/*
 * What depends on the client (SPF, and DMARC upon it) the hop before us saw and we did not: its word stands in place of
 * ours.  Signatures both may have verified; ours come first.
 */
static struct auth_facts
join_facts(const struct auth_facts *own, const struct auth_facts *carried, struct arena *arena)
{
	struct auth_facts all = { ARENA_ARRAY(arena, own->n + carried->n, struct auth_fact), 0 };

	for (size_t i = 0; i < own->n; i++) {
		const struct auth_fact *f = &own->fact[i];
		bool replaced = has_method(carried, f->method) && (f->method != AUTH_DKIM || f->result == AUTH_NONE);
		if (!replaced)
			all.fact[all.n++] = *f;
	}
	for (size_t i = 0; i < carried->n; i++)
		if (!has_same(&all, &carried->fact[i]))
			all.fact[all.n++] = carried->fact[i];
	return all;
}

/* Where all do not fit, the carried ones are left out from the bottom up. */
static struct auth_facts
fit_facts(const struct session *s, const struct auth_facts *own, struct auth_facts *carried)
{
	for (;;) { /* ends: carried is halved */
		struct auth_facts all = join_facts(own, carried, s->arena);
		struct auth_facts fit = session_fit_results(s->msg.authserv_id, &all, s->arena);
		struct view text = auth_results_write(s->msg.authserv_id, &fit, false, 0, s->arena);
		if (text.n <= RESULTS_OCTETS_MAX || carried->n == 0)
			return fit;
		carried->n /= 2;
	}
}

static struct auth_facts
gather_facts(const struct session *s, const struct auth_facts *own)
{
	static const struct view results_name = { "Authentication-Results", 22 };
	const struct seal_conf *conf = &s->msg.settings->seal;
	const struct header *h = &s->msg.header;
	struct auth_facts carried = { ARENA_ARRAY(s->arena, CARRIED_MAX, struct auth_fact), 0 };

	if (!session_is_upstream(s, conf))
		return session_fit_results(s->msg.authserv_id, own, s->arena);
	for (size_t i = 0; i < h->n && carried.n < CARRIED_MAX; i++)
		if (view_eq_nocase(h->field[i].name, results_name))
			carry_field(h->field[i].value, conf, s->arena, &carried);
	return fit_facts(s, own, &carried);
}

/* ---- sealing ---- */

static bool
make_seal(const struct session *s, const struct arc_seal_conf *conf, const struct assessment *found,
    const struct edit *edit, size_t edits, struct arc_seal *seal, struct err *err)
{
	const struct message *m = &s->msg;
	struct header header;
	struct auth_facts facts = gather_facts(s, &found->facts);
	struct arc_seal_input in = {
		.conf = conf,
		.header = &header,
		.body = assess_seal_body(m->assess),
		.chain = found->arc,
		.facts = &facts,
		.authserv_id = m->authserv_id,
		.remote_ip = ip_text(&s->client, s->arena),
		.now = clock_wall(s->env->clock),
	};

	return apply_edits(&m->header, edit, edits, s->arena, &header, err) && arc_seal(&in, s->arena, seal, err);
}

/* A message that cannot be sealed goes on without: the seal is for others, and none is better than no mail. */
bool
session_seal_message(struct session *s, const struct assessment *found, const struct settlement *settled,
    const struct edit *edit, size_t edits)
{
	struct message_seal *seal = &s->msg.seal;
	struct err err;

	if (!seal->may)
		return false;
	const struct arc_seal_conf *conf = session_sealer(s, found, settled, &seal->why);
	if (conf == NULL)
		return false;
	seal->done = make_seal(s, conf, found, edit, edits, &seal->set, &err);
	if (!seal->done)
		seal->why = arena_copy(s->arena, view_of(err.text));
	return seal->done;
}
