/* A list that is accepted, written in one canonical way, reads the same; outcomes of From are what they say. */
#include "base/buffer.h"
#include "mail/address.h"
#include "mail/domain.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
add_quoted(struct buffer *b, struct view v)
{
	buffer_add_char(b, '"');
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] == '"' || v.p[i] == '\\')
			buffer_add_char(b, '\\');
		buffer_add_char(b, v.p[i]);
	}
	buffer_add_char(b, '"');
}

static struct view
canonical(const struct mailbox_list *list, struct arena *arena)
{
	struct buffer b = buffer_in(arena);

	for (size_t i = 0; i < list->n; i++) {
		if (i > 0)
			buffer_add_cstr(&b, ", ");
		add_quoted(&b, list->box[i].display);
		buffer_add_cstr(&b, " <");
		add_quoted(&b, list->box[i].local);
		buffer_add_char(&b, '@');
		buffer_add(&b, list->box[i].domain);
		buffer_add_char(&b, '>');
	}
	return buffer_view(&b);
}

static void
check_list(struct view text, struct arena *arena)
{
	struct mailbox_list list, again;
	struct err err;

	if (!mailbox_list_parse(text, arena, &list, &err) || list.n == 0)
		return;
	assert(list.n <= MAILBOXES_MAX);
	assert(mailbox_list_parse(canonical(&list, arena), arena, &again, &err));
	assert(again.n == list.n);
	for (size_t i = 0; i < list.n; i++) {
		assert(view_eq(list.box[i].display, again.box[i].display));
		assert(view_eq(list.box[i].local, again.box[i].local));
		assert(view_eq(list.box[i].domain, again.box[i].domain));
		assert(view_find(text, '@') != VIEW_NONE);
	}
}

static void
check_from(struct view text, struct arena *arena)
{
	struct header h;
	struct from_domain from;
	struct view same;
	struct err err;

	header_init(&h, arena, 1000000, 2);
	if (!header_add(&h, VIEW_LIT("From"), text, &err))
		return;
	from_domain_find(&h, arena, &from);
	assert((from.outcome == FROM_ONE) == (from.n == 1 && from.why.n == 0));
	assert((from.outcome == FROM_ONE) == (from.domain.n > 0));
	assert(from.outcome != FROM_SEVERAL || from.n > 1);
	assert(from.n <= from.mailboxes);
	for (size_t i = 0; i < from.n; i++) {
		assert(domain_to_ascii(from.domains[i], arena, &same, &err));
		assert(view_eq(from.domains[i], same));
	}
	assert(header_add(&h, VIEW_LIT("From"), VIEW_LIT(" a@example.org"), &err));
	from_domain_find(&h, arena, &from);
	assert(from.outcome == FROM_SEVERAL && from.domain.n == 0 && from.why.n > 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view text = { (const char *)data, size };
	struct arena *arena = arena_new();

	check_list(text, arena);
	check_from(text, arena);
	arena_free(arena);
	return 0;
}
