#ifndef ASSAY_BASE_HASH_H
#define ASSAY_BASE_HASH_H

#include "base/view.h"

/*
 * hash - SipHash-1-3 under a key drawn at start-up, for tables whose keys strangers choose.
 * Thread-safe.  Values differ from run to run: never store or show them.
 */
uint64_t hash_view(struct view v);
uint64_t hash_view_lower(struct view v); /* as hash_view of the text with ASCII letters folded */

#endif
