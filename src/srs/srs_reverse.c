#include "srs/srs_hash.h"
#include "srs/srs_text.h"

/* One call of srs_reverse. */
struct restoring {
	const struct srs *srs;
	int64_t now;
	struct arena *arena;
	struct srs_mailbox m; /* the address of this step */
	struct srs_result *result;
};

static void
show(struct srs_result *result, const struct srs_fields *f)
{
	result->host = f->host;
	result->user = f->user;
}

/* Exim writes the hash over the address as the sender quoted it, and reads it as it would quote itself. */
static bool
fits_exim(struct restoring *r, const struct srs_fields *f)
{
	int secret = srs_hash_find(r->srs, SRS_EXIM, f->hash, srs_hashed_exim(f, r->arena), r->arena);

	if (secret < 0)
		secret = srs_hash_find(r->srs, SRS_EXIM, f->hash, srs_address(f->user, r->m.quoted, f->host, r->arena), r->arena);
	r->result->secret = secret;
	return secret >= 0;
}

static bool
fits_libsrs2(struct restoring *r, const struct srs_fields *f)
{
	struct view text = srs_hashed_libsrs2(f, r->m.quoted, r->arena);

	int secret = srs_hash_find(r->srs, SRS_LIBSRS2, f->hash, text, r->arena);
	/* pysrs writes the hash with the quoted pairs in it. */
	if (secret < 0 && view_find(f->user, '\\') != VIEW_NONE)
		secret = srs_hash_find(r->srs, SRS_LIBSRS2, f->hash, srs_hashed_libsrs2(f, false, r->arena), r->arena);
	r->result->secret = secret;
	return secret >= 0;
}

static enum srs_outcome
look_up(struct restoring *r, struct view key, struct view *address)
{
	struct err err;

	if (r->srs->store == NULL) {
		r->result->why = VIEW_LIT("it needs the database, which is not in use");
		return SRS_UNKNOWN;
	}
	switch (srs_store_get(r->srs->store, arena_copy_lower(r->arena, key), r->arena, address, &err)) {
	case SRS_FOUND:
		return SRS_VALID;
	case SRS_FOUND_NOT:
		return SRS_UNKNOWN;
	default:
		r->result->why = arena_copy(r->arena, view_of(err.text));
		return SRS_TEMP;
	}
}

static enum srs_outcome
restore_srs0(struct restoring *r, enum srs_scheme scheme, struct view rest, struct view *address)
{
	const struct srs_conf *conf = r->srs->conf;
	bool exim = scheme == SRS_EXIM, with_hash = exim || conf->usehash, with_stamp = exim || conf->usetimestamp;
	struct srs_fields f;

	if (!srs0_split(rest, with_hash, with_stamp, r->arena, &f))
		return SRS_MALFORMED;
	show(r->result, &f);
	if (with_stamp)
		srs_stamp_age(f.stamp, r->now, &r->result->age);
	if (with_hash && !(exim ? fits_exim(r, &f) : fits_libsrs2(r, &f)))
		return SRS_FORGED;
	r->result->scheme = (int)scheme;
	if (with_stamp && r->result->age > srs_maxage(conf, scheme))
		return SRS_EXPIRED;
	if (view_is(f.host, SRS_STORE_HOST))
		return look_up(r, f.user, address);
	*address = srs_address(f.user, r->m.quoted, f.host, r->arena);
	return SRS_VALID;
}

static enum srs_outcome
restore_srs1(struct restoring *r, struct view rest, struct view *address)
{
	struct srs_fields f;

	if (!srs1_split(rest, r->arena, &f))
		return SRS_MALFORMED;
	show(r->result, &f);
	if (!fits_libsrs2(r, &f))
		return SRS_FORGED;
	r->result->scheme = SRS_LIBSRS2;
	*address = srs_address(arena_printf(r->arena, "SRS0%.*s", VIEW_ARG(f.user)), r->m.quoted, f.host, r->arena);
	return SRS_VALID;
}

static enum srs_outcome
restore_in(struct restoring *r, enum srs_scheme scheme, int tag, struct view rest, struct view *address)
{
	if (tag == 0)
		return restore_srs0(r, scheme, rest, address);
	return scheme == SRS_LIBSRS2 ? restore_srs1(r, rest, address) : SRS_MALFORMED;
}

/* A scheme that reads nothing must not hide what the other one read. */
static bool
says_more(enum srs_outcome other, enum srs_outcome outcome)
{
	return outcome == SRS_MALFORMED || (outcome == SRS_FORGED && other != SRS_MALFORMED);
}

static enum srs_outcome
restore(struct restoring *r, int tag, struct view rest, struct view *address)
{
	enum srs_scheme scheme = (enum srs_scheme)r->srs->conf->scheme;
	struct srs_result before;
	enum srs_outcome outcome = restore_in(r, scheme, tag, rest, address);

	if (!r->srs->conf->read_other || (outcome != SRS_FORGED && outcome != SRS_MALFORMED))
		return outcome;
	before = *r->result;
	enum srs_outcome other = restore_in(r, scheme == SRS_EXIM ? SRS_LIBSRS2 : SRS_EXIM, tag, rest, address);
	if (says_more(other, outcome))
		return other;
	*r->result = before;
	return outcome;
}

static enum srs_outcome
reverse(struct restoring *r, struct view address)
{
	struct view rest;

	for (int step = 0; step <= SRS_CHAIN_MAX; step++) {
		enum srs_outcome outcome = srs_mailbox_parse(address, r->arena, &r->m, &r->result->why);
		if (outcome != SRS_VALID)
			return step == 0 ? outcome : SRS_MALFORMED;
		bool own = srs_is_own(r->srs->conf, r->m.domain);
		int tag = own ? srs_tag(r->m.local, &rest) : -1;
		if (tag < 0 && step > 0) {
			r->result->address = address;
			return SRS_VALID;
		}
		if (tag < 0)
			return own ? SRS_NOT_SRS : SRS_NOT_OURS;
		srs_result_clear(r->result); /* of the step before */
		r->result->tag = tag;
		outcome = restore(r, tag, rest, &address);
		if (outcome != SRS_VALID)
			return outcome;
	}
	r->result->why = VIEW_LIT("rewritten too often");
	return SRS_MALFORMED;
}

void
srs_reverse(const struct srs *srs, struct view address, int64_t now, struct arena *arena, struct srs_result *result)
{
	struct restoring r = { .srs = srs, .now = now, .arena = arena, .result = result };

	srs_result_clear(result);
	result->outcome = reverse(&r, address);
}
