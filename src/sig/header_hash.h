#ifndef ASSAY_SIG_HEADER_HASH_H
#define ASSAY_SIG_HEADER_HASH_H

#include "mail/header.h"
#include "sig/body_hash.h"

/*
 * header_hash - the header fields a signature names, canonicalized and hashed.
 * Sources: RFC 6376 3.4.1, 3.4.2, 3.7, 5.4.2; RFC 8617 5.1.1 and 5.1.2 for ARC.
 */

/* Feed one field as canon says; with_crlf = false for the signature's own field, which comes last. */
void header_hash_field(struct digest *d, enum canon canon, struct view name, struct view value, bool with_crlf);

/*
 * Feed the fields that h= names, in its order: each naming of a name takes the next field of that name from
 * the bottom up; a naming without a field left adds nothing (5.4.2).  own is the signature's field and never
 * taken: an h= that names its own kind means the others (5.4); NULL: there is none.
 */
void header_hash_named(struct digest *d, enum canon canon, const struct header *h, const struct header_field *own,
    const struct view *names, size_t n);

/* value with the octets [from, to) (the value of b=, white space included) left out; in arena. */
struct view header_hash_without(struct view value, size_t from, size_t to, struct arena *arena);

#endif
