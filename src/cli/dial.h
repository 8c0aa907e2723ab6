#ifndef ASSAY_CLI_DIAL_H
#define ASSAY_CLI_DIAL_H

#include "base/arena.h"
#include "base/err.h"
#include "milter/listen_address.h"

/*
 * dial - a short talk with a server of this host, and programs that only print; each with a deadline.
 * For one thread.
 */
#define DIAL_MS 5000

enum dial_outcome {
	DIAL_OK,
	DIAL_FORBIDDEN, /* we may not: root may */
	DIAL_FAILED,
};

/* *fd is the caller's to close.  Otherwise err says why. */
enum dial_outcome dial_open(const struct listen_address *to, int *fd, struct err *err);

/*
 * Say `words`, then hand what has come so far to enough(ctx, ...) until it is true; at most max octets and DIAL_MS.  *answer
 * lives in arena.
 */
bool dial_ask(int fd, struct view words, bool (*enough)(void *ctx, struct view so_far), void *ctx, size_t max,
    struct arena *arena, struct view *answer, struct err *err);

/*
 * Run a program by its path with these arguments (NULL-terminated, argv[0] included), without a shell, standard input
 * empty.  *out is what it printed: at most RUN_OCTETS_MAX within RUN_MS, then it is killed.  False: err, with the first
 * line of its standard error when it failed by itself.
 */
#define RUN_OCTETS_MAX ((size_t)4 * 1024 * 1024)
#define RUN_MS 10000
bool dial_run(const char *const *argv, struct arena *arena, struct view *out, struct err *err);

#endif
