#include "srs/srs_names.h"

#include "mail/domain.h"

bool
srs_is_domain(struct view name, struct err *err)
{
	struct arena *arena;
	struct view ascii;

	if (view_find(name, '@') != VIEW_NONE)
		return err_perm(err, "%.*s is no domain: write example.org, without the \"@\"", VIEW_ARG(name));
	if (view_find(name, '*') != VIEW_NONE)
		return err_perm(err, "%.*s: all below a domain is .example.org", VIEW_ARG(name));
	arena = arena_new();
	bool ok = domain_to_ascii(name, arena, &ascii, err) && view_eq_nocase(ascii, name);

	arena_free(arena);
	return ok || err_perm(err, "wants domains without a final dot, other than ASCII as \"xn--\"");
}

static bool
holds_domain(struct view item, struct view domain)
{
	return view_starts(item, VIEW_LIT(".")) ? domain_within(domain, view_from(item, 1)) && domain.n >= item.n :
						  view_eq_nocase(item, domain);
}

bool
srs_names_hold_domain(const struct conf_list *list, struct view domain)
{
	for (size_t i = 0; domain.n > 0 && i < list->n; i++)
		if (holds_domain(list->item[i], domain))
			return true;
	return false;
}

static bool
holds(struct view item, struct view local, struct view domain)
{
	size_t at = view_find_last(item, '@');

	if (view_is(item, "*"))
		return true;
	if (local.n == 0 && domain.n == 0)
		return view_is(item, "<>");
	if (at == VIEW_NONE)
		return holds_domain(item, domain);
	return view_eq_nocase(view_from(item, at + 1), domain) && view_eq_nocase(view_sub(item, 0, at), local);
}

bool
srs_names_hold(const struct conf_list *list, struct view local, struct view domain)
{
	for (size_t i = 0; i < list->n; i++)
		if (holds(list->item[i], local, domain))
			return true;
	return false;
}

static bool
check_name(struct view item, struct err *err)
{
	size_t at = view_find_last(item, '@');

	if (view_is(item, "*"))
		return true;
	if (view_find(item, '<') != VIEW_NONE || view_find(item, '>') != VIEW_NONE)
		return err_perm(err, "wants addresses without \"<\" and \">\"");
	if (at == 0)
		return err_perm(err, "wants \"example.org\" for a whole domain, without the \"@\"");
	if (at != VIEW_NONE)
		return srs_is_domain(view_from(item, at + 1), err);
	return srs_is_domain(view_from(item, view_starts(item, VIEW_LIT(".")) ? 1 : 0), err);
}

bool
srs_names_check(const void *field, struct err *err)
{
	const struct conf_list *list = field;

	for (size_t i = 0; i < list->n; i++)
		if (!check_name(list->item[i], err))
			return false;
	return true;
}

bool
srs_names_check_senders(const void *field, struct err *err)
{
	const struct conf_list *list = field;

	for (size_t i = 0; i < list->n; i++)
		if (!view_is(list->item[i], "<>") && !check_name(list->item[i], err))
			return false;
	return true;
}

bool
srs_names_check_domains(const void *field, struct err *err)
{
	const struct conf_list *list = field;

	for (size_t i = 0; i < list->n; i++) {
		struct view item = list->item[i];
		if (!view_starts(item, VIEW_LIT("/")) &&
		    !srs_is_domain(view_from(item, view_starts(item, VIEW_LIT(".")) ? 1 : 0), err))
			return false;
	}
	return true;
}
