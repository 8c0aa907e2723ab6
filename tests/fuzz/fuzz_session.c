/*
 * The input is a list of events with arguments, in any order.  Whatever comes, every answer can be said in SMTP, every
 * field of ours can be sent as it is and read back, a message that is accepted has somebody left who gets it, and
 * nothing is left when the connection ends.
 */
#include "base/cursor.h"
#include "base/log.h"
#include "crypt/digest.h"
#include "dns/dns_conf.h"
#include "mail/auth_results.h"
#include "milter/session.h"
#include "milter/settings.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A little DNS, so that SPF and DKIM get beyond their first question. */
static const char zone[] =
	"example.org TXT \"v=spf1 ip4:192.0.2.0/24 include:b.example -all\"\n"
	"b.example TXT \"v=spf1 exists:%{l}.%{ir}.b.example ~all\"\n"
	"t.example TIMEOUT\n"
	"s._domainkey.example.org TXT \"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"\n"
	"s._domainkey.t.example TIMEOUT\n";

/* Everything that a policy can do, for recipients of different domains. */
static const struct policy_text policies[] = {
	{ "all", { "domains = \"*\"; outgoing: { seal = false; }; incoming: { rules = (\n"
		   "{ name = \"big\"; when = { size = \">200\"; }; do = \"tag\"; header = \"X-Big: %{helo} %{sender}\"; } ); };", 0 } },
	{ "tag", { "domains = [\"tag.test\", \".tag.test\"]; incoming: { rules = ( { name = \"mark\"; when = { spf = [\"!pass\"]; };\n"
		   "do = \"tag\"; header = \"X-Spf: %{spf_result} %{recipient} %{client_name}\"; } ); };", 0 } },
	{ "jail", { "domains = \"jail.test\"; incoming: { rules = ( { name = \"jail\"; do = \"quarantine\"; by = \"redirect\";\n"
		    "to = \"jail@quarantine.test\"; } ); };", 0 } },
	{ "hold", { "domains = \"hold.test\"; incoming: { rules = ( { name = \"look\"; do = \"quarantine\"; by = \"hold\"; } ); };", 0 } },
	{ "strict", { "domains = \"strict.test\"; incoming: { rules = ( { name = \"no\"; when = { from_domain = [\"!any\"]; }; do = \"reject\"; },\n"
		      "{ name = \"never\"; when = { list_id = false; }; do = \"reject\"; reply = \"550 5.7.1 %{from_domain} %{helo} 100%\"; } ); };", 0 } },
	{ "early", { "domains = \"early.test\"; incoming: { rules = ( { name = \"spf\"; when = { spf = [\"!pass\"]; }; do = \"reject\"; } ); };", 0 } },
	{ "later", { "domains = \"later.test\"; incoming: { rules = ( { name = \"wait\"; when = { list_id = false; }; do = \"defer\"; } ); };", 0 } },
	{ "gone", { "domains = \"gone.test\"; incoming: { rules = ( { name = \"gone\"; do = \"discard\"; } ); };", 0 } },
	{ "watch", { "domains = \"watch.test\"; incoming: { mode = \"monitor\"; rules = ( { name = \"w\"; do = \"reject\"; } );\n"
		     "shadow = ( { name = \"s\"; do = \"discard\"; } ); };", 0 } },
	{ "own", { "addresses = \"own@tag.test\"; incoming: { rules = ( { name = \"own\"; when = { local = true; }; do = \"reject\"; } ); };\n"
		   "outgoing: { seal = true; };", 0 } },
};
#define POLICIES (sizeof(policies) / sizeof(policies[0]))

/* Presets; tight limits and sealing; then policies: each way with recipients, twice. */
#define PLAIN 2
#define SETTINGS (PLAIN + 8)
static struct settings *settings[SETTINGS];
static struct session_load load;
static struct clock fixed = { 1795360000, 1000 };
static size_t lines_logged;

struct input {
	const uint8_t *p;
	size_t n;
};

