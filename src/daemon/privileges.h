#ifndef ASSAY_DAEMON_PRIVILEGES_H
#define ASSAY_DAEMON_PRIVILEGES_H

#include "base/identity.h"

/* privileges - from root to a user who can do nothing, for good. */

/* True when we are root, so that identities and socket owners mean something. */
bool privileges_are_root(void);

/*
 * Become identity, without any supplementary group, and make sure that there is no way back: real, effective and saved
 * ids are looked at, becoming root again is tried.
 */
bool privileges_become(const struct identity *identity, struct err *err);

/*
 * Become identity (NULL: stay who we are) as privileges_become does.  After that: no new privileges through exec, no core file and no tracing (the memory holds mail and keys), umask 077.
 */
bool privileges_drop(const struct identity *identity, struct err *err);

#endif
