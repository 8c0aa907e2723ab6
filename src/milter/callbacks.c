#include "milter/callbacks.h"

#include "base/buffer.h"
#include "base/log.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

/* One milter connection; one SMTP connection lives in it (Postfix opens another after XCLIENT). */
struct peer {
	struct session *session; /* NULL: turned away, or nothing came yet */
	bool turned_away;	 /* over connections-max */
	bool leading_space;	 /* values come and go with everything behind the colon */
	unsigned long unanswered; /* SMFIP_NR_*: events that get no answer */
};

/* ---- what the connection may do ---- */

#define NEEDED_ACTIONS (SMFIF_ADDHDRS | SMFIF_CHGHDRS)
/* For rules that remove, redirect and hold, and for SRS: where the MTA lets us not, a message that needs it is deferred. */
#define WANTED_ACTIONS (SMFIF_CHGFROM | SMFIF_ADDRCPT | SMFIF_ADDRCPT_PAR | SMFIF_DELRCPT | SMFIF_QUARANTINE | SMFIF_SETSYMLIST)

/*
 * Round trips are what a filter costs.  Nothing is decided before MAIL, and what is found wrong in the header or the
 * body is said at the end of the message.  MAIL and RCPT are answered.  libmilter makes up for an MTA without these.
 *
 * Without an answer to body chunks SMFIS_SKIP cannot be said: an unsigned message of 1 MB arrives for nothing (some
 * 40 us a chunk), but a signed one, the common case, does not wait 16 times for a word it does not need.
 *
 * DATA, end of header and unknown commands are not even sent (no callback: SMFIP_NODATA, NOEOH, NOUNKNOWN): the session
 * takes the first field and the first chunk of body for them.
 */
#define UNANSWERED (SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_HDR | SMFIP_NR_BODY)

/* What is asked for at each step; both MTAs know these names, and an unknown one would simply be unset. */
static const struct {
	int stage;
	const char *macros;
} macros[] = {
	{ SMFIM_CONNECT, "j" },
	{ SMFIM_HELO, "{tls_version} {verify} {cn_subject} {cert_subject}" },
	{ SMFIM_ENVFROM, "i {auth_authen}" },
	{ SMFIM_ENVRCPT, "i {rcpt_mailer} {rcpt_host} {rcpt_addr}" },
	{ SMFIM_EOM, "i" },
};

static void
ask_for_macros(SMFICTX *ctx)
{
	for (size_t i = 0; i < sizeof(macros) / sizeof(macros[0]); i++) {
		char text[64];
		size_t n = strlen(macros[i].macros);
		if (n >= sizeof(text))
			mem_fatal("a list of macros is longer than its room");
		memcpy(text, macros[i].macros, n + 1); /* libmilter's argument is not const */
		if (smfi_setsymlist(ctx, macros[i].stage, text) != MI_SUCCESS)
			log_debug("event=negotiate macros-refused=\"%s\"", macros[i].macros);
	}
}

/* The peer of a connection, made when it is not there yet. */
static struct peer *
peer_of(SMFICTX *ctx)
{
	struct peer *peer = smfi_getpriv(ctx);
	struct milter_shared *shared = milter_shared();

	if (peer != NULL)
		return peer;
	peer = mem_zero(sizeof(*peer));
	peer->leading_space = true;
	peer->unanswered = UNANSWERED;
	peer->turned_away = atomic_fetch_add(&shared->connections, 1) >= shared->connections_max;
	if (smfi_setpriv(ctx, peer) != MI_SUCCESS)
		mem_fatal("libmilter takes no pointer of ours");
	return peer;
}

static void
say_turned_away(const struct milter_shared *shared)
{
	size_t unsaid;

	if (session_load_say(shared->session.load, shared->session.clock, &unsaid))
		log_warning("event=overload connections-max=%zu answer=4xx unsaid=%zu", shared->connections_max, unsaid);
}

static void
learn_leading_space(struct peer *peer, unsigned long offered)
{
	peer->leading_space = (offered & SMFIP_HDR_LEADSPC) != 0;
	if (!peer->leading_space && !atomic_flag_test_and_set(&milter_shared()->said_leadspc))
		log_warning("event=negotiate missing=SMFIP_HDR_LEADSPC: the MTA strips a space from each header field; "
			    "signatures with c=simple may fail");
}

