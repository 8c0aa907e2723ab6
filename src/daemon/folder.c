#include "daemon/folder.h"

#include "base/mem.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

bool
folder_make_for(const char *path, struct err *err)
{
	char *folder = mem_cstr(path);
	char *slash = strrchr(folder, '/');
	bool ok = true;

	if (slash != NULL && slash != folder) {
		*slash = '\0';
		mode_t before = umask(022);
		if (mkdir(folder, 0755) != 0 && errno != EEXIST)
			ok = err_perm(err, "%s: cannot be made: %s", folder, strerrordesc_np(errno));
		umask(before);
	}
	mem_free(folder);
	return ok;
}
