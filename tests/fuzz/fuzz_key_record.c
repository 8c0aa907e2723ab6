/* A key record is a key, revoked, or explained; with and without a cache alike. */
#include "base/cursor.h"
#include "crypt/digest.h"
#include "sig/key_record.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
parse(struct view text, struct key_cache *cache, struct arena *arena, struct key_record *record)
{
	struct err err;
	bool is_key;

	if (!key_record_parse(text, cache, arena, record, &is_key, &err)) {
		assert(err.kind == ERR_PERM);
		assert(view_all_in(view_of(err.text), CC_VCHAR | CC_WSP));
		assert(record->key == NULL);
		return false;
	}
	assert(is_key && record->revoked == (record->key == NULL));
	if (record->key != NULL) {
		char sig[64] = { 1 };
		assert(public_key_type(record->key) == record->type);
		assert(public_key_bits(record->key) <= RSA_BITS_MAX);
		assert(record->type == KEY_RSA || public_key_bits(record->key) == 256);
		public_key_verify(record->key, (struct view){ sig, 32 }, (struct view){ sig, 64 });
	}
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool opened;
	struct arena *arena = arena_new();
	struct view text = { (const char *)data, size };
	struct key_record one, two, three;
	struct err err;

	opened = opened || crypt_open(&err);
	assert(opened);
	struct key_cache *cache = key_cache_new(1);
	bool ok = parse(text, NULL, arena, &one);
	assert(parse(text, cache, arena, &two) == ok && parse(text, cache, arena, &three) == ok);
	if (ok)
		assert(two.key == three.key && one.testing == two.testing && one.revoked == two.revoked);
	arena_free(arena);
	key_cache_free(cache);
	return 0;
}
