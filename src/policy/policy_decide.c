#include "policy/policy_set.h"

#include "base/buffer.h"

/* ---- what holds for one recipient ---- */

enum policy_mode
policy_mode_of(const struct policy_chain *chain)
{
	for (size_t i = 0; i < chain->n; i++)
		if (chain->block[i]->has_mode)
			return (enum policy_mode)chain->block[i]->mode;
	return POLICY_ENFORCE;
}

/* From the nearest file that gives them. */
struct policy_trust
policy_trust_of(const struct policy_chain *chain)
{
	struct policy_trust t = { .reject_needs = POLICY_NEEDS_EVIDENCE };
	bool needs = false, disable = false, sealers = false, lists = false, forwarders = false;

	for (size_t i = 0; i < chain->n; i++) {
		const struct policy_block *b = chain->block[i];
		if (b->has_reject_needs && !needs)
			t.reject_needs = (enum policy_reject_needs)b->reject_needs;
		if (b->has_disable && !disable)
			t.dmarc_disable_verify = b->dmarc_disable_verify;
		if (b->has_sealers && !sealers) {
			t.sealer = b->sealer;
			t.sealers = b->sealers;
		}
		if (b->has_lists && !lists) {
			t.list = b->list;
			t.lists = b->lists;
		}
		if (b->has_forwarders && !forwarders) {
			t.forwarder = b->forwarder;
			t.forwarders = b->forwarders;
		}
		needs |= b->has_reject_needs;
		disable |= b->has_disable;
		sealers |= b->has_sealers;
		lists |= b->has_lists;
		forwarders |= b->has_forwarders;
	}
	return t;
}

/* Nothing is refused for clients of ours, or for mail that came by no SMTP, unless a rule says so. */
bool
policy_is_for(const struct policy_rule *rule, const struct policy_facts *f)
{
	return !rule->refuses || rule->when.names_trust || !(f->local || f->internal || f->authenticated);
}

unsigned
policy_defer_hours_of(const struct policy_chain *chain)
{
	for (size_t i = 0; i < chain->n; i++)
		if (chain->block[i]->has_defer_hours)
			return chain->block[i]->defer_hours;
	return POLICY_DEFER_HOURS;
}

bool
policy_is_overdue(const struct policy_chain *chain, const struct policy_rule *rule, const struct policy_facts *f,
    const struct dmarc_disposition *d)
{
	int64_t limit = (int64_t)policy_defer_hours_of(chain) * 3600;

	if (rule->action != VERDICT_DEFER || limit == 0)
		return false;
	unsigned waits = policy_when_waits(&rule->when, f, d);
	return waits != 0 && ((waits & VERDICT_WAITS_SPF) == 0 || f->spf_deferred >= limit) &&
	    ((waits & VERDICT_WAITS_AUTHOR) == 0 || f->author_deferred >= limit);
}

bool
policy_has_shadow(const struct policy_chain *chain)
{
	for (size_t i = 0; i < chain->n; i++)
		if (chain->block[i]->shadow.given)
			return true;
	return false;
}

static const struct policy_rules *
rules_of(const struct policy_block *block, bool shadow)
{
	return shadow && block->shadow.given ? &block->shadow : &block->rules;
}

/*
 * The first rule that holds; NULL: none.  *sure: TRUTH_YES, or what would have to be known first, and then the rule is
 * NULL.  A rule that has deferred for long enough is passed over: *overdue is the first of these, or NULL.
 */
