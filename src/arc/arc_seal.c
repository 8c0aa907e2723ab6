#include "arc/arc_seal.h"

#include "arc/arc_chain.h"
#include "arc/arc_hash.h"
#include "arc/arc_sign.h"
#include "arc/arc_tags.h"
#include "base/base64.h"
#include "base/buffer.h"
#include "base/cursor.h"
#include "mail/auth_results.h"

#include <assert.h>

#define EXPIRE_MAX 999999999999 /* RFC 6376 3.5: x= is 1*12DIGIT */

bool
arc_expire_parse(struct view text, struct arc_expire *expire, struct err *err)
{
	struct cursor c = cursor_over(text);
	uint64_t seconds;

	*expire = (struct arc_expire){ ARC_EXPIRE_NONE, 0 };
	if (view_is(text, "none"))
		return true;
	expire->kind = text.n == 0 || cursor_char(&c, '+') ? ARC_EXPIRE_AFTER : ARC_EXPIRE_AT;
	expire->seconds = ARC_EXPIRE_PRESET;
	if (text.n == 0)
		return true;
	uint64_t max = expire->kind == ARC_EXPIRE_AT ? EXPIRE_MAX : ARC_EXPIRE_AFTER_MAX;
	if (!view_to_u64(cursor_rest(&c), max, &seconds))
		return err_perm(err, "neither \"none\" nor seconds since 1970 nor \"+\" and seconds from now");
	expire->seconds = (int64_t)seconds;
	return true;
}

struct body_hash *
arc_seal_want_body(struct body_hashes *bodies)
{
	return body_hashes_want(bodies, DIGEST_SHA256, CANON_RELAXED, -1);
}

bool
arc_sealed_by(const struct arc_result *chain, const struct arc_seal_conf *conf)
{
	if (chain->result != AUTH_PASS || !view_eq_nocase(chain->sealer, conf->domain))
		return false;
	for (size_t i = 0; i < conf->keys; i++)
		if (view_eq_nocase(chain->selector, conf->key[i].selector))
			return true;
	return false;
}

/* -1: never */
static int64_t
expiry_of(const struct arc_seal_input *in)
{
	const struct arc_expire *expire = &in->conf->expire;

	if (expire->kind == ARC_EXPIRE_NONE)
		return -1;
	return expire->kind == ARC_EXPIRE_AT ? expire->seconds : in->now + expire->seconds;
}

/* --- may we? ------------------------------------------------------------------------------------ */

static bool
check_chain(const struct arc_seal_input *in, struct err *err)
{
	const struct arc_result *chain = in->chain;

	if (chain->result == AUTH_TEMPERROR)
		return err_temp(err, "the chain could not be judged: %.*s", VIEW_ARG(chain->reason));
	if (chain->ends_failed)
		return err_perm(err, "the chain already says cv=fail");
	if (chain->result == AUTH_FAIL && in->conf->leave_failed)
		return err_perm(err, "the chain fails");
	if (chain->instances >= ARC_INSTANCES_MAX)
		return err_perm(err, "the chain has %d sets", ARC_INSTANCES_MAX);
	return in->again || !arc_sealed_by(chain, in->conf) || err_perm(err, "sealed by us before");
}

/* The set is for the message that goes out: its chain must be the one that was judged. */
static bool
collect_same(const struct arc_seal_input *in, struct arena *arena, struct arc_chain *chain, struct err *err)
{
	arc_chain_collect(in->header, arena, chain);
	bool same = chain->n == in->chain->instances;
	if (in->chain->result == AUTH_NONE)
		same = chain->fields == 0;
	else if (in->chain->result == AUTH_PASS)
		same = same && arc_chain_sound(chain);
	return same || err_perm(err, "the chain is no longer the one that was judged");
}

static const struct arc_seal_key *
find_key(const struct arc_seal_conf *conf, int64_t now, struct err *err)
{
	const struct arc_seal_key *best = NULL;

	for (size_t i = 0; i < conf->keys; i++) {
		const struct arc_seal_key *key = &conf->key[i];
		if (key->not_before <= now && (best == NULL || key->not_before > best->not_before))
			best = key;
	}
	if (best == NULL)
		err_perm(err, "no key whose time has come");
	else if (private_key_type(best->key) != KEY_RSA || private_key_bits(best->key) < conf->rsa_bits_min)
		err_perm(err, "the key is not RSA of %lld bits or more", (long long)conf->rsa_bits_min);
	else
		return best;
	return NULL;
}

