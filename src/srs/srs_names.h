#ifndef ASSAY_SRS_NAMES_H
#define ASSAY_SRS_NAMES_H

#include "conf/item.h"

/*
 * srs_names - lists of addresses and domains as settings write them: "u@a.test", "a.test", ".a.test" (all below it),
 * "*" (everybody), "<>" (the null sender).  Pure; thread-safe.
 */
bool srs_names_hold(const struct conf_list *list, struct view local, struct view domain);
bool srs_names_hold_domain(const struct conf_list *list, struct view domain); /* no addresses in it */

/* Checks of rows. */
bool srs_names_check(const void *field, struct err *err);	  /* any of the above but "<>" */
bool srs_names_check_senders(const void *field, struct err *err); /* any of the above */
bool srs_names_check_domains(const void *field, struct err *err); /* domains, and paths of files with domains */
bool srs_is_domain(struct view name, struct err *err);		  /* in mail/domain.h's spelling, case aside */

#endif
