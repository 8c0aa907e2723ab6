#ifndef ASSAY_MAIL_HEADER_H
#define ASSAY_MAIL_HEADER_H

#include "base/arena.h"
#include "base/err.h"

/*
 * header - the fields of a message as received, in order.
 * Source: RFC 5322 2.2.  Nothing is decoded or repaired here: signatures are made over these octets.
 */
struct header_field {
	struct view name;  /* as received, without the colon; never empty */
	struct view value; /* everything after the colon, leading space included, folds as CRLF, the
			      final CRLF left out */
};

struct header {
	struct header_field *field; /* [0] is the topmost */
	size_t n;
	size_t octets;	   /* of all fields, with colons and final CRLFs */
	size_t room;	   /* elements at field */
	size_t octets_max; /* limits, see header_init */
	size_t fields_max;
	struct arena *arena;
};

void header_init(struct header *h, struct arena *arena, size_t octets_max, size_t fields_max);

/*
 * Append a field; name and value are copied.  Any of LF, CRLF ends a line inside value and becomes CRLF
 * (libmilter hands over bare LF); a bare CR stays.  False (ERR_PERM, nothing added): over a limit, or
 * an empty name.
 */
bool header_add(struct header *h, struct view name, struct view value, struct err *err);

/* How many fields have that name; case does not matter. */
size_t header_count(const struct header *h, struct view name);

/* The k-th (0 is the topmost) field of that name; NULL: there is none. */
const struct header_field *header_nth(const struct header *h, struct view name, size_t k);

/*
 * Split a stored message: fields into *h, *body (a view into message) to what follows the empty line.  Lines end
 * in CRLF or LF.  A first "From " line (mbox) is skipped.  A line that is no field ("name:", no space before the
 * colon) and no fold ends the header and is the body's first line, as Postfix has it.  A line of white space
 * behind a field is a fold of it.  False: over a limit; err says which and at which line.
 */
bool header_read(struct view message, struct header *h, struct view *body, struct err *err);

#endif
