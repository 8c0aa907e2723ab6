#include "dmarc/dmarc.h"
#include "dmarc/dmarc_find.h"
#include "dmarc/dmarc_verdict.h"

static const struct dmarc_result *
result_by(struct dmarc_find *f, const struct dmarc_case *c)
{
	struct dmarc_result *r = dmarc_verdict(c, f);

	dmarc_fact_write(r, c->arena);
	return r;
}

const struct dmarc_trace *
dmarc_trace(struct view domain, const struct dmarc_psl *psl, struct dns_task *dns, struct arena *arena)
{
	static const struct dmarc_conf plain = { .enable = true };
	const struct dmarc_input in = { .conf = &plain };
	struct dmarc_trace *t = ARENA_NEW(arena, struct dmarc_trace);
	struct dmarc_walks none = { NULL, 0, 0 };
	struct auth_facts nothing = { NULL, 0 };
	struct dmarc_case c = { &in, &none, dns, arena, &nothing };
	struct dmarc_find by_walk, by_psl;
	struct view why;

	t->domain = domain;
	dmarc_find_begin(&by_walk, domain, NULL, dns, arena);
	t->walk = by_walk.walk;
	t->org_walk = dmarc_find_org(&by_walk, true, &why, dns, arena);
	t->by_walk = result_by(&by_walk, &c);
	t->exists = dns_get(dns, domain, DNS_TXT);
	if (psl == NULL)
		return t;
	t->psl_suffix = dmarc_psl_suffix(psl, domain);
	t->org_psl = dmarc_psl_org(psl, domain);
	dmarc_find_begin(&by_psl, domain, psl, dns, arena);
	t->by_psl = result_by(&by_psl, &c);
	return t;
}
