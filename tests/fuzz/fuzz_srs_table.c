/*
 * A table of the MTA in each of its kinds: every key that is kept is found again, and every value ends.  Then a reply of a
 * socketmap server: what it says is one of three.
 */
#include "base/cursor.h"
#include "base/mem.h"
#include "srs/srs_ask.h"
#include "srs/srs_leave.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct srs_table *
table_of(enum srs_table_kind kind, struct view text)
{
	char *p = mem_zero(text.n);

	memcpy(p, text.p, text.n);
	return srs_table_new(kind, (struct view){ p, text.n });
}

static void
walk_value(struct view value)
{
	enum srs_target_kind kind;
	struct view target;

	for (size_t before = value.n; srs_target_next(&value, &kind, &target); before = value.n)
		assert(value.n < before && target.n > 0);
}

/* Each line's first word is asked for, as a recipient and as a key. */
static void
ask_all(struct srs_table *t, enum srs_table_kind kind, struct view text, struct arena *arena)
{
	static const struct view local = { "local.test", 10 };
	struct srs_leave_conf conf = { .local_domains = { .item = &local, .n = 1 } };
	struct srs_table_file file = { kind, VIEW_LIT("/table"), t };
	struct srs_table_set set = { &file, 1 };
	struct srs_leave leave = { .conf = &conf, .delimiter = VIEW_LIT("+"), .tables = &set };
	struct srs_leaving found;
	struct view line, value;

	for (int i = 0; i < 20 && text.n > 0; i++) {
		view_split(text, '\n', &line, &text);
		struct cursor c = cursor_over(line);
		struct view key = cursor_take(&c, CC_VCHAR | CC_UTF8);
		if (srs_table_find(t, key, &value))
			walk_value(value);
		struct mail_path path;
		if (!mail_path_parse(key, arena, &path, NULL))
			continue;
		srs_leave_find(&leave, &path, NULL, arena, &found);
		assert(!found.leaves || found.by != NULL);
		assert(found.leaves || (!found.unsure && found.target.n == 0));
	}
}

static void
check_reply(struct view payload)
{
	struct view value = VIEW_EMPTY;
	struct err err;

	switch (srs_ask_reply(payload, &value, &err)) {
	case SRS_FOUND:
		assert(value.n > 0 && view_starts(payload, VIEW_LIT("OK ")));
		walk_value(value);
		break;
	case SRS_FOUND_NOT:
		assert(view_starts(payload, VIEW_LIT("NOTFOUND")));
		break;
	case SRS_FOUND_ERROR:
		assert(err.kind == ERR_TEMP && strlen(err.text) > 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view text = { (const char *)data, size };

	if (size > 65536)
		return 0;
	check_reply(text);
	for (int kind = SRS_TABLE_VIRTUAL; kind <= SRS_TABLE_INCLUDE; kind++) {
		struct arena *arena = arena_new();
		struct srs_table *t = table_of((enum srs_table_kind)kind, text);
		struct view path;
		size_t at = 0;
		for (size_t before = 0; srs_table_include(t, &at, &path); before = at)
			assert(at > before);
		assert((srs_table_mistakes(t) == 0) == (srs_table_first_mistake(t, &(const char *){ NULL }) == 0));
		ask_all(t, (enum srs_table_kind)kind, text, arena);
		if (kind == SRS_TABLE_INCLUDE)
			walk_value(text);
		srs_table_unref(t);
		arena_free(arena);
	}
	return 0;
}
