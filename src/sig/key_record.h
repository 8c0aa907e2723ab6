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

struct key_cache; /* text of a record -> key; bounded, thread-safe; NULL: parse each time */
struct key_cache *key_cache_new(size_t keys_max);
void key_cache_free(struct key_cache *cache);

/*
 * False, ERR_PERM: not a key record, or one that can never verify.  *is_key tells whether the text was meant
 * as a key at all (v= absent or DKIM1, a p=), so that stray TXT records beside the key can be passed over.
 */
bool key_record_parse(struct view text, struct key_cache *cache, struct arena *arena, struct key_record *record,
    bool *is_key, struct err *err);

#endif
