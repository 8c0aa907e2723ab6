#include "milter/session_history.h"
#include "milter/session_state.h"

#include "base/cursor.h"
#include "base/mem.h"

#include <string.h>

/* ---- the two lifetimes ---- */

struct session *
session_new(const struct session_env *env)
{
	struct session *s = mem_zero(sizeof(*s));

	s->env = env;
	s->arena = arena_new();
	s->client_name = s->helo = s->mta_name = VIEW_EMPTY;
	return s;
}

/* Replace a text of the connection.  One above the limit counts as not given. */
static void
keep_text(struct view *into, struct view text)
{
	if (into->n > 0)
		mem_free((void *)into->p);
	*into = VIEW_EMPTY;
	if (text.n == 0 || text.n > SESSION_NAME_MAX)
		return;
	char *p = mem_zero(text.n);
	memcpy(p, text.p, text.n);
	*into = (struct view){ p, text.n };
}

/* Safe in every phase, NONE included. */
static void
end_message(struct session *s)
{
	struct settings *settings = s->msg.settings;

	s->owed = (struct session_reply){ .answer = SESSION_CONTINUE };
	if (s->msg.phase == MESSAGE_NONE)
		return;
	arena_reset(s->arena); /* before the settings go: checks under way read them */
	s->msg = (struct message){ 0 };
	s->env->settings_drop(s->env->ctx, settings);
	if (s->env->load != NULL)
		atomic_fetch_sub(&s->env->load->messages, 1);
}

void
session_free(struct session *s)
{
	if (s == NULL)
		return;
	end_message(s);
	keep_text(&s->client_name, VIEW_EMPTY);
	keep_text(&s->helo, VIEW_EMPTY);
	keep_text(&s->mta_name, VIEW_EMPTY);
	arena_free(s->arena);
	mem_free(s);
}

void
session_on_abort(struct session *s)
{
	end_message(s);
}

/* ---- what several events need ---- */

static const struct session_reply go_on = { .answer = SESSION_CONTINUE };
static const struct session_reply try_later = { .answer = SESSION_TEMPFAIL };

static struct session_reply
reply_of(int code, const char *enhanced, struct view text)
{
	return (struct session_reply){
		.answer = code < 500 ? SESSION_TEMPFAIL : SESSION_REJECT,
		.code = code,
		.enhanced = view_of(enhanced),
		.text = text,
	};
}

static struct view
macro_text(session_macro *macro, void *ctx, const char *name)
{
	return macro == NULL ? VIEW_EMPTY : view_of(macro(ctx, name));
}

void
session_refuse_message(struct session *s, struct session_reply reply, const char *rule)
{
	if (s->msg.refusal.answer != SESSION_CONTINUE)
		return;
	s->msg.refusal = reply;
	s->msg.refusal_rule = rule;
}

/* An event that makes no sense now.  Inside a message its end must not be believed any more. */
static struct session_reply
out_of_order(struct session *s)
{
	if (s->msg.phase != MESSAGE_NONE && s->msg.phase != MESSAGE_DECIDED)
		session_refuse_message(s, reply_of(451, "4.3.0", VIEW_LIT("Mail filter lost its place in this message")),
		    "event-order");
	return try_later;
}

static bool
in_message(const struct session *s, enum message_phase first, enum message_phase last)
{
	return s->msg.phase >= first && s->msg.phase <= last;
}

/* Postfix tells it from the second RCPT or from DATA on, Sendmail from MAIL on.  The latest word counts. */
static void
learn_queue_id(struct session *s, session_macro *macro, void *ctx)
{
	struct view id = macro_text(macro, ctx, "i");

	if (id.n > 0 && id.n <= SESSION_NAME_MAX && !view_eq(id, s->msg.queue_id))
		s->msg.queue_id = arena_copy(s->arena, id);
}

/* ---- connection events ---- */

struct session_reply
session_on_connect(struct session *s, const struct session_connect *c, session_macro *macro, void *ctx)
{
	end_message(s);
	s->connected = true;
	s->client = c->client;
	/* Postfix shows mail of sendmail(1) as a connection from 127.0.0.1 port 0. */
	s->local = c->local || (c->port == 0 && ip_is_loopback(&c->client));
	keep_text(&s->client_name, c->name);
	keep_text(&s->helo, VIEW_EMPTY);
	keep_text(&s->mta_name, macro_text(macro, ctx, "j"));
	return go_on;
}

/* It comes a second time after STARTTLS; in a transaction it ends that one (RFC 5321 4.1.4). */
struct session_reply
session_on_helo(struct session *s, struct view name, session_macro *macro, void *ctx)
{
	(void)macro;
	(void)ctx;
	end_message(s);
	if (!s->connected)
		return try_later;
	keep_text(&s->helo, name);
	return go_on;
}

