#include "arc/arc.h"

#include "arc/arc_chain.h"
#include "arc/arc_hash.h"
#include "base/buffer.h"

#define RECORDS_MAX 4 /* at one name, tried in their order; more than one is a mistake or a rotation */

/* One name below _domainkey; several signatures share it. */
struct arc_key {
	struct view name;
	struct dns_question *question;
	bool known; /* what follows is */
	struct key_record record[RECORDS_MAX];
	size_t records;
	struct err err; /* why there is none */
};

struct arc_check {
	const struct arc_conf *conf;
	const struct header *header;
	int64_t now;
	struct key_cache *cache;
	struct dns_task *dns;
	struct arena *arena;
	struct arc_chain chain;
	struct arc_scope scope;
	struct arc_key *key; /* room for ARC_KEYS_MAX */
	size_t keys;
	struct arc_key *seal_key[ARC_INSTANCES_MAX];
	struct arc_key *ams_key[ARC_INSTANCES_MAX]; /* NULL: not asked for */
	struct body_hash *body[ARC_INSTANCES_MAX]; /* NULL: not wanted */
};

/* --- before the body -------------------------------------------------------------------------- */

/* NULL: one name too many. */
static struct arc_key *
ask_key(struct arc_check *check, const struct arc_signature *sig)
{
	struct buffer name = buffer_in(check->arena);

	buffer_add(&name, sig->selector);
	buffer_add_cstr(&name, "._domainkey.");
	buffer_add(&name, sig->domain);
	for (size_t i = 0; i < check->keys; i++)
		if (view_eq(check->key[i].name, buffer_view(&name)))
			return &check->key[i];
	if (check->keys == ARC_KEYS_MAX)
		return NULL;
	struct arc_key *key = &check->key[check->keys++];
	key->name = buffer_view(&name);
	key->question = dns_ask(check->dns, key->name, DNS_TXT);
	return key;
}

/*
 * What decides first.  An ARC-Message-Signature always wants the hash of the whole body: one with an l= that
 * leaves octets out is not believed, so there is nothing else to compare with.
 */
static void
ask_all(struct arc_check *check, struct body_hashes *bodies)
{
	const struct arc_set *set = check->chain.set;
	unsigned n = check->chain.n;

	check->key = ARENA_ARRAY(check->arena, ARC_KEYS_MAX, struct arc_key);
	check->ams_key[n - 1] = ask_key(check, &set[n - 1].part[ARC_AMS]->signature);
	for (unsigned i = n; i > 0; i--)
		check->seal_key[i - 1] = ask_key(check, &set[i - 1].part[ARC_SEAL]->signature);
	for (unsigned i = n; i > 0; i--) {
		const struct arc_field *ams = set[i - 1].part[ARC_AMS];
		if (!ams->sound)
			return; /* oldest-pass ends above it */
		check->ams_key[i - 1] = ask_key(check, &ams->signature);
		check->body[i - 1] = body_hashes_want(bodies, DIGEST_SHA256, ams->signature.body_canon, -1);
	}
}

struct arc_check *
arc_begin(const struct arc_input *in, struct dns_task *dns, struct body_hashes *bodies, struct arena *arena)
{
	struct arc_check *check = ARENA_NEW(arena, struct arc_check);

	check->conf = in->conf;
	check->header = in->header;
	check->now = in->now;
	check->cache = in->keys;
	check->dns = dns;
	check->arena = arena;
	if (!in->conf->enable)
		return check;
	arc_chain_collect(in->header, arena, &check->chain);
	if (arc_chain_sound(&check->chain))
		ask_all(check, bodies);
	return check;
}

/* --- keys --------------------------------------------------------------------------------------- */

/* Texts that do not mean to be keys are passed over. */
static void
parse_keys(struct arc_check *check, struct arc_key *key, const struct dns_answer *answer)
{
	size_t tried = 0;

	err_perm(&key->err, "no key in DNS");
	for (size_t i = 0; i < answer->n && tried < RECORDS_MAX; i++) {
		bool is_key = false;
		struct key_record *record = &key->record[key->records];
		struct err err;
		if (key_record_parse(answer->txt[i], check->cache, check->arena, record, &is_key, &err))
			key->records++;
		else if (is_key)
			key->err = err;
		tried += is_key ? 1 : 0;
	}
}

