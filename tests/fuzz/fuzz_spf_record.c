/*
 * What the parser accepts is visible ASCII, stays within its limits, and each domain-spec of it expands to a
 * name of at most 253 octets or is too long.
 */
#include "base/cursor.h"
#include "spf/spf_macro.h"
#include "spf/spf_record.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
expand(struct view spec, struct buffer *scratch)
{
	struct spf_macro_values v = {
		.sender = VIEW_LIT("a.b-c+d@example.org"), .local = VIEW_LIT("a.b-c+d"),
		.sender_domain = VIEW_LIT("example.org"), .domain = VIEW_LIT("d.example.org"),
		.helo = VIEW_LIT("h\xff.example"), .validated = VIEW_LIT("unknown"),
	};
	struct view name;
	struct err err;

	if (spec.n == 0)
		return;
	for (int family = 4; family <= 6; family += 2) {
		v.client.family = family;
		if (spf_domain_expand(spec, &v, scratch, &name, &err))
			assert(name.n <= 253);
		else
			assert(err.kind == ERR_PERM && scratch->n > SPF_EXPANSION_MAX);
	}
	(void)spf_macro_wants_p(spec);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view text = { (const char *)data, size };
	struct arena *arena = arena_new();
	struct buffer scratch = buffer_in(arena);
	struct spf_record record;
	struct err err;

	if (spf_record_parse(text, arena, &record, &err)) {
		assert(spf_record_is(text) && text.n <= SPF_RECORD_MAX && record.n <= SPF_DIRECTIVES_MAX);
		assert(view_is_ascii(text) && view_find(text, '\t') == VIEW_NONE && view_find(text, '\0') == VIEW_NONE);
		for (size_t i = 0; i < record.n; i++) {
			const struct spf_directive *d = &record.directive[i];
			assert(d->text.n > 0 && view_all_in(d->text, CC_VCHAR));
			assert(d->bits4 >= 0 && d->bits4 <= 32 && d->bits6 >= 0 && d->bits6 <= 128);
			expand(d->domain_spec, &scratch);
		}
		expand(record.redirect, &scratch);
		expand(record.explain, &scratch);
	} else {
		assert(err.kind == ERR_PERM && err.text[0] != '\0');
	}
	arena_free(arena);
	return 0;
}
