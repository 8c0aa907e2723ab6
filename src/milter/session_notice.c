#include "milter/session_state.h"

#include "base/cursor.h"
#include "base/log.h"
#include "crypt/digest.h"
#include "mail/domain.h"
#include "milter/listen_address.h"
#include "milter/outbox.h"
#include "report/report_dsn.h"

/*
 * session_notice - a notice to the sender about recipients that were taken from the envelope because they refuse.
 * It goes to an address that a stranger wrote, so only to one whose domain has vouched for the message: else we would
 * send to people who have nothing to do with it.
 */
#define SHOWN_RECIPIENTS 10
#define ADDRESS_MAX 320 /* octets; RFC 5321 4.5.3.1 has 64 and 255 */

/* ---- whom about ---- */

/* NOTIFY=NEVER, or a list of SUCCESS, FAILURE, DELAY; failures are told when nothing is said.     RFC 3461 4.1 */
static bool
wants_to_know(const struct recipient *rcpt)
{
	struct view keyword, words, word;

	if (!view_split(rcpt->notify, '=', &keyword, &words))
		return true;
	while (words.n > 0) { /* ends: each turn takes a word */
		view_split(words, ',', &word, &words);
		if (view_is_nocase(word, "FAILURE"))
			return true;
	}
	return false;
}

static bool
is_refused(const struct settlement *settled, size_t i)
{
	return settled->fate[i] == RECIPIENT_REMOVE && settled->each[i].action == VERDICT_REJECT;
}

static size_t
count_refused(const struct message *m, bool of_interest)
{
	size_t n = 0;

	for (size_t i = 0; i < m->rcpts; i++)
		n += is_refused(m->settled, i) && (!of_interest || wants_to_know(&m->rcpt[i]));
	return n;
}

/* ---- whom to ---- */

/* The signature says who is responsible for the message; that must be the domain that gets the notice. */
static bool
is_signed_by(const struct assessment *found, struct view domain)
{
	for (size_t i = 0; i < found->dkim.n; i++)
		if (found->dkim.fact[i].aligns && domain_within(domain, found->dkim.fact[i].domain))
			return true;
	return false;
}

/* A name of its organization signed, as DMARC found for the author, who is of the same. */
static bool
is_signed_in_house(const struct assessment *found, struct view domain)
{
	const struct dmarc_result *d = found->dmarc;

	if (d == NULL || !domain_within(domain, d->org_domain))
		return false;
	for (size_t i = 0; i < d->identifiers; i++) {
		const struct dmarc_identifier *id = &d->identifier[i];
		if (id->method == AUTH_DKIM && id->result == AUTH_PASS &&
		    (id->alignment == DMARC_ALIGN_RELAXED || id->alignment == DMARC_ALIGN_STRICT))
			return true;
	}
	return false;
}

static bool
is_vouched_for(const struct message *m)
{
	const struct assessment *found = m->found;

	if (m->trust == TRUST_AUTHENTICATED) /* a user of ours */
		return true;
	return (found->spf != NULL && found->spf->result == AUTH_PASS) || is_signed_by(found, m->from.domain) ||
	    is_signed_in_house(found, m->from.domain);
}

/* RFC 3834 2: what a program sent in answer to something is not answered. */
static bool
is_automatic(const struct header *h)
{
	const struct header_field *f = header_nth(h, VIEW_LIT("Auto-Submitted"), 0);
	struct view word, parameters;

	if (f == NULL)
		return false;
	view_split(f->value, ';', &word, &parameters);
	return !view_is_nocase(view_trim(word), "no");
}

/* NULL: it may be sent. */
static const char *
why_none(const struct message *m)
{
	if (m->null_sender)
		return "null-sender";
	if (m->from.local.n == 0 || m->from.domain.n == 0)
		return "no-address";
	if (!view_all_in(m->from.text, CC_VCHAR | CC_WSP) || m->from.text.n > ADDRESS_MAX)
		return "odd-address"; /* in UTF-8, for one: the notice would need SMTPUTF8 all the way */
	if (!is_vouched_for(m))
		return "not-authenticated";
	if (is_automatic(&m->header))
		return "auto-submitted";
	return count_refused(m, true) == 0 ? "notify" : NULL;
}

/* ---- the notice ---- */

static struct view
unique_word(struct arena *arena)
{
	uint32_t drawn[4];

	crypt_random((unsigned char *)drawn, sizeof(drawn));
	return arena_printf(arena, "%08x%08x%08x%08x", drawn[0], drawn[1], drawn[2], drawn[3]);
}

