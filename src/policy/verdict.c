#include "policy/verdict.h"

const struct name_row verdict_action_names[] = {
	{ "accept", VERDICT_ACCEPT },
	{ "tag", VERDICT_TAG },
	{ "quarantine", VERDICT_QUARANTINE },
	{ "discard", VERDICT_DISCARD },
	{ "reject", VERDICT_REJECT },
	{ "defer", VERDICT_DEFER },
	{ NULL, 0 },
};

const struct name_row quarantine_by_names[] = {
	{ "tag", QUARANTINE_TAG },
	{ "hold", QUARANTINE_HOLD },
	{ "redirect", QUARANTINE_REDIRECT },
	{ NULL, 0 },
};

static const struct verdict built_in = {
	.action = VERDICT_ACCEPT,
	.rule = { "built-in", 8 },
	.file = { "", 0 },
	.enhanced = { "", 0 },
	.text = { "", 0 },
	.mailbox = { "", 0 },
	.tag_name = { "", 0 },
	.tag_value = { "", 0 },
	.overdue = { "", 0 },
};

struct verdict
verdict_built_in(void)
{
	return built_in;
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

struct verdict
verdict_mildest(const struct verdict *verdict, size_t n)
{
	const struct verdict *mildest = &built_in;

	for (size_t i = 0; i < n; i++)
		if (i == 0 || verdict[i].action < mildest->action)
			mildest = &verdict[i];
	return *mildest;
}
