#include "dkim_bench.h"

#include "base/base64.h"
#include "base/buffer.h"
#include "dkim/dkim_signature.h"
#include "dns/dns_conf.h"
#include "sig/header_hash.h"

#include <stdio.h>
#include <stdlib.h>

void
bench_init(struct bench *b, struct arena *arena)
{
	*b = (struct bench){ .arena = arena, .now = 1800000000, .from_domain = VIEW_LIT("example.com") };
	b->conf = (struct dkim_conf){ .enable = true, .signatures_max = 10, .clock_skew = 300, .rsa_bits_min = 1024 };
}

static _Noreturn void
give_up(const char *where, const struct err *err)
{
	fprintf(stderr, "%s: %s\n", where, err->text);
	abort();
}

struct view
bench_join(struct bench *b, struct view one, struct view two)
{
	struct buffer out = buffer_in(b->arena);

	buffer_add(&out, one);
	buffer_add(&out, two);
	return buffer_view(&out);
}

struct view
bench_record(struct bench *b, const char *name, const struct private_key *key, const char *tags)
{
	struct view p = base64_encode(private_key_public(key, b->arena), b->arena);

	return arena_printf(b->arena, "%s TXT \"v=DKIM1; k=%s; %sp=%.*s\"\n", name,
	    private_key_type(key) == KEY_RSA ? "rsa" : "ed25519", tags, VIEW_ARG(p));
}

static struct view
body_hash_of(struct bench *b, const struct dkim_signature *sig, struct view body)
{
	struct body_hashes *all = body_hashes_new(b->arena);
	struct body_hash *h = body_hashes_want(all, DIGEST_SHA256, sig->body_canon, sig->body_limit);

	body_hashes_add(all, body);
	body_hashes_end(all);
	return base64_encode(body_hash_value(h), b->arena);
}

struct view
bench_sign(struct bench *b, const char *tags, struct view header, struct view body, const struct private_key *key)
{
	struct dkim_signature sig;
	struct header h;
	struct view rest, signature;
	struct err err;
	const char *bh = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
	struct view draft = arena_printf(b->arena, " %s; bh=%s; b=AAAA", tags, bh);

	if (!dkim_signature_parse(draft, b->arena, &sig, &err) && sig.names_n == 0)
		give_up(tags, &err);
	header_init(&h, b->arena, 1 << 30, 100000);
	if (!header_read(bench_join(b, header, VIEW_LIT("\r\n")), &h, &rest, &err))
		give_up("header", &err);
	struct view hash = body_hash_of(b, &sig, body);
	struct view value = arena_printf(b->arena, " %s; bh=%.*s; b=", tags, VIEW_ARG(hash));
	struct digest *d = digest_new(b->arena, DIGEST_SHA256);
	header_hash_named(d, sig.header_canon, &h, NULL, sig.names, sig.names_n);
	header_hash_field(d, sig.header_canon, VIEW_LIT("DKIM-Signature"), value, false);
	if (!private_key_sign(key, digest_end(d, b->arena), b->arena, &signature, &err))
		give_up("sign", &err);
	struct view text = base64_encode(signature, b->arena);
	return arena_printf(b->arena, "DKIM-Signature:%.*s%.*s\r\n", VIEW_ARG(value), VIEW_ARG(text));
}

static void
show_body(const struct bench *b, struct body_hashes *bodies, struct view body)
{
	size_t chunk = b->chunk > 0 ? b->chunk : body.n + 1;

	for (size_t at = 0; at < body.n; at += chunk)
		body_hashes_add(bodies, view_sub(body, at, chunk));
	body_hashes_end(bodies);
}

struct auth_facts
bench_verify(struct bench *b, struct view message, struct view zone)
{
	struct arena *dns_arena = arena_new();
	struct auth_facts facts;
	struct header h;
	struct view body;
	struct err err;
	struct dns *dns = dns_open_fake(zone, &err);

	if (dns == NULL)
		give_up("zone", &err);
	header_init(&h, b->arena, 1 << 30, 100000);
	if (!header_read(message, &h, &body, &err))
		give_up("message", &err);
	struct dns_task *task = dns_task_new(dns, dns_arena, (struct dns_budget){ .queries = 50, .wait_ms = 5000 });
	struct body_hashes *bodies = body_hashes_new(b->arena);
	struct dkim_input in = { .conf = &b->conf, .header = &h, .from_domain = b->from_domain, .now = b->now, .keys = b->keys };
	struct dkim_check *check = dkim_begin(&in, task, bodies, b->arena);
	show_body(b, bodies, body);
	dkim_end(check, &facts);
	b->queries = dns_task_stats(task).queries;
	arena_free(dns_arena);
	dns_close(dns);
	return facts;
}

struct view
bench_words(struct bench *b, const struct auth_facts *facts)
{
	struct buffer out = buffer_in(b->arena);

	for (size_t i = 0; i < facts->n; i++) {
		const struct auth_fact *f = &facts->fact[i];
		buffer_addf(&out, "%s%s", i > 0 ? "; " : "", name_of(auth_result_names, f->result));
		if (f->domain.n > 0)
			buffer_addf(&out, " d=%.*s", VIEW_ARG(f->domain));
		if (f->aligns)
			buffer_add_cstr(&out, " aligns");
		if (f->reason.n > 0)
			buffer_addf(&out, " (%.*s)", VIEW_ARG(f->reason));
	}
	return buffer_view(&out);
}
