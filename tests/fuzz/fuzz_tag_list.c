/* What tag_list_parse accepts: the offsets cut the text into the tags, and written plainly it reads the same. */
#include "base/buffer.h"
#include "mail/tag_list.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_offsets(struct view text, const struct tag_list *list)
{
	size_t at = 0;

	for (size_t i = 0; i < list->n; i++) {
		const struct tag *t = &list->tag[i];
		assert(t->name.n > 0 && t->name.p >= text.p + at);
		assert(at < t->value_at && t->value_at <= t->value_end && t->value_end <= text.n);
		assert(text.p[t->value_at - 1] == '=');
		assert(t->value_end == text.n || text.p[t->value_end] == ';' || i + 1 == list->n);
		struct view whole = view_sub(text, t->value_at, t->value_end - t->value_at);
		assert(view_eq(view_trim(whole), t->value) && view_find(whole, ';') == VIEW_NONE);
		at = t->value_end;
	}
	assert(view_trim(view_from(text, at)).n == 0 || view_is(view_trim(view_from(text, at)), ";"));
}

static struct view
plain(const struct tag_list *list, struct arena *arena)
{
	struct buffer b = buffer_in(arena);

	for (size_t i = 0; i < list->n; i++) {
		if (i > 0)
			buffer_add_char(&b, ';');
		buffer_add(&b, list->tag[i].name);
		buffer_add_char(&b, '=');
		buffer_add(&b, list->tag[i].value);
	}
	return buffer_view(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view text = { (const char *)data, size };
	struct arena *arena = arena_new();
	struct tag_list list, again;
	struct err err;

	if (tag_list_parse(text, &list, &err)) {
		assert(list.n > 0 && list.n <= TAG_LIST_MAX);
		check_offsets(text, &list);
		assert(tag_list_parse(plain(&list, arena), &again, &err));
		assert(again.n == list.n);
		for (size_t i = 0; i < list.n; i++) {
			assert(view_eq(list.tag[i].name, again.tag[i].name));
			assert(view_eq(list.tag[i].value, again.tag[i].value));
		}
	}
	arena_free(arena);
	return 0;
}
