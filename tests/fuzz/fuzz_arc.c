/*
 * A whole message is verified and then sealed.  The fuzzer has no key, so what passes is one of the seeds, perhaps
 * with changes that nothing covers: changing the body or taking the newest seal away must end it.  What is sealed
 * must pass, or say cv=fail.
 */
#include "arc/arc_field.h"
#include "arc/arc_seal.h"
#include "base/base64.h"
#include "base/cursor.h"
#include "dns/dns_conf.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW 1700000000

/* Of this harness and its seeds only: s._domainkey.d.example. */
static const char pem[] =
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIICXgIBAAKBgQC3eqoQ4qQH8jwCF1A7s3WWxGdsXMRPZ9fmzb0jNuFv3RRSvJJ6\n"
    "BWDNR3LQn29o8abOKgtZ+o4b8j2y9VVGLXwVxDtJUQV2W/bmnp2yt8WnhJ5wAklH\n"
    "bTyXSimlTzeUzSOb3nmzoNndt5ASyFT39ihAoLeRTBeBxzehGEj2SBM7VwIDAQAB\n"
    "AoGBAJGzdBfCkrXIs8SJVOqD4U4fm22e4TmZYgbjvF2ZeD5H1pq5KqyBVtTM9y0a\n"
    "XvN8apTvKGKEqJMis8JINjZrakvaEOX66BbmTCHmDehxr9hxbXeAFgpy4IWzIhOK\n"
    "GrTZkEhJ7JZXFIHoecFsXve2pCf5GbM+5oojFuoyUgXf6s4JAkEA44tDuHq30z0/\n"
    "RXwo9a65qW8YO5zxu1QmkcMFRpFfyRW6JBwW4Q6sSVsQHn591iuagJXgRqIMehBW\n"
    "/GP0zlqDLQJBAM5sri5dZFeWzTLzWyNF4+iavCuaikFFy5xMt+PdGnx9l9pxccdC\n"
    "84tl660gbxaviln9mBa9iAZjawVZgvQ02xMCQQCOZLQ4WfN3abiSjyRCutjMwwzz\n"
    "IT/U7tBEHzrJ8mdyuvoFZt6acEg4j5gCvT2aLSc+mIwFJ5uPN3J390VXbSTxAkEA\n"
    "nAW7NaIzWJzL5mnYBfYqiEKEXbTGMQXPGwlFqL4S6euH3n0GkaTCLifQFaBBNvVh\n"
    "bhlmXjHNYX69gmKgv3I/7wJADmaTLL5LxjJyLv4NlqJTWYOESfEqtQV5u0G1hmRD\n"
    "cMjFFFdpxihM9gzFODLIjw2XKRdppScxWiEPAMktaz+1tQ==\n"
    "-----END RSA PRIVATE KEY-----\n";

static struct dns *dns;
static struct arc_seal_key key = { .selector = VIEW_LIT("s") };
static const struct arc_conf conf = { .enable = true, .rsa_bits_min = 1024, .clock_skew = 300 };

static void
open_once(void)
{
	struct arena *arena = arena_new();
	struct err err;

	assert(crypt_open(&err));
	key.key = private_key_from_pem(view_of(pem), &err);
	assert(key.key != NULL);
	struct view p = base64_encode(private_key_public(key.key, arena), arena);
	struct view zone = arena_printf(arena,
	    "s._domainkey.d.example TXT \"p=%.*s\"\nt._domainkey.d.example TIMEOUT\n", VIEW_ARG(p));
	dns = dns_open_fake(zone, &err);
	assert(dns != NULL);
	arena_free(arena);
}

struct verified {
	struct arc_result chain;
	struct body_hash *relaxed;
};

static struct verified
verify(const struct header *header, struct view body, struct arena *arena)
{
	struct arc_input in = { .conf = &conf, .header = header, .now = NOW };
	struct dns_task *task = dns_task_new(dns, arena, (struct dns_budget){ .queries = 100, .wait_ms = 100 });
	struct body_hashes *bodies = body_hashes_new(arena);
	struct arc_check *check = arc_begin(&in, task, bodies, arena);
	struct verified v = { .relaxed = arc_seal_want_body(bodies) };

	body_hashes_add(bodies, body);
	body_hashes_end(bodies);
	arc_end(check, &v.chain);
	assert(dns_task_stats(task).queries <= ARC_KEYS_MAX);
	return v;
}

