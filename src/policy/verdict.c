#include "policy/verdict.h"

const struct name_row verdict_action_names[] = {
	{ "accept", VERDICT_ACCEPT },
	{ "quarantine", VERDICT_QUARANTINE },
	{ "discard", VERDICT_DISCARD },
	{ "reject", VERDICT_REJECT },
	{ "defer", VERDICT_DEFER },
	{ NULL, 0 },
};

static const struct verdict built_in = { .action = VERDICT_ACCEPT, .rule = { "built-in", 8 } };

void
policy_decide(const struct assessment *found, const struct recipient *rcpt, size_t n, struct verdict *verdict)
{
	(void)found;
	(void)rcpt;
	for (size_t i = 0; i < n; i++)
		verdict[i] = built_in;
}

struct verdict
verdict_strictest(const struct verdict *verdict, size_t n)
{
	const struct verdict *strictest = &built_in;

	for (size_t i = 0; i < n; i++)
		if (i == 0 || verdict[i].action > strictest->action)
			strictest = &verdict[i];
	return *strictest;
}