/* ---- MAIL ---- */

static enum session_trust
trust_of(const struct session *s, const struct site_conf *site, session_macro *macro, void *ctx)
{
	if (s->local)
		return TRUST_LOCAL;
	/* Not {auth_author}: that is what the client wrote behind AUTH=.  Before the networks: a person, not a relay. */
	if (site->trust_authenticated && macro_text(macro, ctx, "{auth_authen}").n > 0)
		return TRUST_AUTHENTICATED;
	for (size_t i = 0; i < site->internal.n; i++)
		if (ip_in_net(&s->client, &site->internal.net[i]))
			return TRUST_INTERNAL;
	return TRUST_NONE;
}

/* A name that needs no quotes and looks the same to every reader of our field. */
static bool
is_host_name(struct view name)
{
	return name.n > 0 && name.n <= 255 && view_all_in(name, CC_LDH | CC_DOT | CC_UNDERSCORE);
}

static struct view
authserv_id_of(const struct session *s, const struct site_conf *site)
{
	if (site->authserv_id.n > 0)
		return site->authserv_id;
	if (is_host_name(s->mta_name))
		return s->mta_name;
	return is_host_name(s->env->host) ? s->env->host : VIEW_LIT("localhost");
}

static struct mail_path
path_of(struct session *s, struct view argument)
{
	struct mail_path path;
	struct err err;

	if (argument.n == 0 || !mail_path_parse(argument, s->arena, &path, &err))
		path = (struct mail_path){ VIEW_EMPTY, VIEW_EMPTY, VIEW_EMPTY };
	return path;
}

/* An ESMTP argument that is to be passed on must be short enough for that, and no more than RFC 5321 and 6531 let in. */
static struct view
keep_argument(struct session *s, const struct view *argv, size_t n, struct view prefix)
{
	for (size_t i = 1; i < n; i++)
		if (argv[i].n <= SESSION_PATH_MAX && view_eq_nocase(view_sub(argv[i], 0, prefix.n), prefix) &&
		    view_all_in(argv[i], CC_VCHAR | CC_UTF8))
			return arena_copy(s->arena, argv[i]);
	return VIEW_EMPTY;
}

static void
begin_assessment(struct session *s)
{
	struct message *m = &s->msg;
	struct assess_client client = {
		.ip = s->client,
		.helo = s->helo,
		.mail_local = m->from.local,
		.mail_domain = m->from.domain,
		.receiver = m->authserv_id,
		.trusted = m->trust != TRUST_NONE,
	};

	if (m->from.text.n == 0 && !m->null_sender)
		client.mail_local = m->argument; /* no path: it must not pass for the null sender */
	m->assess = assess_begin(&m->settings->assess, &client, &s->env->shared, clock_wall(s->env->clock), s->arena);
	assess_step(m->assess);
}

static void
begin_message(struct session *s, struct view argument, session_macro *macro, void *ctx)
{
	struct message *m = &s->msg;
	const struct limits_conf *limits = &m->settings->limits;

	m->phase = MESSAGE_ENVELOPE;
	m->trust = trust_of(s, &m->settings->site, macro, ctx);
	m->authserv_id = authserv_id_of(s, &m->settings->site);
	m->queue_id = VIEW_EMPTY;
	learn_queue_id(s, macro, ctx);
	session_learn_client(s, macro, ctx);
	m->argument = arena_copy(s->arena, argument);
	m->arrived = clock_wall(s->env->clock);
	m->from = path_of(s, m->argument);
	/* Without brackets it comes from sendmail(1) only. */
	m->null_sender = argument.n == 0 || view_is(argument, "<>");
	header_init(&m->header, s->arena, (size_t)limits->header_octets, (size_t)limits->header_fields);
	m->seal.may = session_seal_may(s);
	session_srs_begin(s, macro, ctx);
	begin_assessment(s);
}

/* No message begins.  Nothing of what follows is kept. */
static struct session_reply
refuse_mail(struct session *s, struct session_reply reply)
{
	if (!s->mail_unheard)
		return reply;
	s->owed = reply;
	return go_on;
}

/* Where nobody listens, the end of the message tells. */
static struct session_reply
refuse_rcpt(struct session *s, struct session_reply now, struct session_reply at_end, const char *rule)
{
	if (session_hears_rcpt(s))
		return now;
	session_refuse_message(s, at_end, rule);
	return go_on;
}

