#include "sig/body_hash.h"

#include <assert.h>

struct body_hash {
	enum digest_alg alg;
	enum canon canon;
	int64_t limit; /* -1: all */
	uint64_t given; /* octets hashed */
	struct digest *digest;
	struct view value;
	const struct canonical *of;
};

/* The body in one canonical form. */
struct canonical {
	struct body_hashes *all;
	enum canon canon;
	uint64_t octets; /* came out so far */
	struct canon_body body; /* its sink is there during a call only: canon_body_* leave nothing in it */
};

struct body_hashes {
	struct arena *arena;
	struct canonical *form[2]; /* by enum canon; NULL: not wanted */
	struct body_hash *hash[BODY_HASHES_MAX];
	size_t n;
	bool shown; /* some of the body has been added */
	bool ended;
};

/* How much of a slice may still go into a hash. */
static size_t
room_for(const struct body_hash *hash, size_t n)
{
	if (hash->limit < 0)
		return n;
	uint64_t left = (uint64_t)hash->limit - hash->given;
	return left < n ? (size_t)left : n;
}

static void
hash_slice(void *ctx, struct view slice)
{
	struct canonical *form = ctx;
	struct body_hashes *all = form->all;

	form->octets += slice.n;
	for (size_t i = 0; i < all->n; i++) {
		struct body_hash *h = all->hash[i];
		if (h->canon != form->canon)
			continue;
		size_t n = room_for(h, slice.n);
		digest_add(h->digest, view_sub(slice, 0, n));
		h->given += n;
	}
}

struct body_hashes *
body_hashes_new(struct arena *arena)
{
	struct body_hashes *all = ARENA_NEW(arena, struct body_hashes);

	all->arena = arena;
	return all;
}

static struct canonical *
form_of(struct body_hashes *all, enum canon canon)
{
	struct canonical *form = all->form[canon];

	if (form != NULL)
		return form;
	form = all->form[canon] = ARENA_NEW(all->arena, struct canonical);
	form->all = all;
	form->canon = canon;
	canon_body_init(&form->body, canon, NULL);
	return form;
}

struct body_hash *
body_hashes_want(struct body_hashes *all, enum digest_alg alg, enum canon canon, int64_t limit)
{
	assert(!all->shown && !all->ended);
	for (size_t i = 0; i < all->n; i++)
		if (all->hash[i]->alg == alg && all->hash[i]->canon == canon && all->hash[i]->limit == limit)
			return all->hash[i];
	if (all->n == BODY_HASHES_MAX)
		return NULL;
	struct body_hash *h = all->hash[all->n++] = ARENA_NEW(all->arena, struct body_hash);
	h->alg = alg;
	h->canon = canon;
	h->limit = limit;
	h->digest = digest_new(all->arena, alg);
	h->of = form_of(all, canon);
	return h;
}

bool
body_hashes_any(const struct body_hashes *all)
{
	return all->n > 0;
}

/* One octet beyond l= must be seen, or a body that goes on would look like one that ends there. */
static bool
is_full(const struct body_hash *h)
{
	return h->limit >= 0 && h->of->octets > (uint64_t)h->limit;
}

bool
body_hashes_full(const struct body_hashes *all)
{
	for (size_t i = 0; i < all->n; i++)
		if (!is_full(all->hash[i]))
			return false;
	return true;
}

/* Nothing of this form is needed any more. */
static bool
form_full(const struct body_hashes *all, const struct canonical *form)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->hash[i]->of == form && !is_full(all->hash[i]))
			return false;
	return true;
}

/* A chunk, or the end. */
static void
give(struct canonical *form, const struct view *chunk)
{
	struct canon_sink sink;

	canon_sink_init(&sink, hash_slice, form);
	form->body.sink = &sink;
	if (chunk != NULL)
		canon_body_add(&form->body, *chunk);
	else
		canon_body_end(&form->body);
	form->body.sink = NULL;
}

void
body_hashes_add(struct body_hashes *all, struct view chunk)
{
	assert(!all->ended);
	all->shown = true;
	for (int i = 0; i < 2; i++)
		if (all->form[i] != NULL && !form_full(all, all->form[i]))
			give(all->form[i], &chunk);
}

void
body_hashes_end(struct body_hashes *all)
{
	if (all->ended)
		return;
	all->ended = true;
	for (int i = 0; i < 2; i++)
		if (all->form[i] != NULL)
			give(all->form[i], NULL);
	for (size_t i = 0; i < all->n; i++)
		all->hash[i]->value = digest_end(all->hash[i]->digest, all->arena);
}

struct view
body_hash_value(const struct body_hash *hash)
{
	return hash->value;
}

uint64_t
body_hash_canonical_octets(const struct body_hash *hash)
{
	return hash->of->octets;
}