static unsigned
take_octet(struct input *in)
{
	if (in->n == 0)
		return 0;
	in->n--;
	return *in->p++;
}

/* A length, then as many octets, in a block of exactly that size. */
static struct view
take_text(struct input *in, struct arena *arena)
{
	size_t n = take_octet(in);

	if (n == 255)
		n = take_octet(in) * 256 + take_octet(in);
	if (n > in->n)
		n = in->n;
	struct view v = { (const char *)in->p, n };
	in->p += n;
	in->n -= n;
	return arena_copy(arena, v);
}

#define RCPTS_MAX 300 /* of those that are looked at: an input is short */

struct fuzz {
	struct input in;
	struct arena *arena;
	struct session *session;
	bool unheard;		/* nobody waits for the answer to MAIL */
	bool in_message;	/* MAIL was let in, and no end of it came yet */
	size_t results_fields;	/* Authentication-Results of this message */
	struct view rcpt[RCPTS_MAX]; /* let in */
	size_t rcpts;
	const char *macro;	/* the value of every macro; NULL: unset */
};

static struct settings *
take_settings(void *ctx)
{
	unsigned which = *(unsigned *)ctx;

	return settings_ref(settings[which < 16 ? which % PLAIN : PLAIN + which % (SETTINGS - PLAIN)]);
}

static void
drop_settings(void *ctx, struct settings *s)
{
	(void)ctx;
	settings_unref(s);
}

static void
count_line(void *ctx, enum log_level level, const char *text)
{
	(void)ctx;
	(void)level;
	assert(text[0] != '\0');
	lines_logged++;
}

static const char *
ask_macro(void *ctx, const char *name)
{
	(void)name;
	return ((struct fuzz *)ctx)->macro;
}

static void
check_reply(const struct session_reply *r)
{
	assert(r->answer <= SESSION_DISCARD);
	if (r->code == 0)
		return;
	assert(r->answer == (r->code < 500 ? SESSION_TEMPFAIL : SESSION_REJECT));
	assert(r->code >= 400 && r->code <= 599);
	assert(r->enhanced.n > 0 && r->enhanced.p[0] == '0' + r->code / 100);
	assert(r->text.n <= 980 && view_all_in(r->text, CC_VCHAR | CC_WSP));
	assert(r->lines <= SESSION_REPLY_LINES_MAX);
	for (size_t i = 0; i < r->lines; i++)
		assert(r->line[i].n <= 980 && view_all_in(r->line[i], CC_VCHAR | CC_WSP));
}

/* LF + tab is the only fold, and no line is longer than every MTA can send. */
static void
check_value(struct view value)
{
	size_t column = 0;

	assert(value.n > 0 && value.p[0] == ' ' && value.n <= 60000);
	assert(view_is_utf8(value));
	for (size_t i = 0; i < value.n; i++) {
		unsigned char o = (unsigned char)value.p[i];
		column = o == '\n' ? 0 : column + 1;
		assert(o == '\n' || o == '\t' || (o >= ' ' && o != 127));
		assert(o != '\n' || (i + 1 < value.n && value.p[i + 1] == '\t'));
		assert(column <= 990);
	}
}

static void
check_results(struct view value, struct arena *arena)
{
	struct auth_results read;
	struct err err;

	assert(auth_results_parse(value, arena, &read, &err));
	assert(auth_results_claims(value, read.authserv_id, arena));
}

/* All three, on top, AAR lowest: nothing is inserted after them. */
static void
check_seal(const struct session_verdict *v)
{
	static const char *const names[] = { "ARC-Authentication-Results", "ARC-Message-Signature", "ARC-Seal" };
	size_t n = 0;

	for (size_t i = 0; i < v->edits; i++)
		if (v->edit[i].kind == EDIT_INSERT_HEADER) {
			bool set = view_starts(v->edit[i].name, VIEW_LIT("ARC-"));
			assert(set == (n > 0) || n == 0); /* nothing else once it has begun */
			assert(!set || (n < 3 && view_is(v->edit[i].name, names[n++])));
		}
	assert(n == 0 || n == 3);
}