static const struct policy_rule *
first_rule(const struct policy_chain *chain, const struct policy_facts *f, const struct dmarc_disposition *d, bool shadow,
    enum truth *sure, const struct policy_rule **overdue)
{
	*sure = TRUTH_YES;
	*overdue = NULL;
	for (size_t i = 0; i < chain->n; i++) {
		const struct policy_rules *rules = rules_of(chain->block[i], shadow);
		for (size_t k = 0; k < rules->n; k++) {
			const struct policy_rule *rule = &rules->rule[k];
			enum truth holds = policy_is_for(rule, f) ? policy_when_holds(&rule->when, f, d) : TRUTH_NO;
			if (holds == TRUTH_YES && !policy_is_overdue(chain, rule, f, d))
				return rule;
			if (holds == TRUTH_YES && *overdue == NULL)
				*overdue = rule;
			if (holds == TRUTH_NEEDS_SPF || holds == TRUTH_NEEDS_CONTENT) {
				*sure = holds;
				return NULL;
			}
		}
	}
	return NULL;
}

/* ---- a rule becomes a verdict ---- */

static void
fill_reply(const struct policy_rule *rule, const struct policy_facts *f, const struct recipient *rcpt, struct arena *arena,
    struct verdict *v)
{
	v->code = rule->reply.code;
	v->enhanced = rule->reply.enhanced;
	v->text = policy_expand(&rule->reply.text, f, rcpt, rule->name, POLICY_REPLY_MAX, arena);
}

static void
fill_quarantine(const struct policy_rule *rule, struct arena *arena, struct verdict *v)
{
	v->by = rule->by;
	v->mailbox = rule->mailbox;
	v->text = arena_printf(arena, "assay: rule %.*s", VIEW_ARG(rule->name));
}

static struct verdict
verdict_of(const struct policy_rule *rule, const struct policy_facts *f, const struct recipient *rcpt, struct arena *arena)
{
	struct verdict v = verdict_built_in();

	if (rule == NULL)
		return v;
	v.action = v.would = rule->action;
	v.rule = rule->name;
	v.file = rule->file;
	v.line = rule->line;
	if (rule->action == VERDICT_REJECT || rule->action == VERDICT_DEFER)
		fill_reply(rule, f, rcpt, arena, &v);
	else if (rule->action == VERDICT_QUARANTINE)
		fill_quarantine(rule, arena, &v);
	if (rule->tag_name.n > 0) {
		v.tag_name = rule->tag_name;
		v.tag_value = policy_expand(&rule->tag_value, f, rcpt, rule->name, POLICY_TAG_MAX, arena);
	}
	return v;
}

/* What the deferral is for; the caller counts the time. */
static void
note_waiting(const struct policy_rule *rule, const struct policy_rule *overdue, const struct policy_facts *f,
    const struct dmarc_disposition *d, struct verdict *v)
{
	if (rule != NULL && rule->action == VERDICT_DEFER)
		v->waits = policy_when_waits(&rule->when, f, d);
	if (overdue != NULL) {
		v->waits |= policy_when_waits(&overdue->when, f, d);
		v->overdue = overdue->name;
	}
}

/* Looked at, logged, not done. */
static void
only_watch(struct verdict *v)
{
	struct verdict accept = verdict_built_in();

	accept.rule = v->rule;
	accept.file = v->file;
	accept.line = v->line;
	accept.monitored = true;
	accept.would = v->would;
	*v = accept;
}

/* RFC 9990: what was done is not what was published, by our own choice. */
static void
note_local_policy(struct verdict *v)
{
	enum dmarc_policy wish = v->dmarc.policy;
	bool mild = v->action == VERDICT_ACCEPT || v->action == VERDICT_TAG;

	if (v->action == VERDICT_DEFER || (wish != DMARC_REJECT && wish != DMARC_QUARANTINE))
		return;
	if (mild)
		dmarc_disposition_override(&v->dmarc, DMARC_NONE, DMARC_REASON_LOCAL_POLICY, v->rule);
	else if (wish == DMARC_REJECT && v->action == VERDICT_QUARANTINE)
		dmarc_disposition_override(&v->dmarc, DMARC_QUARANTINE, DMARC_REASON_LOCAL_POLICY, v->rule);
}

