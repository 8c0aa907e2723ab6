/*
 * Authentication-Results: the input is read as a field, and its pieces are written as values.
 * Whatever is written reads back as just that; whatever reads as our id is seen to claim it.
 */
#include "base/buffer.h"
#include "base/cursor.h"
#include "mail/auth_results.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_claims(struct view text, struct arena *arena)
{
	struct auth_results r;
	struct err err;

	if (auth_results_parse(text, arena, &r, &err)) {
		assert(r.n > 0 && r.n <= AUTH_RESULTS_INFOS_MAX);
		if (r.authserv_id.n > 0 && view_all_in(r.authserv_id, CC_TOKEN))
			assert(auth_results_claims(text, r.authserv_id, arena));
	}
	auth_results_claims(text, VIEW_LIT("mx.example.org"), arena);
}

/* Pieces of the input between "|", each one value. */
static struct view
next_piece(struct view *rest)
{
	struct view piece, tail;

	view_split(*rest, '|', &piece, &tail);
	*rest = tail;
	return piece;
}

static void
check_lines(struct view text)
{
	struct view line, rest = text;
	bool more;

	do {
		more = view_split(rest, '\n', &line, &rest);
		assert(line.n <= 990 && view_trim(line).n > 0 && view_find(line, '\r') == VIEW_NONE);
		assert(line.p[0] == '\t' || line.p == text.p);
	} while (more);
}

/* Equal but for what cannot be written. */
static void
check_value(struct view in, struct view out)
{
	bool plain = view_is_utf8(in);

	for (size_t i = 0; i < in.n; i++)
		plain = plain && !char_in(in.p[i], CC_CTL);
	if (plain && in.n < AUTH_RESULTS_VALUE_MAX / 2)
		assert(view_eq(in, out));
	assert(view_is_utf8(out));
	for (size_t i = 0; i < out.n; i++)
		assert(!char_in(out.p[i], CC_CTL));
}

static void
check_writing(struct view text, struct arena *arena)
{
	struct view id = next_piece(&text);
	struct auth_fact fact[2] = {
		{ .method = AUTH_SPF, .result = AUTH_SOFTFAIL },
		{ .method = AUTH_DKIM, .result = AUTH_PASS },
	};
	struct auth_facts facts = { fact, 2 };
	struct auth_results r;
	struct err err;

	for (size_t i = 0; i < 2; i++) {
		fact[i].comment = next_piece(&text);
		fact[i].reason = next_piece(&text);
		for (int k = 0; k < 3; k++)
			auth_fact_property(&fact[i], "header", "x", next_piece(&text));
	}
	bool comments = text.n > 0;
	struct view field = auth_results_write(id, &facts, comments, 23, arena);
	check_lines(field);
	assert(auth_results_parse(field, arena, &r, &err));
	check_value(id, r.authserv_id);
	assert(r.version.n == 0 && r.n == 2);
	assert(view_is(r.info[0].method, "spf") && view_is(r.info[0].result, "softfail"));
	assert(view_is(r.info[1].method, "dkim") && view_is(r.info[1].result, "pass"));
	for (size_t i = 0; i < 2; i++) {
		check_value(fact[i].reason, r.info[i].reason);
		assert(r.info[i].properties == fact[i].properties);
		for (size_t k = 0; k < fact[i].properties; k++)
			check_value(fact[i].property[k].value, r.info[i].property[k].value);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view text = { (const char *)data, size };
	struct arena *arena = arena_new();

	check_claims(text, arena);
	check_writing(text, arena);
	arena_free(arena);
	return 0;
}
