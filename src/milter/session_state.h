#ifndef ASSAY_MILTER_SESSION_STATE_H
#define ASSAY_MILTER_SESSION_STATE_H

#include "base/buffer.h"
#include "milter/session.h"
#include "milter/settings.h"
#include "policy/policy.h"

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

/* The ARC set that the message gets; session_seal.c. */
struct message_seal {
	bool may; /* the client's mail is of the kind that is sealed */
	bool wanted; /* somebody may want it: its body is hashed */
	bool done;
	struct arc_seal set; /* when done */
	struct view why;     /* wanted and not done */
};

/* session_srs.c; all zero: not looked at. */
struct message_srs {
	bool wanted; /* the sender is one to be rewritten where a recipient leaves */
	const struct srs_table_set *tables; /* of the arena: dropped with the message */
	int64_t ask_until_ms;	    /* the real clock: when srs.leave-map is asked no more about this recipient */
	size_t leaving;		    /* recipients that get the message and leave */
	struct recipient_srs first; /* of them */
	const char *outcome;	    /* of the rewriting; NULL: not tried */
	struct view sender;	    /* the new one, within brackets; empty: it stays */
	struct view why;
};

struct message {
	enum message_phase phase;
	struct settings *settings; /* one reference, from MAIL to the end */
	enum session_trust trust;
	struct view authserv_id;
	struct view queue_id;  /* empty: not known yet.  Postfix has none at MAIL */
	struct view argument;  /* of MAIL, as it came */
	struct view envid;     /* of MAIL, as it came: "ENVID=QQ314159"; empty: not given */
	int64_t arrived;       /* when MAIL came, seconds since the epoch */
	struct mail_path from; /* all empty: the null sender, or an argument that is no path */
	bool null_sender;
	bool prdr; /* MAIL said PRDR */
	bool classes_joined; /* policy.class-refusals is reached */
	bool spf_awaited; /* a RCPT has waited for SPF: once is enough */
	bool tls;
	struct view certificate; /* name in the client's verified certificate; empty: none */
	struct recipient *rcpt; /* those we let in */
	size_t rcpts, rcpt_room;
	size_t turned_away; /* recipients: they cost memory too */
	struct header header;
	uint64_t size; /* of header and body as shown to us */
	struct assess *assess;
	bool body_wanted;
	struct message_seal seal;
	struct message_srs srs;
	/* MESSAGE_DECIDED, and it goes on: what was decided upon, and what becomes of each recipient. */
	const struct assessment *found;
	const struct settlement *settled;
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
	bool mail_unheard, rcpt_unheard;
	int64_t class_refusals; /* 452 for recipients of other classes, since a message was accepted */
	/* the message */
	struct arena *arena;
	struct message msg; /* all zero when phase is MESSAGE_NONE */
	/* For a MAIL that was refused unheard; SESSION_CONTINUE: none.  No message has begun then. */
	struct session_reply owed;
};

/* Decide the message before its time; the first reason stands. */
void session_refuse_message(struct session *s, struct session_reply reply, const char *rule);

/* session_replies.c: can a RCPT of this client be refused, and does it hear why? */
bool session_hears_rcpt(const struct session *s);

/* session_edits.c: what found and the settings ask for, into verdict; accepted messages only. */
void session_build_edits(struct session *s, const struct assessment *found, const struct settlement *settled,
    struct session_verdict *out);

/*
 * What one field of ours may measure.  libmilter sends no more than 65535 octets of a value, Postfix cuts a
 * field at 60000; the senders' signatures decide how many facts there are and how long they get.
 */
#define RESULTS_OCTETS_MAX 16384
/* session_edits.c: of the facts those that fit into one field of ours; only signatures are left out. */
struct auth_facts session_fit_results(struct view authserv_id, const struct auth_facts *facts, struct arena *arena);

/* session_seal.c: a hop of ours before us, of group seal. */
bool session_is_upstream(const struct session *s, const struct seal_conf *conf);
/* Over the message as these edits will leave it.  False: no set; m->seal says whether one was wanted, and why not. */
bool session_seal_message(struct session *s, const struct assessment *found, const struct settlement *settled,
    const struct edit *edit, size_t edits);
/*
 * session_sealer.c: whose seal a message gets.  There is one: for mail of strangers what the recipients that get it want
 * (where they differ, the site's), for mail of our own clients what the sender's domain wants.
 */
bool session_seal_may(const struct session *s);	    /* at MAIL, by the settings and the client */
bool session_seal_wanted(const struct session *s); /* when all recipients are known: could there be a seal? */
/* NULL: nobody's; *why is empty where nobody wants one. */
const struct arc_seal_conf *session_sealer(const struct session *s, const struct assessment *found,
    const struct settlement *settled, struct view *why);
