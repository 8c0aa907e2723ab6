#include "policy/policy_set.h"

#include "base/buffer.h"

static void
show_rules(struct buffer *b, const struct policy_rules *rules, const char *kind)
{
	for (size_t i = 0; i < rules->n; i++) {
		const struct policy_rule *rule = &rules->rule[i];
		buffer_addf(b, "%.*s:%u: %s%.*s: %s", VIEW_ARG(rule->file), rule->line, kind, VIEW_ARG(rule->name),
		    name_of(verdict_action_names, (int)rule->action));
		if (rule->action == VERDICT_QUARANTINE)
			buffer_addf(b, " by %s", name_of(quarantine_by_names, (int)rule->by));
		buffer_add_char(b, '\n');
	}
}

struct view
policy_show(const struct policy_set *set, const struct recipient *rcpt, struct arena *arena)
{
	struct policy_chain chain;
	struct buffer b = buffer_in(arena);

	policy_find(set, rcpt, &chain);
	buffer_addf(&b, "mode: %s\n", policy_mode_of(&chain) == POLICY_MONITOR ? "monitor" : "enforce");
	buffer_addf(&b, "reject-needs: %s\n", policy_trust_of(&chain).reject_needs == POLICY_NEEDS_NOTHING ? "nothing" : "evidence");
	if (policy_trust_of(&chain).dmarc_disable_verify)
		buffer_add_cstr(&b, "dmarc-disable-verify: true\n");
	for (size_t i = 0; i < chain.n; i++) {
		const struct policy_block *block = chain.block[i];
		buffer_addf(&b, "%.*s%s\n", VIEW_ARG(block->file), block->stale ? " (as it was before its mistakes)" : "");
		show_rules(&b, &block->rules, "");
		show_rules(&b, &block->shadow, "shadow ");
	}
	buffer_add_cstr(&b, "built-in: accept\n");
	policy_find_all(set, rcpt, &chain);
	policy_outgoing_show(&b, &chain);
	return buffer_view(&b);
}

/* ---- comparing ---- */

bool
policy_key(const struct policy_set *set, size_t i, struct view *key)
{
	for (size_t b = 0; set != NULL && b < set->blocks; b++) {
		if (i < set->block[b].keys) {
			*key = set->block[b].key[i];
			return true;
		}
		i -= set->block[b].keys;
	}
	return false;
}

bool
policy_has_key(const struct policy_set *set, struct view key)
{
	return policy_block_of(set, key) != NULL;
}

static const struct policy_rule *
nth_rule(const struct policy_chain *chain, size_t i, bool shadow)
{
	for (size_t b = 0; b < chain->n; b++) {
		const struct policy_rules *rules = shadow && chain->block[b]->shadow.given ? &chain->block[b]->shadow :
											 &chain->block[b]->rules;
		if (i < rules->n)
			return &rules->rule[i];
		i -= rules->n;
	}
	return NULL;
}

static bool
template_eq(const struct policy_template *a, const struct policy_template *b)
{
	for (size_t i = 0; i < a->n && i < b->n; i++)
		if (a->piece[i].variable != b->piece[i].variable || !view_eq(a->piece[i].text, b->piece[i].text))
			return false;
	return a->n == b->n;
}

static bool
rule_eq(const struct policy_rule *a, const struct policy_rule *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return view_eq(a->name, b->name) && view_eq(a->canon, b->canon) && a->action == b->action && a->by == b->by &&
	    view_eq(a->tag_name, b->tag_name) && template_eq(&a->tag_value, &b->tag_value);
}

static bool
rules_eq(const struct policy_chain *x, const struct policy_chain *y, bool shadow)
{
	for (size_t i = 0;; i++) { /* ends: with the shorter list */
		const struct policy_rule *p = nth_rule(x, i, shadow), *q = nth_rule(y, i, shadow);
		if (!rule_eq(p, q))
			return false;
		if (p == NULL)
			return true;
	}
}

bool
policy_same_rules(const struct policy_set *a, const struct policy_set *b, const struct recipient *rcpt)
{
	struct policy_chain x, y;

	policy_find(a, rcpt, &x);
	policy_find(b, rcpt, &y);
	if (policy_mode_of(&x) != policy_mode_of(&y) || !policy_same_trust(&x, &y) || !rules_eq(&x, &y, false) ||
	    !rules_eq(&x, &y, true))
		return false;
	policy_find_all(a, rcpt, &x);
	policy_find_all(b, rcpt, &y);
	return policy_same_outgoing(&x, &y);
}

/* ---- explaining ---- */

bool
policy_step(const struct policy_set *set, const struct policy_facts *facts, const struct recipient *rcpt, size_t i,
    bool shadow, struct arena *arena, struct policy_step *step)
{
	struct policy_chain chain;

	policy_find(set, rcpt, &chain);
	const struct policy_rule *rule = !shadow || policy_has_shadow(&chain) ? nth_rule(&chain, i, shadow) : NULL;
	if (rule == NULL)
		return false;
	struct policy_trust trust = policy_trust_of(&chain);
	struct dmarc_disposition d = policy_dmarc(&trust, facts, arena);
	*step = (struct policy_step){ .rule = { rule->action, rule->name, rule->file, rule->line }, .shadow = shadow };
	step->not_for_ours = !policy_is_for(rule, facts);
	step->holds = !step->not_for_ours && policy_when_holds(&rule->when, facts, &d) == TRUTH_YES;
	step->decides = step->holds;
	for (size_t k = 0; k < i && step->decides; k++) {
		const struct policy_rule *before = nth_rule(&chain, k, shadow);
		if (policy_is_for(before, facts) && policy_when_holds(&before->when, facts, &d) == TRUTH_YES)
			step->decides = false;
	}
	return true;
}
