#include "cli/path_walk.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

static bool
in_group(const struct identity_groups *who, gid_t gid)
{
	for (size_t i = 0; i < who->n; i++)
		if (who->gid[i] == gid)
			return true;
	return false;
}

unsigned
path_bits(const struct path_step *step, const struct identity_groups *who)
{
	if (who->uid == 0)
		return PATH_READ | PATH_WRITE | PATH_SEARCH;
	if (who->uid == step->uid)
		return (step->mode >> 6) & 7;
	if (in_group(who, step->gid))
		return (step->mode >> 3) & 7;
	return step->mode & 7;
}

size_t
path_walk(const struct path *path, const struct identity_groups *who, unsigned need)
{
	for (size_t i = 0; i < path->n; i++) {
		unsigned wanted = i + 1 == path->n ? need : PATH_SEARCH;
		if ((path_bits(&path->step[i], who) & wanted) != wanted)
			return i;
	}
	return path->n;
}

static bool
add_step(struct path *path, struct view name, struct arena *arena)
{
	const char *text = arena_cstr(arena, name);
	struct stat st;

	if (stat(text, &st) != 0)
		return false;
	path->step = arena_grow(arena, path->step, path->n * sizeof(*path->step), (path->n + 1) * sizeof(*path->step));
	path->step[path->n++] = (struct path_step){
		.path = name,
		.uid = st.st_uid,
		.gid = st.st_gid,
		.mode = st.st_mode,
		.acl = getxattr(text, "system.posix_acl_access", NULL, 0) > 0,
	};
	return true;
}

static enum path_outcome
look_at_parts(struct view name, struct arena *arena, struct path *path, struct view *stopped)
{
	for (size_t n = 1; n <= name.n; n++) {
		bool part_ends = n == name.n || name.p[n] == '/';
		if (n > 1 && (!part_ends || name.p[n - 1] == '/'))
			continue;
		*stopped = view_sub(name, 0, n);
		if (!add_step(path, *stopped, arena))
			return errno == EACCES ? PATH_UNSEEN : PATH_MISSING;
	}
	return PATH_THERE;
}

enum path_outcome
path_look(struct view name, struct arena *arena, struct path *path, struct view *stopped)
{
	char *real = realpath(arena_cstr(arena, name), NULL);
	struct view own = real == NULL ? name : arena_copy(arena, view_of(real));

	free(real);
	*path = (struct path){ .n = 0 };
	*stopped = own;
	return look_at_parts(own, arena, path, stopped);
}
