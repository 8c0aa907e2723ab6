#ifndef ASSAY_SRS_SHAPE_H
#define ASSAY_SRS_SHAPE_H

#include "srs/srs.h"

/*
 * srs_shape - the outside of SRS addresses: quotes, tag, fields.  Knows no secret and no clock.
 */

/* local part at a domain, as SRS looks at it */
struct srs_mailbox {
	struct view text;   /* all of it, as typed, without brackets */
	struct view local;  /* as typed, but without the quotes around it when it is a quoted string */
	bool quoted;	    /* it is one */
	bool mixed;	    /* quotes stand elsewhere in it: no local part of RFC 5321, but other SRS writers make such */
	struct view typed_domain;
	struct view domain; /* mail/domain.h's spelling */
};

/*
 * SRS_VALID, SRS_NULL or SRS_NO_ADDRESS (*why says why not).  Control octets, spaces outside quotes, NULs, malformed
 * UTF-8, a missing "@", an address literal end here, before anything is decoded.
 */
enum srs_outcome srs_mailbox_parse(struct view address, struct arena *arena, struct srs_mailbox *m, struct view *why);

/* What a quoted string's inside stands for: quoted pairs taken off (RFC 5321 4.1.2). */
struct view srs_unquoted(struct view inside, struct arena *arena);
/* local@domain, with quotes around local when asked for. */
struct view srs_address(struct view local, bool quoted, struct view domain, struct arena *arena);

struct srs_fields {
	struct view hash, stamp; /* empty: this shape has none */
	struct view host;
	struct view user; /* SRS1: what followed "SRS0" at host, its separator included */
};

/* "SRS0" or "SRS1" in any case and one of "=+-": 0 or 1, *rest what follows; else -1. */
int srs_tag(struct view local, struct view *rest);
/* [hash "="] [stamp "="] host "=" user; false: a field is missing or none. */
bool srs0_split(struct view rest, bool with_hash, bool with_stamp, struct arena *arena, struct srs_fields *f);
/* hash "=" host "=" user */
bool srs1_split(struct view rest, struct arena *arena, struct srs_fields *f);

/* In place of a host: user is a key of the store.  postsrsd 2 marks its own so. */
#define SRS_STORE_HOST "1"

#endif
