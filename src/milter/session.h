#ifndef ASSAY_MILTER_SESSION_H
#define ASSAY_MILTER_SESSION_H

#include "assess/assess.h"
#include "base/ip.h"
#include "base/rate.h"
#include "policy/policy.h"

#include <stdatomic.h>

/*
 * session - one SMTP connection as a filter sees it: events in, edits and a reply out, all plain data.
 * Knows no libmilter type: milter/callbacks.c translates, tests/replay drives it as text.
 *
 * Any event may come in any state, as monitors and broken MTAs send them; one that makes no sense is answered
 * SESSION_TEMPFAIL, never believed, and one that came inside a message makes the end of that message a
 * tempfail, because the answer to header and body events is seldom read.
 * A session is used by one thread at a time, and may change threads between events.  Two lifetimes: the
 * connection's few texts are replaced one by one, the message has an arena.  session_on_abort ends the message,
 * also when there is none.
 */
/* Original addresses whose returning mail is counted. */
#define SESSION_RETURN_ADDRESSES 32768

struct session;

struct settings;
struct outbox;
struct deferrals;

/* What a sender may make us keep, beside the limits of the settings; RFC 5321 4.5.3.1 asks for 255, 256. */
#define SESSION_NAME_MAX 1024 /* octets of a HELO or client name; a longer one counts as not given */
#define SESSION_PATH_MAX 1024 /* octets of a MAIL or RCPT address; a longer one is refused */

/* How busy the process is: one for all sessions, all zero at first. */
struct session_load {
	atomic_size_t messages;	       /* between MAIL and their end */
	atomic_bool draining;	       /* new messages are answered 4xx */
	_Atomic int64_t said_at_ms;    /* last line in the log about it, monotonic; 0: none yet */
	atomic_size_t unsaid;	       /* refusals since then */
};

/* Shall a refusal be logged?  At most once in 10 seconds; then *unsaid is the number of those that were not. */
bool session_load_say(struct session_load *load, const struct clock *clock, size_t *unsaid);

/*
 * Under these settings, may a RCPT be answered with anything but "go on"?  A connection that begins while it is false
 * can do without those answers (session_go_unheard).  Whoever refuses at RCPT adds his condition here, and gives what
 * is said at the end of a message whose recipient had to be let in: new settings may come while nobody listens.
 */
bool session_replies_needed(const struct settings *settings);

/* What all sessions share; outlives them. */
struct session_env {
	/* The current snapshot, one reference for the caller; a message keeps the one it began with. */
	struct settings *(*settings_take)(void *ctx);
	void (*settings_drop)(void *ctx, struct settings *settings);
	void *ctx;
	struct assess_shared shared;
	const struct clock *clock;
	struct session_load *load; /* NULL: not counted, not limited */
	struct rate *returns; /* of mail to SRS addresses, by whom they stand for; NULL: not limited */
	struct view host; /* this host's name: our authserv-id when neither the settings nor the MTA tell one */
	struct outbox *outbox; /* of notices to senders (outbox.h); NULL: none are sent */
	struct deferrals *deferrals; /* how long senders wait (deferrals.h); NULL: nobody counts */
	/* NULL, or somebody who wants to see what a message is decided upon: `assayctl explain`. */
	void (*decided_upon)(void *ctx, const struct policy_set *set, const struct policy_facts *facts,
	    const struct recipient *rcpt, size_t n);
};

enum session_answer {
	SESSION_CONTINUE,
	SESSION_SKIP, /* body only: no more chunks wanted */
	SESSION_REJECT,
	SESSION_TEMPFAIL,
	SESSION_ACCEPT, /* the rest of the connection is not looked at */
	SESSION_DISCARD,
};

/* An SMTP reply of our own; code 0: the MTA's default words. */
struct session_reply {
	enum session_answer answer;
	int code;	       /* 450..599, class agrees with answer and enhanced code */
	struct view enhanced;  /* "5.7.1" */
	struct view text;      /* ASCII, one line, at most 980 octets; "%" not doubled yet */
	const struct view *line; /* of the message's arena: what goes out instead of text, a line each; lines = 0: text */
	size_t lines;		 /* at most SESSION_REPLY_LINES_MAX */
};
#define SESSION_REPLY_LINES_MAX 32 /* libmilter's */

enum edit_kind {
	EDIT_INSERT_HEADER, /* name, value at index 0: above all */
	EDIT_DELETE_HEADER, /* name, nth: the nth (1-based) of that name as received */
	EDIT_CHANGE_FROM,   /* value */
	EDIT_ADD_RCPT,	    /* value, args */
	EDIT_DELETE_RCPT,   /* value: the argument exactly as it came */
	EDIT_QUARANTINE,    /* value: the reason */
};

/* In the order to be carried out: deletions of one name from the highest nth down, insertions so that
 * the last one carried out ends on top. */
struct edit {
	enum edit_kind kind;
	struct view name;
	struct view value; /* folds are LF + tab, begins with a space where it is a header value */
	struct view args;
	unsigned nth;
};

struct session_verdict {
	struct session_reply reply;
	const struct edit *edit; /* of the message's arena: valid until the next event */
	size_t edits;
};

/* Ask the MTA for a macro; NULL: unset.  The text is copied at once. */
typedef const char *session_macro(void *ctx, const char *name);

struct session *session_new(const struct session_env *env);
void session_free(struct session *s); /* at close; NULL is fine */
/*
 * The MTA waits for no answer to MAIL, and with rcpt to none to RCPT either; until it is said otherwise.  What would have been
 * refused there is refused as soon as somebody listens: at RCPT, or at the end of the message.
 */
void session_go_unheard(struct session *s, bool mail, bool rcpt);

struct session_connect {
	struct ip client;      /* family 0: unix socket or unknown */
	struct view name;      /* as the MTA gives it: "mail.example.org", "[192.0.2.1]", "localhost" */
	unsigned port;
	bool local;	       /* not SMTP from a network: sendmail(1), a unix socket */
};

struct session_reply session_on_connect(struct session *s, const struct session_connect *c, session_macro *macro, void *ctx);
struct session_reply session_on_helo(struct session *s, struct view name, session_macro *macro, void *ctx);
/* argv[0] is the address as it came, the rest are ESMTP arguments, undecoded; n = 0 is answered 4xx. */
struct session_reply session_on_mail(struct session *s, const struct view *argv, size_t n, session_macro *macro, void *ctx);
struct session_reply session_on_rcpt(struct session *s, const struct view *argv, size_t n, session_macro *macro, void *ctx);
struct session_reply session_on_data(struct session *s, session_macro *macro, void *ctx);
/* value: everything after the colon, leading space included, folds as LF. */
struct session_reply session_on_header(struct session *s, struct view name, struct view value);
struct session_reply session_on_eoh(struct session *s, session_macro *macro, void *ctx);
struct session_reply session_on_body(struct session *s, struct view chunk);
/*
 * Decides everything and logs the message's one line; *verdict is what the caller carries out in one burst.
 * The caller then says session_on_abort, so that a quiet connection keeps nothing.
 */
void session_on_eom(struct session *s, session_macro *macro, void *ctx, struct session_verdict *verdict);
/* The edits of the last verdict were all carried out: now a notice may go to the sender. */
void session_edits_done(struct session *s);
/* They could not all be carried out: say so in the log. */
void session_edits_failed(struct session *s, struct view what);
void session_on_abort(struct session *s);

#endif
