/*
 * An octet for the type, then records: two octets of length, the rdata.  What dns_decode makes of them keeps the
 * promises of dns.h, survives the copy into a cache entry, and a name comes back as it was.
 */
#include "dns_check.h"

#include "base/buffer.h"
#include "base/cursor.h"
#include "dns/dns_cache.h"
#include "dns/dns_decode.h"
#include "dns/dns_name.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RECORDS (DNS_RECORDS_MAX + 8)

static size_t
split(struct cursor *c, struct view *rdata)
{
	size_t n = 0;

	while (!cursor_end(c) && n < RECORDS) { /* ends: each turn takes the length at least */
		struct view length = cursor_take_n(c, 2);
		size_t octets = length.n < 2 ? 0 : (size_t)(uint8_t)length.p[0] << 8 | (uint8_t)length.p[1];

		rdata[n++] = cursor_take_n(c, octets);
	}
	return n;
}

static void
name_comes_back(struct view rdata, struct view name, struct arena *arena)
{
	struct buffer wire = buffer_in(arena);

	assert(dns_name_to_wire(name.n > 0 ? name : VIEW_LIT("."), true, &wire));
	assert(view_eq_nocase(buffer_view(&wire), rdata));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_over((struct view){ (const char *)data, size });
	struct arena *arena = arena_new();
	struct view *rdata = ARENA_ARRAY(arena, RECORDS, struct view);
	enum dns_type type = dns_check_type(size > 0 ? data[0] : 0);
	struct dns_answer answer = { .ttl = 1 };
	struct dns_entry *entry;
	size_t n;

	cursor_take_n(&c, 1);
	n = split(&c, rdata);
	dns_decode(type, rdata, n, arena, &answer);
	dns_check_answer(type, &answer);
	assert(n > 0 ? answer.outcome != DNS_NODATA : answer.outcome == DNS_NODATA);
	if (type == DNS_PTR)
		for (size_t i = 0; i < answer.n; i++)
			name_comes_back(rdata[i], answer.name[i], arena);
	entry = dns_entry_new(VIEW_LIT("a.test"), type, &answer, 0);
	arena_free(arena);
	dns_check_answer(type, &entry->answer);
	dns_entry_unref(entry);
	return 0;
}
