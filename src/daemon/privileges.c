#include "daemon/privileges.h"

#include "base/mem.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAMES_MAX (64 * 1024) /* octets of one entry of passwd or group; a group may have many members */

/* The entry of a user in arena's memory; NULL: err. */
static struct passwd *
find_user(struct view user, struct arena *arena, struct err *err)
{
	struct passwd *entry = ARENA_NEW(arena, struct passwd), *found = NULL;
	char *room = arena_alloc(arena, NAMES_MAX);
	uint64_t number;
	int problem;

	if (view_to_u64(user, UINT_MAX - 1, &number))
		problem = getpwuid_r((uid_t)number, entry, room, NAMES_MAX, &found);
	else
		problem = getpwnam_r(arena_cstr(arena, user), entry, room, NAMES_MAX, &found);
	if (found == NULL)
		err_perm(err, "user %.*s: %s", VIEW_ARG(user), problem != 0 ? strerrordesc_np(problem) : "there is none");
	return found;
}

bool
identity_uid(struct view user, uid_t *uid, struct err *err)
{
	struct arena *arena = arena_new();
	struct passwd *entry = find_user(user, arena, err);

	if (entry != NULL)
		*uid = entry->pw_uid;
	arena_free(arena);
	return entry != NULL;
}

bool
identity_gid(struct view group, gid_t *gid, struct err *err)
{
	struct arena *arena = arena_new();
	struct group entry, *found = NULL;
	char *room = arena_alloc(arena, NAMES_MAX);
	uint64_t number;
	int problem;

	if (view_to_u64(group, UINT_MAX - 1, &number))
		problem = getgrgid_r((gid_t)number, &entry, room, NAMES_MAX, &found);
	else
		problem = getgrnam_r(arena_cstr(arena, group), &entry, room, NAMES_MAX, &found);
	if (found != NULL)
		*gid = entry.gr_gid;
	else
		err_perm(err, "group %.*s: %s", VIEW_ARG(group), problem != 0 ? strerrordesc_np(problem) : "there is none");
	arena_free(arena);
	return found != NULL;
}

bool
identity_find(struct view user, struct view group, struct arena *arena, struct identity *identity, struct err *err)
{
	struct passwd *entry = find_user(user, arena, err);

	if (entry == NULL)
		return false;
	if (entry->pw_uid == 0)
		return err_perm(err, "user %.*s: is root; the worker must be nobody's master", VIEW_ARG(user));
	*identity = (struct identity){ .uid = entry->pw_uid, .gid = entry->pw_gid };
	if (group.n > 0 && !identity_gid(group, &identity->gid, err))
		return false;
	if (identity->gid == 0)
		return err_perm(err, "group %.*s: is root's", VIEW_ARG(group));
	return true;
}

bool
privileges_are_root(void)
{
	return geteuid() == 0;
}

static bool
become(const struct identity *identity, struct err *err)
{
	if (setgroups(0, NULL) != 0)
		return err_perm(err, "setgroups: %s", strerrordesc_np(errno));
	if (setresgid(identity->gid, identity->gid, identity->gid) != 0)
		return err_perm(err, "setresgid: %s", strerrordesc_np(errno));
	if (setresuid(identity->uid, identity->uid, identity->uid) != 0)
		return err_perm(err, "setresuid: %s", strerrordesc_np(errno));
	return true;
}

/* The way back must be shut, not only unused. */
static bool
is_irrevocable(const struct identity *identity, struct err *err)
{
	uid_t real, effective, saved;
	gid_t real_group, effective_group, saved_group;

	if (getresuid(&real, &effective, &saved) != 0 || getresgid(&real_group, &effective_group, &saved_group) != 0)
		return err_perm(err, "getresuid: %s", strerrordesc_np(errno));
	if (real != identity->uid || effective != identity->uid || saved != identity->uid ||
	    real_group != identity->gid || effective_group != identity->gid || saved_group != identity->gid)
		return err_perm(err, "the ids are not those of the user after the change");
	if (setuid(0) == 0 || setgid(0) == 0 || setresuid((uid_t)-1, 0, (uid_t)-1) == 0)
		return err_perm(err, "root's rights could be had back");
	return true;
}

bool
privileges_become(const struct identity *identity, struct err *err)
{
	return become(identity, err) && is_irrevocable(identity, err);
}

bool
privileges_drop(const struct identity *identity, struct err *err)
{
	if (identity != NULL && !privileges_become(identity, err))
		return false;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return err_perm(err, "prctl: %s", strerrordesc_np(errno));
	umask(077);
	return true;
}