static sfsistat
on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps, unsigned long f2, unsigned long f3,
    unsigned long *use_actions, unsigned long *use_steps, unsigned long *use_f2, unsigned long *use_f3)
{
	struct peer *peer = peer_of(ctx);

	(void)f2;
	(void)f3;
	*use_f2 = *use_f3 = 0;
	if ((actions & NEEDED_ACTIONS) != NEEDED_ACTIONS) {
		log_error("event=negotiate: the MTA does not let us add and change header fields (it offers 0x%lx)", actions);
		return SMFIS_REJECT;
	}
	learn_leading_space(peer, steps);
	if (peer->turned_away)
		peer->unanswered &= ~(unsigned long)SMFIP_NR_CONN; /* that is where it is told */
	*use_actions = NEEDED_ACTIONS | (actions & WANTED_ACTIONS);
	*use_steps &= ~(unsigned long)SMFIP_SKIP;
	*use_steps |= peer->unanswered | (steps & SMFIP_HDR_LEADSPC);
	if ((actions & SMFIF_SETSYMLIST) != 0)
		ask_for_macros(ctx);
	return SMFIS_CONTINUE;
}

/* ---- replies ---- */

static sfsistat
status_of(enum session_answer answer)
{
	static const sfsistat status[] = {
		[SESSION_CONTINUE] = SMFIS_CONTINUE,
		[SESSION_SKIP] = SMFIS_SKIP,
		[SESSION_REJECT] = SMFIS_REJECT,
		[SESSION_TEMPFAIL] = SMFIS_TEMPFAIL,
		[SESSION_ACCEPT] = SMFIS_ACCEPT,
		[SESSION_DISCARD] = SMFIS_DISCARD,
	};

	return status[answer];
}

#define REPLY_TEXT_MAX 980 /* libmilter refuses a longer one, and with it all of the reply */

/* smfi_setreply formats its text: a lone "%" makes Sendmail throw all of it away. */
static struct view
double_percents(struct view text, struct arena *arena)
{
	struct buffer b = buffer_in(arena);

	for (size_t i = 0; i < text.n && b.n < REPLY_TEXT_MAX - 1; i++) {
		if (text.p[i] == '%')
			buffer_add_char(&b, '%');
		buffer_add_char(&b, text.p[i]);
	}
	return buffer_view(&b);
}

/* libmilter wants its lines as so many arguments. */
static bool
set_lines(SMFICTX *ctx, char *code, char *enhanced, const struct session_reply *reply, struct arena *arena)
{
	char *l[SESSION_REPLY_LINES_MAX] = { NULL };

	for (size_t i = 0; i < reply->lines && i < SESSION_REPLY_LINES_MAX; i++)
		l[i] = arena_cstr(arena, double_percents(reply->line[i], arena));
	return smfi_setmlreply(ctx, code, enhanced, l[0], l[1], l[2], l[3], l[4], l[5], l[6], l[7], l[8], l[9], l[10], l[11],
		   l[12], l[13], l[14], l[15], l[16], l[17], l[18], l[19], l[20], l[21], l[22], l[23], l[24], l[25], l[26],
		   l[27], l[28], l[29], l[30], l[31], NULL) == MI_SUCCESS;
}

/* Our own words; when libmilter refuses them, the MTA's default ones go out and the answer stays the same. */
static void
set_reply(SMFICTX *ctx, const struct session_reply *reply)
{
	struct arena *arena = arena_new();
	char *code = arena_cstr(arena, arena_printf(arena, "%d", reply->code));
	char *enhanced = arena_cstr(arena, reply->enhanced);
	char *text = arena_cstr(arena, double_percents(reply->text, arena));

	bool ok = reply->lines > 0 ? set_lines(ctx, code, enhanced, reply, arena) :
				     smfi_setreply(ctx, code, enhanced, text) == MI_SUCCESS;
	if (!ok)
		log_warning("event=reply refused-by=libmilter reply=\"%s %s\"", code, enhanced);
	arena_free(arena);
}

