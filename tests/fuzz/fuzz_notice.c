/*
 * What strangers put into a notice: a first line of arguments (recipient, ORCPT, ENVID, sender, separated by spaces), then
 * a message's header.  Whatever it is, lines are short ASCII, and the parts are as many as ever.
 */
#include "base/cursor.h"
#include "report/report_dsn.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct view boundary = { "--n0b0dykn0ws", 13 };

static bool
holds(struct view text, struct view wanted)
{
	for (size_t i = 0; i + wanted.n <= text.n; i++)
		if (view_starts(view_from(text, i), wanted))
			return true;
	return false;
}

static size_t
check_lines(struct view text, struct view wanted)
{
	struct cursor c = cursor_over(text);
	size_t parts = 0;

	while (!cursor_end(&c)) { /* ends: each turn takes a line */
		struct view line = cursor_take(&c, CC_VCHAR | CC_WSP);
		assert(line.n <= 998 && cursor_text(&c, VIEW_LIT("\r\n")));
		parts += view_starts(line, wanted);
	}
	return parts;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	struct view first, rest, body, argument[4];
	struct dsn_recipient rcpt = { .enhanced = VIEW_LIT("5.7.1"), .reply = VIEW_LIT("550 5.7.1 No") };
	struct header header;

	view_split((struct view){ (const char *)data, size }, '\n', &first, &rest);
	for (size_t i = 0; i < 4; i++)
		view_split(first, ' ', &argument[i], &first);
	header_init(&header, arena, 1 << 20, 1000);
	header_read(rest, &header, &body, NULL);
	rcpt.address = argument[0];
	rcpt.orcpt = argument[1];
	struct dsn dsn = {
		.reporter = VIEW_LIT("mx.example.net"), .from = VIEW_LIT("MAILER-DAEMON@mx.example.net"), .envid = argument[2],
		.to = argument[3], .queue_id = VIEW_EMPTY, .unique = VIEW_LIT("n0b0dykn0ws"), .arrived = 1, .now = 2,
		.rcpt = &rcpt, .n = 1, .header = &header,
	};
	size_t parts = check_lines(report_dsn(&dsn, arena), boundary);
	assert(parts == 4 || holds((struct view){ (const char *)data, size }, boundary));
	arena_free(arena);
	return 0;
}
