#ifndef ASSAY_CONF_SOURCE_H
#define ASSAY_CONF_SOURCE_H

#include "base/arena.h"
#include "base/err.h"

/*
 * source - the text of a configuration, includes put in place, fit to be given to libconfig 1.5.
 * That library reads as a number what no number is and leaves the process at what it cannot read, so this
 * looks first (each was seen):
 *
 *	integers that do not fit an int, without the L of a 64-bit one, come out as other numbers
 *	\x00 ends a text
 *	a comment or @include that is not closed is taken as if it were
 *	@include of a folder calls exit()
 *	deep nesting ends in "memory exhausted"
 *
 * libconfig itself opens no file: includes are put in here, and places are mapped back to file and line.
 */
#define CONF_FILE_MAX (1024 * 1024) /* octets of one file; a site with a thousand settings needs a tenth */
#define CONF_INCLUDES_MAX 64
#define CONF_NESTING_MAX 8 /* groups and lists within each other; our rows need 2 */

struct conf_segment {
	unsigned from; /* line of the joined text, 1 is the first */
	const char *file;
	unsigned line; /* of that file */
};

struct conf_source {
	char *text; /* NUL-terminated, no NUL within */
	struct conf_segment *segment;
	size_t segments;
};

struct conf_place {
	const char *file;
	unsigned line; /* 0: none */
};

/*
 * Everything lives in arena.  False: err says what is wrong, *place where.  *warning: NULL, or what the
 * caller should say although it works.
 */
bool conf_source_file(const char *path, struct arena *arena, struct conf_source *source, struct conf_place *place,
    const char **warning, struct err *err);
bool conf_source_text(struct view text, const char *name, struct arena *arena, struct conf_source *source,
    struct conf_place *place, struct err *err);

struct conf_place conf_source_place(const struct conf_source *source, unsigned line);
/* That line of the joined text, without its end. */
struct view conf_source_line(const struct conf_source *source, unsigned line);

#endif