static void
ask_shadow(const struct policy_chain *chain, const struct policy_facts *f, struct verdict *v)
{
	const struct policy_rule *overdue;
	enum truth sure;

	if (!policy_has_shadow(chain))
		return;
	const struct policy_rule *rule = first_rule(chain, f, &v->dmarc, true, &sure, &overdue);
	v->shadowed = true;
	v->shadow = (struct verdict_cause){ VERDICT_ACCEPT, VIEW_LIT("built-in"), VIEW_EMPTY, 0 };
	if (rule != NULL)
		v->shadow = (struct verdict_cause){ rule->action, rule->name, rule->file, rule->line };
}

static void
decide_one(const struct policy_chain *chain, const struct policy_facts *f, const struct dmarc_disposition *d,
    const struct recipient *rcpt, struct arena *arena, struct verdict *out)
{
	enum truth sure;
	const struct policy_rule *overdue, *rule = first_rule(chain, f, d, false, &sure, &overdue);
	struct verdict v = verdict_of(rule, f, rcpt, arena);

	note_waiting(rule, overdue, f, d, &v);
	v.dmarc = *d;
	ask_shadow(chain, f, &v);
	if (policy_mode_of(chain) == POLICY_MONITOR && v.file.n > 0) {
		struct verdict watched = v;
		only_watch(&watched);
		watched.dmarc = v.dmarc;
		watched.shadowed = v.shadowed;
		watched.shadow = v.shadow;
		v = watched;
	}
	note_local_policy(&v);
	*out = v;
}

struct policy_facts
policy_facts_under(const struct policy_trust *trust, const struct policy_facts *facts, struct arena *arena)
{
	struct policy_facts f = *facts;

	if (!trust->dmarc_disable_verify)
		return f;
	struct assessment *found = ARENA_NEW(arena, struct assessment);

	*found = *facts->found;
	found->dmarc = NULL;
	f.found = found;
	return f;
}

void
policy_decide(const struct policy_set *set, const struct policy_facts *facts, const struct recipient *rcpt, size_t n,
    struct arena *arena, struct verdict *verdict)
{
	struct policy_chain chain[2] = { { .n = 0 }, { .n = 0 } };
	struct dmarc_disposition d = { .policy = DMARC_UNSET };
	struct policy_facts own = *facts;

	for (size_t i = 0; i < n; i++) {
		struct policy_chain *now = &chain[i % 2], *before = &chain[(i + 1) % 2];
		policy_find(set, &rcpt[i], now);
		if (i == 0 || !policy_chain_eq(now, before)) { /* neighbours mostly share their files */
			struct policy_trust trust = policy_trust_of(now);
			own = policy_facts_under(&trust, facts, arena);
			d = policy_dmarc(&trust, &own, arena);
			if (now->n == 0 && facts->found->dmarc != NULL)
				d = facts->found->dmarc->disposition; /* nobody said how to judge it */
		}
		decide_one(now, &own, &d, &rcpt[i], arena, &verdict[i]);
	}
}

enum policy_early
policy_decide_early(const struct policy_set *set, const struct policy_facts *facts, const struct recipient *rcpt,
    struct arena *arena, struct verdict *verdict)
{
	const struct dmarc_disposition unknown = { .policy = DMARC_UNSET };
	struct policy_chain chain;
	enum truth sure;

	policy_find(set, rcpt, &chain);
	if (chain.n == 0 || policy_mode_of(&chain) == POLICY_MONITOR)
		return POLICY_LATER;
	const struct policy_rule *overdue, *rule = first_rule(&chain, facts, &unknown, false, &sure, &overdue);
	if (sure == TRUTH_NEEDS_SPF)
		return POLICY_NEEDS_SPF;
	if (sure != TRUTH_YES)
		return POLICY_LATER;
	*verdict = verdict_of(rule, facts, rcpt, arena);
	note_waiting(rule, overdue, facts, &unknown, verdict);
	verdict->dmarc = unknown;
	return POLICY_NOW;
}
