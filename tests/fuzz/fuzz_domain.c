/* A domain that is accepted is lower case, within the lengths of DNS, and its own spelling. */
#include "base/cursor.h"
#include "mail/domain.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_labels(struct view name)
{
	size_t labels = domain_labels(name), seen = 0;

	for (struct view rest = name; rest.n > 0; rest = domain_parent(rest)) {
		struct view label, tail;
		view_split(rest, '.', &label, &tail);
		assert(label.n >= 1 && label.n <= 63);
		assert(domain_within(name, rest));
		assert(view_eq(domain_last(name, labels - seen), rest));
		seen++;
	}
	assert(seen == labels);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view text = { (const char *)data, size };
	struct arena *arena = arena_new();
	struct view ascii, again;
	struct err err;

	if (domain_to_ascii(text, arena, &ascii, &err)) {
		assert(ascii.n >= 1 && ascii.n <= 253 && view_all_in(ascii, CC_VCHAR));
		assert(view_eq(ascii, arena_copy_lower(arena, ascii)));
		check_labels(ascii);
		assert(domain_to_ascii(ascii, arena, &again, &err));
		assert(view_eq(ascii, again));
		assert(view_is_ascii(text) || view_all_in(ascii, CC_LDH | CC_UNDERSCORE | CC_DOT));
	} else {
		assert(err.kind == ERR_PERM && err.text[0] != '\0');
	}
	domain_is_fqdn(text);
	arena_free(arena);
	return 0;
}