static bool
count_message(struct session *s, const struct settings *settings, struct session_reply *reply)
{
	struct session_load *load = s->env->load;

	if (load == NULL)
		return true;
	size_t open = atomic_fetch_add(&load->messages, 1);
	if (atomic_load(&load->draining))
		*reply = reply_of(451, "4.3.2", VIEW_LIT("Mail filter is about to stop, please try again"));
	else if (open >= (size_t)settings->limits.messages_open)
		*reply = reply_of(451, "4.3.2", VIEW_LIT("Mail filter has too many messages open, please try again"));
	else
		return true;
	atomic_fetch_sub(&load->messages, 1);
	session_log_overload(s, open, (size_t)settings->limits.messages_open);
	return false;
}

struct session_reply
session_on_mail(struct session *s, const struct view *argv, size_t n, session_macro *macro, void *ctx)
{
	struct session_reply reply;

	end_message(s); /* a second MAIL: the first one's message is gone */
	if (!s->connected || n == 0)
		return refuse_mail(s, try_later);
	if (argv[0].n > SESSION_PATH_MAX && !s->local)
		return refuse_mail(s, reply_of(553, "5.1.7", VIEW_LIT("Sender address too long")));
	struct settings *settings = s->env->settings_take(s->env->ctx);
	if (!count_message(s, settings, &reply)) {
		s->env->settings_drop(s->env->ctx, settings);
		return refuse_mail(s, reply);
	}
	s->msg.settings = settings;
	begin_message(s, argv[0], macro, ctx);
	s->msg.envid = keep_argument(s, argv, n, VIEW_LIT("ENVID="));
	for (size_t i = 1; i < n; i++)
		s->msg.prdr |= view_is_nocase(argv[i], "PRDR");
	return go_on;
}

/* ---- RCPT, DATA ---- */

static void
add_recipient(struct session *s, const struct recipient *rcpt)
{
	struct message *m = &s->msg;

	if (m->rcpts == m->rcpt_room) {
		size_t room = m->rcpt_room == 0 ? 1 : m->rcpt_room * 2; /* mostly there is one */
		m->rcpt = arena_grow(s->arena, m->rcpt, m->rcpt_room * sizeof(*m->rcpt), room * sizeof(*m->rcpt));
		m->rcpt_room = room;
	}
	m->rcpt[m->rcpts++] = *rcpt;
}

static struct recipient
recipient_of(struct session *s, const struct view *argv, size_t n)
{
	struct recipient r = { .argument = arena_copy(s->arena, argv[0]) };

	r.path = path_of(s, r.argument);
	r.notify = keep_argument(s, argv, n, VIEW_LIT("NOTIFY="));
	r.orcpt = keep_argument(s, argv, n, VIEW_LIT("ORCPT="));
	return r;
}

struct session_reply
session_on_rcpt(struct session *s, const struct view *argv, size_t n, session_macro *macro, void *ctx)
{
	if (s->owed.answer != SESSION_CONTINUE)
		return s->rcpt_unheard ? go_on : s->owed;
	if (!in_message(s, MESSAGE_ENVELOPE, MESSAGE_ENVELOPE) || n == 0)
		return out_of_order(s);
	learn_queue_id(s, macro, ctx);
	assess_step(s->msg.assess);
	if (argv[0].n > SESSION_PATH_MAX) {
		struct session_reply no = reply_of(553, "5.1.3", VIEW_LIT("Recipient address too long"));
		return refuse_rcpt(s, no, no, "path-limit");
	}
	if (s->msg.rcpts + s->msg.turned_away >= (size_t)s->msg.settings->limits.recipients)
		return refuse_rcpt(s, reply_of(452, "4.5.3", VIEW_LIT("Too many recipients")),
		    reply_of(550, "5.5.3", VIEW_LIT("Too many recipients")), "limits.recipients");
	struct recipient rcpt = recipient_of(s, argv, n);
	struct session_reply reply;
	if (!session_srs_admit(s, &rcpt, macro, ctx, &reply) || !session_admit(s, &rcpt, &reply) ||
	    !session_srs_join(s, &rcpt, &reply)) {
		s->msg.turned_away++;
		return reply;
	}
	add_recipient(s, &rcpt);
	return go_on;
}

struct session_reply
session_on_data(struct session *s, session_macro *macro, void *ctx)
{
	if (!in_message(s, MESSAGE_ENVELOPE, MESSAGE_ENVELOPE))
		return out_of_order(s);
	s->msg.phase = MESSAGE_HEADER;
	learn_queue_id(s, macro, ctx);
	assess_step(s->msg.assess);
	return go_on;
}

/* ---- the message's text ---- */

/*
 * A header above the limits is refused at the end of the message: what was not kept can neither be verified nor
 * searched for forged fields, and a stamp upon it would say more than we know.
 */
