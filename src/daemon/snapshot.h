#ifndef ASSAY_DAEMON_SNAPSHOT_H
#define ASSAY_DAEMON_SNAPSHOT_H

#include "base/lock.h"
#include "milter/settings.h"

/* snapshot - the settings in force, for all threads of the worker. */
struct snapshot {
	struct lock lock;
	struct settings *now; /* guarded by lock; a reference of ours */
};

void snapshot_init(struct snapshot *snapshot, struct settings *settings); /* takes the reference over */
void snapshot_put(struct snapshot *snapshot, struct settings *settings); /* takes the reference over */

/* struct session_env's two; ctx is the struct snapshot. */
struct settings *snapshot_take(void *ctx);
void snapshot_drop(void *ctx, struct settings *settings);

#endif