/* --- the three fields --------------------------------------------------------------------------- */

/* One set under construction. */
struct sealing {
	const struct arc_seal_input *in;
	const struct arc_seal_key *key;
	struct arena *arena;
	struct arc_field part[ARC_KINDS]; /* as they are hashed: folds in CRLF */
	struct view *names; /* h= */
	size_t names_n;
	unsigned instance;
	struct arc_seal *seal;
};

/* Facts in their order, and ARC's last, with the client's address (RFC 8617 6). */
static void
gather_facts(const struct sealing *s, struct auth_facts *facts)
{
	const struct auth_facts *given = s->in->facts;
	size_t n = given == NULL ? 0 : given->n;

	facts->fact = ARENA_ARRAY(s->arena, n + 1, struct auth_fact);
	facts->n = 0;
	for (size_t i = 0; i < n; i++)
		if (given->fact[i].method != AUTH_ARC)
			facts->fact[facts->n++] = given->fact[i];
	arc_fact(s->in->chain, s->arena, &facts->fact[facts->n]);
	auth_fact_property(&facts->fact[facts->n++], "smtp", "remote-ip", s->in->remote_ip);
}

static struct view
write_aar(const struct sealing *s)
{
	struct buffer b = buffer_in(s->arena);
	struct auth_facts facts;

	buffer_addf(&b, " i=%u;", s->instance);
	if (s->in->authres.n > 0) {
		buffer_add(&b, s->in->authres);
		return buffer_view(&b);
	}
	gather_facts(s, &facts);
	size_t columns = arc_kind_name(ARC_AAR).n + 1 + b.n;
	buffer_add(&b, auth_results_write(s->in->authserv_id, &facts, false, columns, s->arena));
	return buffer_view(&b);
}

static struct view
join_names(const struct sealing *s)
{
	struct buffer b = buffer_in(s->arena);

	for (size_t i = 0; i < s->names_n; i++) {
		if (i > 0)
			buffer_add_char(&b, ':');
		buffer_add(&b, s->names[i]);
	}
	return buffer_view(&b);
}

static struct view
number(const struct sealing *s, int64_t n)
{
	return arena_printf(s->arena, "%lld", (long long)n);
}

static const char *
cv_of(const struct arc_result *chain)
{
	if (chain->result == AUTH_NONE)
		return arc_cv_name(ARC_CV_NONE);
	return arc_cv_name(chain->result == AUTH_PASS ? ARC_CV_PASS : ARC_CV_FAIL);
}

static void
list_tags(const struct sealing *s, enum arc_kind kind, struct view signature, struct arc_tags *tags)
{
	*tags = (struct arc_tags){ .n = 0 };
	arc_tags_add(tags, "i", number(s, s->instance));
	arc_tags_add(tags, "a", VIEW_LIT("rsa-sha256"));
	if (kind == ARC_SEAL)
		arc_tags_add(tags, "cv", view_of(cv_of(s->in->chain)));
	else
		arc_tags_add(tags, "c", VIEW_LIT("relaxed/relaxed"));
	arc_tags_add(tags, "d", s->in->conf->domain);
	arc_tags_add(tags, "s", s->key->selector);
	if (s->in->conf->timestamps)
		arc_tags_add(tags, "t", number(s, s->in->now));
	if (kind == ARC_AMS) {
		if (expiry_of(s->in) >= 0)
			arc_tags_add(tags, "x", number(s, expiry_of(s->in)));
		arc_tags_add(tags, "h", join_names(s));
		arc_tags_add(tags, "bh", base64_encode(body_hash_value(s->in->body), s->arena));
	}
	arc_tags_add(tags, "b", signature);
	if (s->in->conf->form == ARC_FORM_SUITE)
		arc_tags_sort(tags);
}

static struct view
write_signature(const struct sealing *s, enum arc_kind kind, struct view signature)
{
	struct arc_tags tags;

	list_tags(s, kind, signature, &tags);
	return arc_tags_write(&tags, arc_kind_name(kind), s->in->conf->form != ARC_FORM_SUITE, s->arena);
}

