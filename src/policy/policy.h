#ifndef ASSAY_POLICY_POLICY_H
#define ASSAY_POLICY_POLICY_H

#include "arc/arc_seal_conf.h"
#include "conf/item.h"
#include "conf/read.h"
#include "policy/verdict.h"

/*
 * policy - what each recipient's site wants done, from files of rules, and one decision for each recipient.
 *
 * A file (policy.directory, *.conf) names its recipients and says what it wants for them:
 *
 *	domains = ["example.org", ".example.org"];	the domain; all below it; "*": everybody (the site default)
 *	addresses = ["postmaster@example.org"];
 *	incoming: { mode = "enforce"; rules = ( ... ); };
 *	outgoing: { leaves = true; srs-domain = "srs.example.org"; };
 *
 * A recipient's rules are those of its address, then of its address without extension, then of its domain, of each
 * ".parent", and of "*", in this order; the first rule that matches decides, and where none does the message is
 * accepted.  Settings beside the rules hold from the nearest file that gives them.
 *
 * policy_decide is a pure function: the same set and facts give the same verdicts, without DNS, clock or memory
 * of other messages, and a recipient's verdict does not depend on the others.  A set is immutable and may be
 * used by many threads.
 */
enum policy_recipients { /* when recipients' policies differ */
	POLICY_CLASS,	  /* one class of recipients for each transaction; others are told 452 */
	POLICY_SPLIT,	  /* those that refuse are taken from the envelope */
	POLICY_STRICTEST, /* one verdict for all */
	POLICY_LENIENT,
};

struct policy_conf {
	struct view directory;	/* of *.conf; empty: none */
	int recipients;		/* enum policy_recipients */
	int64_t class_refusals; /* class: so many in a row are told 452; the rest is let in, and decided as with split */
	bool deferred_deliver;	/* split: who would be deferred beside others that accept gets the message */
	struct view delimiter;	/* octets, each of which begins an address extension; empty: none */
};
extern const struct conf_section policy_section;

struct policy_set;

/*
 * Reads all files of the directory.  A file with mistakes keeps what the same file said in *before (which may be NULL),
 * but for names that other files have now; of two files that claim a name, the one that is unchanged keeps it, then one
 * that is not new, then the first.  Each mistake is said as "FILE:LINE: where: what", and counted.  NULL only when the
 * directory cannot be read.
 * Lives in arena and nothing of *before is kept.
 */
const struct policy_set *policy_load(const struct policy_conf *conf, const struct policy_set *before,
    struct arena *arena, conf_say *say, void *ctx);
size_t policy_mistakes(const struct policy_set *set); /* files that hold any */
size_t policy_files(const struct policy_set *set);
struct policy_text;
/* The files as they are in force.  false: no more. */
bool policy_text_nth(const struct policy_set *set, size_t i, struct policy_text *text);

/* A set of the texts given, as files of these names; for tests, fuzzing and the like. */
struct policy_text {
	const char *name;
	struct view text;
};
const struct policy_set *policy_of_texts(const struct policy_conf *conf, const struct policy_text *text, size_t n,
    const struct policy_set *before, struct arena *arena, conf_say *say, void *ctx);

/* What a rule can ask.  Every view is of the message or the connection. */
struct policy_facts {
	const struct assessment *found; /* never NULL; which parts are there already, the next two say */
	bool spf_known;	   /* spf, spf_helo, spf_guess of *found are final */
	bool content_known; /* so is all the rest, and the next two */
	bool list_id;	   /* the header has a List-Id */
	struct view list;  /* its list-id, lower case, without brackets; empty: none, or more than one */
	uint64_t size;	   /* of the message, octets */
	struct ip client;
	struct view client_name, helo, queue_id;
	struct mail_path from;
	bool null_sender;
	bool local, internal, authenticated; /* what kind of client of our own */
	bool tls;
	struct view certificate; /* name in the client's verified certificate; empty: none */
	/* How long temporary errors have made us defer mail of the domain that SPF asks, of the author's; seconds. */
	int64_t spf_deferred, author_deferred;
};

/* verdict[i] is for rcpt[i]; views are of set, of the facts, or of arena.  set NULL: the built-in accept. */
void policy_decide(const struct policy_set *set, const struct policy_facts *facts, const struct recipient *rcpt, size_t n,
    struct arena *arena, struct verdict *verdict);

/*
 * The verdict for one recipient, if it is sure before the message is there.  POLICY_NEEDS_SPF: ask again with SPF.
 */
