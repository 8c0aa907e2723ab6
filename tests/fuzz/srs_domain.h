#ifndef ASSAY_TESTS_FUZZ_SRS_DOMAIN_H
#define ASSAY_TESTS_FUZZ_SRS_DOMAIN_H

#include "srs/srs.h"

/* srs_domain - srs.test with the secrets "tops3cr3t" and "older", made once for all inputs of a harness. */
struct srs *srs_domain(void);
struct srs_conf *srs_domain_conf(void); /* of it, to change between two calls */

#endif
