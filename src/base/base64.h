#ifndef ASSAY_BASE_BASE64_H
#define ASSAY_BASE_BASE64_H

#include "base/arena.h"
#include "base/err.h"

/*
 * base64 - RFC 4648 section 4, as RFC 6376 writes it: white space may stand anywhere.
 */

/*
 * Decode, skipping SP TAB CR LF wherever they stand.  Strict otherwise: the alphabet A-Z a-z 0-9 + /,
 * at most two "=" and only at the end.  Padding may be missing (seen in keys by hand); bits left over
 * in the last digit must be zero.  The octets live in arena.  False: ERR_PERM.
 */
bool base64_decode(struct view text, struct arena *arena, struct view *octets, struct err *err);

/* With padding, without line breaks. */
struct view base64_encode(struct view octets, struct arena *arena);

#endif