static void
load_key(struct arc_check *check, struct arc_key *key)
{
	const struct dns_answer *answer = dns_wait(check->dns, key->question);

	key->known = true;
	if (answer->outcome == DNS_TEMP)
		err_temp(&key->err, "DNS says %s", answer->why);
	else if (answer->outcome == DNS_DATA)
		parse_keys(check, key, answer);
	else
		err_perm(&key->err, "no key in DNS");
}

static bool
check_record(const struct arc_check *check, const struct key_record *record, enum key_type type, struct err *err)
{
	if (record->revoked)
		return err_perm(err, "revoked");
	if (record->type != type)
		return err_perm(err, "of another type than a= says");
	if (!record->sha256_allowed)
		return err_perm(err, "not for sha256");
	if (!record->email_allowed)
		return err_perm(err, "not for email");
	if (type == KEY_RSA && public_key_bits(record->key) < check->conf->rsa_bits_min)
		return err_perm(err, "%d bits are too few", public_key_bits(record->key));
	return true;
}

static bool
verify_digest(struct arc_check *check, struct arc_key *key, const struct arc_signature *sig, struct view digest,
    struct err *err)
{
	if (key == NULL)
		return err_perm(err, "more than %d keys", ARC_KEYS_MAX);
	if (!key->known)
		load_key(check, key);
	if (key->records == 0)
		*err = key->err;
	for (size_t i = 0; i < key->records; i++) {
		if (!check_record(check, &key->record[i], sig->type, err))
			continue;
		if (public_key_verify(key->record[i].key, digest, sig->octets))
			return true;
		err_perm(err, "the signature is not of this key");
	}
	return err_in(err, "key");
}

/* --- signatures --------------------------------------------------------------------------------- */

static bool
check_times(const struct arc_check *check, const struct arc_signature *sig, struct err *err)
{
	int64_t skew = check->conf->clock_skew;

	if (sig->signed_at >= 0 && sig->signed_at - skew > check->now)
		return err_perm(err, "t= lies in the future");
	if (sig->expires_at >= 0 && sig->expires_at + skew < check->now)
		return err_perm(err, "expired");
	return true;
}

static bool
check_body(const struct arc_signature *sig, const struct body_hash *body, struct err *err)
{
	if (body == NULL)
		return err_perm(err, "more than %d body hashes", BODY_HASHES_MAX);
	if (sig->body_limit >= 0 && (uint64_t)sig->body_limit != body_hash_canonical_octets(body))
		return err_perm(err, "l= is not the length of the body");
	return view_eq(body_hash_value(body), sig->body_hash) || err_perm(err, "body hash differs");
}

/* RFC 8617 5.2 steps 4 and 5 */
static bool
verify_message(struct arc_check *check, unsigned instance, struct err *err)
{
	const struct arc_field *ams = check->chain.set[instance - 1].part[ARC_AMS];
	const struct arc_signature *sig = &ams->signature;

	if (!check_times(check, sig, err) || !check_body(sig, check->body[instance - 1], err) ||
	    !verify_digest(check, check->ams_key[instance - 1], sig,
		arc_hash_message(check->header, ams, check->arena), err))
		return err_in(err, "ARC-Message-Signature i=%u", instance);
	return true;
}

/* RFC 8617 5.2 step 6 */
static bool
verify_seal(struct arc_check *check, unsigned instance, struct err *err)
{
	const struct arc_signature *sig = &check->chain.set[instance - 1].part[ARC_SEAL]->signature;

	if (!check_times(check, sig, err) ||
	    !verify_digest(check, check->seal_key[instance - 1], sig,
		arc_hash_seal(&check->chain, &check->scope, instance, check->arena), err))
		return err_in(err, "ARC-Seal i=%u", instance);
	return true;
}