/* An address of ours, from a sender that is not: what the MTA takes as it is. */
static void
check_sender(const struct edit *e, struct arena *arena)
{
	struct mail_path path;

	assert(e->args.n == 0 && view_starts(e->value, VIEW_LIT("<")));
	assert(mail_path_parse(e->value, arena, &path, NULL) && view_is(path.domain, "srs.test"));
	assert(path.local.n <= SRS_LOCAL_MAX && path.text.n <= SRS_PATH_MAX);
}

/* One for each quarantine mailbox and each original address. */
static void
check_added(const struct edit *e, size_t jailed, struct arena *arena)
{
	struct mail_path path;

	assert(view_all_in(e->args, CC_VCHAR | CC_UTF8 | CC_WSP)); /* RFC 6533 3: ORCPT=utf-8;... may hold UTF-8 */
	if (view_is(e->value, "<jail@quarantine.test>"))
		assert(jailed == 0);
	else
		assert(mail_path_parse(e->value, arena, &path, NULL) && path.domain.n > 0);
}

/* Who is taken out was let in, and nobody is taken out more often than he came. */
static void
check_recipients(struct fuzz *f, const struct session_verdict *v)
{
	size_t left = f->rcpts, added = 0, jailed = 0;

	for (size_t i = 0; i < v->edits; i++) {
		const struct edit *e = &v->edit[i];
		if (e->kind == EDIT_ADD_RCPT) {
			check_added(e, jailed, f->arena);
			jailed += view_is(e->value, "<jail@quarantine.test>");
			added++;
		}
		if (e->kind != EDIT_DELETE_RCPT)
			continue;
		size_t k = 0;
		while (k < left && !view_eq(f->rcpt[k], e->value))
			k++;
		assert(k < left);
		f->rcpt[k] = f->rcpt[--left];
	}
	assert(f->rcpts == 0 || v->reply.answer != SESSION_CONTINUE || left + added > 0);
}

/* Deletions of one name stand together, from the highest down, and before all that is inserted. */
static void
check_header_edits(const struct fuzz *f, const struct session_verdict *v)
{
	struct view name = VIEW_EMPTY;
	size_t nth = 0, ours = 0, inserted = 0;

	for (size_t i = 0; i < v->edits; i++) {
		const struct edit *e = &v->edit[i];
		if (e->kind == EDIT_DELETE_HEADER) {
			bool results = view_is(e->name, "Authentication-Results");
			assert(e->nth >= 1 && inserted == 0 && (!view_eq(e->name, name) || e->nth < nth));
			assert(!results || e->nth <= f->results_fields);
			name = e->name;
			nth = e->nth;
		}
		if (e->kind != EDIT_INSERT_HEADER)
			continue;
		inserted++;
		check_value(e->value);
		if (view_is(e->name, "Authentication-Results")) {
			check_results(e->value, f->arena);
			ours++;
		}
	}
	assert(ours == (v->reply.answer == SESSION_CONTINUE));
}

static void
check_edits(struct fuzz *f, const struct session_verdict *v)
{
	size_t held = 0, senders = 0;

	for (size_t i = 0; i < v->edits; i++) {
		if (v->edit[i].kind == EDIT_CHANGE_FROM)
			check_sender(&v->edit[i], f->arena);
		senders += v->edit[i].kind == EDIT_CHANGE_FROM;
		held += v->edit[i].kind == EDIT_QUARANTINE;
	}
	assert(held <= 1 && senders <= 1);
	check_header_edits(f, v);
	check_recipients(f, v);
	check_seal(v);
}

static void
end_of_message(struct fuzz *f)
{
	struct session_verdict v;
	size_t before = lines_logged;

	session_on_eom(f->session, ask_macro, f, &v);
	check_reply(&v.reply);
	assert(f->in_message || (v.reply.answer != SESSION_CONTINUE && v.edits == 0));
	assert(f->in_message || f->unheard || v.reply.answer == SESSION_TEMPFAIL);
	assert(f->in_message ? lines_logged > before : lines_logged == before);
	assert(v.reply.answer == SESSION_CONTINUE || v.edits == 0);
	check_edits(f, &v);
	f->in_message = false;
	f->rcpts = 0;
}

