#ifndef ASSAY_SRS_RATE_H
#define ASSAY_SRS_RATE_H

#include "base/view.h"

/*
 * srs_rate - how much mail comes back to one original address: an SRS address that was seen once is a way to it
 * for weeks.  For each address a bucket that fills up again within an hour.  Of a fixed size (SRS_RATE_ADDRESSES);
 * where it is full, the address that was quiet for longest is forgotten.  Thread-safe.
 */
#define SRS_RATE_ADDRESSES 32768

struct srs_rate;
struct srs_rate *srs_rate_new(void);
void srs_rate_free(struct srs_rate *rate); /* NULL is fine */

/* One more for the address (case does not matter).  False: that is too many.  per_hour 0: never. */
bool srs_rate_take(struct srs_rate *rate, struct view address, int64_t per_hour, int64_t now_ms);

#endif
