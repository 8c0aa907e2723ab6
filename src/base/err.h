#ifndef ASSAY_BASE_ERR_H
#define ASSAY_BASE_ERR_H

#include <stdbool.h>

/*
 * err - why something could not be done, in a kind and in words.
 * The kinds are the RFCs' own: what may heal (temperror, 4xx) and what will not (permerror,
 * neutral, 5xx).  A broken promise inside our own code is an assert, never an err.
 * A struct err belongs to its caller, usually on the stack, and need not be initialised.
 */
enum err_kind {
	ERR_TEMP, /* time-out, full disk: may heal */
	ERR_PERM, /* syntax, missing, forbidden: will not */
};

/*
 * Room for one sentence.  The words are ours; text from outside that goes into them has been cleaned
 * by a character class and capped by its grammar.  What does not fit ends in "...".
 */
#define ERR_TEXT_MAX 256

struct err {
	enum err_kind kind;
	char text[ERR_TEXT_MAX];
};

/* Record and return false, so that a caller can say: return err_perm(err, "..."); err may be NULL. */
bool err_perm(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool err_temp(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Put "where: " in front of what is recorded, keep its kind, return false. */
bool err_in(struct err *err, const char *where, ...) __attribute__((format(printf, 2, 3)));

#endif