static struct dsn_recipient
refused_one(struct session *s, size_t i)
{
	const struct recipient *rcpt = &s->msg.rcpt[i];
	struct session_reply reply = session_reply_for(s, &s->msg.settled->each[i]);

	return (struct dsn_recipient){
		.address = rcpt->path.text.n > 0 ? rcpt->path.text : rcpt->argument,
		.orcpt = rcpt->orcpt,
		.enhanced = reply.code == 0 ? VIEW_LIT("5.7.1") : reply.enhanced,
		.reply = reply.code == 0 ? VIEW_LIT("550 5.7.1 Refused by local policy") :
					   arena_printf(s->arena, "%d %.*s %.*s", reply.code, VIEW_ARG(reply.enhanced),
					       VIEW_ARG(reply.text)),
	};
}

static struct view
compose(struct session *s, struct view unique)
{
	const struct message *m = &s->msg;
	const struct notices_conf *conf = &m->settings->notices;
	struct dsn_recipient *rcpt = ARENA_ARRAY(s->arena, count_refused(m, true), struct dsn_recipient);
	struct dsn dsn = {
		.reporter = m->authserv_id,
		.from = conf->from,
		.to = m->from.text,
		.envid = m->envid,
		.queue_id = m->queue_id,
		.unique = unique,
		.arrived = m->arrived,
		.now = clock_wall(s->env->clock),
		.rcpt = rcpt,
		.header = &m->header,
	};

	if (dsn.from.n == 0)
		dsn.from = arena_printf(s->arena, "MAILER-DAEMON@%.*s", VIEW_ARG(m->authserv_id));
	for (size_t i = 0; i < m->rcpts; i++)
		if (is_refused(m->settled, i) && wants_to_know(&m->rcpt[i]))
			rcpt[dsn.n++] = refused_one(s, i);
	return report_dsn(&dsn, s->arena);
}

/* ---- the log ---- */

/* to=<ann@example.org> rcpts=<bob@example.net>,+3 */
static struct view
about(struct session *s)
{
	const struct message *m = &s->msg;
	struct buffer b = buffer_in(s->arena);
	size_t shown = 0, n = count_refused(m, false);

	buffer_add_cstr(&b, "to=");
	buffer_add(&b, session_log_path(s, m->argument, &m->from));
	for (size_t i = 0; i < m->rcpts && shown < SHOWN_RECIPIENTS; i++)
		if (is_refused(m->settled, i)) {
			buffer_add_cstr(&b, shown++ == 0 ? " rcpts=" : ",");
			buffer_add(&b, session_log_path(s, m->rcpt[i].argument, &m->rcpt[i].path));
		}
	if (n > shown)
		buffer_addf(&b, ",+%zu", n - shown);
	return buffer_view(&b);
}

static const char *
post(struct session *s, struct view words)
{
	const struct message *m = &s->msg;
	const struct notices_conf *conf = &m->settings->notices;
	struct listen_address server;
	struct view unique = unique_word(s->arena);

	if (!listen_address_parse(conf->server, &server, NULL)) /* it was, when the settings were read */
		return "server";
	struct outbox_mail mail = {
		.mail = { .server = server.ip, .port = server.port, .helo = m->authserv_id, .to = m->from.text,
		    .text = compose(s, unique) },
		.id = session_log_id(s),
		.about = words,
		.give_up_ms = conf->give_up * 1000,
	};
	switch (outbox_post(s->env->outbox, &mail, m->from.domain, conf->per_hour, clock_mono_ms(s->env->clock))) {
	case OUTBOX_RATE:
		return "per-hour";
	case OUTBOX_FULL:
		return "queue-full";
	default:
		return NULL;
	}
}

void
session_edits_done(struct session *s)
{
	struct message *m = &s->msg;

	if (m->phase != MESSAGE_DECIDED || m->settled == NULL || !m->settings->notices.enable || s->env->outbox == NULL ||
	    count_refused(m, false) == 0)
		return;
	struct view words = about(s);
	const char *none = why_none(m);
	if (none == NULL)
		none = post(s, words);
	if (none == NULL)
		log_info("%.*s: event=notice status=queued %.*s", VIEW_ARG(session_log_id(s)), VIEW_ARG(words));
	else
		log_info("%.*s: event=notice status=none %.*s why=%s", VIEW_ARG(session_log_id(s)), VIEW_ARG(words), none);
	m->settled = NULL; /* once */
}
