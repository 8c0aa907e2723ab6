#ifndef ASSAY_CLI_MTA_MILTER_H
#define ASSAY_CLI_MTA_MILTER_H

#include "base/arena.h"

/*
 * mta_milter - a milter as Postfix or Sendmail names it.
 * Sources: postconf(5) smtpd_milters and MILTER_README ("{ inet:host:port, name=value... }"); Sendmail's
 * Installation and Operation Guide 5.11 ("Xname, S=..., F=..., T=C:10m;S:10s;R:10s;E:5m").
 * Pure and thread-safe; views point into the text that was parsed.
 */
enum mta_socket {
	MTA_SOCKET_UNIX,
	MTA_SOCKET_INET,
	MTA_SOCKET_INET6,
	MTA_SOCKET_BAD, /* the MTA takes none of this for an address */
};

struct mta_milter {
	struct view name;    /* Sendmail: behind the X; Postfix: empty */
	struct view address; /* as written */
	enum mta_socket kind;
	struct view path;    /* MTA_SOCKET_UNIX */
	struct view host;    /* the inet kinds, without brackets; empty: this host */
	unsigned port;	     /* the inet kinds, 1..65535 */
	/* Settings of its own; empty: none.  Sendmail's F= is in default_action, T= in the times. */
	struct view default_action, protocol;
	struct view connect_timeout, command_timeout, content_timeout; /* as written; Sendmail: C:, R:, E: */
};

/* A list as in smtpd_milters, macros expanded.  Items are separated by white space or commas. */
size_t mta_milters_postfix(struct view list, struct arena *arena, struct mta_milter **milters);

/* One line of sendmail.cf behind its "X". */
void mta_milter_sendmail(struct view line, struct mta_milter *milter);

/* "30s", "5m", "2h", "1d", "1w", or a number of units.  False: no time. */
bool mta_time(struct view text, char unit, int64_t *seconds);

#endif