static struct session_reply
envelope(struct fuzz *f, bool mail)
{
	size_t n = take_octet(&f->in) % 4;
	struct view argv[4];

	for (size_t i = 0; i < n; i++)
		argv[i] = take_text(&f->in, f->arena);
	if (!mail) {
		struct session_reply one = session_on_rcpt(f->session, argv, n, ask_macro, f);
		if (f->in_message && one.answer == SESSION_CONTINUE && f->rcpts < RCPTS_MAX)
			f->rcpt[f->rcpts++] = argv[0];
		return one;
	}
	f->rcpts = 0;
	struct session_reply r = session_on_mail(f->session, argv, n, ask_macro, f);
	f->in_message = atomic_load(&load.messages) > 0;
	assert(f->unheard ? r.answer == SESSION_CONTINUE : f->in_message == (r.answer == SESSION_CONTINUE));
	f->results_fields = 0;
	return r;
}

static struct session_reply
field(struct fuzz *f)
{
	static const char *const names[] = { "", "From", "Authentication-Results", "DKIM-Signature" };
	struct view name = view_of(names[take_octet(&f->in) % 4]);

	if (name.n == 0)
		name = take_text(&f->in, f->arena);
	if (view_is_nocase(name, "Authentication-Results"))
		f->results_fields++;
	return session_on_header(f->session, name, take_text(&f->in, f->arena));
}

static struct session_reply
connect_client(struct fuzz *f)
{
	struct session_connect c = { .name = take_text(&f->in, f->arena) };

	c.local = take_octet(&f->in) % 8 == 0;
	c.port = take_octet(&f->in);
	c.client.family = (int)(take_octet(&f->in) % 3 * 2);
	c.client.family += c.client.family == 2 ? 2 : c.client.family == 4 ? 2 : 0;
	for (size_t i = 0; i < (c.client.family == 4 ? 4u : c.client.family == 6 ? 16u : 0u); i++)
		c.client.octet[i] = (uint8_t)take_octet(&f->in);
	f->in_message = false;
	return session_on_connect(f->session, &c, ask_macro, f);
}

static void
play_event(struct fuzz *f)
{
	static const struct session_reply none = { .answer = SESSION_CONTINUE };
	struct session_reply r = none;

	switch (take_octet(&f->in) % 13) {
	case 0: r = connect_client(f); break;
	case 1: r = session_on_helo(f->session, take_text(&f->in, f->arena), ask_macro, f); f->in_message = false; break;
	case 2: r = envelope(f, true); break;
	case 3: r = envelope(f, false); break;
	case 4: r = session_on_data(f->session, ask_macro, f); break;
	case 5:
	case 6: r = field(f); break;
	case 7: r = session_on_eoh(f->session, ask_macro, f); break;
	case 8: r = session_on_body(f->session, take_text(&f->in, f->arena)); break;
	case 9:
	case 10: end_of_message(f); break;
	case 11: session_on_abort(f->session); f->in_message = false; break;
	case 12:
		session_edits_failed(f->session, take_text(&f->in, f->arena));
		f->macro = take_octet(&f->in) % 2 == 0 ? NULL : arena_cstr(f->arena, take_text(&f->in, f->arena));
		break;
	}
	check_reply(&r);
}

