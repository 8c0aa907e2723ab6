#ifndef ASSAY_MILTER_CALLBACKS_H
#define ASSAY_MILTER_CALLBACKS_H

#include "milter/session.h"

#include <libmilter/mfapi.h>

/*
 * callbacks - libmilter's words for the session's: events in, edits and replies out.  They translate and do not
 * think.  What libmilter hands over as one pointer is a struct peer; its callbacks of one connection may come on
 * different threads, one after the other.
 */

/* What all connections share.  libmilter hands nothing of ours to xxfi_negotiate, so milter.c keeps the only one. */
struct milter_shared {
	struct session_env session; /* .load is always there */
	size_t connections_max;
	atomic_size_t connections;
	atomic_flag said_leadspc;
};
struct milter_shared *milter_shared(void);

extern const struct smfiDesc milter_callbacks;

#endif
