#include "policy/policy_rule.h"

/* One SMTP reply for the verdicts of many. */

static size_t
count(const struct verdict *v, size_t n, enum verdict_action action)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += v[i].action == action;
	return found;
}

static const struct verdict *
first_of(const struct verdict *v, size_t n, enum verdict_action action)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].action == action)
			return &v[i];
	return NULL;
}

static bool
is_accepting(const struct verdict *v)
{
	return v->action == VERDICT_ACCEPT || v->action == VERDICT_TAG || v->action == VERDICT_QUARANTINE;
}

static const struct verdict *
strictest_accepting(const struct verdict *v, size_t n)
{
	const struct verdict *found = NULL;

	for (size_t i = 0; i < n; i++)
		if (is_accepting(&v[i]) && (found == NULL || v[i].action > found->action))
			found = &v[i];
	return found;
}

static void
deliver_instead(struct verdict *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].action == VERDICT_DEFER) {
			v[i].action = VERDICT_ACCEPT;
			v[i].code = 0; /* no reply of the rule's goes out */
			v[i].enhanced = v[i].text = VIEW_EMPTY;
		}
}

/* A hold would be for all: with others beside them, those who want it get the field that says so instead. */
static void
settle_hold(struct settlement *out, size_t n)
{
	size_t kept = 0, held = 0;

	for (size_t i = 0; i < n; i++) {
		bool keep = out->fate[i] == RECIPIENT_KEEP;
		kept += keep;
		held += keep && out->each[i].action == VERDICT_QUARANTINE && out->each[i].by == QUARANTINE_HOLD;
	}
	for (size_t i = 0; i < n && held > 0; i++) {
		struct verdict *v = &out->each[i];
		if (out->fate[i] != RECIPIENT_KEEP || v->action != VERDICT_QUARANTINE || v->by != QUARANTINE_HOLD)
			continue;
		if (held == kept) {
			out->hold = true;
			out->hold_reason = v->text;
			return;
		}
		v->by = QUARANTINE_TAG;
		v->tag_name = POLICY_HOLD_TAG;
		v->tag_value = v->rule;
	}
}

static void
settle_fates(struct settlement *out, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct verdict *v = &out->each[i];
		if (!is_accepting(v))
			out->fate[i] = RECIPIENT_REMOVE;
		else if (v->action == VERDICT_QUARANTINE && v->by == QUARANTINE_REDIRECT)
			out->fate[i] = RECIPIENT_REDIRECT;
		else
			out->fate[i] = RECIPIENT_KEEP;
	}
	settle_hold(out, n);
}

static void
take_one_for_all(enum policy_recipients how, struct settlement *out, size_t n)
{
	struct verdict one;

	if (how != POLICY_STRICTEST && how != POLICY_LENIENT)
		return;
	one = how == POLICY_STRICTEST ? verdict_strictest(out->each, n) : verdict_mildest(out->each, n);
	for (size_t i = 0; i < n; i++)
		out->each[i] = one;
}

void
policy_settle(enum policy_recipients how, bool deferred_deliver, const struct verdict *verdict, size_t n,
    struct arena *arena, struct settlement *out)
{
	size_t accepting = 0;

	*out = (struct settlement){ .whole = verdict_built_in(), .hold_reason = VIEW_EMPTY };
	out->each = ARENA_ARRAY(arena, n, struct verdict);
	out->fate = ARENA_ARRAY(arena, n, enum recipient_fate);
	for (size_t i = 0; i < n; i++)
		out->each[i] = verdict[i];
	take_one_for_all(how, out, n);
	for (size_t i = 0; i < n; i++)
		accepting += is_accepting(&out->each[i]);
	if (accepting > 0 && deferred_deliver)
		deliver_instead(out->each, n);
	if (n == 0)
		return;
	/* Nothing was delivered, so nothing doubles when it comes again; and who refused may be asked again. */
	if (count(out->each, n, VERDICT_DEFER) > 0) {
		out->whole = *first_of(out->each, n, VERDICT_DEFER);
	} else if (accepting > 0) {
		out->whole = *strictest_accepting(out->each, n);
		settle_fates(out, n);
	} else if (count(out->each, n, VERDICT_REJECT) > 0) {
		out->whole = *first_of(out->each, n, VERDICT_REJECT);
	} else {
		out->whole = out->each[0]; /* all discard */
	}
}