struct session_reply
session_on_header(struct session *s, struct view name, struct view value)
{
	struct message *m = &s->msg;
	struct err err;

	if (!in_message(s, MESSAGE_ENVELOPE, MESSAGE_HEADER))
		return out_of_order(s);
	m->phase = MESSAGE_HEADER;
	m->size += name.n + value.n + strlen(":\r\n");
	if (name.n == 0 || m->refusal.answer != SESSION_CONTINUE)
		return go_on; /* nobody can name such a field, so nobody signs or believes it */
	if (!header_add(&m->header, name, value, &err))
		session_refuse_message(s, reply_of(552, "5.3.4", arena_printf(s->arena, "Message refused: %s", err.text)),
		    "limits.header");
	return go_on;
}

/* Also for a message whose body or end came without the event for it. */
static void
complete_header(struct session *s)
{
	struct message *m = &s->msg;

	m->phase = MESSAGE_BODY;
	m->seal.wanted = m->seal.may && session_seal_wanted(s);
	if (m->seal.wanted)
		assess_want_seal(m->assess);
	if (m->refusal.answer == SESSION_CONTINUE)
		m->body_wanted = assess_header(m->assess, &m->header);
}

struct session_reply
session_on_eoh(struct session *s, session_macro *macro, void *ctx)
{
	if (!in_message(s, MESSAGE_ENVELOPE, MESSAGE_HEADER))
		return out_of_order(s);
	learn_queue_id(s, macro, ctx);
	complete_header(s);
	return go_on;
}

struct session_reply
session_on_body(struct session *s, struct view chunk)
{
	struct message *m = &s->msg;

	if (!in_message(s, MESSAGE_ENVELOPE, MESSAGE_BODY))
		return out_of_order(s);
	if (m->phase != MESSAGE_BODY)
		complete_header(s);
	m->size += chunk.n;
	if (m->body_wanted && m->refusal.answer == SESSION_CONTINUE)
		m->body_wanted = assess_body(m->assess, chunk);
	return m->body_wanted ? go_on : (struct session_reply){ .answer = SESSION_SKIP };
}

/* ---- the end ---- */

static struct verdict
verdict_of_refusal(const struct message *m)
{
	struct verdict v = verdict_built_in();

	v.action = m->refusal.answer == SESSION_REJECT ? VERDICT_REJECT : VERDICT_DEFER;
	v.rule = view_of(m->refusal_rule);
	v.code = m->refusal.code;
	v.enhanced = m->refusal.enhanced;
	v.text = m->refusal.text;
	return v;
}

/* Facts, one verdict for each recipient, then the edits: all decided before the first edit is carried out. */
static void
decide(struct session *s, struct session_outcome *o, struct session_verdict *out)
{
	struct message *m = &s->msg;

	if (m->refusal.answer != SESSION_CONTINUE) {
		o->decided = verdict_of_refusal(m);
		out->reply = session_reply_for(s, &o->decided);
		return;
	}
	struct settlement *settled = ARENA_NEW(s->arena, struct settlement);
	struct verdict *each = ARENA_ARRAY(s->arena, m->rcpts, struct verdict);
	o->found = assess_end(m->assess);
	session_settle(s, o->found, settled, each);
	o->verdict = each;
	o->settled = settled;
	o->decided = settled->whole;
	bool accepted = session_reply_for(s, &o->decided).answer == SESSION_CONTINUE;
	if (accepted)
		session_srs_settle(s, settled, &o->decided);
	out->reply = session_reply_for(s, &o->decided);
	if (out->reply.answer == SESSION_CONTINUE) {
		session_build_edits(s, o->found, settled, out);
		m->found = o->found;
		m->settled = settled;
	} else if (!accepted) {
		session_reply_prdr(s, settled, &out->reply);
	}
	o->decided.text = out->reply.text;
}

void
session_on_eom(struct session *s, session_macro *macro, void *ctx, struct session_verdict *verdict)
{
	struct session_outcome o = { .found = NULL };
	int64_t began = clock_mono_ms(s->env->clock);

	*verdict = (struct session_verdict){ .reply = s->owed.answer == SESSION_CONTINUE ? try_later : s->owed };
	if (!in_message(s, MESSAGE_ENVELOPE, MESSAGE_BODY))
		return;
	learn_queue_id(s, macro, ctx);
	if (s->msg.phase != MESSAGE_BODY)
		complete_header(s);
	decide(s, &o, verdict);
	s->msg.phase = MESSAGE_DECIDED;
	o.ms = clock_mono_ms(s->env->clock) - began;
	session_log_verdict(s, &o);
	session_history_record(s, o.found, o.decided.action);
	if (o.settled != NULL && verdict->reply.answer == SESSION_CONTINUE) {
		s->class_refusals = 0; /* as the MTA counts them */
		session_log_removed(s, o.settled);
		session_log_returned(s, o.settled);
		session_srs_count(s);
	}
}
