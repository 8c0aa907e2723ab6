/*
 * Any text is either taken as settings, each within the limits of its row, or refused with at least one
 * message; what is taken reads back the same from what conf_section_show writes.
 */
#include "base/buffer.h"
#include "conf/read.h"
#include "support/libconfig_leak.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct top_conf {
	struct view user;
	int64_t mode;
	struct conf_list listen;
};
struct tea_conf {
	bool enable;
	int64_t steep;
	int kind;
	struct conf_nets nets;
};

enum { GREEN, BLACK };
static const struct name_row kinds[] = { { "green", GREEN }, { "black", BLACK }, { NULL, 0 } };

static const struct conf_item top_rows[] = {
	CONF_TEXT(top_conf, "user", user, "assay", NULL),
	CONF_MODE(top_conf, "mode", mode, 0640),
	CONF_LIST(top_conf, "listen", listen, "a b", 1, 3, NULL),
};
static const struct conf_item tea_rows[] = {
	CONF_BOOL(tea_conf, "enable", enable, true),
	CONF_INT(tea_conf, "steep", steep, 300, -5, 5000000000, "seconds"),
	CONF_ENUM(tea_conf, "kind", kind, BLACK, kinds),
	CONF_NETS(tea_conf, "nets", nets, "127.0.0.0/8 ::1", 4),
};
static const struct conf_section top_section = CONF_SECTION("", top_conf, top_rows, NULL);
static const struct conf_section tea_section = CONF_SECTION("tea", tea_conf, tea_rows, NULL);

static void
count(void *ctx, const char *text)
{
	unsigned *said = ctx;

	assert(text[0] != '\0');
	(*said)++;
}

/* What the settings of text are, as a file; empty: refused. */
static struct view
settings_of(struct view text, struct arena *arena)
{
	struct top_conf top;
	struct tea_conf tea;
	const struct conf_target targets[] = { { &top_section, &top }, { &tea_section, &tea } };
	struct buffer shown = buffer_in(arena);
	unsigned said = 0;

	bool ok = conf_read_text(text, "f", targets, 2, arena, count, &said);
	assert(ok == (said == 0));
	if (!ok)
		return VIEW_EMPTY;
	assert(tea.steep >= -5 && tea.steep <= 5000000000);
	assert(tea.kind == GREEN || tea.kind == BLACK);
	assert(tea.nets.n <= 4 && top.listen.n >= 1 && top.listen.n <= 3);
	assert(top.mode >= 0 && top.mode <= 0777);
	assert(top.user.p[top.user.n] == '\0');
	buffer_add(&shown, conf_section_show(&top_section, &top, arena));
	buffer_add(&shown, conf_section_show(&tea_section, &tea, arena));
	return buffer_view(&shown);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	struct view shown = settings_of((struct view){ (const char *)data, size }, arena);

	if (shown.n > 0)
		assert(view_eq(settings_of(shown, arena), shown));
	arena_free(arena);
	return 0;
}
