#ifndef ASSAY_MILTER_NOTICES_H
#define ASSAY_MILTER_NOTICES_H

#include "conf/item.h"

/*
 * notices - group "notices": shall senders be told about recipients that were taken from the envelope of an accepted
 * message because they refuse it?  Who is told, and who never: session_notice.c.  May change with a reload.
 */
struct notices_conf {
	bool enable;
	struct view server;  /* "inet:PORT@ADDRESS" of the MTA that takes them */
	struct view from;    /* their author; empty: MAILER-DAEMON at our authserv-id */
	int64_t per_hour;    /* for one sender domain */
	int64_t give_up;     /* seconds after which one that nobody takes is only logged */
};
extern const struct conf_section notices_section;

#endif
