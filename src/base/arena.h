#ifndef ASSAY_BASE_ARENA_H
#define ASSAY_BASE_ARENA_H

#include "base/view.h"

#include <stdarg.h>

/*
 * arena - memory of one lifetime: a configuration, a connection, a message.
 * Nothing in it is freed alone; arena_reset or arena_free ends it all at once.  Foreign objects
 * (an OpenSSL key, a counted reference) join by arena_defer.
 * Not thread-safe: an arena is used by one thread at a time.
 * Sizes that a sender controls are bounded before they come here; plain exhaustion of memory is
 * fatal (base/mem.h).
 */
struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *arena); /* NULL is fine */
/* Run what was deferred, newest first, and forget everything; one chunk is kept for the next use. */
void arena_reset(struct arena *arena);

/* Zeroed, aligned for any type.  n = 0 gives a valid pointer of no use. */
void *arena_alloc(struct arena *arena, size_t n);
/* count * size, checked for overflow (fatal). */
void *arena_array(struct arena *arena, size_t count, size_t size);
#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, count, type) ((type *)arena_array((arena), (count), sizeof(type)))

/*
 * More room for the block at p, of old octets: in place when it was the newest, else moved.  The
 * octets behind old are not zeroed.
 */
void *arena_grow(struct arena *arena, void *p, size_t old, size_t n);

struct view arena_copy(struct arena *arena, struct view v);
struct view arena_copy_lower(struct arena *arena, struct view v); /* ASCII letters folded */
/* NUL-terminated, for libraries that want it.  NULs inside v would cut it: the caller has checked. */
char *arena_cstr(struct arena *arena, struct view v);
struct view arena_printf(struct arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
struct view arena_vprintf(struct arena *arena, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

/* Call release(object) when the arena is reset or freed. */
void arena_defer(struct arena *arena, void (*release)(void *), void *object);

/* Octets handed out since the last reset: for limits and tests. */
size_t arena_used(const struct arena *arena);

#endif
