#ifndef ASSAY_DMARC_DMARC_FIND_H
#define ASSAY_DMARC_DMARC_FIND_H

#include "dmarc/dmarc_psl.h"
#include "dmarc/dmarc_walk.h"

/*
 * dmarc_find - which record applies to one author domain, and which organizational domain it has.
 * Two ways behind one face: the tree walk (RFC 9989 4.10.1) and the public suffix list (RFC 7489 6.6.3).
 */
enum dmarc_find_state {
	DMARC_FIND_WAITING,
	DMARC_FIND_RECORD,
	DMARC_FIND_NONE, /* no record, as far as DNS can say */
	DMARC_FIND_TEMP,
};

struct dmarc_find {
	struct view domain;
	const struct dmarc_psl *psl; /* NULL: by tree walk */
	struct dmarc_walk *walk;     /* NULL: by the list */
	struct dmarc_walk_step own, above; /* by the list: the domain itself, its organizational domain */
	struct dns_question *exists; /* NULL: not asked */

	enum dmarc_find_state state;
	const struct dmarc_record *record; /* DMARC_FIND_RECORD */
	struct view used;		   /* where it stands */
	bool subdomain;			   /* it stands above the author domain */
	struct view temp_why;		   /* DMARC_FIND_TEMP */
};

/* Asks every name at once, never blocks.  psl NULL: by tree walk. */
void dmarc_find_begin(struct dmarc_find *f, struct view domain, const struct dmarc_psl *psl, struct dns_task *dns,
    struct arena *arena);
/* The record; waits for no more answers than it takes.  With wait never DMARC_FIND_WAITING. */
enum dmarc_find_state dmarc_find_record(struct dmarc_find *f, bool wait, struct dns_task *dns, struct arena *arena);
/* The organizational domain.  Empty: not known yet, or (with wait) not to be known, and *temp_why says why. */
struct view dmarc_find_org(struct dmarc_find *f, bool wait, struct view *temp_why, struct dns_task *dns,
    struct arena *arena);

enum dmarc_existence {
	DMARC_EXISTS,
	DMARC_EXISTS_NOT, /* NXDOMAIN, RFC 9989 3.2.13 */
	DMARC_EXISTS_UNKNOWN,
};
/* Does the author domain exist?  For np=. */
enum dmarc_existence dmarc_find_existence(struct dmarc_find *f, bool wait, struct dns_task *dns);

#endif
