#ifndef ASSAY_CRYPT_RSA_DER_H
#define ASSAY_CRYPT_RSA_DER_H

#include "base/err.h"
#include "base/view.h"

/*
 * rsa_der - the two numbers of an RSA public key, read from DER without OpenSSL.
 * Sources: RFC 8017 A.1.1 (RSAPublicKey), RFC 5280 4.1 (SubjectPublicKeyInfo), X.690 10.1 (DER lengths).
 * The decoders of OpenSSL 3 cost more than a verification and do arithmetic with what they read; this
 * reader sees sizes before anything is computed.  Pure and thread-safe.
 */
struct rsa_der {
	struct view modulus;  /* big-endian, no leading zero; into der */
	struct view exponent; /* the same */
};

bool rsa_der_parse(struct view der, struct rsa_der *rsa, struct err *err);

/* Bits of a big-endian number without leading zeros. */
size_t rsa_der_bits(struct view number);

#endif
