#ifndef ASSAY_MILTER_SESSION_STATE_H
#define ASSAY_MILTER_SESSION_STATE_H

#include "base/buffer.h"
#include "milter/session.h"
#include "milter/settings.h"
#include "policy/verdict.h"

/*
 * session_state - what the files session*.c share, and nobody else: the two lifetimes of a session.
 */
enum message_phase {
	MESSAGE_NONE,	  /* between messages */
	MESSAGE_ENVELOPE, /* MAIL came */
	MESSAGE_HEADER,	  /* DATA or a field came */
	MESSAGE_BODY,	  /* the header is complete */
	MESSAGE_DECIDED,  /* the verdict is out and its views are being read */
};

/* Why a client is not a stranger. */
enum session_trust {
	TRUST_NONE,
	TRUST_LOCAL, /* sendmail(1), a unix socket */
	TRUST_INTERNAL,
	TRUST_AUTHENTICATED,
};
extern const struct name_row session_trust_names[];

struct message {
	enum message_phase phase;
	struct settings *settings; /* one reference, from MAIL to the end */
	enum session_trust trust;
	struct view authserv_id;
	struct view queue_id;  /* empty: not known yet.  Postfix has none at MAIL */
	struct view argument;  /* of MAIL, as it came */
	struct mail_path from; /* all empty: the null sender, or an argument that is no path */
	bool null_sender;
	struct recipient *rcpt; /* those we let in */
	size_t rcpts, rcpt_room;
	struct header header;
	uint64_t size; /* of header and body as shown to us */
	struct assess *assess;
	bool body_wanted;
	/* Decided before its time, whatever the facts will be; answer SESSION_CONTINUE: not. */
	struct session_reply refusal;
	const char *refusal_rule;
};

struct session {
	const struct session_env *env;
	/* the connection */
	bool connected;
	bool local;
	struct ip client;
	struct view client_name, helo, mta_name; /* heap, each of its own (keep_text); never NULL views */
	/* the message */
	struct arena *arena;
	struct message msg; /* all zero when phase is MESSAGE_NONE */
};

/* session_edits.c: what found and the settings ask for, into verdict; accepted messages only. */
void session_build_edits(struct session *s, const struct assessment *found, const struct verdict *decided,
    struct session_verdict *out);

/* session_log.c */
struct session_outcome {
	const struct assessment *found;	 /* NULL: refused before anything was known */
	const struct verdict *verdict;	 /* one for each recipient; NULL with found */
	struct verdict decided;		 /* for the whole message */
	int64_t ms;			 /* that the end of message took */
};
/*
 * One line for each message that reached its end, whatever became of it; an aborted one leaves none.  The keys in
 * their order; one whose question was not asked, or that says nothing, is left out:
 *
 *	QUEUEID:	of the MTA, or NOQUEUE
 *	client=NAME[IP]	"unknown" without a name, "local" without an address
 *	trust=		local, internal, authenticated: why SPF was not asked
 *	helo= from=<> rcpts=
 *	spf= spf_helo= spf_guess=
 *	dkim=		RESULT:d=DOMAIN,s=SELECTOR;... in the order of the fields; ";+N": not shown
 *	from_domain=	of the author, or <none>, <several>
 *	dmarc=		STATUS:p=POLICY,d=DOMAIN of the record; dmarc_other= where the other discovery differs
 *	arc=		RESULT:i=HIGHEST,d=SEALER; left out without a chain
 *	verdict= rule= reply=	for the message as a whole, and the reply if it is one of ours
 *	each=		VERDICT:<RECIPIENT>,... where they differ
 *	why=		in words
 *	size=		octets shown to us
 *	dns=N/TEMP	questions, and those of them without an answer to trust
 *	ms=		that the MTA waited for us at the end of the message
 *	generation=	of the settings
 *
 * Whatever a stranger wrote is quoted by buffer_add_quoted and cut; refusals of other kinds (overload, negotiation, edits
 * that failed) are lines with event= or rule=edits-failed.
 */
void session_log_verdict(const struct session *s, const struct session_outcome *o);
/* "4F2xYz", or "NOQUEUE". */
struct view session_log_id(const struct session *s);
/* A message was not let in: open ones of at most max.  Seldom: see session_load_say. */
void session_log_overload(const struct session *s, size_t open, size_t max);

#endif
