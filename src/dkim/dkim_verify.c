#include "dkim/dkim_verify.h"

#include "base/buffer.h"
#include "sig/header_hash.h"

static void
set(struct dkim_job *job, enum auth_result result, struct view reason)
{
	job->result = result;
	job->reason = reason;
}

/* --- the body, 6.1.3 step 3 --------------------------------------------------------------------- */

/* NULL: as signed. */
static const char *
body_fault(const struct dkim_job *job)
{
	int64_t limit = job->sig.body_limit;

	/* 3.5: l= MUST NOT be larger than the canonical body; something was cut off. */
	if (limit >= 0 && body_hash_canonical_octets(job->body) < (uint64_t)limit)
		return "l= is larger than the body";
	if (!view_eq(body_hash_value(job->body), job->sig.body_hash))
		return "body hash did not verify";
	return NULL;
}

static bool
is_partial(const struct dkim_job *job)
{
	return job->sig.body_limit >= 0 && body_hash_canonical_octets(job->body) > (uint64_t)job->sig.body_limit;
}

/* --- the header, 3.7 ---------------------------------------------------------------------------- */

static struct view
header_digest(const struct dkim_job *job, const struct header *h, struct arena *arena)
{
	const struct dkim_signature *sig = &job->sig;
	struct digest *d = digest_new(arena, DIGEST_SHA256);

	header_hash_named(d, sig->header_canon, h, job->field, sig->names, sig->names_n);
	header_hash_field(d, sig->header_canon, job->field->name,
	    header_hash_without(job->field->value, sig->signature_at, sig->signature_end, arena), false);
	return digest_end(d, arena);
}

/* --- the keys, 6.1.2 ---------------------------------------------------------------------------- */

/* Why this key may not be used for this signature; NULL: it may. */
static const char *
key_unfit(const struct key_record *key, const struct dkim_signature *sig)
{
	if (key->revoked)
		return "key revoked";
	if (key->type != (sig->alg == DKIM_RSA_SHA256 ? KEY_RSA : KEY_ED25519))
		return "k= of the key does not fit a=";
	if (!key->sha256_allowed)
		return "h= of the key does not allow sha256";
	if (!key->email_allowed)
		return "s= of the key does not allow email";
	if (key->strict_identity && !view_eq(sig->identity_domain, sig->domain))
		return "t=s of the key wants the domain of i= to be d=";
	return NULL;
}

static struct view
describe(const struct key_record *key, struct arena *arena)
{
	struct buffer b = buffer_in(arena);

	if (key->key != NULL && key->type == KEY_RSA)
		buffer_addf(&b, "%d-bit key", public_key_bits(key->key));
	if (key->testing)
		buffer_add_cstr(&b, b.n > 0 ? ", testing" : "testing key");
	return buffer_view(&b);
}

/*
 * The signature is this key's: is it good enough for us?  RFC 8601's "policy" is just this, so a short key and a
 * partial body are looked at only here.  RFC 8301 3.2: below 1024 bits never (rsa-bits-min cannot be less).
 */
static void
accept(struct dkim_job *job, const struct key_record *key, const struct dkim_conf *conf, struct arena *arena)
{
	int bits = public_key_bits(key->key);

	if (key->type == KEY_RSA && bits < conf->rsa_bits_min)
		set(job, AUTH_POLICY, arena_printf(arena, "RSA key of %d bits, less than %d", bits, (int)conf->rsa_bits_min));
	else if (is_partial(job) && !conf->allow_partial_body)
		set(job, AUTH_POLICY, arena_printf(arena, "l= covers only the first %lld octets of the body",
		    (long long)job->sig.body_limit));
	else
		set(job, AUTH_PASS, VIEW_EMPTY);
}

struct attempt {
	const struct dkim_input *in;
	struct arena *arena;
	struct view digest;
	unsigned tried;
};

/* True: the signature verifies with this record's key.  Else the result is as good as known so far. */
static bool
try_record(struct dkim_job *job, struct attempt *a, struct view text)
{
	struct key_record key;
	struct err err;
	bool is_key;
	bool parsed = key_record_parse(text, a->in->keys, a->arena, &key, &is_key, &err);

	if (!is_key)
		return false;
	a->tried++;
	const char *unfit = parsed ? key_unfit(&key, &job->sig) : err.text;
	if (unfit != NULL) {
		if (job->result != AUTH_FAIL) { /* that another key did not verify says more */
			set(job, AUTH_PERMERROR, parsed ? view_of(unfit) : arena_printf(a->arena, "key record: %s", unfit));
			job->comment = describe(&key, a->arena);
		}
		return false;
	}
	job->comment = describe(&key, a->arena);
	if (!public_key_verify(key.key, a->digest, job->sig.signature)) {
		set(job, AUTH_FAIL, VIEW_LIT("signature did not verify"));
		return false;
	}
	accept(job, &key, a->in->conf, a->arena);
	return true;
}

static void
try_records(struct dkim_job *job, const struct dkim_input *in, const struct dns_answer *answer, struct arena *arena)
{
	struct attempt a = { .in = in, .arena = arena, .digest = header_digest(job, in->header, arena) };

	set(job, AUTH_PERMERROR, VIEW_LIT("no key for signature"));
	for (size_t i = 0; i < answer->n && a.tried < DKIM_KEYS_TRIED_MAX; i++)
		if (try_record(job, &a, answer->txt[i]))
			return;
}

void
dkim_verify(struct dkim_job *job, const struct dkim_input *in, struct dns_task *dns, struct arena *arena)
{
	const char *fault = body_fault(job);

	/* A changed body is a failure whatever its key: no waiting for that, and no temperror that can only heal to fail. */
	if (fault != NULL) {
		set(job, AUTH_FAIL, view_of(fault));
		return;
	}
	const struct dns_answer *answer = dns_wait(dns, job->key_question);
	if (answer->outcome == DNS_TEMP)
		set(job, AUTH_TEMPERROR, arena_printf(arena, "key lookup: %s", answer->why));
	else
		try_records(job, in, answer->outcome == DNS_DATA ? answer : &(struct dns_answer){ .n = 0 }, arena);
}
