#ifndef ASSAY_DMARC_DMARC_LIBOPENDMARC_H
#define ASSAY_DMARC_DMARC_LIBOPENDMARC_H

#include "dmarc/dmarc_verdict.h"

/*
 * dmarc_libopendmarc - the verdict of libopendmarc 1.4.2, for sites that want their old ones and for
 * comparison.  Never an input of the native engine: the library knows no np=, psd=, t= nor tree walk, takes
 * malformed records, and misjudges strict alignment and short labels (tests/unit/dmarc names each case).
 *
 * Guards: DNS is ours, the library is handed the record's text; only results that passed are handed over, for
 * it would keep a failed one's domain and take it for a pass (OpenDMARC#70); names and records above
 * its fixed sizes are not handed over at all.
 */
#define DMARC_LIBOPENDMARC_RECORD_MAX 2047 /* octets; it copies into buffers of its own */

/*
 * Let the library read its list.  It keeps the list in a global that must not change while it is used, so only
 * the first call of the process reads; thread-safe.
 */
bool dmarc_libopendmarc_open(const char *tld_file, struct err *err);

/* find: by the public suffix list, as the library itself would search. */
struct dmarc_result *dmarc_libopendmarc_verdict(const struct dmarc_case *c, struct dmarc_find *find);

#endif