static void
check_result(const struct arc_result *r, const struct header *header)
{
	struct view seal = VIEW_LIT("ARC-Seal");
	bool bad = r->result == AUTH_FAIL || r->result == AUTH_TEMPERROR;

	assert(bad || r->result == AUTH_PASS || r->result == AUTH_NONE);
	assert(bad == (r->reason.n > 0));
	assert(r->instances <= ARC_INSTANCES_MAX && r->domains_n == r->instances);
	assert((r->result == AUTH_PASS) == (r->sealer.n > 0));
	for (size_t i = 0; i < r->domains_n; i++)
		assert(view_all_in(r->domains[i], CC_LDH | CC_UNDERSCORE | CC_DOT));
	if (r->result != AUTH_PASS)
		return;
	assert(r->instances > 0 && header_count(header, seal) <= r->instances && !r->ends_failed);
	assert(r->oldest_pass_exim >= 1 && r->oldest_pass_exim <= r->instances);
	assert(r->oldest_pass == (r->oldest_pass_exim == 1 ? 0 : r->oldest_pass_exim));
}

/* header without its field number `skip`; all of it: SIZE_MAX */
static void
copy_header(const struct header *from, size_t skip, struct header *to)
{
	for (size_t i = 0; i < from->n; i++)
		if (i != skip)
			assert(header_add(to, from->field[i].name, from->field[i].value, NULL));
}

static void
check_pass(const struct header *header, struct view body, const struct arc_result *r, struct arena *arena)
{
	struct arc_field field;
	struct header less;
	enum arc_kind kind;

	assert(verify(header, arena_printf(arena, "x%.*s", VIEW_ARG(body)), arena).chain.result == AUTH_FAIL);
	for (size_t i = 0; i < header->n; i++) {
		if (!arc_kind_of(header->field[i].name, &kind) || kind != ARC_SEAL)
			continue;
		assert(arc_field_parse(kind, &header->field[i], arena, &field, NULL));
		header_init(&less, arena, SIZE_MAX, SIZE_MAX);
		copy_header(header, i, &less);
		if (field.instance == r->instances)
			assert(verify(&less, body, arena).chain.result == AUTH_FAIL);
	}
}

static void
seal_and_verify(const struct header *header, struct view body, const struct verified *v, struct arena *arena)
{
	struct arc_seal_conf sealing = { .domain = VIEW_LIT("d.example"), .key = &key, .keys = 1, .timestamps = true,
		.rsa_bits_min = 1024 };
	struct arc_seal_input in = { .conf = &sealing, .header = header, .body = v->relaxed, .chain = &v->chain,
		.authserv_id = VIEW_LIT("mx.d.example"), .now = NOW, .again = true };
	struct arc_seal seal;
	struct header sealed;
	struct err err;

	if (!arc_seal(&in, arena, &seal, &err)) {
		assert(err.text[0] != '\0');
		return;
	}
	header_init(&sealed, arena, SIZE_MAX, SIZE_MAX);
	for (size_t i = 0; i < 3; i++)
		assert(header_add(&sealed, seal.field[i].name, seal.field[i].value, NULL));
	copy_header(header, SIZE_MAX, &sealed);
	struct arc_result after = verify(&sealed, body, arena).chain;
	assert(after.instances == v->chain.instances + 1 && after.instances == seal.instance);
	if (v->chain.result == AUTH_FAIL)
		assert(after.result == AUTH_FAIL && after.ends_failed);
	else
		assert(after.result == AUTH_PASS);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new();
	struct header header;
	struct view body;

	if (dns == NULL)
		open_once();
	header_init(&header, arena, 1000000, 10000);
	if (header_read((struct view){ (const char *)data, size }, &header, &body, NULL)) {
		struct verified v = verify(&header, body, arena);
		check_result(&v.chain, &header);
		if (v.chain.result == AUTH_PASS)
			check_pass(&header, body, &v.chain, arena);
		seal_and_verify(&header, body, &v, arena);
	}
	arena_free(arena);
	return 0;
}
