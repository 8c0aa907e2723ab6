#ifndef ASSAY_SRS_LATE_STORE_H
#define ASSAY_SRS_LATE_STORE_H

#include "srs/srs_store.h"

/*
 * srs_late_store - a store that is opened by who first asks it, and by everybody who asks while it is not open.
 * So it may be made before a fork and a change of user, its file may be missing for a while, and settings that
 * name the same file share one.  While it cannot be opened it answers ERR_TEMP, whatever the reason: an address
 * that cannot be written down today must not be taken for one that never can.
 *
 * Counted: srs_store_close ends one reference.  Thread-safe.
 */
struct srs_store *srs_late_store_new(const char *path); /* of srs_sqlite_open */
struct srs_store *srs_late_store_ref(struct srs_store *store);
bool srs_late_store_is_of(const struct srs_store *store, const char *path);

/* Open it now, when it is not.  False: err says why not. */
bool srs_late_store_open(struct srs_store *store, struct err *err);

#endif
