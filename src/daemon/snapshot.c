#include "daemon/snapshot.h"

void
snapshot_init(struct snapshot *snapshot, struct settings *settings)
{
	lock_init(&snapshot->lock);
	snapshot->now = settings;
}

void
snapshot_put(struct snapshot *snapshot, struct settings *settings)
{
	lock_take(&snapshot->lock);
	struct settings *before = snapshot->now;
	snapshot->now = settings;
	lock_drop(&snapshot->lock);
	settings_unref(before);
}

struct settings *
snapshot_take(void *ctx)
{
	struct snapshot *snapshot = ctx;

	lock_take(&snapshot->lock);
	struct settings *settings = settings_ref(snapshot->now);
	lock_drop(&snapshot->lock);
	return settings;
}

void
snapshot_drop(void *ctx, struct settings *settings)
{
	(void)ctx;
	settings_unref(settings);
}
