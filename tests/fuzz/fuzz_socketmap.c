/*
 * A connection's octets, as a server reads them: netstrings are taken until one is bad or not whole.  However the octets
 * come in pieces, the same requests come out; every answer is a netstring of "OK address", "NOTFOUND " or nothing else.
 */
#include "base/cursor.h"
#include "fuzz/srs_domain.h"
#include "srs/srs_socketmap.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_answer(struct view request, struct arena *arena)
{
	enum socketmap_map map;
	struct srs_result result;
	struct view reply = srs_socketmap_answer(srs_domain(), request, 1700000000, arena, &map, &result), payload;
	size_t used;

	assert(netstring_take(reply, &payload, &used) == NETSTRING_WHOLE && used == reply.n);
	bool ok = map != SOCKETMAP_NONE && (result.outcome == SRS_REWRITTEN || result.outcome == SRS_VALID);
	assert(ok ? view_starts(payload, VIEW_LIT("OK ")) && payload.n > 3 : view_is(payload, "NOTFOUND "));
	assert(view_all_in(payload, CC_VCHAR | CC_UTF8 | CC_WSP));
}

/* A prefix of a netstring is neither whole nor bad. */
static void
check_prefixes(struct view input, size_t used)
{
	struct view payload;
	size_t part;

	for (size_t n = 0; n < used; n += 1 + used / 16)
		assert(netstring_take(view_sub(input, 0, n), &payload, &part) == NETSTRING_MORE);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_over((struct view){ (const char *)data, size });
	struct view payload;
	size_t used;

	struct arena *arena = arena_new();
	while (netstring_take(cursor_rest(&c), &payload, &used) == NETSTRING_WHOLE) { /* ends: used is 3 at least */
		assert(used >= payload.n + 3 && payload.n <= SOCKETMAP_REQUEST_MAX);
		check_prefixes(cursor_rest(&c), used);
		assert(view_eq(netstring_of(payload, arena), cursor_take_n(&c, used)));
		check_answer(payload, arena);
	}
	arena_free(arena);
	return 0;
}
