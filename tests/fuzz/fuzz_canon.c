/*
 * The fast canonical forms are the obvious ones, whatever the octets and however the body is cut.
 * Input: one octet for the size of the pieces, then the body, which is also tried as a field's value.
 */
#include "unit/sig/obvious.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();

	if (size > 0) {
		struct view body = { (const char *)data + 1, size - 1 };
		size_t cut = data[0] == 0 ? size : data[0];
		for (int i = 0; i < 2; i++)
			assert(view_eq(gathered_body((enum canon)i, body, cut, arena), obvious_body((enum canon)i, body, arena)));
		struct view field = gathered_field(CANON_RELAXED, VIEW_LIT("A"), body, false, arena);
		assert(view_starts(field, VIEW_LIT("a:")));
		assert(view_eq(view_from(field, 2), obvious_value(body, arena)));
	}
	arena_free(arena);
	return 0;
}