enum policy_early {
	POLICY_LATER,
	POLICY_NEEDS_SPF,
	POLICY_NOW,
};
enum policy_early policy_decide_early(const struct policy_set *set, const struct policy_facts *facts,
    const struct recipient *rcpt, struct arena *arena, struct verdict *verdict);

/*
 * Could one reply serve both, whatever the message turns out to be?  True when the rules of the two refuse, defer,
 * hold, redirect and discard the same, whichever files they stand in.  trusted: the client is one of ours, so
 * only rules that name such clients refuse.
 */
bool policy_same_class(const struct policy_set *set, const struct recipient *a, const struct recipient *b, bool trusted);

/*
 * Can anything be said to one recipient before the message is there: a refusal that is sure by then, or with
 * POLICY_CLASS that it belongs to another class?  False only when never; found when the set was read.
 */
bool policy_speaks_at_rcpt(const struct policy_set *set, enum policy_recipients how);

/* Fields that some rule adds: those that came with a message are forged.  false: no more. */
bool policy_tag_name(const struct policy_set *set, size_t i, struct view *name);

/* One line for each rule that holds for the recipient, in their order, as the log names them; for `assayctl conf show`. */
struct view policy_show(const struct policy_set *set, const struct recipient *rcpt, struct arena *arena);

/* The names that files claim, in the order of the files: "a.test", ".a.test", "*", "u@a.test".  false: no more. */
bool policy_key(const struct policy_set *set, size_t i, struct view *key);
bool policy_has_key(const struct policy_set *set, struct view key);
/* Does the same hold for the recipient in both, names of rules, shadow rules and group outgoing included? */
bool policy_same_rules(const struct policy_set *a, const struct policy_set *b, const struct recipient *rcpt);

/*
 * The rules of a recipient in their order, each with what it comes to for these facts; for `assayctl explain`.
 * false: no more.
 */
struct policy_step {
	struct verdict_cause rule;
	bool shadow;
	bool not_for_ours; /* it would refuse a client of ours */
	bool overdue;	   /* it would defer for a temporary error, as it has done for long enough */
	bool holds;
	bool decides;	   /* the first that holds */
};
bool policy_step(const struct policy_set *set, const struct policy_facts *facts, const struct recipient *rcpt, size_t i,
    bool shadow, struct arena *arena, struct policy_step *step);

/* ---- the senders' side: group outgoing; policy_outgoing.c ---- */

/* Keys of a file's own: seal-domain and seal-keys, which stand together. */
struct policy_seal {
	struct view domain;    /* mail/domain.h's spelling */
	struct conf_list keys; /* as seal_conf's; where: "FILE:LINE" */
	size_t number;	       /* 0, 1...: its place in the set, for who opens the keys */
};

/*
 * How mail for this recipient leaves us, each from the nearest file that gives it, whatever incoming.inherit says.
 * To ask for a sender of ours (seal), hand his address over as if it were a recipient's.
 */
struct policy_outgoing {
	bool has_leaves, leaves;       /* true: mail for him goes on to elsewhere */
	bool has_srs, srs;	       /* false: senders are never rewritten for him; true also by srs-domain alone */
	struct view srs_domain;	       /* rewritten senders are of this domain; empty: the site's */
	bool has_seal, seal;	       /* true also by seal-domain alone */
	const struct policy_seal *seal_as; /* NULL: as the site does */
};
void policy_outgoing(const struct policy_set *set, const struct recipient *rcpt, struct policy_outgoing *out);

/* All of the set, in the order of the files.  NULL, false: no more. */
const struct policy_seal *policy_seal_nth(const struct policy_set *set, size_t i);
bool policy_srs_domain(const struct policy_set *set, size_t i, struct view *domain); /* may come twice */

/* ---- one SMTP transaction for many verdicts ---- */

enum recipient_fate {
	RECIPIENT_KEEP,
	RECIPIENT_REMOVE,   /* refused or discarded beside others that get the message */
	RECIPIENT_REDIRECT, /* to verdict.mailbox */
};

struct settlement {
	struct verdict whole;	   /* accept: the message goes on, as fate says; else its reply */
	enum recipient_fate *fate; /* for each recipient */
	struct verdict *each;	   /* what is carried out for each: one verdict for all with strictest and lenient */
	bool hold;
	struct view hold_reason;
};

/*
 * how: of the settings; a message with PRDR is POLICY_SPLIT.  n = 0: accept.
 * Never a message accepted with nobody left, but when all discard.
 */
void policy_settle(enum policy_recipients how, bool deferred_deliver, const struct verdict *verdict, size_t n,
    struct arena *arena, struct settlement *out);

#endif
