#ifndef ASSAY_ARC_ARC_TAGS_H
#define ASSAY_ARC_ARC_TAGS_H

#include "base/arena.h"

/*
 * arc_tags - writes the tag-list of a signature.  Source: RFC 6376 3.2, 3.5.
 */
struct arc_tag {
	const char *name;
	struct view value;
};
#define ARC_TAGS_MAX 10

struct arc_tags {
	struct arc_tag tag[ARC_TAGS_MAX];
	size_t n;
};

void arc_tags_add(struct arc_tags *tags, const char *name, struct view value);
void arc_tags_sort(struct arc_tags *tags); /* by name */

/*
 * " a=x; b=y", folded with LF and tab below 78 columns.  The name of the field and its colon take columns of the
 * first line.  A value that is too long for a line is broken behind ":" (h=), and b= anywhere when break_b; others
 * stay whole.
 */
struct view arc_tags_write(const struct arc_tags *tags, struct view field, bool break_b, struct arena *arena);

#endif
