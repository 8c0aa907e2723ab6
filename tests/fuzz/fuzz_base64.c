/* What base64_decode accepts decodes to what base64_encode writes, and back. */
#include "base/base64.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view text = { (const char *)data, size };
	struct arena *arena = arena_new();
	struct view octets, again;
	struct err err;

	if (base64_decode(text, arena, &octets, &err)) {
		assert(base64_decode(base64_encode(octets, arena), arena, &again, &err));
		assert(view_eq(octets, again));
	}
	assert(base64_decode(base64_encode(text, arena), arena, &again, &err));
	assert(view_eq(text, again));
	arena_free(arena);
	return 0;
}
