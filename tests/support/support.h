#ifndef ASSAY_TESTS_SUPPORT_H
#define ASSAY_TESTS_SUPPORT_H

#include "base/view.h"

#include <check.h>

/*
 * support - what the unit tests of all rooms share.
 */

/* A heap copy of exactly v.n octets, no NUL behind them: AddressSanitizer sees one octet too far.  free((void *)v.p). */
struct view tight_copy(struct view v);
struct view tight_cstr(const char *text);

/* The whole file; ends the test program when it cannot be read.  free((void *)v.p). */
struct view read_file(const char *path);

/* $srcdir/name, or name when srcdir is not set; free it. */
char *test_path(const char *name);

/* Run the suite as a program does: prints Check's closing line; 0 when nothing failed. */
int run_suite(Suite *suite);

#define ARRAY_LEN(a) ((int)(sizeof(a) / sizeof((a)[0])))

/* v == text, with both shown when not. */
#define ck_view_is(v, text)                                                                                      \
	do {                                                                                                     \
		struct view ck_v_ = (v);                                                                         \
		const char *ck_t_ = (text);                                                                      \
		ck_assert_msg(view_is(ck_v_, ck_t_), "got \"%.*s\", want \"%s\"", VIEW_ARG(ck_v_), ck_t_);       \
	} while (0)

#endif
