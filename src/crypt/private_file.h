#ifndef ASSAY_CRYPT_PRIVATE_FILE_H
#define ASSAY_CRYPT_PRIVATE_FILE_H

#include "base/err.h"
#include "base/view.h"

/*
 * private_file - a file that holds a secret, read whole into memory that is wiped.
 * Refused (ERR_PERM): what others may read or write, the group may write, is no regular file, or is longer than
 * max octets.  Ask private_file_wipe to end *text.  The words of err begin with the path.  Thread-safe.
 */
bool private_file_read(const char *path, size_t max, struct view *text, struct err *err);
void private_file_wipe(struct view text);

#endif
