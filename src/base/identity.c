#include "base/identity.h"

#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <string.h>

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
		err_perm(err, "user %.*s: %s", VIEW_ARG(user), problem != 0 ? strerrordesc_np(problem) :
		    "there is none; adduser --system --group makes one");
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
		err_perm(err, "group %.*s: %s", VIEW_ARG(group), problem != 0 ? strerrordesc_np(problem) :
		    "there is none; addgroup --system makes one");
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
		return err_perm(err, "user %.*s: is root; name a user who owns nothing else, as adduser --system makes one",
		    VIEW_ARG(user));
	*identity = (struct identity){ .uid = entry->pw_uid, .gid = entry->pw_gid };
	if (group.n > 0 && !identity_gid(group, &identity->gid, err))
		return false;
	if (identity->gid == 0)
		return err_perm(err, "group %.*s: is root's", VIEW_ARG(group));
	return true;
}

#define GROUPS_MAX 65536 /* NGROUPS_MAX of Linux */

bool
identity_groups_of(struct view user, struct arena *arena, struct identity_groups *who, struct err *err)
{
	struct passwd *entry = find_user(user, arena, err);
	int n = 64;

	if (entry == NULL)
		return false;
	gid_t *gid = ARENA_ARRAY(arena, (size_t)n, gid_t);
	while (getgrouplist(entry->pw_name, entry->pw_gid, gid, &n) < 0) { /* ends: n grows, or we return */
		if (n <= 0 || n > GROUPS_MAX)
			return err_perm(err, "user %.*s: too many groups", VIEW_ARG(user));
		gid = ARENA_ARRAY(arena, (size_t)n, gid_t);
	}
	*who = (struct identity_groups){ entry->pw_uid, gid, (size_t)n };
	return true;
}

struct view
identity_user_name(uid_t uid, struct arena *arena)
{
	struct view number = arena_printf(arena, "%lu", (unsigned long)uid);
	struct passwd *entry = find_user(number, arena, NULL);

	return entry == NULL ? number : view_of(entry->pw_name);
}

struct view
identity_group_name(gid_t gid, struct arena *arena)
{
	struct group entry, *found = NULL;
	char *room = arena_alloc(arena, NAMES_MAX);

	getgrgid_r(gid, &entry, room, NAMES_MAX, &found);
	return found == NULL ? arena_printf(arena, "%lu", (unsigned long)gid) : view_of(found->gr_name);
}
