/*
 * Every setting that assayd knows, a line each: group.name TAB preset TAB what is allowed.  For docs.sh.
 */
#include "milter/settings.h"

#include <stdio.h>

int
main(void)
{
	struct arena *arena = arena_new();
	struct settings *settings = settings_presets();
	const struct conf_section *section;
	const void *values;

	for (size_t i = 0; settings_each(settings, i, &section, &values); i++)
		for (size_t k = 0; k < section->items; k++) {
			const struct conf_item *item = &section->item[k];
			printf("%s.%s\t%.*s\t%.*s\n", section->name, item->name,
			    VIEW_ARG(conf_item_value(item, values, arena)), VIEW_ARG(conf_item_allowed(item, arena)));
		}
	settings_unref(settings);
	arena_free(arena);
	return 0;
}
