#ifndef ASSAY_SRS_SECRETS_H
#define ASSAY_SRS_SECRETS_H

#include "base/err.h"
#include "base/view.h"

/*
 * srs_secrets - the secrets of an SRS domain: the first signs, all verify.
 * Immutable and counted: a reload loads another one beside it.  Wiped when the last reference goes.
 * Thread-safe.
 *
 * The file is postsrsd's: a secret on each line, which ends in LF or CR LF.  Spaces in it count, but a line of
 * nothing else is none.  There are no comments, as a secret may begin with any mark.
 */
#define SRS_SECRETS_MAX 32
#define SRS_SECRET_OCTETS_MAX 1024
#define SRS_SECRETS_FILE_MAX 65536

struct srs_secrets;

/* ERR_TEMP: may heal.  ERR_PERM: not there, empty, too many, a NUL in it, or a mode that lets others read it. */
struct srs_secrets *srs_secrets_load(const char *path, struct err *err);
struct srs_secrets *srs_secrets_from_text(struct view text, struct err *err);
struct srs_secrets *srs_secrets_ref(struct srs_secrets *secrets);
void srs_secrets_unref(struct srs_secrets *secrets); /* NULL is fine */

size_t srs_secrets_n(const struct srs_secrets *secrets); /* at least 1 */
struct view srs_secret(const struct srs_secrets *secrets, size_t i);

#endif
