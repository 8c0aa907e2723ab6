#ifndef ASSAY_SRS_TEXT_H
#define ASSAY_SRS_TEXT_H

#include "srs/srs_shape.h"

/*
 * srs_text - what the hash of an address is made over; forward and reverse must agree about it.
 */

/* SRS0 of libsrs2: stamp host user; SRS1: host user.  No boundaries between them (srs.h). */
struct view srs_hashed_libsrs2(const struct srs_fields *f, bool quoted, struct arena *arena);

/*
 * user@host as Exim's inbound_srs restores it: within quotes when a mark is in it that its list does not have,
 * whether or not they were there before.
 */
struct view srs_hashed_exim(const struct srs_fields *f, struct arena *arena);

void srs_result_clear(struct srs_result *result);

#endif
