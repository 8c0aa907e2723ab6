#ifndef ASSAY_ARC_ARC_SIGN_H
#define ASSAY_ARC_ARC_SIGN_H

#include "arc/arc_seal.h"

/*
 * arc_sign - which fields of a message an ARC-Message-Signature of ours covers.
 * Sources: RFC 6376 5.4, 5.4.1; RFC 8617 4.1.2.
 */

/*
 * The names for h=, in the order of conf: each as often as header has it.  False (ERR_PERM): more than
 * ARC_SIGNED_MAX.
 */
bool arc_sign_names(const struct arc_seal_conf *conf, const struct header *header, struct arena *arena,
    struct view **names, size_t *n, struct err *err);

#endif
