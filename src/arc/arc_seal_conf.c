#include "arc/arc_seal_conf.h"

#include "base/cursor.h"
#include "base/hash.h"
#include "mail/domain.h"

#include <time.h>

static const struct name_row clients_names[] = {
	{ "strangers", SEAL_STRANGERS },
	{ "all", SEAL_ALL },
	{ NULL, 0 },
};

/* ---- one key ---- */

/* The first second of a day, UTC. */
static bool
parse_day(struct view text, int64_t *seconds, struct err *err)
{
	struct cursor c = cursor_over(text);
	struct tm wanted = { 0 };

	if (!cursor_digits(&c, 4, 9999, &wanted.tm_year) || !cursor_char(&c, '-') || !cursor_digits(&c, 2, 9999, &wanted.tm_mon) ||
	    !cursor_char(&c, '-') || !cursor_digits(&c, 2, 9999, &wanted.tm_mday) || !cursor_end(&c))
		return err_perm(err, "wants the day from which the key signs as YYYY-MM-DD");
	wanted.tm_year -= 1900;
	wanted.tm_mon--;
	struct tm real = wanted;
	*seconds = timegm(&real); /* makes a real day of the 31st of April */
	if (real.tm_mday != wanted.tm_mday || real.tm_mon != wanted.tm_mon || *seconds <= 0)
		return err_perm(err, "%.*s is no day since 1970", VIEW_ARG(text));
	return true;
}

/* What stands behind the last ":" when it can only be meant as a date; a path may have a ":" too. */
static bool
split_day(struct view rest, struct view *path, struct view *day)
{
	size_t at = view_find_last(rest, ':');

	*path = rest;
	if (at == VIEW_NONE)
		return false;
	*day = view_from(rest, at + 1);
	if (day->n == 0 || !view_all_in(*day, CC_DIGIT | CC_HYPHEN))
		return false;
	*path = view_sub(rest, 0, at);
	return true;
}

/* A host name's labels, and "_", which some people have there. */
static bool
is_selector(struct view v)
{
	return v.n > 0 && v.n <= 253 && view_all_in(v, CC_LDH | CC_UNDERSCORE | CC_DOT) &&
	    !view_starts(v, VIEW_LIT(".")) && !view_ends(v, VIEW_LIT("."));
}

bool
seal_key_parse(struct view text, struct seal_key_place *place, struct err *err)
{
	struct view rest, day;

	*place = (struct seal_key_place){ .not_before = 0 };
	if (!view_split(text, ':', &place->selector, &rest) || rest.n == 0 || rest.p[0] != '/')
		return err_perm(err, "wants \"SELECTOR:/PATH\" or \"SELECTOR:/PATH:YYYY-MM-DD\"");
	if (!is_selector(place->selector))
		return err_perm(err, "wants a selector of letters, digits, \"-\", \"_\" and \".\"");
	if (split_day(rest, &place->path, &day) && !parse_day(day, &place->not_before, err))
		return false;
	return true;
}

/* ---- the rows ---- */

static bool
check_domain(const void *field, struct err *err)
{
	const struct view *domain = field;
	struct arena *arena = arena_new();
	struct view ascii;
	bool ok = domain->n == 0 || (domain_to_ascii(*domain, arena, &ascii, err) &&
	    (domain_is_fqdn(ascii) || err_perm(err, "wants a domain name")));

	arena_free(arena);
	return ok;
}

bool
seal_keys_ok(const struct conf_list *list, struct err *err)
{
	struct seal_key_place place, other;

	if (list->n > SEAL_KEYS_MAX)
		return err_perm(err, "more than %d keys", SEAL_KEYS_MAX);
	for (size_t i = 0; i < list->n; i++) {
		if (!seal_key_parse(list->item[i], &place, err))
			return false;
		for (size_t j = 0; j < i; j++)
			if (seal_key_parse(list->item[j], &other, NULL) &&
			    view_eq_nocase(other.selector, place.selector))
				return err_perm(err, "the selector %.*s stands there twice", VIEW_ARG(place.selector));
	}
	return true;
}

static bool
check_keys(const void *field, struct err *err)
{
	return seal_keys_ok(field, err);
}

