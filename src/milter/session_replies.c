#include "milter/session_state.h"

/*
 * Most RCPTs have no other answer than "go on".  Postfix keeps what waits for no answer until it hands the message to its
 * cleanup, at DATA: before that neither DNS is asked nor does an end of ours know of the message.  What is left to refuse
 * when nobody listens are limits far above what MTAs let through.
 */
bool
session_replies_needed(const struct settings *settings)
{
	return settings->process.wait_at_rcpt || settings->srs.enable ||
	    settings->limits.recipients < LIMITS_RECIPIENTS || /* who lowers it wants 452 said in time */
	    policy_speaks_at_rcpt(settings->policies, (enum policy_recipients)settings->policy.recipients);
}

void
session_go_unheard(struct session *s, bool mail, bool rcpt)
{
	s->mail_unheard = mail;
	s->rcpt_unheard = rcpt;
}

/*
 * Refusals at MAIL and RCPT are for SMTP clients; Postfix takes one of local mail for a mistake in its
 * configuration and keeps the mail for ever, so there the end of message tells.
 */
bool
session_hears_rcpt(const struct session *s)
{
	return !s->local && !s->rcpt_unheard;
}
