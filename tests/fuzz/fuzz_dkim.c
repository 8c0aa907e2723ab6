/*
 * A whole message and a key record, from strangers.
 * Input: the key record, NUL, the message.  When the record begins with "!", a fixed key takes its place whose
 * private half nobody has kept: then no signature may pass, whatever the message says.
 */
#include "base/buffer.h"
#include "base/cursor.h"
#include "dkim/dkim.h"
#include "dns/dns_conf.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FIXED \
	"v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDBkdDOlfUdjKrQJjaK4G7k1T9AJ3fDM+GCdCH+RV2ra" \
	"FazuDVefsLkRgsR3GD1GB4JMUJj0TybBzDyyh5aCLA16CBOi5IUH6xSmocvKpUsBK7+u10cIGrGgZb09pVieapQQ8xxG" \
	"XuuUmN+rU8XITJLPOwdc/BBnditJfJjB3jmWQIDAQAB"

static struct dns *
resolver(struct view record, struct arena *arena)
{
	struct buffer zone = buffer_in(arena);
	struct err err;

	buffer_add_cstr(&zone, "*.com TXT \"");
	for (size_t i = 0; i < record.n; i++)
		buffer_addf(&zone, "\\%03u", (unsigned)(unsigned char)record.p[i]);
	buffer_add_cstr(&zone, "\"\n");
	struct dns *dns = dns_open_fake(buffer_view(&zone), &err);
	assert(dns != NULL);
	return dns;
}

static void
check_fact(const struct auth_fact *f, bool fixed)
{
	assert(f->method == AUTH_DKIM);
	assert(f->result != AUTH_SOFTFAIL);
	assert(f->aligns == (f->result == AUTH_PASS));
	assert(!fixed || f->result != AUTH_PASS);
	assert((f->result == AUTH_PASS || f->result == AUTH_NONE) == (f->reason.n == 0));
	assert(view_all_in(f->reason, CC_VCHAR | CC_WSP) && view_all_in(f->comment, CC_VCHAR | CC_WSP));
	assert(view_all_in(f->domain, CC_LDH | CC_UNDERSCORE | CC_DOT) && f->domain.n <= 253);
	for (size_t i = 0; i < f->properties; i++) {
		struct view v = f->property[i].value;
		assert(v.n > 0 && v.n <= 1024);
		if (strcmp(f->property[i].name, "b") == 0)
			assert(v.n <= DKIM_B_CHARS_MAX && view_all_in(v, CC_BASE64));
	}
}

static void
run(struct view record, struct view message, struct arena *arena)
{
	bool fixed = view_starts(record, VIEW_LIT("!"));
	struct dns *dns = resolver(fixed ? VIEW_LIT(FIXED) : record, arena);
	struct arena *task_arena = arena_new();
	struct dns_task *task = dns_task_new(dns, task_arena, (struct dns_budget){ 20, 1000 });
	struct dkim_conf conf = { .enable = true, .signatures_max = 3, .clock_skew = 300, .rsa_bits_min = 1024 };
	struct body_hashes *bodies = body_hashes_new(arena);
	struct header h;
	struct auth_facts facts;
	struct view body;
	struct err err;

	header_init(&h, arena, 1 << 20, 1000);
	if (header_read(message, &h, &body, &err)) {
		struct dkim_input in = { .conf = &conf, .header = &h, .from_domain = VIEW_LIT("example.com"), .now = 1800000000 };
		struct dkim_check *check = dkim_begin(&in, task, bodies, arena);
		body_hashes_add(bodies, body);
		body_hashes_end(bodies);
		dkim_end(check, &facts);
		assert(facts.n >= 1 && facts.n <= (size_t)conf.signatures_max + DKIM_FACTS_BEYOND + 1);
		assert(dns_task_stats(task).queries <= (unsigned)conf.signatures_max);
		for (size_t i = 0; i < facts.n; i++)
			check_fact(&facts.fact[i], fixed);
	}
	arena_free(task_arena);
	dns_close(dns);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool opened;
	struct arena *arena = arena_new();
	struct view record, message, input = { (const char *)data, size };
	struct err err;

	opened = opened || crypt_open(&err);
	assert(opened);
	if (view_split(input, '\0', &record, &message) && record.n <= 8192)
		run(record, message, arena);
	arena_free(arena);
	return 0;
}
