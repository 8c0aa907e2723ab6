#ifndef ASSAY_POLICY_VERDICT_H
#define ASSAY_POLICY_VERDICT_H

#include "assess/assess.h"
#include "srs/srs_leave.h"

/*
 * verdict - what becomes of a message, for each of its recipients; who decides is policy.h.
 */
enum verdict_action { /* from the mildest to the strictest: verdict_strictest goes by this order */
	VERDICT_ACCEPT,
	VERDICT_TAG, /* accepted, with a header field of ours */
	VERDICT_QUARANTINE,
	VERDICT_DISCARD,
	VERDICT_REJECT,
	VERDICT_DEFER, /* nothing is decided for good, so nothing may be lost */
};
extern const struct name_row verdict_action_names[];

enum quarantine_by {
	QUARANTINE_TAG,	     /* delivered, with a header field of ours */
	QUARANTINE_HOLD,     /* the MTA keeps the message, for all its recipients */
	QUARANTINE_REDIRECT, /* this recipient's copy goes to another mailbox */
};
extern const struct name_row quarantine_by_names[];

/* What decided, as it is logged. */
struct verdict_cause {
	enum verdict_action action;
	struct view rule; /* "built-in": none of the site's */
	struct view file; /* empty: built-in */
	unsigned line;
};

struct verdict {
	enum verdict_action action; /* to be carried out */
	struct view rule;     /* that decided, as it is logged; "built-in": none of the site's */
	struct view file;     /* where it stands; empty: built-in */
	unsigned line;
	int code;	      /* of the reply, reject and defer only; 0: the MTA's default */
	struct view enhanced; /* "5.7.1" */
	struct view text;     /* reject, defer: ASCII, one line, at most 980 octets; quarantine: the reason */
	enum quarantine_by by; /* VERDICT_QUARANTINE only */
	struct view mailbox;   /* QUARANTINE_REDIRECT only */
	struct view tag_name, tag_value; /* the field to add; empty: none */
	bool monitored;		     /* the rule would have done `would`, but the policy only looks on */
	enum verdict_action would;
	bool shadowed;		     /* the shadow rules were asked too */
	struct verdict_cause shadow; /* what they said */
	struct dmarc_disposition dmarc; /* what is done in DMARC's name, and why it is not what was published */
};

/* What SRS knows of a recipient; srs_leave.h. */
struct recipient_srs {
	const char *status;	    /* "valid": an SRS address of ours; "leaves": mail to it goes on; "" */
	struct view restored;	    /* valid: whom it stands for; else empty */
	struct srs_leaving leaving; /* only where the sender is one to be rewritten */
	struct view domain;	    /* that his file wants rewritten senders to be of; empty: the site's */
};

struct recipient {
	struct view argument;  /* of RCPT, exactly as it came */
	struct mail_path path; /* all empty: the argument is no path we know */
	struct view notify, orcpt; /* ESMTP arguments as they came, "NOTIFY=NEVER"; empty: not given */
	struct recipient_srs srs;
};

/* The one that serves where a message can have one answer only.  n = 0: the built-in accept. */
struct verdict verdict_strictest(const struct verdict *verdict, size_t n);
struct verdict verdict_mildest(const struct verdict *verdict, size_t n);
struct verdict verdict_built_in(void);

#endif
