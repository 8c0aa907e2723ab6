#ifndef ASSAY_MILTER_SETTINGS_SRS_H
#define ASSAY_MILTER_SETTINGS_SRS_H

#include "milter/settings.h"

/*
 * settings_srs - what group "srs" names, for who rewrites: settings->srs_now.
 * Apart from settings_load, as the secrets are: assayctl reads the same file for people who may not read them.
 */

/*
 * Read the secrets and, with srs.milter, the tables; and have the store at hand when srs.database wants one: the one of `before` (NULL: none) when
 * its file is the same.  No file stays open, so that this may come before a fork: the store is opened by who first
 * asks it, and closed with the last settings that share it.  srs.enable = false: there is nothing to read, and
 * secrets and store are NULL.  False: said as by settings_load.  Before anybody else sees the snapshot.
 */
bool settings_open_srs(struct settings *settings, const struct settings *before,
    void (*say)(void *ctx, const char *text), void *ctx);

/* Open the store now, to hear at once what is wrong with it.  True also when there is none. */
bool settings_try_srs_store(const struct settings *settings, struct err *err);

#endif
