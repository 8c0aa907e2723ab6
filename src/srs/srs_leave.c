#include "srs/srs_leave.h"

#include "base/hash.h"
#include "mail/domain.h"
#include "srs/srs_names.h"

struct step {
	struct view local, domain; /* domain empty: a local name */
	const char *by;
	uint64_t hash;
};

/* One call of srs_leave_find. */
struct finding {
	const struct srs_leave *leave;
	struct arena *arena;
	struct step *step; /* all that were ever wanted, so that no loop goes round twice */
	size_t steps, room;
	size_t asks, includes;
	struct srs_leaving *result;
};

bool
srs_leave_is_local(const struct srs_leave *leave, struct view domain)
{
	struct view value;

	return srs_names_hold_domain(&leave->conf->local_domains, domain) ||
	    srs_tables_find(leave->tables, SRS_TABLE_DOMAINS, domain, &value) ||
	    srs_tables_find(leave->tables, SRS_TABLE_VIRTUAL, domain, &value);
}

/* Its names are looked up in aliases, and alone in virtual. */
static bool
has_aliases(const struct srs_leave *leave, struct view domain)
{
	const struct conf_list *list = &leave->conf->alias_domains;

	return domain.n == 0 || (list->n == 0 ? srs_leave_is_local(leave, domain) : srs_names_hold_domain(list, domain));
}

/* ---- steps ---- */

static uint64_t
hash_of(struct view local, struct view domain)
{
	return hash_view_lower(local) * 31 + hash_view_lower(domain);
}

static void
add_step(struct finding *f, struct view local, struct view domain, const char *by)
{
	uint64_t hash = hash_of(local, domain);

	if (local.n == 0)
		return;
	for (size_t i = 0; i < f->steps; i++)
		if (f->step[i].hash == hash)
			return;
	if (f->steps == f->room) {
		size_t room = f->room == 0 ? 8 : f->room * 2;
		f->step = arena_grow(f->arena, f->step, f->room * sizeof(*f->step), room * sizeof(*f->step));
		f->room = room;
	}
	f->step[f->steps++] = (struct step){ local, domain, by, hash };
}

static void
found_out(struct finding *f, const char *by, struct view target)
{
	if (f->result->leaves && !f->result->unsure)
		return;
	*f->result = (struct srs_leaving){ .leaves = true, .by = by, .target = target, .why = VIEW_EMPTY };
}

/* What is found out for sure later on counts more. */
static void
not_found_out(struct finding *f, const char *by, struct view why)
{
	if (f->result->leaves)
		return;
	*f->result = (struct srs_leaving){ .leaves = true, .unsure = true, .by = by, .target = VIEW_EMPTY, .why = why };
}

static bool
is_finished(const struct finding *f)
{
	return f->result->leaves && !f->result->unsure;
}

/* "u@a.test", "u", "@a.test" and "%1@a.test" (the same user there), within <> or not. */
static void
add_address(struct finding *f, const struct step *from, struct view target, const char *by)
{
	size_t at = view_find_last(target, '@');
	struct view local = at == VIEW_NONE ? target : view_sub(target, 0, at);
	struct view typed = at == VIEW_NONE ? VIEW_EMPTY : view_from(target, at + 1), domain = VIEW_EMPTY;

	if (local.n == 0 || view_is(local, "%1"))
		local = from->local;
	if (typed.n > 0 && !domain_to_ascii(typed, f->arena, &domain, NULL))
		domain = typed; /* an address literal, or nothing that could be of ours */
	add_step(f, local, domain, by);
}

static void
add_targets(struct finding *f, const struct step *from, struct view value, const char *by)
{
	enum srs_target_kind kind;
	struct view target, text;

	while (f->steps <= SRS_LEAVE_STEPS_MAX && srs_target_next(&value, &kind, &target)) /* ends: by the value */
		if (kind == SRS_TARGET_ADDRESS)
			add_address(f, from, target, by);
		else if (kind == SRS_TARGET_INCLUDE && f->includes++ >= SRS_LEAVE_INCLUDES_MAX)
			not_found_out(f, by, VIEW_LIT("too many :include: files"));
		else if (kind == SRS_TARGET_INCLUDE && !srs_tables_include(f->leave->tables, target, &text))
			not_found_out(f, by, VIEW_LIT("an :include: file cannot be read"));
		else if (kind == SRS_TARGET_INCLUDE)
			add_targets(f, from, text, by);
}

