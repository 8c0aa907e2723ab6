#include "milter/session_state.h"

#include "base/cursor.h"
#include "mail/auth_results.h"

#define RESULTS_SIGNATURES_MAX 60 /* our own reader stops at AUTH_RESULTS_INFOS_MAX */

static const struct view results_name = { "Authentication-Results", 22 };

struct edits {
	struct edit *edit;
	size_t n, room;
	struct arena *arena;
};

static struct edit *
new_edit(struct edits *e, enum edit_kind kind)
{
	if (e->n == e->room) {
		size_t room = e->room < 4 ? 4 : e->room * 2;
		e->edit = arena_grow(e->arena, e->edit, e->room * sizeof(*e->edit), room * sizeof(*e->edit));
		e->room = room;
	}
	e->edit[e->n] = (struct edit){ kind, VIEW_EMPTY, VIEW_EMPTY, VIEW_EMPTY, 0 };
	return &e->edit[e->n++];
}

/* A value begins with a space: MTAs send what stands behind the colon as it is. */
static void
insert_field(struct edits *e, struct view name, struct view value)
{
	struct edit *edit = new_edit(e, EDIT_INSERT_HEADER);
	struct buffer b = buffer_in(e->arena);

	edit->name = name;
	edit->value = value;
	if (view_starts(value, VIEW_LIT(" ")))
		return;
	buffer_add_char(&b, ' ');
	buffer_add(&b, value);
	edit->value = buffer_view(&b);
}

/*
 * Fields of strangers, and of ourselves on an earlier way through, that a reader would take for this one's
 * (RFC 8601 5).  From the bottom up: an MTA renumbers as soon as one is gone.
 */
static void
delete_forged(struct edits *e, const struct header *h, struct view authserv_id)
{
	size_t nth = header_count(h, results_name);

	for (size_t i = h->n; i > 0; i--) {
		const struct header_field *f = &h->field[i - 1];
		if (!view_eq_nocase(f->name, results_name))
			continue;
		if (auth_results_claims(f->value, authserv_id, e->arena)) {
			struct edit *edit = new_edit(e, EDIT_DELETE_HEADER);
			edit->name = results_name;
			edit->nth = (unsigned)nth;
		}
		nth--;
	}
}

/* Of the signatures no more than the first `most` that were verified; all facts of other methods. */
static struct auth_facts
with_signatures(const struct auth_facts *facts, size_t most, struct arena *arena)
{
	struct auth_facts some = { ARENA_ARRAY(arena, facts->n, struct auth_fact), 0 };

	for (size_t i = 0; i < facts->n; i++) {
		const struct auth_fact *f = &facts->fact[i];
		if (f->method == AUTH_DKIM) {
			if (f->result == AUTH_POLICY || most == 0)
				continue;
			most--;
		}
		some.fact[some.n++] = *f;
	}
	return some;
}

static struct view
write_results(struct view authserv_id, const struct auth_facts *facts, struct arena *arena)
{
	return auth_results_write(authserv_id, facts, true, results_name.n + 1, arena);
}

/* Where not all facts fit, signatures are left out: first those nobody verified, then from the bottom up. */
static struct view
write_fitting(struct view authserv_id, const struct auth_facts *facts, struct arena *arena, struct auth_facts *fit)
{
	size_t most = RESULTS_SIGNATURES_MAX;

	*fit = facts->n > most ? with_signatures(facts, most, arena) : *facts;
	struct view text = write_results(authserv_id, fit, arena);
	while (text.n > RESULTS_OCTETS_MAX && most > 0) { /* ends: most is halved */
		most /= 2;
		*fit = with_signatures(facts, most, arena);
		text = write_results(authserv_id, fit, arena);
	}
	return text;
}

struct auth_facts
session_fit_results(struct view authserv_id, const struct auth_facts *facts, struct arena *arena)
{
	struct auth_facts fit;

	write_fitting(authserv_id, facts, arena, &fit);
	return fit;
}

/* A field that a rule of ours adds, on a message that had it already: whoever reads it would believe a stranger. */
static void
delete_forged_tags(struct edits *e, const struct header *h, const struct policy_set *set)
{
	struct view name;

	for (size_t i = 0; policy_tag_name(set, i, &name); i++)
		for (size_t nth = header_count(h, name); nth > 0; nth--) {
			struct edit *edit = new_edit(e, EDIT_DELETE_HEADER);
			edit->name = name;
			edit->nth = (unsigned)nth;
		}
}

static bool
tag_is_there(const struct edits *e, const struct verdict *v, struct view value)
{
	for (size_t i = 0; i < e->n; i++)
		if (e->edit[i].kind == EDIT_INSERT_HEADER && view_eq_nocase(e->edit[i].name, v->tag_name) &&
		    view_eq(view_trim(e->edit[i].value), view_trim(value)))
			return true;
	return false;
}

#define TAGS_MAX 20 /* different fields of rules on one message */

/* The message is one for all who get it, so everyone's fields are on it, each once. */
static void
insert_tags(struct edits *e, const struct message *m, const struct settlement *settled)
{
	size_t inserted = 0;

	for (size_t i = 0; i < m->rcpts && inserted < TAGS_MAX; i++) {
		const struct verdict *v = &settled->each[i];
		if (settled->fate[i] == RECIPIENT_REMOVE || v->tag_name.n == 0 || tag_is_there(e, v, v->tag_value))
			continue;
		insert_field(e, v->tag_name, v->tag_value);
		inserted++;
	}
}

