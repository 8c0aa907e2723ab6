#ifndef ASSAY_TESTS_SETUP_H
#define ASSAY_TESTS_SETUP_H

#include "base/arena.h"

/*
 * setup - what most tests begin and end with, for tcase_add_checked_fixture.
 */
extern struct arena *arena; /* of the test that runs */

void arena_setup(void);
void arena_teardown(void);

/* crypt_open and an arena. */
void crypt_setup(void);
void crypt_teardown(void);

#endif
