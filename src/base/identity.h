#ifndef ASSAY_BASE_IDENTITY_H
#define ASSAY_BASE_IDENTITY_H

#include "base/arena.h"
#include "base/err.h"

#include <sys/types.h>

/* identity - users and groups of this host by name or number.  False: err says which there is not. */
struct identity {
	uid_t uid;
	gid_t gid;
};

/* Who may be a worker: root is refused.  group empty: the user's own. */
bool identity_find(struct view user, struct view group, struct arena *arena, struct identity *identity, struct err *err);
bool identity_uid(struct view user, uid_t *uid, struct err *err);
bool identity_gid(struct view group, gid_t *gid, struct err *err);

/*
 * A user with all its groups, as initgroups(3) would give them to a process; groups live in arena, the first is the
 * user's own.
 */
struct identity_groups {
	uid_t uid;
	const gid_t *gid;
	size_t n; /* at least 1 */
};
bool identity_groups_of(struct view user, struct arena *arena, struct identity_groups *who, struct err *err);

/* Names for people; the number where there is no name. */
struct view identity_user_name(uid_t uid, struct arena *arena);
struct view identity_group_name(gid_t gid, struct arena *arena);

#endif
