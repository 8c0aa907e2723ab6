#include "policy/policy_set.h"

/* Classes of recipients: of whom one reply serves all. */

/* Walks the rules that can matter for a refusal, in their order. */
struct walk {
	struct policy_chain chain;
	size_t block, rule;
	size_t left; /* of rules to come: none behind the last that refuses matters */
	bool trusted;
};

static bool
matters(const struct policy_rule *rule, bool trusted)
{
	return !rule->refuses || !trusted || rule->when.names_trust;
}

static void
walk_begin(struct walk *w, const struct policy_set *set, const struct recipient *rcpt, bool trusted)
{
	size_t n = 0;

	*w = (struct walk){ .trusted = trusted };
	policy_find(set, rcpt, &w->chain);
	if (policy_mode_of(&w->chain) == POLICY_MONITOR)
		return; /* refuses nothing */
	for (size_t i = 0; i < w->chain.n; i++)
		for (size_t k = 0; k < w->chain.block[i]->rules.n; k++) {
			const struct policy_rule *rule = &w->chain.block[i]->rules.rule[k];
			if (!matters(rule, trusted))
				continue;
			n++;
			if (rule->refuses)
				w->left = n;
			else if (rule->when.n == 0)
				return; /* takes all that is left */
		}
}

static const struct policy_rule *
walk_next(struct walk *w)
{
	while (w->left > 0 && w->block < w->chain.n) { /* ends: each turn goes on by a rule or a file */
		const struct policy_rules *rules = &w->chain.block[w->block]->rules;
		if (w->rule == rules->n) {
			w->block++;
			w->rule = 0;
			continue;
		}
		const struct policy_rule *rule = &rules->rule[w->rule++];
		if (!matters(rule, w->trusted))
			continue;
		w->left--;
		return rule;
	}
	return NULL;
}

static bool
names_eq(const struct policy_name *a, const struct policy_name *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (a[i].below != b[i].below || !view_eq(a[i].domain, b[i].domain))
			return false;
	return true;
}

static bool
peers_eq(const struct policy_peer *a, const struct policy_peer *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (a[i].is_net != b[i].is_net || (a[i].is_net ? !ip_eq(&a[i].net.ip, &b[i].net.ip) ||
		    a[i].net.bits != b[i].net.bits : !names_eq(&a[i].name, &b[i].name, 1)))
			return false;
	return true;
}

/* They change what dmarc = [...] sees. */
bool
policy_same_trust(const struct policy_chain *a, const struct policy_chain *b)
{
	struct policy_trust x = policy_trust_of(a), y = policy_trust_of(b);

	return x.reject_needs == y.reject_needs && x.dmarc_disable_verify == y.dmarc_disable_verify && x.sealers == y.sealers && x.lists == y.lists &&
	    x.forwarders == y.forwarders && names_eq(x.sealer, y.sealer, x.sealers) && names_eq(x.list, y.list, x.lists) &&
	    peers_eq(x.forwarder, y.forwarder, x.forwarders);
}

bool
policy_same_class(const struct policy_set *set, const struct recipient *a, const struct recipient *b, bool trusted)
{
	struct walk x, y;
	bool dmarc = false, defers = false;

	walk_begin(&x, set, a, trusted);
	walk_begin(&y, set, b, trusted);
	if (policy_chain_eq(&x.chain, &y.chain))
		return true;
	for (;;) { /* ends: each turn takes a rule of both */
		const struct policy_rule *p = walk_next(&x), *q = walk_next(&y);
		if (p == NULL || q == NULL)
			return p == q && (!dmarc || policy_same_trust(&x.chain, &y.chain)) &&
			    (!defers || policy_defer_hours_of(&x.chain) == policy_defer_hours_of(&y.chain));
		if (!view_eq(p->canon, q->canon))
			return false;
		dmarc |= p->when.asks_dmarc;
		defers |= p->action == VERDICT_DEFER && policy_when_may_wait(&p->when);
	}
}
