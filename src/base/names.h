#ifndef ASSAY_BASE_NAMES_H
#define ASSAY_BASE_NAMES_H

#include "base/view.h"

/*
 * names - a table of words and numbers, read both ways.
 * The row { NULL, 0 } ends it.  Several words may stand for one number: the first is the one we write.
 */
struct name_row {
	const char *name;
	int value;
};

const char *name_of(const struct name_row *table, int value); /* NULL: not in the table */
/* Case does not matter.  False leaves *value. */
bool name_value(const struct name_row *table, struct view name, int *value);

#endif
