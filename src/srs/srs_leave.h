#ifndef ASSAY_SRS_LEAVE_H
#define ASSAY_SRS_LEAVE_H

#include "mail/address.h"
#include "srs/srs_ask.h"
#include "srs/srs_tables.h"

/*
 * srs_leave - whose mail leaves this site again, so that its sender must be one that passes SPF from here.
 * A filter sees recipients before the MTA expands them: this is what the MTA will do, from what the settings and the
 * MTA's own tables and macros say.  In this order:
 *
 *	leaves		the settings name the recipient
 *	relocated	a table of such: it is bounced and stays here
 *	mailer		the MTA says that it hands the mail to one of leave-mailers
 *	virtual, aliases, leave-map	what the recipient expands to, again and again, until a domain is none of ours
 *	relay		the recipient's own domain is none of ours
 *
 * The last two need local-domains.  Look-up order as virtual(5) and aliases(5) have it.  An alias NAME for which there
 * is an owner-NAME does not leave under the old sender (local(8)).  .forward files are not looked at.  What cannot be
 * found out (map or :include: out of order, more than SRS_LEAVE_STEPS_MAX addresses) counts as leaving: a
 * sender rewritten for nothing does less harm than a forwarded message refused for its SPF.
 *
 * Pure but for ask; thread-safe.
 */
#define SRS_LEAVE_STEPS_MAX 1000
#define SRS_LEAVE_INCLUDES_MAX 100 /* for one recipient; they may name one another */
/* Domains of ours that a name without one is tried with: the first of alias-domains, else of local-domains. */
#define SRS_LEAVE_ORIGINS_MAX 50
/* Questions to the map for one recipient: what it says may be in it again. */
#define SRS_LEAVE_ASKS_MAX 20

struct srs_leave {
	const struct srs_leave_conf *conf;
	struct view delimiter; /* octets, each of which begins an extension */
	const struct srs_table_set *tables; /* NULL: none */
	/* NULL: no map. */
	enum srs_found (*ask)(void *ctx, struct view key, struct arena *arena, struct view *value, struct err *err);
	void *ctx;
};

/* The MTA's macros of a recipient; empty: not given. */
struct srs_mailer {
	struct view mailer, host, address;
};

struct srs_leaving {
	bool leaves;
	bool unsure;	    /* not found out; why says more */
	const char *by;	    /* the words above; NULL when it stays */
	struct view target; /* that it comes to; of the tables or arena */
	struct view why;
};
/* path: of RCPT, or of what it is replaced by.  result lives as long as arena and tables. */
void srs_leave_find(const struct srs_leave *leave, const struct mail_path *path, const struct srs_mailer *mailer,
    struct arena *arena, struct srs_leaving *result);

/* A domain of ours: of local-domains, or one that a virtual table is for.  False also when nothing is known. */
bool srs_leave_is_local(const struct srs_leave *leave, struct view domain);

#endif