/* The field as it will be hashed: header_add makes CRLF of its folds. */
static bool
set_field(struct sealing *s, enum arc_kind kind, struct view value, struct err *err)
{
	struct header own;

	header_init(&own, s->arena, SIZE_MAX, SIZE_MAX);
	if (!header_add(&own, arc_kind_name(kind), value, err))
		return false;
	s->part[kind] = (struct arc_field){ .kind = kind, .from = &own.field[0], .instance = s->instance };
	return true;
}

/* Where in the message the field goes: AS, AMS, AAR from the top.  Microsoft wants no other order. */
static void
put_field(struct sealing *s, enum arc_kind kind, struct view value)
{
	s->seal->field[ARC_SEAL - kind] = (struct arc_seal_field){ arc_kind_name(kind), value };
}

static bool
sign(struct sealing *s, enum arc_kind kind, struct view digest, struct err *err)
{
	struct view octets;

	if (!private_key_sign(s->key->key, digest, s->arena, &octets, err))
		return err_in(err, "%.*s", VIEW_ARG(arc_kind_name(kind)));
	struct view value = write_signature(s, kind, base64_encode(octets, s->arena));
	put_field(s, kind, value);
	return set_field(s, kind, value, err);
}

static bool
make_aar(struct sealing *s, struct err *err)
{
	struct view value = write_aar(s);

	put_field(s, ARC_AAR, value);
	return set_field(s, ARC_AAR, value, err);
}

/* RFC 6376 5.4: From MUST be signed, so a message must have one. */
static bool
signs_from(const struct sealing *s)
{
	for (size_t i = 0; i < s->names_n; i++)
		if (view_is_nocase(s->names[i], "From"))
			return true;
	return false;
}

static bool
make_message_signature(struct sealing *s, struct err *err)
{
	if (!arc_sign_names(s->in->conf, s->in->header, s->arena, &s->names, &s->names_n, err))
		return false;
	if (!signs_from(s))
		return err_perm(err, "no From to sign");
	if (!set_field(s, ARC_AMS, write_signature(s, ARC_AMS, VIEW_EMPTY), err))
		return false;
	s->part[ARC_AMS].signature =
	    (struct arc_signature){ .header_canon = CANON_RELAXED, .names = s->names, .names_n = s->names_n };
	return sign(s, ARC_AMS, arc_hash_message(s->in->header, &s->part[ARC_AMS], s->arena), err);
}

/* RFC 8617 5.1.1; with cv=fail, as if the new set were the only one (5.1.2) */
static bool
make_seal(struct sealing *s, struct arc_chain *chain, struct err *err)
{
	struct arc_scope scope;

	if (!set_field(s, ARC_SEAL, write_signature(s, ARC_SEAL, VIEW_EMPTY), err))
		return false;
	if (s->in->chain->result == AUTH_FAIL)
		chain->n = 0;
	if (chain->set == NULL)
		chain->set = ARENA_NEW(s->arena, struct arc_set);
	for (int kind = 0; kind < ARC_KINDS; kind++)
		chain->set[chain->n].part[kind] = &s->part[kind];
	chain->n++;
	arc_scope_of(chain, s->arena, &scope);
	return sign(s, ARC_SEAL, arc_hash_seal(chain, &scope, chain->n, s->arena), err);
}

bool
arc_seal(const struct arc_seal_input *in, struct arena *arena, struct arc_seal *seal, struct err *err)
{
	struct arc_chain chain;

	*seal = (struct arc_seal){ .instance = in->chain->instances + 1 };
	struct sealing s = { .in = in, .arena = arena, .instance = seal->instance, .seal = seal };
	if (!check_chain(in, err) || !collect_same(in, arena, &chain, err))
		return false;
	if (in->body == NULL)
		return err_perm(err, "more than %d body hashes", BODY_HASHES_MAX);
	if (expiry_of(in) >= 0 && expiry_of(in) <= in->now) /* RFC 6376 3.5: x= must be after t= */
		return err_perm(err, "the time of x= has passed");
	s.key = find_key(in->conf, in->now, err);
	if (s.key == NULL)
		return false;
	seal->domain = in->conf->domain;
	seal->selector = s.key->selector;
	return make_aar(&s, err) && make_message_signature(&s, err) && make_seal(&s, &chain, err);
}
