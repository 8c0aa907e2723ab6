/* A line that is read gives an envelope of its own octets; read again as we would write it, it is the same. */
#include "base/buffer.h"
#include "base/cursor.h"
#include "milter/log_line.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct view
written(const struct log_line *l, struct arena *arena)
{
	struct buffer b = buffer_in(arena);

	buffer_addf(&b, "Q: client=");
	buffer_add_quoted(&b, l->name.n == 0 ? VIEW_LIT("unknown") : l->name, SIZE_MAX);
	buffer_add_char(&b, '[');
	buffer_add(&b, l->local ? VIEW_LIT("local") : ip_text(&l->client, arena));
	buffer_add_cstr(&b, "] from=");
	buffer_add_quoted(&b, l->from, SIZE_MAX);
	buffer_addf(&b, " rcpts=%zu", l->recipients + l->more);
	for (size_t i = 0; i < l->recipients; i++) {
		buffer_add_cstr(&b, i == 0 ? " to=" : ",");
		buffer_add_quoted(&b, l->to[i], SIZE_MAX);
	}
	return buffer_view(&b);
}

/* What our own writer cannot have written comes back changed: "..." at an end, a list that is no list of paths. */
static bool
is_ours(const struct log_line *l)
{
	bool ours = !view_ends(l->from, VIEW_LIT("...")) && !view_is(l->name, "unknown");

	for (size_t i = 0; i < l->recipients; i++)
		ours &= view_starts(l->to[i], VIEW_LIT("<")) && view_ends(l->to[i], VIEW_LIT(">")) &&
		    view_find(l->to[i], ',') == VIEW_NONE;
	return ours;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view text = { (const char *)data, size }, id, line;
	struct arena *arena = arena_new();
	struct log_line l, again;
	struct err err;

	if (log_line_parse(text, arena, &l, &err)) {
		assert(l.id.n > 0 && l.from.n > 0 && l.from.n <= size && l.recipients + 1 <= size);
		assert(!l.local || l.client.family == 0);
		assert(l.whole || l.more == 0);
		if (is_ours(&l)) {
			assert(log_line_parse(written(&l, arena), arena, &again, &err));
			assert(view_eq(l.from, again.from) && l.local == again.local);
			assert(l.client.family == again.client.family);
			assert(l.client.family == 0 || ip_eq(&l.client, &again.client));
			assert(view_eq(l.name, again.name) && l.recipients == again.recipients && l.more == again.more);
			for (size_t i = 0; i < l.recipients; i++)
				assert(view_eq(l.to[i], again.to[i]));
		}
	}
	view_split(text, '\n', &id, &text);
	if (log_line_find(text, id, &line))
		assert(line.p >= text.p && line.p + line.n <= text.p + text.n && line.n > id.n);
	arena_free(arena);
	return 0;
}
