#ifndef ASSAY_TESTS_DKIM_BENCH_H
#define ASSAY_TESTS_DKIM_BENCH_H

#include "crypt/key.h"
#include "dkim/dkim.h"

/*
 * dkim_bench - a message, a zone and a clock on the bench: signs by dkim's own words, verifies, and tells
 * the outcome as text.
 */
struct bench {
	struct arena *arena;
	struct dkim_conf conf;
	struct view from_domain;
	int64_t now;
	size_t chunk; /* octets in which the body is shown; 0: at once */
	struct key_cache *keys;
	unsigned queries; /* what the last bench_verify asked */
};

void bench_init(struct bench *b, struct arena *arena);

/* "NAME TXT "v=DKIM1; k=...; p=..."" of the key's public half, with `tags` ("t=y; ") in front of p=. */
struct view bench_record(struct bench *b, const char *name, const struct private_key *key, const char *tags);

/*
 * A DKIM-Signature field with these tags (without bh= and b=) over the fields and the body, which have
 * CRLFs: "DKIM-Signature: ...\r\n".  Hashes with what `sig` and `crypt` offer; that they are right is the
 * business of the messages signed by others.
 */
struct view bench_sign(struct bench *b, const char *tags, struct view header, struct view body, const struct private_key *key);

struct view bench_join(struct bench *b, struct view one, struct view two);

/* Over the whole message (CRLF or LF), answers from zone. */
struct auth_facts bench_verify(struct bench *b, struct view message, struct view zone);

/* "pass d=example.com aligned; policy d=b.example (reason)" */
struct view bench_words(struct bench *b, const struct auth_facts *facts);

#endif
