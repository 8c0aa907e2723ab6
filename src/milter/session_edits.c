#include "milter/session_state.h"

#include "mail/auth_results.h"

/*
 * What one field of ours may measure.  libmilter sends no more than 65535 octets of a value, Postfix cuts a
 * field at 60000; the senders' signatures decide how many facts there are and how long they get.
 */
#define RESULTS_OCTETS_MAX 16384
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

/* Where not all facts fit, signatures are left out: first those nobody verified, then from the bottom up. */
static struct view
write_results(struct view authserv_id, const struct auth_facts *facts, struct arena *arena)
{
	const size_t prefix = results_name.n + 1;
	size_t most = RESULTS_SIGNATURES_MAX;
	struct auth_facts some = facts->n > most ? with_signatures(facts, most, arena) : *facts;
	struct view value = auth_results_write(authserv_id, &some, true, prefix, arena);

	while (value.n > RESULTS_OCTETS_MAX && most > 0) { /* ends: most is halved */
		most /= 2;
		some = with_signatures(facts, most, arena);
		value = auth_results_write(authserv_id, &some, true, prefix, arena);
	}
	return value;
}

/* Top-down: ARC-Seal, ARC-Message-Signature, ARC-Authentication-Results, Received-SPF, Authentication-Results.  Each
 * is inserted at the top, so the lowest goes first. */
void
session_build_edits(struct session *s, const struct assessment *found, const struct verdict *decided,
    struct session_verdict *out)
{
	struct message *m = &s->msg;
	struct edits e = { .arena = s->arena };

	if (m->settings->site.strip_forged)
		delete_forged(&e, &m->header, m->authserv_id);
	insert_field(&e, results_name, write_results(m->authserv_id, &found->facts, s->arena));
	if (found->guess_field.n > 0)
		insert_field(&e, VIEW_LIT("X-SPF-Guess"), found->guess_field);
	if (found->received_spf.n > 0)
		insert_field(&e, VIEW_LIT("Received-SPF"), found->received_spf);
	if (decided->action == VERDICT_QUARANTINE)
		new_edit(&e, EDIT_QUARANTINE)->value = decided->text;
	out->edit = e.edit;
	out->edits = e.n;
}
