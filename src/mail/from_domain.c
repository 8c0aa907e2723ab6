#include "mail/address.h"

#include "base/cursor.h"
#include "base/ip.h"

static bool
is_listed(const struct view *domains, size_t n, struct view domain)
{
	for (size_t i = 0; i < n; i++)
		if (view_eq(domains[i], domain))
			return true;
	return false;
}

/*
 * A domain that can have a policy; NULL, or why not.  RFC 1123 2.1: an address is looked for before a name,
 * so "a@192.0.2.1" has no domain either.  The other atext that RFC 5322 lets into a domain is no host name's.
 */
static const char *
why_unusable(struct view domain)
{
	struct ip ip;

	if (view_starts(domain, VIEW_LIT("[")) || ip_parse(domain, &ip))
		return "address literal";
	if (!view_all_in(domain, CC_LDH | CC_UNDERSCORE | CC_DOT))
		return "a domain that is no host name";
	return NULL;
}

/* What all From fields together say. */
struct findings {
	struct view domains[FROM_DOMAINS_MAX];
	size_t n;
	size_t fields, mailboxes;
	const char *unusable; /* the first reason; NULL: none */
	struct err err;	      /* of the last field that cannot be parsed */
	bool failed;
};

static void
look_at(const struct mailbox_list *list, struct findings *f)
{
	for (size_t i = 0; i < list->n; i++) {
		struct view domain = list->box[i].domain;
		const char *why = why_unusable(domain);
		if (why != NULL) {
			if (f->unusable == NULL)
				f->unusable = why;
		} else if (f->n < FROM_DOMAINS_MAX && !is_listed(f->domains, f->n, domain)) {
			f->domains[f->n++] = domain;
		}
	}
	f->mailboxes += list->n;
}

/* All fields count; they are read until MAILBOXES_MAX mailboxes were seen, also in fields that fail. */
static void
read_fields(const struct header *h, struct arena *arena, struct findings *f)
{
	size_t seen = 0;

	for (size_t i = 0; i < h->n; i++) {
		struct mailbox_list list;
		if (!view_is_nocase(h->field[i].name, "From"))
			continue;
		f->fields++;
		if (seen >= MAILBOXES_MAX)
			continue;
		if (mailbox_list_parse(h->field[i].value, arena, &list, &f->err))
			look_at(&list, f);
		else
			f->failed = true;
		seen += list.n + 1;
	}
}

static struct view
why_not_one(const struct findings *f, struct arena *arena, enum from_outcome *outcome)
{
	*outcome = FROM_SEVERAL;
	if (f->fields > 1)
		return arena_printf(arena, "%zu From fields", f->fields);
	*outcome = FROM_NONE;
	if (f->fields == 0)
		return VIEW_LIT("no From field");
	if (f->failed)
		return arena_printf(arena, "From cannot be parsed: %s", f->err.text);
	if (f->mailboxes == 0)
		return VIEW_LIT("no mailbox in From");
	if (f->unusable != NULL)
		return view_of(f->unusable);
	*outcome = f->n == 1 ? FROM_ONE : FROM_SEVERAL;
	return f->n == 1 ? VIEW_EMPTY : arena_printf(arena, "%zu domains in From", f->n);
}

void
from_domain_find(const struct header *h, struct arena *arena, struct from_domain *from)
{
	struct findings f = { .n = 0 };

	read_fields(h, arena, &f);
	struct view *domains = ARENA_ARRAY(arena, f.n, struct view);
	for (size_t i = 0; i < f.n; i++)
		domains[i] = f.domains[i];
	*from = (struct from_domain){ .domains = domains, .n = f.n, .mailboxes = f.mailboxes, .fields = f.fields,
		.domain = VIEW_EMPTY };
	from->why = why_not_one(&f, arena, &from->outcome);
	if (from->outcome == FROM_ONE)
		from->domain = domains[0];
}
