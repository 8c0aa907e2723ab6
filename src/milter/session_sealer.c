#include "milter/session_state.h"

/* session_sealer - whose ARC seal a message gets. */

/* An upstream hop is no stranger, but what it brings is: only who signs in or writes here is of the house. */
static bool
is_of_the_house(const struct session *s)
{
	return s->msg.trust != TRUST_NONE && !session_is_upstream(s, &s->msg.settings->seal);
}

bool
session_seal_may(const struct session *s)
{
	const struct settings *settings = s->msg.settings;

	if (settings->sealing.keys == 0 && settings->file_sealings == 0)
		return false;
	return settings->seal.clients == SEAL_ALL || !is_of_the_house(s);
}

/* What one address wants. */
struct wish {
	const struct arc_seal_conf *seal; /* NULL: none, or it cannot be had: why */
	struct view why;
};

static struct wish
wish_of(const struct session *s, const struct recipient *address)
{
	const struct settings *settings = s->msg.settings;
	const struct arc_seal_conf *site = settings->sealing.keys > 0 ? &settings->sealing : NULL;
	struct policy_outgoing out;

	policy_outgoing(settings->policies, address, &out);
	if (out.has_seal && !out.seal)
		return (struct wish){ NULL, VIEW_EMPTY };
	if (!out.has_seal)
		return (struct wish){ site, VIEW_EMPTY };
	if (out.seal_as == NULL)
		return (struct wish){ site, site == NULL ? VIEW_LIT("seal = true, and neither seal-domain nor group seal has keys") :
							   VIEW_EMPTY };
	if (out.seal_as->number >= settings->file_sealings || settings->file_sealing[out.seal_as->number].keys == 0)
		return (struct wish){ NULL, arena_printf(s->arena, "%s: no keys of %.*s could be opened",
		    out.seal_as->keys.where, VIEW_ARG(out.seal_as->domain)) };
	return (struct wish){ &settings->file_sealing[out.seal_as->number], VIEW_EMPTY };
}

/* ---- mail of strangers ---- */

static struct wish
wish_of_recipients(const struct session *s, const struct settlement *settled, enum recipient_fate fate, size_t *n)
{
	const struct message *m = &s->msg;
	const struct settings *settings = m->settings;
	struct wish all = { NULL, VIEW_EMPTY };

	*n = 0;
	for (size_t i = 0; i < m->rcpts; i++) {
		if (settled->fate[i] != fate)
			continue;
		struct wish one = wish_of(s, &m->rcpt[i]);
		if ((*n)++ == 0) {
			all = one;
			continue;
		}
		if (one.seal == all.seal || (one.seal != NULL && all.seal != NULL && arc_seal_conf_same(one.seal, all.seal)))
			continue;
		if (settings->sealing.keys > 0)
			return (struct wish){ &settings->sealing, VIEW_EMPTY };
		return (struct wish){ NULL, VIEW_LIT("its recipients want different seals, and group seal is not enabled") };
	}
	return all;
}

/* ---- mail of our own clients ---- */

/* Who sends with a null sender is named in From. */
static struct wish
wish_of_sender(const struct session *s, const struct assessment *found)
{
	struct recipient sender = { .argument = s->msg.argument, .path = s->msg.from, .notify = VIEW_EMPTY,
		.orcpt = VIEW_EMPTY };

	if (sender.path.domain.n == 0 && found->from.outcome == FROM_ONE)
		sender.path = (struct mail_path){ VIEW_EMPTY, VIEW_EMPTY, found->from.domain };
	return wish_of(s, &sender);
}

/* ---- both ---- */

bool
session_seal_wanted(const struct session *s)
{
	const struct message *m = &s->msg;

	if (is_of_the_house(s) && m->from.domain.n == 0)
		return true; /* the header is not looked at yet */
	if (is_of_the_house(s))
		return wish_of_sender(s, NULL).seal != NULL;
	for (size_t i = 0; i < m->rcpts; i++)
		if (wish_of(s, &m->rcpt[i]).seal != NULL)
			return true;
	return false;
}

const struct arc_seal_conf *
session_sealer(const struct session *s, const struct assessment *found, const struct settlement *settled, struct view *why)
{
	struct wish wish;
	size_t n;

	if (is_of_the_house(s)) {
		wish = wish_of_sender(s, found);
	} else {
		wish = wish_of_recipients(s, settled, RECIPIENT_KEEP, &n);
		if (n == 0) /* all copies lie in quarantine */
			wish = wish_of_recipients(s, settled, RECIPIENT_REDIRECT, &n);
	}
	*why = wish.why;
	return wish.seal;
}
