#ifndef ASSAY_CLI_PATH_WALK_H
#define ASSAY_CLI_PATH_WALK_H

#include "base/identity.h"

#include <sys/stat.h>

/*
 * path_walk - who may reach a file: the folders on its way, the bits of each.
 * path_walk itself is a pure function over what stat(2) said; path_look asks stat.
 */
enum path_need { /* as in a mode's three bits */
	PATH_SEARCH = 1,
	PATH_WRITE = 2,
	PATH_READ = 4,
};

struct path_step {
	struct view path; /* "/", "/run", "/run/assay"... */
	uid_t uid;
	gid_t gid;
	mode_t mode;
	bool acl; /* it has an access list beside its mode, which this does not read */
};

struct path {
	struct path_step *step; /* symbolic links followed; the last one is the file itself */
	size_t n;
};

enum path_outcome {
	PATH_THERE,
	PATH_MISSING,  /* *stopped is the first part that is not there */
	PATH_UNSEEN,   /* we may not look at *stopped ourselves */
};

/* *path and *stopped live in arena. */
enum path_outcome path_look(struct view name, struct arena *arena, struct path *path, struct view *stopped);

/*
 * The index of the first step that stops `who`: a folder that cannot be searched, or the last step without all of
 * `need`.  path->n: nothing does.  root is stopped by nothing.
 */
size_t path_walk(const struct path *path, const struct identity_groups *who, unsigned need);

/* What bits `who` has of one step: owner's, group's or others', as the kernel chooses. */
unsigned path_bits(const struct path_step *step, const struct identity_groups *who);

#endif
