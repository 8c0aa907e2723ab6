#ifndef ASSAY_ARC_ARC_CHAIN_H
#define ASSAY_ARC_ARC_CHAIN_H

#include "arc/arc.h"
#include "arc/arc_field.h"

/*
 * arc_chain - the ARC sets of a message, collected and put in order.
 * Source: RFC 8617 4.2, 4.3, 5.2 steps 1 to 3.  Text only: no DNS, no keys, no clock.
 */
struct arc_set {
	struct arc_field *part[ARC_KINDS]; /* NULL: missing */
};

struct arc_chain {
	struct arc_set *set;	/* [0] is instance 1; room for ARC_INSTANCES_MAX; NULL while fields is 0 */
	unsigned n;		/* highest instance seen; more fields than 50 sets have: ARC_INSTANCES_MAX */
	size_t fields;		/* fields of ARC seen; 0: there is no chain */
	unsigned newest_seal;	/* highest instance of an ARC-Seal */
	bool ends_failed;	/* an ARC-Seal of that instance says cv=fail */
	struct view why;	/* why the chain fails whatever its signatures are worth; empty: nothing known */
};

/* Whole and in order, as far as text can tell. */
static inline bool
arc_chain_sound(const struct arc_chain *chain)
{
	return chain->fields > 0 && chain->why.n == 0;
}

/*
 * Octets that the fields of a chain may have in all.  Every seal covers all sets below it, so that the work grows with
 * the square of the chain; the longest chains of real mail have some 4 KB a set, and fewer than 20 sets.
 */
#define ARC_OCTETS_MAX (256 * 1024)

/*
 * Collect the sets of header and look at their structure.  header must stay as it is while *chain is in use.
 * No more than 3 * ARC_INSTANCES_MAX fields are looked into, whatever the header holds.
 */
void arc_chain_collect(const struct header *header, struct arena *arena, struct arc_chain *chain);

#endif
