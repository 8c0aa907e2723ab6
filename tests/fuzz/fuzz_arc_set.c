/* One field of ARC: what is accepted has an instance; what is sound has all its parts, and loses them with b=. */
#include "arc/arc.h"
#include "arc/arc_field.h"
#include "base/cursor.h"
#include "sig/header_hash.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_signature(const struct arc_field *f, struct arena *arena)
{
	const struct arc_signature *sig = &f->signature;
	struct header_field cut = { f->from->name, header_hash_without(f->from->value, f->b_from, f->b_to, arena) };
	struct arc_field again;

	assert(sig->domain.n > 0 && view_all_in(sig->domain, CC_LDH | CC_UNDERSCORE | CC_DOT));
	assert(sig->selector.n > 0 && view_all_in(sig->selector, CC_LDH | CC_UNDERSCORE | CC_DOT));
	assert(sig->octets.n > 0 && sig->names_n <= ARC_NAMES_MAX && sig->signed_at >= -1);
	assert((f->kind == ARC_AMS) == (sig->body_hash.n > 0));
	assert(f->b_from <= f->b_to && f->b_to <= f->from->value.n);
	assert(arc_field_parse(f->kind, &cut, arena, &again, NULL));
	assert(!again.sound && again.why.n > 0 && again.instance == f->instance && again.cv == f->cv);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	enum arc_kind kind = size > 0 ? (enum arc_kind)(data[0] % ARC_KINDS) : ARC_AAR;
	struct header_field from = { arc_kind_name(kind), view_from((struct view){ (const char *)data, size }, 1) };
	struct arc_field field;
	struct err err;

	if (arc_field_parse(kind, &from, arena, &field, &err)) {
		assert(field.instance >= 1 && field.instance <= ARC_INSTANCES_MAX);
		assert(field.sound || field.why.n > 0);
		if (kind == ARC_AAR)
			assert(view_ends(from.value, field.authres));
		else if (field.sound)
			check_signature(&field, arena);
	} else {
		assert(err.kind == ERR_PERM && err.text[0] != '\0');
	}
	arena_free(arena);
	return 0;
}
