#include "dmarc/dmarc.h"

#include "dmarc/dmarc_find.h"
#include "dmarc/dmarc_libopendmarc.h"
#include "dmarc/dmarc_verdict.h"
#include "mail/domain.h"

#define AUTHORS_MAX 5 /* checked under several-from = strictest; more are rejected unseen (RFC 9989 11.5) */

struct author {
	struct dmarc_find acts, compares;
	bool has_compares;
};

struct dmarc_check {
	const struct dmarc_input *in;
	struct dns_task *dns;
	struct arena *arena;
	struct dmarc_result *settled; /* NULL: the author domains decide */
	struct author *author; /* as many as From has domains, at most AUTHORS_MAX */
	size_t authors;
	struct dmarc_walks walks;
};

/* --- dmarc_begin ---------------------------------------------------------------------------- */

static bool
acts_by_psl(const struct dmarc_conf *conf)
{
	return conf->engine == DMARC_LIBOPENDMARC || conf->discovery == DMARC_PSL ||
	    conf->discovery == DMARC_PSL_AND_TREEWALK;
}

static bool
compares(const struct dmarc_conf *conf)
{
	return conf->engine == DMARC_NATIVE && conf->discovery != DMARC_TREEWALK && conf->discovery != DMARC_PSL;
}

/* "[192.0.2.1]" is an address that nobody owns by name. */
static bool
is_name(struct view domain)
{
	return domain.n > 0 && domain.p[0] != '[';
}

static void
add_author(struct dmarc_check *check, struct view domain)
{
	const struct dmarc_conf *conf = check->in->conf;
	const struct dmarc_psl *psl = dmarc_lists_psl(check->in->lists);
	struct author *a = &check->author[check->authors++];

	dmarc_find_begin(&a->acts, domain, acts_by_psl(conf) ? psl : NULL, check->dns, check->arena);
	a->has_compares = compares(conf) && psl != NULL;
	if (a->has_compares)
		dmarc_find_begin(&a->compares, domain, acts_by_psl(conf) ? NULL : psl, check->dns, check->arena);
}

/*
 * Walks of names that have two labels in common with an author domain: likely to be wanted.  What has less in common
 * could only be aligned through a record at a top-level domain, and may wait.
 */
static void
ask_likely(struct dmarc_check *check)
{
	for (size_t i = 0; i < check->in->likely_n && check->walks.n < check->walks.max / 2; i++) {
		struct view name = check->in->likely[i];
		for (size_t k = 0; k < check->authors; k++) {
			struct view author = check->author[k].acts.domain;
			if (!view_eq(name, author) && domain_labels(name) > 1 && domain_labels(author) > 1 &&
			    view_eq(domain_last(name, 2), domain_last(author, 2)))
				dmarc_walks_get(&check->walks, name, check->dns, check->arena);
		}
	}
}

/* The outcome that needs no record, or NULL. */
static struct dmarc_result *
settle(const struct dmarc_input *in, struct arena *arena)
{
	const struct from_domain *from = in->from;

	if (!in->conf->enable || in->off)
		return dmarc_verdict_plain(DMARC_STATUS_OFF, VIEW_EMPTY, VIEW_LIT("DMARC is not checked"), arena);
	if (acts_by_psl(in->conf) && dmarc_lists_psl(in->lists) == NULL)
		return dmarc_verdict_plain(DMARC_STATUS_TEMPERROR, from->domain, VIEW_LIT("no public suffix list is loaded"),
		    arena);
	if (from->outcome == FROM_NONE || (from->outcome == FROM_ONE && !is_name(from->domain)))
		return dmarc_verdict_plain(DMARC_STATUS_NOFROM, VIEW_EMPTY, VIEW_LIT("no author domain"), arena);
	if (from->outcome == FROM_ONE)
		return NULL;
	if (in->conf->several_from == DMARC_SEVERAL_NONE)
		return dmarc_verdict_plain(DMARC_STATUS_NOFROM, VIEW_EMPTY, VIEW_LIT("several author domains"), arena);
	/* Repeated fields: nothing can be aligned (RFC 9989 4.4), and one of them may hide what it names. */
	if (in->conf->several_from == DMARC_SEVERAL_REJECT || from->fields > 1 || from->n < 2 || from->n > AUTHORS_MAX)
		return dmarc_verdict_plain(DMARC_STATUS_REJECT, VIEW_EMPTY, VIEW_LIT("several author domains"), arena);
	for (size_t i = 0; i < from->n; i++)
		if (!is_name(from->domains[i]))
			return dmarc_verdict_plain(DMARC_STATUS_REJECT, VIEW_EMPTY,
			    VIEW_LIT("several author domains, not all of them names"), arena);
	return NULL;
}