/* Every message, with the results of whoever calls himself "other" carried over. */
static void
seal_with(struct settings *s)
{
	static const struct view ids = { "other", 5 };
	static struct ip_net nets[2];
	static struct arc_seal_key key = { .selector = { "s", 1 } };
	struct err err;

	if (key.key == NULL)
		key.key = private_key_new(KEY_RSA, 2048, &err);
	assert(key.key != NULL);
	assert(ip_net_parse(VIEW_LIT("0.0.0.0/0"), &nets[0]) && ip_net_parse(VIEW_LIT("::/0"), &nets[1]));
	s->seal.clients = SEAL_ALL;
	s->seal.trusted_upstream = (struct conf_nets){ nets, 2 };
	s->seal.trusted_ids = (struct conf_list){ &ids, 1, NULL };
	s->sealing = (struct arc_seal_conf){ .domain = VIEW_LIT("example.net"), .key = &key, .keys = 1,
		.timestamps = true, .rsa_bits_min = ARC_SEAL_BITS_PRESET };
}

static void
hush(void *ctx, const char *text)
{
	(void)ctx;
	(void)text;
	abort(); /* the policies are good */
}

/* Mail to leave.test goes on to elsewhere; SRS addresses are restored here. */
static void
rewrite_with(struct settings *s, bool class)
{
	static const struct view leave = { "leave.test", 10 };
	struct err err;

	s->srs.enable = s->srs.milter = s->srs.internal = true;
	s->srs.domain = VIEW_LIT("srs.test");
	s->srs.mixed = class ? SRS_MIXED_CLASS : SRS_MIXED_REWRITE;
	s->srs.restore = SRS_RESTORE_MILTER;
	s->srs.leave.leaves = (struct conf_list){ .item = &leave, .n = 1 };
	s->srs_now = (struct srs){ .conf = &s->srs, .secrets = srs_secrets_from_text(VIEW_LIT("tEsT-secret\n"), &err) };
	assert(s->srs_now.secrets != NULL);
}

/* number: the way with recipients, and whether the deferred get it, too. */
static struct settings *
with_policies(unsigned number)
{
	struct settings *s = settings_presets();
	struct policy_text text[POLICIES];

	for (size_t i = 0; i < POLICIES; i++)
		text[i] = (struct policy_text){ policies[i].name, view_of(policies[i].text.p) };
	s->policy.recipients = (int)(number % 4);
	s->policy.deferred_deliver = number >= 4;
	s->policy.delimiter = VIEW_LIT("+");
	s->policies = policy_of_texts(&s->policy, text, POLICIES, NULL, s->arena, hush, NULL);
	seal_with(s);
	rewrite_with(s, number >= 4);
	return s;
}

static void
prepare(void)
{
	struct err err;

	assert(crypt_open(&err));
	for (unsigned i = PLAIN; i < SETTINGS; i++)
		settings[i] = with_policies(i - PLAIN);
	settings[0] = settings_presets();
	settings[1] = settings_presets();
	assert(settings[0] != NULL && settings[1] != NULL);
	settings[1]->limits.header_octets = 1024;
	settings[1]->limits.header_fields = 10;
	settings[1]->limits.recipients = 2;
	settings[1]->assess.spf.received_spf = true;
	settings[1]->assess.spf.guess = true;
	settings[1]->site.authserv_id = VIEW_LIT("mx.example.net");
	seal_with(settings[1]);
	log_to_function(count_line, NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct session_env env = { .settings_take = take_settings, .settings_drop = drop_settings,
		.clock = &fixed, .load = &load };
	struct fuzz f = { .in = { data, size } };
	unsigned which;
	struct err err;

	if (env.shared.dns == NULL) {
		prepare();
		env.shared.dns = dns_open_fake(view_of(zone), &err);
		assert(env.shared.dns != NULL);
	}
	f.arena = arena_new();
	which = take_octet(&f.in);
	env.ctx = &which;
	f.session = session_new(&env);
	f.unheard = which / 2 % 3 > 0;
	session_go_unheard(f.session, f.unheard, which / 2 % 3 == 2);
	while (f.in.n > 0)
		play_event(&f);
	session_free(f.session);
	arena_free(f.arena);
	assert(atomic_load(&load.messages) == 0);
	for (size_t i = 0; i < SETTINGS; i++)
		assert(atomic_load(&settings[i]->refs) == 1);
	return 0;
}
