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
	struct view *key; /* of all files, in their order */
	size_t keys, key_room;
	const struct policy_seal **seal; /* by their number */
	size_t seals;
	struct view *srs_domain;
	size_t srs_domains;
	bool refuses;	    /* some rule does */
	bool refuses_early; /* and before it has seen the message */
	size_t mistakes;
};

#define POLICY_DIRECTORY "/etc/assay/domains" /* preset */

/* The slot that has the key, or is free for it.  set->slots > 0. */
struct policy_slot *policy_slot_of(const struct policy_set *set, struct view key);
/* The file that claims the key; NULL: none. */
struct policy_block *policy_block_of(const struct policy_set *set, struct view key);

#endif
