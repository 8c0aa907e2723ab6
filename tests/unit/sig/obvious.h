#ifndef ASSAY_TESTS_OBVIOUS_H
#define ASSAY_TESTS_OBVIOUS_H

#include "base/arena.h"
#include "sig/canon.h"

/*
 * obvious - the canonical forms, line by line as RFC 6376 3.4 says them, with everything in memory.
 * Slow and plain, to compare the fast one with.
 */
struct view obvious_body(enum canon canon, struct view body, struct arena *arena);
struct view obvious_value(struct view value, struct arena *arena); /* relaxed; without name and final CRLF */

/* The fast forms, gathered; the body in pieces of `cut` octets, each copied to a place of its own. */
struct view gathered_body(enum canon canon, struct view body, size_t cut, struct arena *arena);
struct view gathered_field(enum canon canon, struct view name, struct view value, bool with_crlf, struct arena *arena);

#endif
