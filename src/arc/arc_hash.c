#include "arc/arc_hash.h"

#include "base/buffer.h"
#include "sig/header_hash.h"

#include <assert.h>

static void
add_slice(void *ctx, struct view slice)
{
	buffer_add(ctx, slice);
}

static void
add_field(struct buffer *b, const struct header_field *field)
{
	struct canon_sink sink;

	canon_sink_init(&sink, add_slice, b);
	canon_field(&sink, CANON_RELAXED, field->name, field->value, true);
	canon_sink_flush(&sink);
}

void
arc_scope_of(const struct arc_chain *chain, struct arena *arena, struct arc_scope *scope)
{
	struct buffer b = buffer_in(arena);

	scope->seal_at = ARENA_ARRAY(arena, chain->n, size_t);
	for (unsigned i = 0; i < chain->n; i++) {
		const struct arc_set *set = &chain->set[i];
		assert(set->part[ARC_AAR] != NULL && set->part[ARC_AMS] != NULL && set->part[ARC_SEAL] != NULL);
		add_field(&b, set->part[ARC_AAR]->from);
		add_field(&b, set->part[ARC_AMS]->from);
		scope->seal_at[i] = b.n;
		add_field(&b, set->part[ARC_SEAL]->from);
	}
	scope->text = buffer_view(&b);
}

/* The signature's own field comes last, without the value of b= and without CRLF (RFC 6376 3.7). */
static struct view
end_with_own(struct digest *d, enum canon canon, const struct arc_field *own, struct arena *arena)
{
	struct view value = header_hash_without(own->from->value, own->b_from, own->b_to, arena);

	header_hash_field(d, canon, own->from->name, value, false);
	return digest_end(d, arena);
}

struct view
arc_hash_seal(const struct arc_chain *chain, const struct arc_scope *scope, unsigned instance, struct arena *arena)
{
	struct digest *d = digest_new(arena, DIGEST_SHA256);

	assert(instance >= 1 && instance <= chain->n);
	digest_add(d, view_sub(scope->text, 0, scope->seal_at[instance - 1]));
	return end_with_own(d, CANON_RELAXED, chain->set[instance - 1].part[ARC_SEAL], arena);
}

struct view
arc_hash_message(const struct header *header, const struct arc_field *ams, struct arena *arena)
{
	const struct arc_signature *sig = &ams->signature;
	struct digest *d = digest_new(arena, DIGEST_SHA256);

	header_hash_named(d, sig->header_canon, header, ams->from, sig->names, sig->names_n);
	return end_with_own(d, sig->header_canon, ams, arena);
}
