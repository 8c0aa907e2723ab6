#ifndef ASSAY_SRS_HASH_H
#define ASSAY_SRS_HASH_H

#include "srs/srs.h"

/*
 * srs_hash - the proof and the day within an SRS address.
 */

/* Digits of a whole HMAC-SHA1 in base 64 without its "=". */
#define SRS_HASH_DIGITS 27
#define SRS_EXIM_DIGITS 4

/* base64(HMAC-SHA1(secret, lower(text))), the first `digits` of it. */
struct view srs_hash_libsrs2(struct view secret, struct view text, size_t digits, struct arena *arena);
/* The first four hex digits of HMAC-MD5(secret, lower(text)). */
struct view srs_hash_exim(struct view secret, struct view text, struct arena *arena);

/*
 * Which secret made hash over text; -1: none.  Letters in any case (MTAs fold them), "-_" for "+/" (postsrsd 2);
 * every digit of hash counts, however many more than hashlength there are, and fewer than hashmin never do.
 * Takes as long for a wrong hash as for a right one.
 */
int srs_hash_find(const struct srs *srs, enum srs_scheme scheme, struct view hash, struct view text, struct arena *arena);

/* Days modulo 1024, two digits of base 32 (A-Z 2-7). */
#define SRS_STAMP_DIGITS 2
struct view srs_stamp(int64_t now, enum srs_scheme scheme, struct arena *arena);
/* How many days ago, 0..1023; false: not a stamp. */
bool srs_stamp_age(struct view stamp, int64_t now, int *age);

int64_t srs_day(int64_t now); /* since the epoch, also before it */

/* The key of an address in the store: lower case, the same for the same address as long as the secret is. */
struct view srs_key(struct view secret, struct view address, struct arena *arena);

#endif
