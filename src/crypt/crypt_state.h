#ifndef ASSAY_CRYPT_CRYPT_STATE_H
#define ASSAY_CRYPT_CRYPT_STATE_H

#include "crypt/digest.h"

#include <openssl/evp.h>

/*
 * crypt_state - what crypt_open fetched, for the files of this room.
 * An EVP fetch by name costs about a microsecond and takes locks of OpenSSL's, so it is done once.
 * Written by crypt_open and crypt_close, while there is one thread; const in between.
 */
#define DIGEST_ALGS 3

struct crypt_state {
	EVP_MD *md[DIGEST_ALGS];	   /* by enum digest_alg */
	EVP_MAC_CTX *hmac[DIGEST_ALGS]; /* without a key: copied for each use */
};

const struct crypt_state *crypt_state(void);

/* ERR_PERM with what OpenSSL says last, its queue emptied; false. */
bool crypt_error(struct err *err, const char *what);

#endif
