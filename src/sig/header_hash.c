#include "sig/header_hash.h"

#include "base/buffer.h"
#include "base/hash.h"
#include "base/mem.h"

static void
hash_slice(void *ctx, struct view slice)
{
	digest_add(ctx, slice);
}

void
header_hash_field(struct digest *d, enum canon canon, struct view name, struct view value, bool with_crlf)
{
	struct canon_sink sink;

	canon_sink_init(&sink, hash_slice, d);
	canon_field(&sink, canon, name, value, with_crlf);
	canon_sink_flush(&sink);
}

/*
 * The fields by name, so that an h= of hundreds of names over a header of thousands of fields costs
 * their sum and not their product.  Chains run from the bottom of the header up; a field that was
 * taken leaves its chain.
 */
#define NO_FIELD SIZE_MAX

struct by_name {
	const struct header *header;
	size_t *head; /* buckets */
	size_t *next; /* fields */
	size_t mask;
};

/* The name as both sides compare it: without obsolete white space before the colon. */
static struct view
plain(struct view name)
{
	return view_trim_end(name);
}

static size_t
bucket_of(const struct by_name *b, struct view name)
{
	return (size_t)hash_view_lower(plain(name)) & b->mask;
}

static struct by_name
index_fields(const struct header *h, const struct header_field *own)
{
	struct by_name b = { .header = h, .mask = 1 };

	while (b.mask < h->n)
		b.mask = b.mask * 2 + 1;
	b.head = mem_zero(mem_mul(b.mask + 1, sizeof(*b.head)));
	b.next = mem_zero(mem_mul(h->n + 1, sizeof(*b.next)));
	for (size_t i = 0; i <= b.mask; i++)
		b.head[i] = NO_FIELD;
	for (size_t i = 0; i < h->n; i++) {
		if (&h->field[i] == own)
			continue;
		size_t *head = &b.head[bucket_of(&b, h->field[i].name)];
		b.next[i] = *head;
		*head = i; /* the lowest in the header comes first */
	}
	return b;
}

static const struct header_field *
take_field(struct by_name *b, struct view name)
{
	for (size_t *at = &b->head[bucket_of(b, name)]; *at != NO_FIELD; at = &b->next[*at]) {
		const struct header_field *f = &b->header->field[*at];
		if (view_eq_nocase(plain(f->name), plain(name))) {
			*at = b->next[*at];
			return f;
		}
	}
	return NULL;
}

void
header_hash_named(struct digest *d, enum canon canon, const struct header *h, const struct header_field *own,
    const struct view *names, size_t n)
{
	struct by_name b = index_fields(h, own);
	struct canon_sink sink; /* one for all: a hash takes one long piece sooner than many short ones */

	canon_sink_init(&sink, hash_slice, d);
	for (size_t i = 0; i < n; i++) {
		const struct header_field *f = take_field(&b, names[i]);
		if (f != NULL)
			canon_field(&sink, canon, f->name, f->value, true);
	}
	canon_sink_flush(&sink);
	mem_free(b.head);
	mem_free(b.next);
}

struct view
header_hash_without(struct view value, size_t from, size_t to, struct arena *arena)
{
	struct view head = view_sub(value, 0, from), tail = view_from(value, to);
	struct buffer b = buffer_in(arena);

	buffer_add(&b, head);
	buffer_add(&b, tail);
	return buffer_view(&b);
}