/* ---- look-ups ---- */

static struct view
without_extension(const struct srs_leave *leave, struct view local)
{
	for (size_t i = 1; i < local.n; i++)
		if (view_find(leave->delimiter, local.p[i]) != VIEW_NONE)
			return view_sub(local, 0, i);
	return local;
}

static bool
find_address(const struct finding *f, enum srs_table_kind kind, struct view local, struct view domain, struct view *value)
{
	return srs_tables_find(f->leave->tables, kind,
	    arena_printf(f->arena, "%.*s@%.*s", VIEW_ARG(local), VIEW_ARG(domain)), value);
}

/* The MTA completes a name in a table, or of an alias, with one of its own domains (myorigin) and looks that up. */
static bool
find_completed(const struct finding *f, enum srs_table_kind kind, struct view local, struct view base, struct view *value)
{
	const struct srs_leave_conf *conf = f->leave->conf;
	const struct conf_list *list = conf->alias_domains.n == 0 ? &conf->local_domains : &conf->alias_domains;

	for (size_t i = 0; i < list->n && i < SRS_LEAVE_ORIGINS_MAX; i++) {
		struct view domain = list->item[i];
		if (view_starts(domain, VIEW_LIT(".")) || view_starts(domain, VIEW_LIT("/")))
			continue;
		if (find_address(f, kind, local, domain, value) || find_address(f, kind, base, domain, value))
			return true;
	}
	return false;
}

/* virtual(5), relocated(5): user+ext@domain, user@domain, user+ext, user (where names have aliases), @domain */
static bool
find_in(const struct finding *f, enum srs_table_kind kind, const struct step *s, struct view *value)
{
	const struct srs_table_set *tables = f->leave->tables;
	struct view base = without_extension(f->leave, s->local);

	if (s->domain.n > 0 &&
	    (find_address(f, kind, s->local, s->domain, value) || find_address(f, kind, base, s->domain, value)))
		return true;
	if (has_aliases(f->leave, s->domain) &&
	    (srs_tables_find(tables, kind, s->local, value) || srs_tables_find(tables, kind, base, value)))
		return true;
	if (s->domain.n == 0)
		return find_completed(f, kind, s->local, base, value);
	return find_address(f, kind, VIEW_EMPTY, s->domain, value);
}

static struct view
text_of(const struct step *s, struct arena *arena)
{
	return arena_printf(arena, s->domain.n > 0 ? "%.*s@%.*s" : "%.*s%.*s", VIEW_ARG(s->local), VIEW_ARG(s->domain));
}

static bool
find_in_map(struct finding *f, const struct step *s, struct view *value)
{
	struct err err;

	if (f->leave->ask == NULL || s->domain.n == 0 || f->asks >= SRS_LEAVE_ASKS_MAX)
		return false;
	f->asks++;
	switch (f->leave->ask(f->leave->ctx, text_of(s, f->arena), f->arena, value, &err)) {
	case SRS_FOUND:
		return true;
	case SRS_FOUND_NOT:
		return false;
	default:
		not_found_out(f, "leave-map", arena_copy(f->arena, view_of(err.text)));
		return false;
	}
}

/* aliases(5): the quotes are no part of the name. */
static struct view
name_of_user(struct view local)
{
	bool quoted = local.n > 2 && view_starts(local, VIEW_LIT("\"")) && view_ends(local, VIEW_LIT("\""));

	return quoted ? view_sub(local, 1, local.n - 2) : local;
}

static bool
find_alias(struct finding *f, const struct step *s, struct view *value)
{
	const struct srs_table_set *tables = f->leave->tables;
	struct view name = name_of_user(s->local), base = without_extension(f->leave, name), owner;

	if (!has_aliases(f->leave, s->domain))
		return false;
	bool whole = srs_tables_find(tables, SRS_TABLE_ALIASES, name, value);
	if (!whole && !srs_tables_find(tables, SRS_TABLE_ALIASES, base, value))
		return false;
	/* local(8): it goes on with that one as its sender. */
	return !srs_tables_find(tables, SRS_TABLE_ALIASES,
	    arena_printf(f->arena, "owner-%.*s", VIEW_ARG(whole ? name : base)), &owner);
}

