#include "milter/session_history.h"

#include "base/log.h"
#include "dmarc/dmarc_history.h"
#include "milter/session_state.h"

/* A full disk fails each message: said once a minute, with what was lost meanwhile. */
#define SAY_EVERY_MS 60000

struct session_history {
	struct dmarc_history *file;
	_Atomic int64_t said_at_ms; /* monotonic; 0: never */
	atomic_size_t lost;	    /* sets of lines since then */
};

static void
close_history(void *object)
{
	dmarc_history_free(object);
}

struct session_history *
session_history_open(struct view path, struct arena *arena)
{
	struct session_history *h = ARENA_NEW(arena, struct session_history);

	h->file = dmarc_history_new(path);
	arena_defer(arena, close_history, h->file);
	return h;
}

static enum dmarc_history_action
action_of(enum verdict_action action)
{
	switch (action) {
	case VERDICT_QUARANTINE:
		return DMARC_ACTION_QUARANTINE;
	case VERDICT_DISCARD:
		return DMARC_ACTION_DISCARD;
	case VERDICT_REJECT:
		return DMARC_ACTION_REJECT;
	case VERDICT_DEFER:
		return DMARC_ACTION_TEMPFAIL;
	default:
		return DMARC_ACTION_ACCEPT;
	}
}

/* Instances whose sealer is known; the newest one's selector is. */
static void
add_seals(struct dmarc_history_entry *entry, const struct arc_result *arc, struct arena *arena)
{
	struct dmarc_history_seal *seal = ARENA_ARRAY(arena, arc->domains_n, struct dmarc_history_seal);

	for (size_t i = 0; i < arc->domains_n && entry->seals < DMARC_HISTORY_SEALS_MAX; i++) {
		if (arc->domains[i].n == 0)
			continue;
		bool newest = i + 1 == arc->domains_n;
		seal[entry->seals++] = (struct dmarc_history_seal){
			.instance = (unsigned)i + 1,
			.domain = arc->domains[i],
			.selector = newest ? arc->selector : VIEW_EMPTY,
			.client = VIEW_EMPTY,
		};
	}
	entry->seal = seal;
}

static void
say_lost(struct session *s, struct session_history *h, const struct err *err)
{
	int64_t now = clock_mono_ms(s->env->clock), before = atomic_load(&h->said_at_ms);

	atomic_fetch_add(&h->lost, 1);
	if (before != 0 && now - before < SAY_EVERY_MS)
		return;
	if (!atomic_compare_exchange_strong(&h->said_at_ms, &before, now == 0 ? 1 : now))
		return;
	log_warning("event=history-lost messages=%zu why=\"%s\"", atomic_exchange(&h->lost, 0), err->text);
}

void
session_history_record(struct session *s, const struct assessment *found, enum verdict_action action)
{
	const struct message *m = &s->msg;
	struct session_history *h = m->settings->history;
	struct err err;

	if (h == NULL || found == NULL || found->dmarc == NULL || !dmarc_history_wants(found->dmarc))
		return;
	struct dmarc_history_entry entry = {
		.job = session_log_id(s),
		.reporter = m->authserv_id,
		.received = clock_wall(s->env->clock),
		.client = s->client,
		.mail_domain = m->from.domain.n > 0 ? m->from.domain : s->helo,
		.result = found->dmarc,
		.facts = &found->facts,
		.action = action_of(action),
		.arc = found->arc == NULL ? AUTH_NONE : found->arc->result,
	};
	if (found->arc != NULL)
		add_seals(&entry, found->arc, s->arena);
	if (!dmarc_history_append(h->file, dmarc_history_lines(&entry, s->arena), &err))
		say_lost(s, h, &err);
}
