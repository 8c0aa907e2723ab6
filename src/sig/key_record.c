#include "sig/key_record.h"

#include "base/cursor.h"

/* Is `word` among the items of a list with colons ([FWS] ":" [FWS] between them; RFC 6376 3.6.1)? */
static bool
list_has(struct view list, const char *word)
{
	struct view item, rest = list;
	bool more;

	do { /* ends: each turn takes an item */
		more = view_split(rest, ':', &item, &rest);
		if (view_is(view_trim(item), word))
			return true;
	} while (more);
	return false;
}

/* "v=DKIM1" at the front of text that is no tag-list: a key that was meant as one, and is broken. */
static bool
says_dkim1(struct view text)
{
	struct cursor c = cursor_over(text);

	cursor_take(&c, CC_FWS);
	if (!cursor_char(&c, 'v'))
		return false;
	cursor_take(&c, CC_FWS);
	if (!cursor_char(&c, '='))
		return false;
	cursor_take(&c, CC_FWS);
	return cursor_text(&c, VIEW_LIT("DKIM1"));
}

/* v= must be DKIM1 and stand first, or be absent; a record with another one is to be discarded (3.6.1). */
static bool
check_version(const struct tag_list *tags, bool *is_key, struct err *err)
{
	const struct tag *v = tag_list_find(tags, "v");

	*is_key = v == NULL ? tag_list_find(tags, "p") != NULL : view_is(v->value, "DKIM1");
	if (!*is_key)
		return err_perm(err, "no DKIM key record");
	if (v != NULL && v != &tags->tag[0])
		return err_perm(err, "v= is not the first tag");
	return true;
}

static bool
take_type(const struct tag_list *tags, enum key_type *type, struct err *err)
{
	const struct tag *k = tag_list_find(tags, "k");

	if (k == NULL || view_is(k->value, "rsa")) /* the default of 3.6.1 */
		*type = KEY_RSA;
	else if (view_is(k->value, "ed25519"))
		*type = KEY_ED25519;
	else
		return err_perm(err, "k= names no key type that we know");
	return true;
}

static void
take_terms(const struct tag_list *tags, struct key_record *record)
{
	const struct tag *h = tag_list_find(tags, "h"), *s = tag_list_find(tags, "s"), *t = tag_list_find(tags, "t");

	record->sha256_allowed = h == NULL || list_has(h->value, "sha256");
	record->email_allowed = s == NULL || list_has(s->value, "*") || list_has(s->value, "email");
	record->testing = t != NULL && list_has(t->value, "y");
	record->strict_identity = t != NULL && list_has(t->value, "s");
}

static void
unref(void *key)
{
	public_key_unref(key);
}

bool
key_record_parse(struct view text, struct key_cache *cache, struct arena *arena, struct key_record *record, bool *is_key,
    struct err *err)
{
	struct tag_list tags;

	*record = (struct key_record){ .type = KEY_RSA };
	*is_key = says_dkim1(text);
	if (!tag_list_parse(text, &tags, err) || !check_version(&tags, is_key, err) || !take_type(&tags, &record->type, err))
		return false;
	take_terms(&tags, record);
	const struct tag *p = tag_list_find(&tags, "p");
	if (p == NULL)
		return err_perm(err, "no p=");
	record->revoked = p->value.n == 0;
	if (record->revoked)
		return true;
	record->key = key_cache_get(cache, record->type, p->value, err);
	if (record->key == NULL)
		return false;
	arena_defer(arena, unref, record->key);
	return true;
}
