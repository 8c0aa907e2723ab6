#ifndef ASSAY_MAIL_DOMAIN_H
#define ASSAY_MAIL_DOMAIN_H

#include "base/arena.h"
#include "base/err.h"

/*
 * domain - names of mail domains: one spelling inside, two at the edges.
 * Inside assay a domain is lower case, A-labels, no final dot (RFC 5890).  Pure; thread-safe.
 */

/*
 * Any spelling (U-labels in UTF-8, upper case, a final dot) to ours.  IDNA 2008 by libidn2, UTS 46
 * non-transitional.  Underscores and other odd visible ASCII in labels, also "xn--" labels that decode to nothing,
 * pass when no U-label is present, as DNS lets them; with one, only letters, digits, "-" and "_" do.  An empty
 * label, a label above 63 octets, a name above 253, a space, a control octet never pass.  False: ERR_PERM.
 * *ascii is of the arena.
 */
bool domain_to_ascii(struct view domain, struct arena *arena, struct view *ascii, struct err *err);

/* Only letters, digits, hyphens (not at a label's edge) and dots, two labels or more: a name that mail can use. */
bool domain_is_fqdn(struct view ascii);

size_t domain_labels(struct view ascii);
/* Without its leftmost label; empty when there was only one. */
struct view domain_parent(struct view ascii);
/* Its last n labels; all of it when it has fewer. */
struct view domain_last(struct view ascii, size_t n);
/* child is parent, or ends in "." parent.  Case does not matter.  Nothing is within the empty name. */
bool domain_within(struct view child, struct view parent);

#endif
