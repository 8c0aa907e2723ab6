#include "dmarc/dmarc_align.h"

#include "mail/domain.h"

struct dmarc_walk *
dmarc_walks_get(struct dmarc_walks *walks, struct view domain, struct dns_task *dns, struct arena *arena)
{
	for (size_t i = 0; i < walks->n; i++)
		if (view_eq(walks->walk[i]->start, domain))
			return walks->walk[i];
	if (walks->n == walks->max)
		return NULL;
	return walks->walk[walks->n++] = dmarc_walk_begin(domain, dns, arena);
}

static struct view
property_of(const struct auth_fact *f, const char *ptype, const char *name)
{
	for (size_t i = 0; i < f->properties; i++)
		if (view_is(view_of(f->property[i].ptype), ptype) && view_is(view_of(f->property[i].name), name))
			return f->property[i].value;
	return VIEW_EMPTY;
}

/*
 * The domain a fact speaks of.  A signature that did not pass may leave fact.domain empty and name it as header.d;
 * whether it would have been aligned decides if its temperror is ours (RFC 9989 5.3.6).  Of SPF only the
 * MAIL FROM identity has a domain.
 */
static struct view
domain_of(const struct auth_fact *f, struct arena *arena)
{
	struct view domain = f->domain;

	if (domain.n > 0 || f->result == AUTH_PASS || f->method != AUTH_DKIM)
		return domain;
	return domain_to_ascii(property_of(f, "header", "d"), arena, &domain, NULL) ? domain : VIEW_EMPTY;
}

void
dmarc_identifiers(const struct auth_facts *facts, struct arena *arena, struct dmarc_identifier **list, size_t *n)
{
	*list = ARENA_ARRAY(arena, facts->n, struct dmarc_identifier);
	*n = 0;
	for (size_t i = 0; i < facts->n; i++) {
		const struct auth_fact *f = &facts->fact[i];
		if (f->method != AUTH_SPF && f->method != AUTH_DKIM)
			continue;
		struct view domain = domain_of(f, arena);
		if (domain.n == 0)
			continue;
		struct dmarc_identifier *id = &(*list)[(*n)++];
		*id = (struct dmarc_identifier){ .method = f->method, .result = f->result, .domain = domain };
		id->alignment = DMARC_ALIGN_UNASKED;
		if (f->result == AUTH_PASS && !f->aligns)
			id->result = AUTH_POLICY; /* l= short of the body, or another reason not to build on it */
	}
}

static enum dmarc_alignment
unknown(struct dmarc_aligner *a, struct view why)
{
	if (a->temp_why.n == 0)
		a->temp_why = why;
	return DMARC_ALIGN_UNKNOWN;
}

/* Both organizational domains by walk; the author's is known to stand above the identifier. */
static enum dmarc_alignment
align_by_walk(struct dmarc_aligner *a, struct dmarc_identifier *id, struct view author_org)
{
	struct dmarc_walk *w = dmarc_walks_get(a->walks, id->domain, a->dns, a->arena);

	if (w == NULL)
		return DMARC_ALIGN_UNASKED;
	if (dmarc_walk_read(w, true, a->dns, a->arena) != DMARC_WALK_DONE)
		return unknown(a, w->temp_why);
	id->org = w->org;
	return view_eq_nocase(w->org, author_org) ? DMARC_ALIGN_RELAXED : DMARC_ALIGN_NONE;
}

static enum dmarc_alignment
align_relaxed(struct dmarc_aligner *a, struct dmarc_identifier *id)
{
	struct dmarc_find *f = a->find;
	struct view why = VIEW_EMPTY;

	/* No name in common: no organizational domain in common, whatever DNS says. */
	if (!view_eq_nocase(domain_last(id->domain, 1), domain_last(f->domain, 1)))
		return DMARC_ALIGN_NONE;
	struct view org = dmarc_find_org(f, true, &why, a->dns, a->arena);
	if (org.n == 0)
		return unknown(a, why);
	if (!domain_within(id->domain, org))
		return DMARC_ALIGN_NONE;
	if (f->psl == NULL)
		return align_by_walk(a, id, org);
	id->org = dmarc_psl_org(f->psl, id->domain);
	return view_eq_nocase(id->org, org) ? DMARC_ALIGN_RELAXED : DMARC_ALIGN_NONE;
}

static void
align_one(struct dmarc_aligner *a, struct dmarc_identifier *id)
{
	const struct dmarc_record *r = a->find->record;
	bool strict = id->method == AUTH_DKIM ? r->strict_dkim : r->strict_spf;

	if (view_eq_nocase(id->domain, a->find->domain))
		id->alignment = DMARC_ALIGN_STRICT;
	else
		id->alignment = strict ? DMARC_ALIGN_NONE : align_relaxed(a, id);
	id->counts = id->result == AUTH_PASS &&
	    (id->alignment == DMARC_ALIGN_STRICT || id->alignment == DMARC_ALIGN_RELAXED);
}

/* Those that pass first, so that they get the walks there are; those that failed would change nothing. */
void
dmarc_align(struct dmarc_aligner *a, struct dmarc_identifier *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].result == AUTH_PASS)
			align_one(a, &list[i]);
	for (size_t i = 0; i < n; i++)
		if (list[i].result == AUTH_TEMPERROR)
			align_one(a, &list[i]);
}