/* session_policy.c */
void session_learn_client(struct session *s, session_macro *macro, void *ctx); /* at MAIL: TLS */
/* May this recipient join the transaction?  False: *reply is for this one alone, and logged. */
bool session_admit(struct session *s, const struct recipient *rcpt, struct session_reply *reply);
/* One verdict for each recipient of the message that is complete, and what is done with them together. */
void session_settle(struct session *s, const struct assessment *found, struct settlement *out, struct verdict *each);
struct session_reply session_reply_for(struct session *s, const struct verdict *v);
/* One line for each recipient, where the client asked for it with PRDR. */
void session_reply_prdr(struct session *s, const struct settlement *settled, struct session_reply *reply);

/* session_srs.c */
void session_srs_begin(struct session *s, session_macro *macro, void *ctx); /* at MAIL */
/* Fills rcpt->srs.  False: an SRS address of ours that is not let in; as session_admit. */
bool session_srs_admit(struct session *s, struct recipient *rcpt, session_macro *macro, void *ctx,
    struct session_reply *reply);
/* Once session_admit has let it in: class and rate.  False: as session_admit. */
bool session_srs_join(struct session *s, const struct recipient *rcpt, struct session_reply *reply);
/* The new sender, for those that get the message.  False: *v defers it. */
bool session_srs_settle(struct session *s, const struct settlement *settled, struct verdict *v);
/* The message is accepted: what came back by it counts (srs.return-rate). */
void session_srs_count(struct session *s);

/* session_log.c */
struct session_outcome {
	const struct assessment *found;	 /* NULL: refused before anything was known */
	const struct verdict *verdict;	 /* one for each recipient; NULL with found */
	struct verdict decided;		 /* for the whole message */
	const struct settlement *settled; /* NULL with found */
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
 *	srs=		what became of the sender, where recipients leave: rewritten:<NEW>, or too-long, temperror...
 *	srs_leave=	N:BY,<TARGET>: how many leave, how that is known of the first, and what it comes to
 *	spf= spf_helo= spf_guess=
 *	dkim=		RESULT:d=DOMAIN,s=SELECTOR;... in the order of the fields; ";+N": not shown
 *	seal=		yes:i=INSTANCE,d=DOMAIN,s=SELECTOR, or no; left out where no seal was wanted
 *	from_domain=	of the author, or <none>, <several>
 *	dmarc=		STATUS:p=POLICY,d=DOMAIN of the record; dmarc_other= where the other discovery differs
 *	arc=		RESULT:i=HIGHEST,d=SEALER; left out without a chain
 *	overdue=RULE	a rule that would defer for a temporary error, as it has done for policy's defer-hours (behind file=)
 *	verdict= rule= reply=	for the message as a whole, and the reply if it is one of ours
 *	each=		VERDICT:<RECIPIENT>,... where they differ
 *	why=		in words
 *	size=		octets shown to us
 *	dns=N/TEMP	questions, and those of them without an answer to trust
 *	ms=		that the MTA waited for us at the end of the message
 *	generation=	of the settings
 *	to=<RECIPIENT>,...	the first ten, fewer when they are long; ",+N": not shown
 *
 * log_line.h reads the envelope back.
 *
 * About a notice to the sender there are lines of their own:
 *
 *	QUEUEID: event=notice status= to=<SENDER> rcpts=<RECIPIENT>,...
 *	status=queued	it is on its way: sent, later or lost follow (outbox.h)
 *	status=none why=	null-sender, no-address, odd-address, not-authenticated, auto-submitted, notify (nobody
 *			wants to know), per-hour, queue-full
 *
 * Whatever a stranger wrote is quoted by buffer_add_quoted and cut; refusals of other kinds (overload, negotiation, edits
 * that failed) are lines with event= or rule=edits-failed.
 */
void session_log_verdict(const struct session *s, const struct session_outcome *o);
/* A recipient that is not let in; v->text is the reply as it goes out. */
void session_log_rcpt(const struct session *s, const struct recipient *rcpt, const struct verdict *v);
/* One line for each SRS address of ours among the recipients of an accepted message: whom it stands for. */
void session_log_returned(const struct session *s, const struct settlement *settled);
/* One line for each recipient that is taken from the envelope of an accepted message. */
void session_log_removed(const struct session *s, const struct settlement *settled);
/* As the lines show it: "<ann@example.org>"; an argument that is no path as it came. */
struct view session_log_path(const struct session *s, struct view argument, const struct mail_path *path);
/* "4F2xYz", or "NOQUEUE". */
struct view session_log_id(const struct session *s);
/* A message was not let in: open ones of at most max.  Seldom: see session_load_say. */
void session_log_overload(const struct session *s, size_t open, size_t max);

#endif
