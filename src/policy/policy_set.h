#ifndef ASSAY_POLICY_POLICY_SET_H
#define ASSAY_POLICY_POLICY_SET_H

#include "policy/policy_rule.h"

/*
 * policy_set - all files, and a table of whom they are for: its cost does not grow with their number.
 */
struct policy_slot {
	struct view key; /* empty: the slot is free */
	const struct conf_node *at;
	struct policy_block *block;
};

struct policy_set {
	struct view delimiter;
	struct policy_block *block;
	size_t blocks;
	struct policy_slot *slot; /* a power of two, at most half full */
	size_t slots;
	struct view *tag; /* lower case, each once */
	size_t tags;
	const struct policy_seal **seal; /* by their number */
	size_t seals;
	struct view *srs_domain;
	size_t srs_domains;
	size_t mistakes;
};

/* The file that claims the key; NULL: none. */
struct policy_block *policy_block_of(const struct policy_set *set, struct view key);

#endif