static sfsistat
answer_with(SMFICTX *ctx, const struct session_reply *reply)
{
	if (reply->code != 0)
		set_reply(ctx, reply);
	return status_of(reply->answer);
}

/* To an event that was negotiated to get none, libmilter must be told so. */
static sfsistat
answer_unless(const struct peer *peer, unsigned long no_reply, SMFICTX *ctx, struct session_reply reply)
{
	return (peer->unanswered & no_reply) != 0 ? SMFIS_NOREPLY : answer_with(ctx, &reply);
}

/* ---- events ---- */

static const char *
ask_macro(void *ctx, const char *name)
{
	return smfi_getsymval(ctx, (char *)name); /* it only reads the name */
}

static struct session *
session_of(struct peer *peer)
{
	if (peer->session == NULL)
		peer->session = session_new(&milter_shared()->session);
	return peer->session;
}

static sfsistat
on_connect(SMFICTX *ctx, char *name, _SOCK_ADDR *address)
{
	struct peer *peer = peer_of(ctx);
	struct session_connect c = { .name = view_of(name) };

	if (peer->turned_away) {
		say_turned_away(milter_shared());
		return answer_unless(peer, SMFIP_NR_CONN, ctx, (struct session_reply){ .answer = SESSION_TEMPFAIL });
	}
	c.local = address != NULL && address->sa_family == AF_UNIX;
	if (address != NULL && ip_from_sockaddr(address, &c.client))
		c.port = ntohs(address->sa_family == AF_INET ? ((struct sockaddr_in *)address)->sin_port :
							       ((struct sockaddr_in6 *)address)->sin6_port);
	return answer_unless(peer, SMFIP_NR_CONN, ctx, session_on_connect(session_of(peer), &c, ask_macro, ctx));
}

static sfsistat
on_helo(SMFICTX *ctx, char *name)
{
	struct peer *peer = peer_of(ctx);

	return answer_unless(peer, SMFIP_NR_HELO, ctx, session_on_helo(session_of(peer), view_of(name), ask_macro, ctx));
}

typedef struct session_reply command(struct session *s, const struct view *argv, size_t n, session_macro *macro, void *ctx);

/* The address is what the session wants to see; of ESMTP arguments no more than an MTA can have had in one line. */
#define ARGUMENTS_MAX 64

static sfsistat
on_command(SMFICTX *ctx, char **argv, command *tell)
{
	struct peer *peer = peer_of(ctx);
	struct view args[ARGUMENTS_MAX];
	size_t n = 0;

	if (peer->turned_away) /* its answer at connect went unheard: no session, no message */
		return SMFIS_TEMPFAIL;
	while (argv != NULL && argv[n] != NULL && n < ARGUMENTS_MAX) {
		args[n] = view_of(argv[n]);
		n++;
	}
	struct session_reply reply = tell(session_of(peer), args, n, ask_macro, ctx);
	return answer_with(ctx, &reply);
}

static sfsistat
on_mail(SMFICTX *ctx, char **argv)
{
	return on_command(ctx, argv, session_on_mail);
}

static sfsistat
on_rcpt(SMFICTX *ctx, char **argv)
{
	return on_command(ctx, argv, session_on_rcpt);
}

/* An MTA without SMFIP_HDR_LEADSPC has taken one space away and will add one. */
static struct session_reply
tell_field(struct peer *peer, char *name, char *value)
{
	struct view v = view_of(value);

	if (peer->leading_space)
		return session_on_header(session_of(peer), view_of(name), v);
	struct arena *arena = arena_new();
	struct buffer b = buffer_in(arena);
	buffer_add_char(&b, ' ');
	buffer_add(&b, v);
	struct session_reply reply = session_on_header(session_of(peer), view_of(name), buffer_view(&b));
	arena_free(arena);
	return reply;
}

static sfsistat
on_header(SMFICTX *ctx, char *name, char *value)
{
	struct peer *peer = peer_of(ctx);

	return answer_unless(peer, SMFIP_NR_HDR, ctx, tell_field(peer, name, value));
}

static sfsistat
on_body(SMFICTX *ctx, unsigned char *p, size_t n)
{
	struct peer *peer = peer_of(ctx);
	struct session_reply reply = session_on_body(session_of(peer), (struct view){ (const char *)p, n });

	return answer_unless(peer, SMFIP_NR_BODY, ctx, reply);
}

