#ifndef ASSAY_BASE_RECENT_H
#define ASSAY_BASE_RECENT_H

#include "base/view.h"

/*
 * recent - what was seen lately, by a key that strangers choose, in memory that never grows.
 * Of a key only its hash is kept (hash.h), and two times beside it; which key it was nobody can tell any more.  When
 * there is no room, the key of its neighbourhood that was used longest ago is forgotten.
 * Not thread-safe: its owner has a lock.
 */
struct recent;

struct recent_slot {
	uint64_t hash;	  /* 0: free */
	int64_t since_ms; /* its user's own; 0 at first */
	int64_t used_ms;  /* set by recent_use */
};

struct recent *recent_new(size_t keys); /* about so many; 24 octets each, taken at once */
void recent_free(struct recent *recent); /* NULL is fine */

/* The slot of the key, good until the next call; NULL: it was not seen, or is forgotten.  Case does not matter. */
struct recent_slot *recent_find(struct recent *recent, struct view key);
/* The same, and a new one where there is none. */
struct recent_slot *recent_use(struct recent *recent, struct view key, int64_t now_ms);
void recent_forget(struct recent_slot *slot);

#endif