static bool
check_sign(const void *field, struct err *err)
{
	const struct conf_list *list = field;
	bool from = false;

	for (size_t i = 0; i < list->n; i++) {
		if (!arc_sign_name_ok(list->item[i], err))
			return false;
		from |= view_is_nocase(list->item[i], "From") || view_is_nocase(list->item[i], "From+");
	}
	return from || err_perm(err, "wants From among the fields (RFC 6376 5.4)");
}

static bool
check_expire(const void *field, struct err *err)
{
	struct arc_expire expire;

	return arc_expire_parse(*(const struct view *)field, &expire, err);
}

static bool
check_section(const void *section, struct err *err)
{
	const struct seal_conf *conf = section;

	if (!conf->enable)
		return true;
	if (conf->domain.n == 0 || conf->keys.n == 0)
		return err_perm(err, "enable = true needs domain and keys");
	return (conf->trusted_upstream.n == 0) == (conf->trusted_ids.n == 0) ||
	    err_perm(err, "trusted-upstream and trusted-ids are of use together only");
}

/* arc_sign_preset as a file would have it. */
#define SIGN_PRESET                                                                                                  \
	"From+ Sender Reply-To To Cc Subject Date Message-ID In-Reply-To References MIME-Version Content-Type "      \
	"Content-Transfer-Encoding List-Id List-Help List-Unsubscribe List-Unsubscribe-Post List-Subscribe List-Post " \
	"List-Owner List-Archive DKIM-Signature"

static const struct conf_item rows[] = {
	/*        struct     name in file        field             default, min, max, unit or check */
	CONF_BOOL(seal_conf, "enable",           enable,           false),
	CONF_TEXT(seal_conf, "domain",           domain,           "", check_domain),
	CONF_LIST(seal_conf, "keys",             keys,             "", 0, SEAL_KEYS_MAX, check_keys),
	CONF_LIST(seal_conf, "sign",             sign,             SIGN_PRESET, 1, 100, check_sign),
	CONF_BOOL(seal_conf, "timestamps",       timestamps,       true),
	CONF_TEXT(seal_conf, "expire",           expire,           "none", check_expire),
	CONF_BOOL(seal_conf, "failed",           failed,           true),
	CONF_ENUM(seal_conf, "clients",          clients,          SEAL_STRANGERS, clients_names),
	CONF_NETS(seal_conf, "trusted-upstream", trusted_upstream, "", 1000),
	CONF_LIST(seal_conf, "trusted-ids",      trusted_ids,      "", 0, 100, NULL),
};
const struct conf_section arc_seal_section = CONF_SECTION("seal", seal_conf, rows, check_section);

/* ---- the keys ---- */

struct ring_slot {
	struct view path; /* empty: free */
	struct private_key *key;
};

struct seal_ring {
	struct arena *arena;
	struct ring_slot *slot; /* a power of two, at most half full */
	size_t slots, used;
};

static void
drop_key(void *key)
{
	private_key_unref(key);
}

struct seal_ring *
seal_ring_new(struct arena *arena)
{
	struct seal_ring *ring = ARENA_NEW(arena, struct seal_ring);

	ring->arena = arena;
	ring->slots = 16;
	ring->slot = ARENA_ARRAY(arena, ring->slots, struct ring_slot);
	return ring;
}

static struct ring_slot *
slot_of(const struct seal_ring *ring, struct view path)
{
	size_t i = (size_t)hash_view(path) & (ring->slots - 1);

	while (ring->slot[i].path.n > 0 && !view_eq(ring->slot[i].path, path)) /* ends: half of them are free */
		i = (i + 1) & (ring->slots - 1);
	return &ring->slot[i];
}

static void
widen(struct seal_ring *ring)
{
	struct ring_slot *old = ring->slot;
	size_t n = ring->slots;

	ring->slots = n * 2;
	ring->slot = ARENA_ARRAY(ring->arena, ring->slots, struct ring_slot);
	for (size_t i = 0; i < n; i++)
		if (old[i].path.n > 0)
			*slot_of(ring, old[i].path) = old[i];
}

