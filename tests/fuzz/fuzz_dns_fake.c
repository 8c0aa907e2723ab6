/*
 * A text that dns_fake_parse takes answers every question in keeping with dns.h: those for the first
 * words of its own lines, and some for what is not there.
 */
#include "dns_check.h"

#include "base/cursor.h"
#include "dns/dns_fake.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A question costs a walk; a few hundred show what there is to see. */
#define LINES_MAX 100

static void
ask_all_types(const struct dns_fake *fake, struct view name, struct arena *arena)
{
	if (!dns_name_ok(name))
		return;
	for (unsigned choice = 0; choice < 6; choice++) {
		struct dns_answer answer;
		int64_t delay_ms;

		dns_fake_answer(fake, name, dns_check_type(choice), arena, &answer, &delay_ms);
		dns_check_answer(dns_check_type(choice), &answer);
		assert(delay_ms >= 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view text = { (const char *)data, size };
	struct arena *arena = arena_new();
	struct cursor c = cursor_over(text);
	struct err err = { .text = "" };
	struct dns_fake *fake = dns_fake_parse(text, arena, &err);

	if (fake == NULL) {
		assert(err.kind == ERR_PERM && strncmp(err.text, "line ", 5) == 0);
		arena_free(arena);
		return 0;
	}
	for (int i = 0; i < LINES_MAX && !cursor_end(&c); i++) {
		struct view name = view_trim(cursor_until(&c, '\n')), rest;

		cursor_char(&c, '\n');
		view_split(name, ' ', &name, &rest);
		view_split(name, '\t', &name, &rest);
		ask_all_types(fake, name, arena);
		ask_all_types(fake, arena_printf(arena, "x.y.%.*s", (int)(name.n < 200 ? name.n : 200), name.p), arena);
	}
	arena_free(arena);
	return 0;
}