/* RFC 3461 5.2.1: whoever gets the copy in this one's place, reports speak of the original recipient. */
static struct view
dsn_arguments(const struct recipient *r, struct arena *arena)
{
	struct buffer b = buffer_in(arena);

	if (r->notify.n > 0) {
		buffer_add(&b, r->notify);
		buffer_add_char(&b, ' ');
	}
	if (r->orcpt.n > 0) {
		buffer_add(&b, r->orcpt);
		return buffer_view(&b);
	}
	struct view text = r->path.text.n > 0 ? r->path.text : r->argument;
	if (text.n > 400 || !view_is_ascii(text)) /* RFC 3461 4.2: 500 with the type; UTF-8 is another address type */
		return view_trim(buffer_view(&b));
	buffer_add_cstr(&b, "ORCPT=rfc822;");
	for (size_t i = 0; i < text.n; i++)
		if (char_in(text.p[i], CC_VCHAR) && text.p[i] != '+' && text.p[i] != '=')
			buffer_add_char(&b, text.p[i]);
		else
			buffer_addf(&b, "+%02X", (unsigned char)text.p[i]);
	return buffer_view(&b);
}

static bool
mailbox_is_there(const struct edits *e, struct view mailbox)
{
	for (size_t i = 0; i < e->n; i++)
		if (e->edit[i].kind == EDIT_ADD_RCPT && view_eq_nocase(e->edit[i].value, mailbox))
			return true;
	return false;
}

static void
add_recipient(struct edits *e, struct view mailbox, const struct recipient *in_place_of)
{
	if (mailbox_is_there(e, mailbox))
		return;
	struct view args = dsn_arguments(in_place_of, e->arena);
	struct edit *add = new_edit(e, EDIT_ADD_RCPT);
	add->value = mailbox;
	add->args = args;
}

/* An SRS address of ours, which the MTA leaves to us. */
static bool
is_to_restore(const struct message *m, size_t i)
{
	return m->rcpt[i].srs.restored.n > 0 && m->settings->srs.restore == SRS_RESTORE_MILTER;
}

/* What the MTA knows the recipient by: the argument exactly as it came, but Postfix drops a source route from its envelope. */
static void
delete_recipient(struct edits *e, const struct recipient *r)
{
	struct view inside = view_starts(r->argument, VIEW_LIT("<")) ? view_from(r->argument, 1) : r->argument;
	bool routed = view_starts(inside, VIEW_LIT("@")) && r->path.text.n > 0;
	struct view known = routed ? arena_printf(e->arena, "<%.*s>", VIEW_ARG(r->path.text)) : r->argument;

	new_edit(e, EDIT_DELETE_RCPT)->value = known;
}

/*
 * One copy for each mailbox.  Who goes, goes before others come: taking
 * out an address takes out also what was added under it.  RFC 3461 5.2.1: a notice names the address that the sender knows.
 */
static void
move_recipients(struct edits *e, const struct message *m, const struct settlement *settled)
{
	for (size_t i = 0; i < m->rcpts; i++)
		if (settled->fate[i] != RECIPIENT_KEEP || is_to_restore(m, i))
			delete_recipient(e, &m->rcpt[i]);
	for (size_t i = 0; i < m->rcpts; i++)
		if (settled->fate[i] == RECIPIENT_REDIRECT)
			add_recipient(e, settled->each[i].mailbox, &m->rcpt[i]);
		else if (settled->fate[i] == RECIPIENT_KEEP && is_to_restore(m, i))
			add_recipient(e, arena_printf(e->arena, "<%.*s>", VIEW_ARG(m->rcpt[i].srs.restored)), &m->rcpt[i]);
}

/* Top-down: ARC-Seal, ARC-Message-Signature, ARC-Authentication-Results, Received-SPF, Authentication-Results.  Each
 * is inserted at the top, so the lowest goes first. */
void
session_build_edits(struct session *s, const struct assessment *found, const struct settlement *settled,
    struct session_verdict *out)
{
	struct message *m = &s->msg;
	struct edits e = { .arena = s->arena };

	if (m->settings->site.strip_forged) {
		delete_forged(&e, &m->header, m->authserv_id);
		delete_forged_tags(&e, &m->header, m->settings->policies);
	}
	insert_tags(&e, m, settled);
	struct auth_facts fit;
	insert_field(&e, results_name, write_fitting(m->authserv_id, &found->facts, s->arena, &fit));
	if (found->guess_field.n > 0)
		insert_field(&e, VIEW_LIT("X-SPF-Guess"), found->guess_field);
	if (found->received_spf.n > 0)
		insert_field(&e, VIEW_LIT("Received-SPF"), found->received_spf);
	if (session_seal_message(s, found, settled, e.edit, e.n))
		for (size_t i = 3; i > 0; i--)
			insert_field(&e, m->seal.set.field[i - 1].name, m->seal.set.field[i - 1].value);
	if (m->srs.sender.n > 0) /* without arguments: RET and ENVID stay as they are */
		new_edit(&e, EDIT_CHANGE_FROM)->value = m->srs.sender;
	move_recipients(&e, m, settled);
	if (settled->hold)
		new_edit(&e, EDIT_QUARANTINE)->value = settled->hold_reason;
	out->edit = e.edit;
	out->edits = e.n;
}
