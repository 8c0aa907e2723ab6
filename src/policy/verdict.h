#ifndef ASSAY_POLICY_VERDICT_H
#define ASSAY_POLICY_VERDICT_H

#include "assess/assess.h"

/*
 * verdict - what becomes of a message, for each of its recipients.
 * policy_decide is a pure function: the same facts give the same verdicts, without DNS, clock or memory
 * of other messages.  There are no rules yet: everybody accepts, by the built-in one.
 */
enum verdict_action { /* from the mildest to the strictest: verdict_strictest goes by this order */
	VERDICT_ACCEPT,
	VERDICT_QUARANTINE,
	VERDICT_DISCARD,
	VERDICT_REJECT,
	VERDICT_DEFER, /* nothing is decided for good, so nothing may be lost */
};
extern const struct name_row verdict_action_names[];

struct verdict {
	enum verdict_action action;
	struct view rule;     /* that decided, as it is logged; "built-in": none of the site's */
	int code;	      /* of the reply, reject and defer only; 0: the MTA's default */
	struct view enhanced; /* "5.7.1" */
	struct view text;     /* reject, defer: ASCII, one line, at most 980 octets; quarantine: the reason */
};

struct recipient {
	struct view argument;  /* of RCPT, exactly as it came */
	struct mail_path path; /* all empty: the argument is no path we know */
};

/* verdict[i] is for rcpt[i]; views are static or of the caller's arena. */
void policy_decide(const struct assessment *found, const struct recipient *rcpt, size_t n, struct verdict *verdict);

/* The one that serves where a message can have one answer only.  n = 0: the built-in accept. */
struct verdict verdict_strictest(const struct verdict *verdict, size_t n);

#endif
