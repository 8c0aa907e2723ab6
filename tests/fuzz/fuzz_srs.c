/*
 * What goes out comes back; what is taken for ours carries a hash that one of the secrets makes, by a way of making it
 * that shares nothing with the room but HMAC.  The first octet of the input chooses the settings.
 */
#include "base/base64.h"
#include "base/buffer.h"
#include "base/cursor.h"
#include "crypt/digest.h"
#include "fuzz/srs_domain.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW 1700000000

static struct srs *srs;

static void
choose(uint8_t bits)
{
	struct srs_conf *conf = srs_domain_conf();

	conf->scheme = bits & 1 ? SRS_EXIM : SRS_LIBSRS2;
	conf->read_other = bits & 2;
	conf->hashlength = bits & 4 ? 8 : 4;
	conf->separator = bits & 8 ? '+' : bits & 16 ? '-' : '=';
}

/* An address of ours has no octet that could hurt a log, a map or an SMTP session. */
static void
check_octets(struct view address)
{
	assert(view_all_in(address, CC_VCHAR | CC_UTF8 | CC_WSP));
	assert(view_find(address, '\t') == VIEW_NONE);
	assert(view_find(address, '@') != VIEW_NONE);
}

static void
check_forward(struct view text, struct arena *arena)
{
	struct srs_result there, back, again;

	srs_forward(srs, text, NOW, arena, &there);
	if (there.outcome != SRS_REWRITTEN) {
		assert(there.address.n == 0);
		return;
	}
	check_octets(there.address);
	assert(there.address.n <= SRS_PATH_MAX);
	assert(view_find_last(there.address, '@') <= SRS_LOCAL_MAX);
	srs_forward(srs, there.address, NOW, arena, &again);
	assert(again.outcome == SRS_OWN);
	srs_reverse(srs, there.address, NOW, arena, &back);
	if (view_is(view_sub(there.address, view_starts(there.address, VIEW_LIT("\"")), 4), "SRS1")) {
		/* Others' SRS1 on something of ours may hold what we never wrote. */
		assert(back.outcome == SRS_VALID || back.tag == 0);
		return;
	}
	assert(back.outcome == SRS_VALID);
	if (view_starts(text, VIEW_LIT("<")) || view_starts(text, VIEW_LIT("@"))) /* brackets, a source route: gone */
		return;
	assert(view_eq(back.address, text));
	srs_reverse(srs, arena_copy_lower(arena, there.address), NOW, arena, &back);
	assert(back.outcome == SRS_VALID);
	assert(view_eq_nocase(back.address, text));
	srs_reverse(srs, there.address, NOW + 22 * 86400, arena, &back);
	assert(back.outcome == SRS_EXPIRED);
}

static struct view
without_pairs(struct view text, struct arena *arena)
{
	struct buffer b = buffer_in(arena);

	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '\\' && i + 1 < text.n)
			i++;
		buffer_add_char(&b, ascii_lower(text.p[i]));
	}
	return buffer_view(&b);
}

static bool
hash_is(struct view hash, struct view text, bool exim, struct arena *arena)
{
	struct view secrets[] = { VIEW_LIT("tops3cr3t"), VIEW_LIT("older") };

	for (int i = 0; i < 2; i++) {
		struct view value = hmac_of(exim ? DIGEST_MD5 : DIGEST_SHA1, secrets[i], text, arena);
		struct view digits = base64_encode(value, arena);
		bool same = hash.n >= 4;
		if (exim)
			digits = arena_printf(arena, "%02x%02x", (unsigned char)value.p[0], (unsigned char)value.p[1]);
		for (size_t k = 0; k < hash.n && same; k++) {
			char c = hash.p[k] == '-' ? '+' : hash.p[k] == '_' ? '/' : hash.p[k];
			same = k < digits.n && digits.p[k] != '=' && ascii_lower(c) == ascii_lower(digits.p[k]);
		}
		if (same)
			return true;
	}
	return false;
}

/* SRS0 whose result is no address of our domain: the last step is the only one. */
static void
check_hash(struct view local, bool quoted, const struct srs_result *r, struct arena *arena)
{
	struct view hash, stamp, host, user, rest = view_from(local, 5);

	assert(view_split(rest, '=', &hash, &rest) && view_split(rest, '=', &stamp, &rest) && view_split(rest, '=', &host, &user));
	struct view flat = quoted ? without_pairs(user, arena) : user;
	if (r->scheme == SRS_EXIM) {
		struct view bare = arena_copy_lower(arena, arena_printf(arena, "%.*s@%.*s", VIEW_ARG(user), VIEW_ARG(host)));
		struct view marked = arena_copy_lower(arena, arena_printf(arena, "\"%.*s\"@%.*s", VIEW_ARG(user), VIEW_ARG(host)));
		assert(hash_is(hash, bare, true, arena) || hash_is(hash, marked, true, arena));
	} else {
		struct buffer b = buffer_in(arena);
		buffer_add(&b, stamp);
		buffer_add(&b, host);
		buffer_add(&b, flat);
		assert(hash_is(hash, arena_copy_lower(arena, buffer_view(&b)), false, arena));
	}
	assert(r->age >= 0 && r->age <= 21);
}

static void
check_reverse(struct view text, struct arena *arena)
{
	struct srs_result r;

	srs_reverse(srs, text, NOW, arena, &r);
	if (r.outcome != SRS_VALID) {
		assert(r.address.n == 0);
		return;
	}
	check_octets(r.address);
	bool bracketed = view_starts(text, VIEW_LIT("<"));
	if (bracketed)
		text = view_sub(text, 1, text.n - 2);
	bool quoted = view_starts(text, VIEW_LIT("\""));
	struct view local = view_sub(text, 0, view_find_last(text, '@'));
	if (quoted)
		local = view_sub(local, 1, local.n - 2);
	if (view_is_nocase(view_sub(local, 0, 4), "SRS0") && !view_ends_nocase(r.host, VIEW_LIT("srs.test")))
		check_hash(local, quoted, &r, arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	srs = srs_domain();
	choose(data[0]);
	struct arena *arena = arena_new();
	struct view text = { (const char *)data + 1, size - 1 };
	check_forward(text, arena);
	check_reverse(text, arena);
	arena_free(arena);
	return 0;
}