static sfsistat
on_abort(SMFICTX *ctx)
{
	session_on_abort(session_of(peer_of(ctx)));
	return SMFIS_CONTINUE;
}

static sfsistat
on_close(SMFICTX *ctx)
{
	struct peer *peer = smfi_getpriv(ctx);

	if (peer == NULL)
		return SMFIS_CONTINUE;
	smfi_setpriv(ctx, NULL);
	session_free(peer->session);
	mem_free(peer);
	atomic_fetch_sub(&milter_shared()->connections, 1);
	return SMFIS_CONTINUE;
}

/* ---- the end of a message ---- */

static bool
carry_out(SMFICTX *ctx, const struct peer *peer, const struct edit *e, struct arena *arena)
{
	bool header = e->kind == EDIT_INSERT_HEADER;
	bool spare = header && !peer->leading_space && e->value.n > 0 && e->value.p[0] == ' ';
	char *name = arena_cstr(arena, e->name);
	char *value = arena_cstr(arena, view_from(e->value, spare ? 1 : 0));
	char *args = e->args.n == 0 ? NULL : arena_cstr(arena, e->args); /* "" would wipe the client's own */

	switch (e->kind) {
	case EDIT_INSERT_HEADER:
		return smfi_insheader(ctx, 0, name, value) == MI_SUCCESS;
	case EDIT_DELETE_HEADER:
		return smfi_chgheader(ctx, name, (int)e->nth, NULL) == MI_SUCCESS;
	case EDIT_CHANGE_FROM:
		return smfi_chgfrom(ctx, value, args) == MI_SUCCESS;
	case EDIT_ADD_RCPT:
		return smfi_addrcpt_par(ctx, value, args) == MI_SUCCESS;
	case EDIT_DELETE_RCPT:
		return smfi_delrcpt(ctx, value) == MI_SUCCESS;
	case EDIT_QUARANTINE:
		return smfi_quarantine(ctx, value) == MI_SUCCESS;
	}
	return false;
}

static bool
carry_out_all(SMFICTX *ctx, struct peer *peer, const struct session_verdict *v)
{
	static const char *const words[] = {
		[EDIT_INSERT_HEADER] = "insert-header",
		[EDIT_DELETE_HEADER] = "delete-header",
		[EDIT_CHANGE_FROM] = "change-from",
		[EDIT_ADD_RCPT] = "add-rcpt",
		[EDIT_DELETE_RCPT] = "delete-rcpt",
		[EDIT_QUARANTINE] = "quarantine",
	};
	struct arena *arena = v->edits == 0 ? NULL : arena_new();
	size_t done = 0;

	while (done < v->edits && carry_out(ctx, peer, &v->edit[done], arena))
		done++;
	arena_free(arena);
	if (done < v->edits)
		session_edits_failed(peer->session, view_of(words[v->edit[done].kind]));
	return done == v->edits;
}

static sfsistat
on_eom(SMFICTX *ctx)
{
	struct peer *peer = peer_of(ctx);
	struct session *s = session_of(peer);
	struct session_verdict v;
	sfsistat status;

	session_on_eom(s, ask_macro, ctx, &v);
	if (carry_out_all(ctx, peer, &v))
		status = answer_with(ctx, &v.reply);
	else
		status = SMFIS_TEMPFAIL; /* half the edits are worse than none: the sender tries again */
	session_on_abort(s);
	return status;
}

static char filter_name[] = "assay";

const struct smfiDesc milter_callbacks = {
	.xxfi_name = filter_name,
	.xxfi_version = SMFI_VERSION,
	.xxfi_flags = NEEDED_ACTIONS,
	.xxfi_connect = on_connect,
	.xxfi_helo = on_helo,
	.xxfi_envfrom = on_mail,
	.xxfi_envrcpt = on_rcpt,
	.xxfi_header = on_header,
	.xxfi_body = on_body,
	.xxfi_eom = on_eom,
	.xxfi_abort = on_abort,
	.xxfi_close = on_close,
	.xxfi_negotiate = on_negotiate,
};
