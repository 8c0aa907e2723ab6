#include "srs/srs_hash.h"
#include "srs/srs_text.h"

#include "base/buffer.h"
#include "crypt/digest.h"
#include "mail/domain.h"

/* One call of srs_forward. */
struct rewriting {
	const struct srs *srs;
	int64_t now;
	struct arena *arena;
	struct srs_mailbox m;
};

/* SRS0=HASH=STAMP=host=user */
static struct view
make_srs0(const struct rewriting *r, struct view host, struct view user, bool quoted)
{
	const struct srs_conf *conf = r->srs->conf;
	bool exim = conf->scheme == SRS_EXIM;
	struct buffer b = buffer_in(r->arena);
	struct view secret = srs_secret(r->srs->secrets, 0);
	struct srs_fields f = { VIEW_EMPTY, VIEW_EMPTY, host, user };

	buffer_addf(&b, "SRS0%c", exim ? '=' : conf->separator);
	if (exim || conf->usetimestamp)
		f.stamp = srs_stamp(r->now, conf->scheme, r->arena);
	if (exim)
		f.hash = srs_hash_exim(secret, srs_hashed_exim(&f, r->arena), r->arena);
	else if (conf->usehash)
		f.hash = srs_hash_libsrs2(secret, srs_hashed_libsrs2(&f, quoted, r->arena), (size_t)conf->hashlength, r->arena);
	const struct view fields[] = { f.hash, f.stamp, f.host };
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (fields[i].n > 0) {
			buffer_add(&b, fields[i]);
			buffer_add_char(&b, '=');
		}
	buffer_add(&b, user);
	return buffer_view(&b);
}

/* SRS1=HASH=host=user; user begins with the separator that stood behind SRS0 at host. */
static struct view
make_srs1(const struct rewriting *r, struct view host, struct view user)
{
	const struct srs_conf *conf = r->srs->conf;
	struct srs_fields f = { VIEW_EMPTY, VIEW_EMPTY, host, user };
	struct view text = srs_hashed_libsrs2(&f, r->m.quoted, r->arena);
	struct buffer b = buffer_in(r->arena);

	buffer_addf(&b, "SRS1%c", conf->separator);
	buffer_add(&b, srs_hash_libsrs2(srs_secret(r->srs->secrets, 0), text, (size_t)conf->hashlength, r->arena));
	buffer_add_char(&b, '=');
	buffer_add(&b, host);
	buffer_add_char(&b, '=');
	buffer_add(&b, user);
	return buffer_view(&b);
}

/*
 * A later hop keeps what the first one made and names only its host: SRS1.  What merely begins like an SRS address
 * ("srs0-fans@example.org") is an address like others; as SRS1 it would come back with its first letters changed.
 */
static struct view
make_local(const struct rewriting *r)
{
	struct view rest;
	struct srs_fields f;
	int tag = r->srs->conf->scheme == SRS_EXIM ? -1 : srs_tag(r->m.local, &rest);

	if (tag == 0 && srs0_split(rest, true, true, r->arena, &f))
		return make_srs1(r, r->m.typed_domain, view_from(r->m.local, sizeof("SRS0") - 1));
	if (tag == 1 && srs1_split(rest, r->arena, &f))
		return make_srs1(r, f.host, f.user);
	return make_srs0(r, r->m.typed_domain, r->m.local, r->m.quoted);
}

/* Old entries go when new ones come, now and then: purge looks at a bounded number. */
#define PURGE_ONE_IN 256

static void
purge_sometimes(const struct srs *srs, int64_t now)
{
	unsigned char dice;
	size_t gone;
	struct err err;

	crypt_random(&dice, 1);
	if (dice % PURGE_ONE_IN == 0)
		srs_purge(srs, now, &gone, &err); /* what fails here fails again later, or not */
}

bool
srs_purge(const struct srs *srs, int64_t now, size_t *gone, struct err *err)
{
	int64_t libsrs2 = srs_maxage(srs->conf, SRS_LIBSRS2), exim = srs_maxage(srs->conf, SRS_EXIM);

	return srs_store_purge(srs->store, srs_day(now) - (libsrs2 > exim ? libsrs2 : exim), gone, err);
}

static enum srs_outcome
forward_by_store(const struct rewriting *r, struct srs_result *result)
{
	struct view key = srs_key(srs_secret(r->srs->secrets, 0), r->m.text, r->arena);
	struct err err;

	if (!srs_store_put(r->srs->store, key, r->m.text, srs_day(r->now), &err)) {
		result->why = arena_copy(r->arena, view_of(err.text));
		return err.kind == ERR_TEMP ? SRS_TEMP : SRS_TOO_LONG;
	}
	purge_sometimes(r->srs, r->now);
	struct view local = make_srs0(r, VIEW_LIT(SRS_STORE_HOST), key, false);
	result->address = srs_address(local, false, r->srs->conf->domain, r->arena);
	return SRS_REWRITTEN;
}

static enum srs_outcome
forward_inline(const struct rewriting *r, struct srs_result *result)
{
	struct view local = make_local(r);
	struct view address = srs_address(local, r->m.quoted, r->srs->conf->domain, r->arena);

	if (address.n - r->srs->conf->domain.n - 1 > SRS_LOCAL_MAX || address.n > SRS_PATH_MAX) {
		result->why = arena_printf(r->arena, "its local part would have %zu octets, %d is the limit",
		    address.n - r->srs->conf->domain.n - 1, SRS_LOCAL_MAX);
		return SRS_TOO_LONG;
	}
	result->address = address;
	return SRS_REWRITTEN;
}

static enum srs_outcome
forward(struct rewriting *r, struct view address, struct srs_result *result)
{
	const struct srs_conf *conf = r->srs->conf;
	enum srs_outcome outcome = srs_mailbox_parse(address, r->arena, &r->m, &result->why);

	if (outcome != SRS_VALID)
		return outcome;
	if (srs_is_own(conf, r->m.domain))
		return SRS_OWN;
	if (srs_is_excluded(conf, r->m.domain))
		return SRS_EXCLUDED;
	if (r->m.mixed || view_is(r->m.domain, SRS_STORE_HOST)) {
		result->why = VIEW_LIT("no address that could be restored");
		return SRS_NO_ADDRESS;
	}
	if (conf->database == SRS_DB_ALWAYS && r->srs->store != NULL)
		return forward_by_store(r, result);
	outcome = forward_inline(r, result);
	if (outcome == SRS_TOO_LONG && conf->database != SRS_DB_NEVER && r->srs->store != NULL) {
		result->why = VIEW_EMPTY;
		return forward_by_store(r, result);
	}
	return outcome;
}

void
srs_forward(const struct srs *srs, struct view address, int64_t now, struct arena *arena, struct srs_result *result)
{
	struct rewriting r = { .srs = srs, .now = now, .arena = arena };

	srs_result_clear(result);
	result->outcome = forward(&r, address, result);
}