/* --- the chain ---------------------------------------------------------------------------------- */

/* What may heal matters only when nothing fails for good.  True: it does. */
static bool
fails_for_good(struct arc_check *check, const struct err *err, struct arc_result *r)
{
	if (r->result != AUTH_TEMPERROR || err->kind == ERR_PERM)
		r->reason = arena_copy(check->arena, view_of(err->text));
	r->result = err->kind == ERR_PERM ? AUTH_FAIL : AUTH_TEMPERROR;
	return r->result == AUTH_FAIL;
}

static void
verify_chain(struct arc_check *check, struct arc_result *r)
{
	struct err err;

	r->result = AUTH_PASS;
	arc_scope_of(&check->chain, check->arena, &check->scope);
	if (!verify_message(check, check->chain.n, &err) && fails_for_good(check, &err, r))
		return;
	for (unsigned i = check->chain.n; i > 0; i--)
		if (!verify_seal(check, i, &err) && fails_for_good(check, &err, r))
			return;
}

/*
 * Octets of header that may be hashed for the sake of oldest_pass: each ARC-Message-Signature can cover all of it.
 * Enough for all sets of a header of 80 KB.
 */
#define OLDER_OCTETS_MAX (4 * 1024 * 1024)

static bool
older_passes(struct arc_check *check, unsigned instance)
{
	struct err err;

	return check->chain.set[instance - 1].part[ARC_AMS]->sound && check->ams_key[instance - 1] != NULL &&
	       verify_message(check, instance, &err);
}

/* RFC 8617 5.2 step 5: optional, and never a reason to fail */
static void
find_oldest_pass(struct arc_check *check, struct arc_result *r)
{
	unsigned lowest = check->chain.n;
	size_t octets = check->header->octets;

	while (lowest > 1 && octets <= OLDER_OCTETS_MAX && older_passes(check, lowest - 1)) {
		lowest--;
		octets += check->header->octets;
	}
	r->oldest_pass_exim = lowest;
	r->oldest_pass = lowest == 1 ? 0 : lowest;
}

static void
list_domains(struct arc_check *check, struct arc_result *r)
{
	struct view *domains = ARENA_ARRAY(check->arena, check->chain.n, struct view);

	for (unsigned i = 0; i < check->chain.n; i++) {
		const struct arc_field *seal = check->chain.set[i].part[ARC_SEAL];
		domains[i] = seal != NULL && seal->signature.domain.n > 0 ? seal->signature.domain : VIEW_EMPTY;
	}
	r->domains = domains;
	r->domains_n = check->chain.n;
}

static void
tell_newest(const struct arc_set *newest, struct arc_result *r)
{
	const struct arc_signature *ams = &newest->part[ARC_AMS]->signature;

	for (size_t i = 0; i < ams->names_n; i++)
		r->covers_from = r->covers_from || view_is_nocase(ams->names[i], "From");
	r->sealer = newest->part[ARC_SEAL]->signature.domain;
	r->selector = newest->part[ARC_SEAL]->signature.selector;
	r->newest_aar = newest->part[ARC_AAR]->from->value;
	r->newest_authres = newest->part[ARC_AAR]->authres;
}

void
arc_end(struct arc_check *check, struct arc_result *r)
{
	const struct arc_chain *chain = &check->chain;

	*r = (struct arc_result){ .result = AUTH_NONE, .instances = chain->n, .ends_failed = chain->ends_failed };
	r->reason = r->sealer = r->selector = r->newest_aar = r->newest_authres = VIEW_EMPTY;
	if (chain->fields == 0)
		return;
	list_domains(check, r);
	if (!arc_chain_sound(chain)) {
		r->result = AUTH_FAIL;
		r->reason = chain->why;
		return;
	}
	verify_chain(check, r);
	if (r->result != AUTH_PASS)
		return;
	find_oldest_pass(check, r);
	tell_newest(&chain->set[chain->n - 1], r);
}