/* Does the value say nothing but the address itself?  Then it is where expansion ends. */
static bool
is_itself(struct finding *f, const struct step *s, struct view value)
{
	enum srs_target_kind kind;
	struct view target, rest = value;
	struct view own = text_of(s, f->arena);

	while (srs_target_next(&rest, &kind, &target)) /* ends: by the value */
		if (kind == SRS_TARGET_ADDRESS && (view_eq_nocase(target, own) ||
		    (view_starts(target, VIEW_LIT("@")) && view_eq_nocase(view_from(target, 1), s->domain))))
			return true;
	return false;
}

static void
take_step(struct finding *f, size_t i)
{
	struct step s = f->step[i]; /* a copy: the array grows */
	struct view value;
	bool end = true;

	if (find_in(f, SRS_TABLE_RELOCATED, &s, &value))
		return;
	if (find_in(f, SRS_TABLE_VIRTUAL, &s, &value)) {
		end = is_itself(f, &s, value);
		add_targets(f, &s, value, "virtual");
	} else if (find_in_map(f, &s, &value)) {
		end = is_itself(f, &s, value);
		add_targets(f, &s, value, "leave-map");
	}
	if (!end)
		return;
	if (s.domain.n > 0 && !srs_leave_is_local(f->leave, s.domain))
		found_out(f, s.by, text_of(&s, f->arena));
	else if (find_alias(f, &s, &value))
		add_targets(f, &s, value, "aliases");
}

static void
expand(struct finding *f, const struct mail_path *path)
{
	add_step(f, path->local, path->domain, "relay");
	for (size_t i = 0; i < f->steps && !is_finished(f); i++) { /* ends: by the limit, which a loop does not reach */
		if (i >= SRS_LEAVE_STEPS_MAX) {
			not_found_out(f, "steps", VIEW_LIT("the recipient expands to too many addresses"));
			return;
		}
		take_step(f, i);
	}
}

/* ---- macros ---- */

/* "esmtp", or "relay:host.example" */
static bool
is_leaving_mailer(const struct conf_list *list, const struct srs_mailer *m)
{
	for (size_t i = 0; m->mailer.n > 0 && i < list->n; i++) {
		struct view name, host;
		bool with_host = view_split(list->item[i], ':', &name, &host);
		if (view_eq_nocase(name, m->mailer) && (!with_host || view_eq_nocase(host, m->host)))
			return true;
	}
	return false;
}

/* Sendmail tells what virtusertable made of it; a mailer may serve our own hosts too. */
static void
look_at_mailer(struct finding *f, const struct mail_path *path, const struct srs_mailer *m)
{
	struct mail_path there;

	if (m == NULL || !is_leaving_mailer(&f->leave->conf->leave_mailers, m))
		return;
	if (m->address.n == 0 || !mail_path_parse(m->address, f->arena, &there, NULL) || there.domain.n == 0)
		there = *path;
	if (!srs_leave_is_local(f->leave, there.domain))
		found_out(f, "mailer", there.text);
}

void
srs_leave_find(const struct srs_leave *leave, const struct mail_path *path, const struct srs_mailer *mailer,
    struct arena *arena, struct srs_leaving *result)
{
	struct finding f = { .leave = leave, .arena = arena, .result = result };
	struct view value;

	*result = (struct srs_leaving){ .target = VIEW_EMPTY, .why = VIEW_EMPTY };
	if (path->local.n == 0)
		return;
	if (srs_names_hold(&leave->conf->leaves, path->local, path->domain) ||
	    srs_names_hold(&leave->conf->leaves, without_extension(leave, path->local), path->domain)) {
		found_out(&f, "leaves", path->text);
		return;
	}
	struct step self = { path->local, path->domain, "relay", 0 };
	if (find_in(&f, SRS_TABLE_RELOCATED, &self, &value))
		return;
	look_at_mailer(&f, path, mailer);
	if (!is_finished(&f) && leave->conf->local_domains.n > 0)
		expand(&f, path);
}
