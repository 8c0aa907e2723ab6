#include "mail/tag_list.h"

#include "mail/lexis.h"

/* tag-value = [ tval *( 1*(WSP / FWS) tval ) ], tval = 1*VALCHAR          RFC 6376 3.2, RFC 8616 4 */
static struct view
take_value(struct cursor *c)
{
	size_t from = cursor_offset(c);

	while (cursor_take(c, CC_VALCHAR | CC_UTF8).n > 0)
		lexis_fws(c);
	return view_trim_end(cursor_since(c, from));
}

/* tag-spec = [FWS] tag-name [FWS] "=" [FWS] tag-value [FWS]              RFC 6376 3.2 */
static bool
take_tag(struct cursor *c, struct tag *tag, struct err *err)
{
	lexis_fws(c);
	size_t from = cursor_offset(c);
	if (cursor_any(c, CC_ALPHA) < 0)
		return err_perm(err, "no tag name at byte %zu", from);
	cursor_take(c, CC_TAGNAME);
	tag->name = cursor_since(c, from);
	lexis_fws(c);
	if (!cursor_char(c, '='))
		return err_perm(err, "no \"=\" behind a tag name at byte %zu", cursor_offset(c));
	tag->value_at = cursor_offset(c);
	lexis_fws(c);
	tag->value = take_value(c);
	tag->value_end = cursor_offset(c);
	return true;
}

static bool
has_name(const struct tag_list *list, struct view name)
{
	for (size_t i = 0; i < list->n; i++)
		if (view_eq(list->tag[i].name, name))
			return true;
	return false;
}

/* Nothing, or the white space that everybody writes behind the last ";". */
static bool
at_end(struct cursor *c)
{
	struct cursor ahead = *c;

	lexis_fws(&ahead);
	return cursor_end(&ahead);
}

/* tag-list = tag-spec *( ";" tag-spec ) [ ";" ]                          RFC 6376 3.2 */
bool
tag_list_parse(struct view text, struct tag_list *list, struct err *err)
{
	struct cursor c = cursor_over(text);

	list->n = 0;
	if (!view_is_utf8(text))
		return err_perm(err, "malformed UTF-8");
	do { /* ends: each turn takes a tag or returns */
		struct tag tag;
		if (!take_tag(&c, &tag, err))
			return false;
		if (has_name(list, tag.name))
			return err_perm(err, "%.*s= appears twice", VIEW_ARG(tag.name));
		if (list->n == TAG_LIST_MAX)
			return err_perm(err, "more than %d tags", TAG_LIST_MAX);
		list->tag[list->n++] = tag;
	} while (cursor_char(&c, ';') && !at_end(&c));
	return at_end(&c) || err_perm(err, "stray octet at byte %zu", cursor_offset(&c));
}

const struct tag *
tag_list_find(const struct tag_list *list, const char *name)
{
	struct view wanted = view_of(name);

	for (size_t i = 0; i < list->n; i++)
		if (view_eq(list->tag[i].name, wanted))
			return &list->tag[i];
	return NULL;
}
