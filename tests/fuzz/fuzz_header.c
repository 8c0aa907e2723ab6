/* What header_read makes of a message, written out again, reads the same. */
#include "base/buffer.h"
#include "base/cursor.h"
#include "mail/header.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OCTETS_MAX 5000
#define FIELDS_MAX 100

static struct view
written(const struct header *h, struct view body, struct arena *arena)
{
	struct buffer b = buffer_in(arena);

	for (size_t i = 0; i < h->n; i++) {
		buffer_add(&b, h->field[i].name);
		buffer_add_char(&b, ':');
		buffer_add(&b, h->field[i].value);
		buffer_add_cstr(&b, "\r\n");
	}
	assert(b.n == h->octets);
	buffer_add_cstr(&b, "\r\n");
	buffer_add(&b, body);
	return buffer_view(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view text = { (const char *)data, size }, body, body_again;
	struct arena *arena = arena_new();
	struct header h, again;
	struct err err;

	header_init(&h, arena, OCTETS_MAX, FIELDS_MAX);
	header_init(&again, arena, OCTETS_MAX, FIELDS_MAX);
	if (header_read(text, &h, &body, &err)) {
		assert(view_ends(text, body));
		assert(header_read(written(&h, body, arena), &again, &body_again, &err));
		assert(view_eq(body, body_again));
		assert(h.n == again.n);
		for (size_t i = 0; i < h.n; i++) {
			assert(view_all_in(h.field[i].name, CC_FTEXT));
			assert(view_eq(h.field[i].name, again.field[i].name));
			assert(view_eq(h.field[i].value, again.field[i].value));
			assert(header_nth(&h, h.field[i].name, header_count(&h, h.field[i].name)) == NULL);
		}
	}
	assert(h.octets <= OCTETS_MAX && h.n <= FIELDS_MAX);
	arena_free(arena);
	return 0;
}
