#include "base/arena.h"

#include "base/mem.h"

#include <stdalign.h>
#include <stdio.h>
#include <string.h>

/*
 * Thousands of messages may be half-way at once, so what a chunk wastes counts more than calls of calloc.  Under AddressSanitizer each block is a
 * chunk of its own and of its exact size, so that one octet too far is seen.
 */
#if defined(__SANITIZE_ADDRESS__)
#define ARENA_TIGHT 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_TIGHT 1
#endif
#endif
#ifndef ARENA_TIGHT
#define ARENA_TIGHT 0
#endif

#define CHUNK_SIZE ((size_t)2048 - 64)
#define ALIGNMENT alignof(max_align_t)

struct chunk {
	struct chunk *next;
	size_t size; /* octets of data */
	size_t used;
	alignas(max_align_t) char data[];
};

struct deferred {
	struct deferred *next;
	void (*release)(void *);
	void *object;
};

struct arena {
	struct chunk *chunks; /* the newest first; only it has room */
	struct deferred *deferred;
	size_t handed_out;
};

struct arena *
arena_new(void)
{
	return mem_zero(sizeof(struct arena));
}

static void
run_deferred(struct arena *arena)
{
	while (arena->deferred != NULL) {
		struct deferred *d = arena->deferred;
		arena->deferred = d->next;
		d->release(d->object);
	}
}

/* Free all chunks but, when keep_one, one of the ordinary size. */
static void
drop_chunks(struct arena *arena, bool keep_one)
{
	struct chunk *kept = NULL;

	while (arena->chunks != NULL) {
		struct chunk *c = arena->chunks;
		arena->chunks = c->next;
		if (keep_one && kept == NULL && c->size == CHUNK_SIZE)
			kept = c;
		else
			mem_free(c);
	}
	if (kept != NULL) {
		memset(kept->data, 0, kept->used);
		kept->next = NULL;
		kept->used = 0;
	}
	arena->chunks = kept;
}

void
arena_reset(struct arena *arena)
{
	run_deferred(arena);
	drop_chunks(arena, true);
	arena->handed_out = 0;
}

void
arena_free(struct arena *arena)
{
	if (arena == NULL)
		return;
	run_deferred(arena);
	drop_chunks(arena, false);
	mem_free(arena);
}

static struct chunk *
chunk_add(struct arena *arena, size_t at_least)
{
	/* A large one alone: less is left unused behind the last block that fitted. */
	size_t size = ARENA_TIGHT || at_least > CHUNK_SIZE / 8 ? at_least : CHUNK_SIZE;
	struct chunk *c = mem_zero(mem_add(sizeof(*c), size));

	c->size = size;
	if (size != CHUNK_SIZE && arena->chunks != NULL && !ARENA_TIGHT) {
		c->next = arena->chunks->next; /* a large block must not hide the room that is left */
		arena->chunks->next = c;
	} else {
		c->next = arena->chunks;
		arena->chunks = c;
	}
	return c;
}

static size_t
aligned(size_t used)
{
	return (used + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

void *
arena_alloc(struct arena *arena, size_t n)
{
	struct chunk *c = arena->chunks;

	arena->handed_out += n;
	if (c == NULL || ARENA_TIGHT || aligned(c->used) > c->size || n > c->size - aligned(c->used))
		c = chunk_add(arena, n);
	char *p = c->data + aligned(c->used);
	c->used = aligned(c->used) + n;
	return p;
}

void *
arena_array(struct arena *arena, size_t count, size_t size)
{
	return arena_alloc(arena, mem_mul(count, size));
}

void *
arena_grow(struct arena *arena, void *p, size_t old, size_t n)
{
	struct chunk *c = arena->chunks;

	if (n <= old)
		return p;
	if (!ARENA_TIGHT && c != NULL && p != NULL && (char *)p + old == c->data + c->used &&
	    n - old <= c->size - c->used) {
		c->used += n - old;
		arena->handed_out += n - old;
		return p;
	}
	void *moved = arena_alloc(arena, n);
	if (old > 0)
		memcpy(moved, p, old);
	return moved;
}

struct view
arena_copy(struct arena *arena, struct view v)
{
	if (v.n == 0)
		return VIEW_EMPTY;
	char *p = arena_alloc(arena, v.n);
	memcpy(p, v.p, v.n);
	return (struct view){ p, v.n };
}

struct view
arena_copy_lower(struct arena *arena, struct view v)
{
	char *p = arena_alloc(arena, v.n);

	for (size_t i = 0; i < v.n; i++)
		p[i] = ascii_lower(v.p[i]);
	return (struct view){ p, v.n };
}

char *
arena_cstr(struct arena *arena, struct view v)
{
	char *p = arena_alloc(arena, mem_add(v.n, 1));

	if (v.n > 0)
		memcpy(p, v.p, v.n);
	return p;
}

struct view
arena_vprintf(struct arena *arena, const char *fmt, va_list ap)
{
	char some[256]; /* mostly enough, so that formatting once is */
	va_list again;
	va_copy(again, ap);
	int n = vsnprintf(some, sizeof(some), fmt, ap);
	if (n < 0)
		mem_fatal("a format that cannot be printed");
	char *p = arena_alloc(arena, (size_t)n + 1);
	if ((size_t)n < sizeof(some))
		memcpy(p, some, (size_t)n + 1);
	else
		vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	return (struct view){ p, (size_t)n };
}

struct view
arena_printf(struct arena *arena, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	struct view v = arena_vprintf(arena, fmt, ap);
	va_end(ap);
	return v;
}

void
arena_defer(struct arena *arena, void (*release)(void *), void *object)
{
	struct deferred *d = ARENA_NEW(arena, struct deferred);

	*d = (struct deferred){ arena->deferred, release, object };
	arena->deferred = d;
}

size_t
arena_used(const struct arena *arena)
{
	return arena->handed_out;
}
