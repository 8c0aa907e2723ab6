#ifndef ASSAY_SIG_KEY_RECORD_H
#define ASSAY_SIG_KEY_RECORD_H

#include "crypt/key.h"
#include "dns/dns.h"
#include "mail/tag_list.h"

/*
 * key_record - the TXT record below _domainkey, decoded.
 * Sources: RFC 6376 3.6.1, RFC 8301 3.2, RFC 8463 4, RFC 8616.
 * Shared by DKIM and ARC.  A parsed key is kept beside the text it came from, so no key is parsed twice
 * while it is in use.
 */
struct key_record {
	enum key_type type;	/* k= */
	struct public_key *key; /* counted; held by the arena that key_record_parse got */
	bool revoked;		/* p= is there and empty; key is NULL */
	bool sha256_allowed;	/* h= absent or names sha256 */
	bool email_allowed;	/* s= absent, "*" or names email */
	bool testing;		/* t=y */
	bool strict_identity;	/* t=s: i= must be in d= itself */
};

/*
 * k= and p= as they stand in a record -> key.  Bounded in keys, the least recently used goes first;
 * thread-safe, the lock is never held while a key is parsed.  Records that hold no good key are not kept.
 */
struct key_cache;
struct key_cache *key_cache_new(size_t keys_max); /* keys_max >= 1 */
void key_cache_free(struct key_cache *cache);	  /* NULL is fine */
size_t key_cache_octets(struct key_cache *cache); /* memory in use, about */

/* The key of this p= (base64, folds allowed), counted for the caller; cache NULL: parse it.  NULL: err, ERR_PERM. */
struct public_key *key_cache_get(struct key_cache *cache, enum key_type type, struct view p, struct err *err);

/*
 * The longest p= we look at: twice what RSA_BITS_MAX needs in base64.  A longer one is refused unread, so the
 * cache's memory has a bound.
 */
#define KEY_TEXT_MAX 4096

/*
 * False, ERR_PERM: not a key record, or one that can never verify.  *is_key tells whether the text was meant
 * as a key at all (v=DKIM1, or no v= but a p=), so that stray TXT records beside the key can be passed over.
 */
bool key_record_parse(struct view text, struct key_cache *cache, struct arena *arena, struct key_record *record,
    bool *is_key, struct err *err);

#endif
