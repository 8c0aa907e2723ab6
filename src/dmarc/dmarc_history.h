#ifndef ASSAY_DMARC_DMARC_HISTORY_H
#define ASSAY_DMARC_DMARC_HISTORY_H

#include "base/ip.h"
#include "dmarc/dmarc.h"

/*
 * dmarc_history - the file that OpenDMARC's opendmarc-import reads (dmarc_history_file).
 * Source: opendmarc-import and opendmarc-reports of OpenDMARC 1.4.2, README.opendmarc for the numbers.
 *
 * One set of lines a message, one write(2) a set.  A set is in the file whole or not at all: a write that falls
 * short (full disk) is cut off again.  The file may be renamed, removed or truncated at any time, as
 * opendmarc-importstats and logrotate do: the next append sees another inode and opens anew, and what was being
 * appended is in the old file before an importer (which takes a lock) begins to read it.
 */
enum dmarc_history_action { /* numbers of OpenDMARC */
	DMARC_ACTION_REJECT = 0,
	DMARC_ACTION_DISCARD = 1,
	DMARC_ACTION_ACCEPT = 2,
	DMARC_ACTION_TEMPFAIL = 3,
	DMARC_ACTION_QUARANTINE = 4,
};

struct dmarc_history_seal {
	unsigned instance;
	struct view domain, selector;
	struct view client; /* smtp.remote-ip of its AAR; empty: unknown */
};

#define DMARC_HISTORY_SIGNATURES_MAX 100 /* lines of one set; RFC 9990 reports no more */
#define DMARC_HISTORY_SEALS_MAX 50	 /* RFC 8617 5.1.1.3 */
#define DMARC_HISTORY_RUA_MAX 255	 /* octets of all addresses, joined: the importer's column */

struct dmarc_history_entry {
	struct view job;      /* queue id */
	struct view reporter; /* our name */
	int64_t received;     /* seconds since the epoch */
	struct ip client;
	struct view mail_domain; /* of MAIL FROM; of HELO for the null sender */
	const struct dmarc_result *result;
	const struct auth_facts *facts; /* of SPF and DKIM */
	enum dmarc_history_action action;
	enum auth_result arc; /* AUTH_NONE: no chain */
	bool arc_overrode;    /* the chain is why action is not what the policy says */
	const struct dmarc_history_seal *seal;
	size_t seals;
};

/* Only messages whose author domain has a usable record go into the file; OpenDMARC's own default. */
bool dmarc_history_wants(const struct dmarc_result *result);
/* The set of lines.  Octets that cannot stand in them become '?'. */
struct view dmarc_history_lines(const struct dmarc_history_entry *entry, struct arena *arena);

/* Thread-safe.  The file is opened by the first append. */
struct dmarc_history;
struct dmarc_history *dmarc_history_new(struct view path);
void dmarc_history_free(struct dmarc_history *h); /* NULL is fine */
/* Open anew before the next append: for SIGHUP.  Not needed for correctness. */
void dmarc_history_reopen(struct dmarc_history *h);
/* False (ERR_TEMP, with path and reason): nothing of the set is in the file.  The caller logs, not for every message. */
bool dmarc_history_append(struct dmarc_history *h, struct view lines, struct err *err);

#endif
