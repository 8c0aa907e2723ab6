#include "daemon/privileges.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

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
