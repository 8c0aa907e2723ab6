#ifndef ASSAY_MAIL_ADDRESS_H
#define ASSAY_MAIL_ADDRESS_H

#include "mail/header.h"

/*
 * address - mailboxes of header fields and paths of the envelope.
 * Sources: RFC 5322 3.4 and 4.4 (obsolete forms), RFC 6532 (UTF-8), RFC 5321 4.1.2 (paths).
 */
struct mailbox {
	struct view display; /* display name, quotes and folds taken off; may be empty */
	struct view local;   /* local part as it means: quoting taken off */
	struct view domain;  /* mail/domain.h's spelling; a domain literal: lower case, in its brackets, no folds */
};

struct mailbox_list {
	struct mailbox *box;
	size_t n; /* members of groups included */
};

/*
 * The address-list of a From, To, Sender... value.  Everything is parsed or nothing: false (ERR_PERM,
 * with the byte) for what the grammar does not know, so no reader can see another address than we do.
 * An empty group ("undisclosed:;") is a list of none.  At most MAILBOXES_MAX.  UTF-8 must be well-formed.
 * Of the obsolete grammar all is known but control octets (mail/lexis.h) and quoted pairs in domain literals.  A
 * domain that mail/domain.h refuses refuses the list.  Views are of the arena; on false, list->n says how far it
 * came.
 */
#define MAILBOXES_MAX 1000
bool mailbox_list_parse(struct view value, struct arena *arena, struct mailbox_list *list, struct err *err);

/*
 * RFC 9989: the author's domain, or why there is not exactly one.
 * A domain is letters, digits, "-", "_" and dots, and no dotted quad; with any other in the field there is none.
 */
#define FROM_DOMAINS_MAX 100

enum from_outcome {
	FROM_ONE,     /* one domain, perhaps of several mailboxes */
	FROM_NONE,    /* no From field, one that cannot be parsed, or no domain in it */
	FROM_SEVERAL, /* several fields, whatever is in them, or several domains */
};
struct from_domain {
	enum from_outcome outcome;
	struct view domain;	   /* FROM_ONE; else empty */
	const struct view *domains; /* every distinct domain seen, in order; for policies on FROM_SEVERAL;
				       FROM_DOMAINS_MAX at most */
	size_t n;
	struct view why; /* in words of ours, when not FROM_ONE */
	size_t mailboxes;
	size_t fields; /* From fields; above 1 nothing can be aligned (RFC 9989 4.4) */
};
void from_domain_find(const struct header *h, struct arena *arena, struct from_domain *from);

/*
 * A MAIL or RCPT argument: "<a@b>", "a@b", "<>", "<@route:a@b>", "<postmaster>".
 * Looser than RFC 5321 in local parts, as MTAs are ("a..b", "a,b"); a second "@", brackets and backslashes count only
 * within quotes.  False: not that, malformed UTF-8, or a domain that mail/domain.h refuses.
 */
struct mail_path {
	struct view text;   /* without brackets and source route, as typed; empty: the null path */
	struct view local;  /* as typed, quotes included; for SRS and delrcpt it must stay as it is */
	struct view domain; /* mail/domain.h's spelling; "[192.0.2.1]": an address literal; empty: none given */
};
/* text and local point into argument. */
bool mail_path_parse(struct view argument, struct arena *arena, struct mail_path *path, struct err *err);

/*
 * What a local part stands for: without the quotes and backslashes that anybody may put there (RFC 5321 4.1.2), so that
 * "ann"@example.org is ann@example.org.  At most local.n octets are written; how many is returned.
 */
size_t mail_local_bare(struct view local, char *bare);
/* Does it stand for these octets?  Without regard to case. */
bool mail_local_is(struct view local, struct view bare);

#endif
