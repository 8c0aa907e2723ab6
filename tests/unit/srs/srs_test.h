#ifndef ASSAY_TESTS_UNIT_SRS_TEST_H
#define ASSAY_TESTS_UNIT_SRS_TEST_H

#include "srs/srs.h"
#include "support/support.h"

/*
 * srs_test - one SRS domain, srs.test, its settings presets, its secrets, a day.
 * Setup and teardown for a checked fixture; a test may change conf before it asks.
 */
#define TEST_NOW 1700000000 /* stamp G3 */
#define TEST_DAY 86400
#define TEST_SECRET "tops3cr3t"

extern struct arena *srs_test_arena;
extern struct srs_conf srs_test_conf;
extern struct srs srs_test;

void srs_test_setup(void);
void srs_test_teardown(void);
void srs_test_secrets(const char *text); /* in place of TEST_SECRET */

/* A fresh folder, removed with the files in it at teardown. */
const char *srs_test_folder(void);

/* srs_forward and srs_reverse of a tight copy; the result is of srs_test_arena. */
struct srs_result srs_test_forward(const char *address, int64_t now);
struct srs_result srs_test_reverse(struct view address, int64_t now);

#define ck_outcome(r, want, what)                                                                               \
	ck_assert_msg((r).outcome == (want), "%s: %s (%.*s), want %s", (what),                                  \
	    name_of(srs_outcome_names, (int)(r).outcome), VIEW_ARG((r).why), name_of(srs_outcome_names, (int)(want)))

#endif
