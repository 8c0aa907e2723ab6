#ifndef ASSAY_BASE_BUFFER_H
#define ASSAY_BASE_BUFFER_H

#include "base/arena.h"

/*
 * buffer - text under construction, in the memory of an arena.
 * Grows as needed; views into it are good until the next buffer_add* call, and the final
 * buffer_view lives as long as the arena.  Not thread-safe.
 */
struct buffer {
	struct arena *arena;
	char *p;
	size_t n;    /* octets in use */
	size_t room; /* octets at p */
};

struct buffer buffer_in(struct arena *arena);
void buffer_add(struct buffer *b, struct view v);
void buffer_add_cstr(struct buffer *b, const char *text);
void buffer_add_char(struct buffer *b, char c);
void buffer_addf(struct buffer *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buffer_clear(struct buffer *b); /* empty again; the room stays */
void buffer_cut(struct buffer *b, size_t n); /* keep the first n octets */
struct view buffer_view(const struct buffer *b);

/*
 * A value as our log lines and dumps show it: as it is when it is plain (visible ASCII, no quote, no
 * backslash, not empty), else within "" with \" \\ and \xNN.  More than max octets of v are cut and
 * end in "...".
 */
void buffer_add_quoted(struct buffer *b, struct view v, size_t max);

#endif
