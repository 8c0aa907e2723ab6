#include "policy/policy_rule.h"

#include "base/cursor.h"
#include "mail/address.h"
#include "mail/domain.h"

bool
policy_name_parse(struct view text, struct arena *arena, struct policy_name *name, struct err *err)
{
	struct view domain = text;
	size_t at = view_find_last(text, '@');

	*name = (struct policy_name){ .local = VIEW_EMPTY, .domain = VIEW_EMPTY };
	if (view_is(text, "*") || view_is_nocase(text, "any")) {
		name->any = true;
		return true;
	}
	if (view_is(text, "<>")) {
		name->null_sender = true;
		return true;
	}
	if (at != VIEW_NONE) {
		char *bare = arena_alloc(arena, at);
		name->local = arena_copy_lower(arena, (struct view){ bare, mail_local_bare(view_sub(text, 0, at), bare) });
		domain = view_from(text, at + 1);
		if (name->local.n == 0)
			return err_perm(err, "wants something before the \"@\", or no \"@\"");
	} else if (view_starts(text, VIEW_LIT("."))) {
		name->below = true;
		domain = view_from(text, 1);
	}
	return domain_to_ascii(domain, arena, &name->domain, err);
}

bool
policy_name_holds(const struct policy_name *name, struct view domain)
{
	if (name->any)
		return true;
	if (name->null_sender || domain.n == 0)
		return false;
	if (!name->below)
		return view_eq_nocase(name->domain, domain);
	return domain.n > name->domain.n && domain_within(domain, name->domain);
}
