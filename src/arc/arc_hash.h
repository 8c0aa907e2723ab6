#ifndef ASSAY_ARC_ARC_HASH_H
#define ASSAY_ARC_ARC_HASH_H

#include "arc/arc_chain.h"

/*
 * arc_hash - what the signatures of an ARC set are made over.
 * Sources: RFC 8617 4.1.2, 5.1.1, 5.1.2; RFC 6376 3.7.  The same code serves verifying and sealing.
 */

/*
 * The fields of a whole chain, relaxed, in the order of RFC 8617 5.1.1.  Each seal covers all that
 * is above it in this text: it is canonicalized once, and hashed from its start for each seal.
 */
struct arc_scope {
	struct view text;
	size_t *seal_at; /* where each set's ARC-Seal begins; [0] is instance 1 */
};

/* chain: all parts of sets 1..n are there. */
void arc_scope_of(const struct arc_chain *chain, struct arena *arena, struct arc_scope *scope);

/* SHA-256 for the ARC-Seal of that instance. */
struct view arc_hash_seal(const struct arc_chain *chain, const struct arc_scope *scope, unsigned instance,
    struct arena *arena);

/* SHA-256 for an ARC-Message-Signature over the fields of header that its h= names. */
struct view arc_hash_message(const struct header *header, const struct arc_field *ams, struct arena *arena);

#endif
