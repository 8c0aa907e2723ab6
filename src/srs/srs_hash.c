#include "srs/srs_hash.h"

#include "base/base64.h"
#include "base/buffer.h"
#include "crypt/digest.h"

#define SECONDS_PER_DAY 86400
#define STAMP_DAYS 1024 /* ten bits */
/* 80 bits: two of 2^30 addresses share a key once in two million years of that. */
#define KEY_DIGITS 16

static const char base32_upper[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
static const char base32_lower[] = "abcdefghijklmnopqrstuvwxyz234567";

struct view
srs_hash_libsrs2(struct view secret, struct view text, size_t digits, struct arena *arena)
{
	struct view value = hmac_of(DIGEST_SHA1, secret, arena_copy_lower(arena, text), arena);

	return view_sub(base64_encode(value, arena), 0, digits < SRS_HASH_DIGITS ? digits : SRS_HASH_DIGITS);
}

struct view
srs_hash_exim(struct view secret, struct view text, struct arena *arena)
{
	struct view value = hmac_of(DIGEST_MD5, secret, arena_copy_lower(arena, text), arena);
	struct buffer b = buffer_in(arena);

	for (size_t i = 0; i < SRS_EXIM_DIGITS / 2; i++)
		buffer_addf(&b, "%02x", (unsigned)(unsigned char)value.p[i]);
	return buffer_view(&b);
}

/* As both alphabets and both cases write it: the lower case of RFC 4648 section 4. */
static struct view
fold_hash(struct view hash, struct arena *arena)
{
	struct buffer b = buffer_in(arena);

	for (size_t i = 0; i < hash.n; i++) {
		char c = ascii_lower(hash.p[i]);
		buffer_add_char(&b, c == '-' ? '+' : c == '_' ? '/' : c);
	}
	return buffer_view(&b);
}

static bool
is_length_taken(const struct srs_conf *conf, enum srs_scheme scheme, size_t n)
{
	if (scheme == SRS_EXIM)
		return n == SRS_EXIM_DIGITS;
	return n >= (size_t)conf->hashmin && n <= SRS_HASH_DIGITS;
}

int
srs_hash_find(const struct srs *srs, enum srs_scheme scheme, struct view hash, struct view text, struct arena *arena)
{
	struct view wanted = fold_hash(hash, arena);
	int found = -1;

	if (!is_length_taken(srs->conf, scheme, hash.n))
		return -1;
	for (size_t i = 0; i < srs_secrets_n(srs->secrets); i++) {
		struct view secret = srs_secret(srs->secrets, i);
		struct view made = scheme == SRS_EXIM ? srs_hash_exim(secret, text, arena) :
		    srs_hash_libsrs2(secret, text, hash.n, arena);
		if (crypt_same(fold_hash(made, arena), wanted) && found < 0)
			found = (int)i;
	}
	return found;
}

int64_t
srs_day(int64_t now)
{
	return (now < 0 ? now - (SECONDS_PER_DAY - 1) : now) / SECONDS_PER_DAY;
}

static unsigned
stamp_of(int64_t now)
{
	return (unsigned)((uint64_t)srs_day(now) % STAMP_DAYS);
}

struct view
srs_stamp(int64_t now, enum srs_scheme scheme, struct arena *arena)
{
	const char *digits = scheme == SRS_EXIM ? base32_lower : base32_upper;
	unsigned stamp = stamp_of(now);

	return arena_printf(arena, "%c%c", digits[stamp >> 5], digits[stamp & 31]);
}

bool
srs_stamp_age(struct view stamp, int64_t now, int *age)
{
	unsigned then = 0;

	if (stamp.n != SRS_STAMP_DIGITS)
		return false;
	for (size_t i = 0; i < stamp.n; i++) {
		size_t digit = view_find(VIEW_LIT("abcdefghijklmnopqrstuvwxyz234567"), ascii_lower(stamp.p[i]));
		if (digit == VIEW_NONE)
			return false;
		then = then << 5 | (unsigned)digit;
	}
	*age = (int)((stamp_of(now) + STAMP_DAYS - then) % STAMP_DAYS);
	return true;
}

struct view
srs_key(struct view secret, struct view address, struct arena *arena)
{
	struct view value = hmac_of(DIGEST_SHA256, secret, address, arena);
	struct buffer b = buffer_in(arena);

	/* Digits of base 32 are octets modulo 32: of a key nothing is ever decoded. */
	for (size_t i = 0; i < KEY_DIGITS; i++)
		buffer_add_char(&b, base32_lower[(unsigned char)value.p[i] & 31]);
	return buffer_view(&b);
}