static bool
is_fit(const struct private_key *key, struct err *err)
{
	if (private_key_type(key) != KEY_RSA)
		return err_perm(err, "not an RSA key: few who verify ARC know another");
	return private_key_bits(key) >= ARC_SEAL_BITS_PRESET ||
	    err_perm(err, "RSA key of %d bits; %d or more are wanted", private_key_bits(key), ARC_SEAL_BITS_PRESET);
}

/* NULL: err. */
static struct private_key *
take_key(struct seal_ring *ring, struct view path, struct err *err)
{
	struct ring_slot *slot = slot_of(ring, path);

	if (slot->path.n > 0)
		return slot->key;
	struct private_key *key = private_key_load(arena_cstr(ring->arena, path), err);
	if (key == NULL)
		return NULL;
	arena_defer(ring->arena, drop_key, key);
	if (!is_fit(key, err)) {
		err_in(err, "%.*s", VIEW_ARG(path));
		return NULL;
	}
	*slot = (struct ring_slot){ arena_copy(ring->arena, path), key };
	if (++ring->used * 2 > ring->slots)
		widen(ring);
	return key;
}

static bool
open_key(const struct seal_key_place *place, struct view domain, struct seal_ring *ring, struct arc_seal_key *out,
    struct err *err)
{
	struct view name = arena_printf(ring->arena, "%.*s._domainkey.%.*s", VIEW_ARG(place->selector), VIEW_ARG(domain));

	if (!dns_name_ok(name))
		return err_perm(err, "%.*s cannot be the name of a key in DNS", VIEW_ARG(name));
	*out = (struct arc_seal_key){ place->selector, take_key(ring, place->path, err), place->not_before };
	return out->key != NULL;
}

/* All but domain and keys. */
static bool
fill(const struct seal_conf *conf, struct arc_seal_conf *out, struct err *err)
{
	*out = (struct arc_seal_conf){
		.sign = conf->sign.item,
		.signs = conf->sign.n,
		.timestamps = conf->timestamps,
		.leave_failed = !conf->failed,
		.rsa_bits_min = ARC_SEAL_BITS_PRESET,
		.form = ARC_FORM_RFC,
	};
	return arc_expire_parse(conf->expire, &out->expire, err);
}

bool
arc_seal_conf_open(const struct seal_conf *conf, struct seal_ring *ring, struct arc_seal_conf *out, struct err *err)
{
	struct seal_key_place place;

	if (!fill(conf, out, err))
		return false;
	if (!conf->enable)
		return true;
	if (!domain_to_ascii(conf->domain, ring->arena, &out->domain, err))
		return false;
	struct arc_seal_key *keys = ARENA_ARRAY(ring->arena, conf->keys.n, struct arc_seal_key);
	for (size_t i = 0; i < conf->keys.n; i++)
		if (!seal_key_parse(conf->keys.item[i], &place, err) || !open_key(&place, out->domain, ring, &keys[i], err))
			return false;
	out->key = keys;
	out->keys = conf->keys.n;
	return true;
}

bool
arc_seal_conf_keep(const struct seal_conf *conf, const struct arc_seal_conf *old, struct arena *arena,
    struct arc_seal_conf *out, struct err *err)
{
	if (!fill(conf, out, err))
		return false;
	struct arc_seal_key *keys = ARENA_ARRAY(arena, old->keys, struct arc_seal_key);
	for (size_t i = 0; i < old->keys; i++) {
		keys[i] = (struct arc_seal_key){ arena_copy(arena, old->key[i].selector), private_key_ref(old->key[i].key),
			old->key[i].not_before };
		arena_defer(arena, drop_key, keys[i].key);
	}
	out->domain = arena_copy(arena, old->domain);
	out->key = keys;
	out->keys = old->keys;
	return true;
}

bool
arc_seal_conf_same(const struct arc_seal_conf *a, const struct arc_seal_conf *b)
{
	if (a == b)
		return true;
	for (size_t i = 0; i < a->keys && i < b->keys; i++)
		if (a->key[i].key != b->key[i].key || a->key[i].not_before != b->key[i].not_before ||
		    !view_eq_nocase(a->key[i].selector, b->key[i].selector))
			return false;
	return a->keys == b->keys && view_eq(a->domain, b->domain);
}
