#ifndef ASSAY_MILTER_NOTICES_H
#define ASSAY_MILTER_NOTICES_H

#include "conf/item.h"

/*
 * notices - group "notices": shall senders be told about recipients that were taken from the envelope of an accepted
 * message because they refuse it?  Who is told, and who never: session_notice.c.  May change with a reload.
 */
enum notices_by {
	NOTICES_BY_SMTP,
	NOTICES_BY_SENDMAIL,
};

struct notices_conf {
	bool enable;
	int by;		     /* enum notices_by; a change of this or of command needs a restart */
	struct conf_list command; /* sendmail(1) with its arguments; the recipient's address follows */
	struct view server;  /* "inet:PORT@ADDRESS" of the MTA that takes them */
	struct view from;    /* their author; empty: MAILER-DAEMON at our authserv-id */
	int64_t per_hour;    /* for one sender domain */
	int64_t give_up;     /* seconds after which one that nobody takes is only logged */
};
extern const struct conf_section notices_section;

#endif
