/* A path that is accepted is local part and domain of its argument, and reads the same in brackets. */
#include "base/cursor.h"
#include "mail/address.h"
#include "mail/domain.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view text = { (const char *)data, size };
	struct arena *arena = arena_new();
	struct mail_path path, again;
	struct view same;
	struct err err;

	if (mail_path_parse(text, arena, &path, &err)) {
		assert(view_starts(path.text, path.local));
		assert((path.text.n == 0) == (path.local.n == 0));
		assert(view_all_in(path.text, CC_VCHAR | CC_WSP | CC_UTF8));
		if (path.domain.n > 0) {
			assert(path.text.p[path.local.n] == '@');
			assert(domain_to_ascii(path.domain, arena, &same, &err) || path.domain.p[0] == '[');
		} else {
			assert(view_eq(path.text, path.local));
		}
		struct view bracketed = arena_printf(arena, "<%.*s>", VIEW_ARG(path.text));
		assert(mail_path_parse(bracketed, arena, &again, &err));
		assert(view_eq(path.text, again.text));
		assert(view_eq(path.local, again.local));
		assert(view_eq(path.domain, again.domain));
	}
	arena_free(arena);
	return 0;
}
