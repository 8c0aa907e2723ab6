#include "base/names.h"

const char *
name_of(const struct name_row *table, int value)
{
	for (; table->name != NULL; table++)
		if (table->value == value)
			return table->name;
	return NULL;
}

bool
name_value(const struct name_row *table, struct view name, int *value)
{
	for (; table->name != NULL; table++)
		if (view_is_nocase(name, table->name)) {
			*value = table->value;
			return true;
		}
	return false;
}