struct dmarc_check *
dmarc_begin(const struct dmarc_input *in, struct dns_task *dns, struct arena *arena)
{
	struct dmarc_check *check = ARENA_NEW(arena, struct dmarc_check);

	check->in = in;
	check->dns = dns;
	check->arena = arena;
	check->settled = settle(in, arena);
	if (check->settled != NULL)
		return check;
	check->walks.max = 2 * (size_t)in->conf->identifiers_max; /* hints must not take the place of what passed */
	check->walks.walk = ARENA_ARRAY(arena, check->walks.max, struct dmarc_walk *);
	check->author = ARENA_ARRAY(arena, in->from->outcome == FROM_ONE ? 1 : in->from->n, struct author);
	if (in->from->outcome == FROM_ONE)
		add_author(check, in->from->domain);
	else
		for (size_t i = 0; i < in->from->n; i++)
			add_author(check, in->from->domains[i]);
	if (!acts_by_psl(in->conf) || compares(in->conf))
		ask_likely(check);
	dmarc_step(check);
	return check;
}

/* --- dmarc_step ----------------------------------------------------------------------------- */

static void
step_find(struct dmarc_check *check, struct dmarc_find *f)
{
	if (dmarc_find_record(f, false, check->dns, check->arena) == DMARC_FIND_RECORD &&
	    dmarc_record_wants_existence(f->record, f->subdomain))
		dmarc_find_existence(f, false, check->dns);
}

void
dmarc_step(struct dmarc_check *check)
{
	for (size_t i = 0; i < check->authors; i++) {
		step_find(check, &check->author[i].acts);
		if (check->author[i].has_compares)
			step_find(check, &check->author[i].compares);
	}
}

/* --- dmarc_end ------------------------------------------------------------------------------ */

static bool
results_differ(const struct dmarc_result *a, const struct dmarc_result *b)
{
	return a->status != b->status || a->applied != b->applied || !view_eq(a->used_domain, b->used_domain) ||
	    !view_eq(a->org_domain, b->org_domain);
}

static struct dmarc_result *
end_author(const struct dmarc_case *c, struct author *a)
{
	struct dmarc_result *r;
	struct view why;

	if (c->in->conf->engine == DMARC_LIBOPENDMARC)
		return dmarc_libopendmarc_verdict(c, &a->acts);
	if (a->has_compares) { /* here organizational domains are wanted for their own sake */
		dmarc_find_org(&a->acts, true, &why, c->dns, c->arena);
		dmarc_find_org(&a->compares, true, &why, c->dns, c->arena);
	}
	r = dmarc_verdict(c, &a->acts);
	if (a->has_compares) {
		struct dmarc_result *other = dmarc_verdict(c, &a->compares);
		dmarc_fact_write(other, c->arena);
		r->other = other;
		r->differs = results_differ(r, other);
	}
	return r;
}

/* "the most strict policy selected among the checks that fail" (11.5); a pass counts only when all are. */
static int
strictness(enum dmarc_status status)
{
	static const enum dmarc_status order[] = { DMARC_STATUS_ACCEPT, DMARC_STATUS_NORECORD, DMARC_STATUS_NONE,
		DMARC_STATUS_QUARANTINE, DMARC_STATUS_TEMPERROR, DMARC_STATUS_REJECT };

	for (int i = 0; i < (int)(sizeof(order) / sizeof(order[0])); i++)
		if (order[i] == status)
			return i;
	return -1;
}

const struct dmarc_result *
dmarc_end(struct dmarc_check *check, const struct auth_facts *facts)
{
	const struct dmarc_case c = { check->in, &check->walks, check->dns, check->arena, facts };
	struct dmarc_result *r = check->settled;

	for (size_t i = 0; i < check->authors; i++) {
		struct dmarc_result *one = end_author(&c, &check->author[i]);
		if (r == NULL || strictness(one->status) > strictness(r->status))
			r = one;
	}
	r->several = check->in->from->outcome == FROM_SEVERAL && r->status != DMARC_STATUS_OFF;
	dmarc_fact_write(r, check->arena);
	return r;
}
