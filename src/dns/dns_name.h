#ifndef ASSAY_DNS_DNS_NAME_H
#define ASSAY_DNS_DNS_NAME_H

#include "base/buffer.h"
#include "base/cursor.h"

/*
 * dns_name - domain names between text and wire.
 * In this room a name is the text of its labels with dots between them and none at the end; "" is the
 * root.  Pure and thread-safe.
 *
 * Text that is asked is taken octet by octet: only "." has a meaning, "\" has none.  Text that comes
 * out of an answer is lower case and safe to print: an octet that is not %x21-7E, and a dot or a
 * backslash inside a label, is written \DDD.  Such a name, asked again, does not exist.
 */
#define DNS_NAME_MAX 253 /* RFC 1035 2.3.4: 255 octets on the wire */
#define DNS_LABEL_MAX 63

/* The name without its final dot, if it has one. */
struct view dns_name_trim(struct view name);

/* Take one uncompressed name (RFC 1035 3.1) off c and write its text, as above.  False: it is none. */
bool dns_name_from_wire(struct cursor *c, struct arena *arena, struct view *text);

/*
 * As dns_name_from_wire, in the form that zone files and libunbound read: every octet but letters,
 * digits, "-" and "_" as \DDD.  `name` must be dns_name_ok.
 */
struct view dns_name_escaped(struct view name, struct arena *arena);

/*
 * Read a name as zone files write it (RFC 1035 5.1: \X and \DDD), final dot or not, and add it to
 * `wire`, lower case when fold is true.  "." is the root.  False: it cannot be a name.
 */
bool dns_name_to_wire(struct view text, bool fold, struct buffer *wire);

#endif
