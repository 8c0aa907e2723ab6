/*
 * Several threads, each with sessions of its own, over one DNS, one key cache and settings that are exchanged all the
 * while.  Every answer must be what a lone session would have said.  Meant for ThreadSanitizer:
 * configure --enable-sanitizers=thread.  STRESS_MESSAGES sets how many messages each thread sends.
 */
#include "base/lock.h"
#include "base/log.h"
#include "crypt/digest.h"
#include "dns/dns_conf.h"
#include "milter/session.h"
#include "milter/settings.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS 4

static const char zone[] =
	"example.org TXT \"v=spf1 ip4:192.0.2.1 include:late.example -all\"\n"
	"late.example TXT \"v=spf1 ip4:192.0.2.2 -all\"\n"
	"late.example DELAY 2\n"
	"mail.example.org TXT \"v=spf1 ip4:192.0.2.1 -all\"\n"
	"s._domainkey.example.org TXT \"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"\n"
	"s._domainkey.example.org DELAY 1\n";

static struct {
	struct lock lock; /* guards current */
	struct settings *current;
} store;

static atomic_bool over;
static atomic_uint wrong, lines;

static struct settings *
take_settings(void *ctx)
{
	(void)ctx;
	lock_take(&store.lock);
	struct settings *s = settings_ref(store.current);
	lock_drop(&store.lock);
	return s;
}

static void
drop_settings(void *ctx, struct settings *s)
{
	(void)ctx;
	settings_unref(s);
}

static void
say_mistake(void *ctx, const char *text)
{
	(void)ctx;
	fprintf(stderr, "stress: %s\n", text);
	abort();
}

/* In even generations a recipient of other.test is of another class than the rest; the field tells the generation. */
static void
set_policies(struct settings *s, bool even)
{
	const struct policy_text text[] = {
		{ "default", even ? VIEW_LIT("domains = \"*\"; incoming: { rules = ( { do = \"tag\"; header = \"X-Even: %{sender}\"; } ); };") :
				    VIEW_LIT("domains = \"*\"; incoming: { rules = ( { do = \"tag\"; header = \"X-Odd: %{sender}\"; } ); };") },
		{ "other", even ? VIEW_LIT("domains = \"other.test\"; incoming: { rules = ( { when = { dkim = \"none\"; }; do = \"reject\"; } ); };") :
				  VIEW_LIT("domains = \"other.test\"; incoming: { mode = \"monitor\"; };") },
	};

	s->policies = policy_of_texts(&s->policy, text, 2, NULL, s->arena, say_mistake, NULL);
}

static struct settings *
new_settings(unsigned generation)
{
	struct settings *s = settings_presets();

	if (s == NULL)
		abort();
	s->generation = generation;
	s->site.authserv_id = generation % 2 == 0 ? VIEW_LIT("even.example.net") : VIEW_LIT("odd.example.net");
	set_policies(s, generation % 2 == 0);
	return s;
}

static void *
exchange_settings(void *arg)
{
	(void)arg;
	for (unsigned generation = 2; !atomic_load(&over); generation++) {
		struct settings *s = new_settings(generation);
		lock_take(&store.lock);
		struct settings *old = store.current;
		store.current = s;
		lock_drop(&store.lock);
		settings_unref(old);
	}
	return NULL;
}

static void
count_line(void *ctx, enum log_level level, const char *text)
{
	(void)ctx;
	(void)level;
	(void)text;
	atomic_fetch_add(&lines, 1);
}

static void
expect(bool ok, const char *what)
{
	if (ok)
		return;
	atomic_fetch_add(&wrong, 1);
	fprintf(stderr, "stress: %s\n", what);
}

/* One message; turn decides how far it goes. */
static void
send_message(struct session *s, unsigned turn)
{
	static const struct view from[] = { { "<ann@example.org>", 17 }, { "<>", 2 } };
	static const struct view to = { "<bob@example.net>", 17 }, other = { "<x@other.test>", 14 };
	struct session_verdict v;

	expect(session_on_mail(s, &from[turn % 5 == 0], 1, NULL, NULL).answer == SESSION_CONTINUE, "MAIL refused");
	session_on_rcpt(s, &to, 1, NULL, NULL);
	bool other_class = session_on_rcpt(s, &other, 1, NULL, NULL).answer == SESSION_TEMPFAIL;
	if (turn % 7 == 0) {
		session_on_abort(s);
		return;
	}
	session_on_header(s, VIEW_LIT("DKIM-Signature"), VIEW_LIT(" v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.org; "
		"s=s; h=from; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA"));
	session_on_header(s, VIEW_LIT("Authentication-Results"), VIEW_LIT(" even.example.net; dkim=pass"));
	session_on_header(s, VIEW_LIT("From"), VIEW_LIT(" ann@example.org"));
	if (turn % 11 == 0)
		return; /* the next MAIL comes without an end of this one */
	session_on_eoh(s, NULL, NULL);
	session_on_body(s, VIEW_LIT("text\r\n"));
	session_on_eom(s, NULL, NULL, &v);
	expect(v.reply.answer == SESSION_CONTINUE, "the message was not let in");
	expect(v.edits > 0 && v.edit[v.edits - 1].kind == EDIT_INSERT_HEADER, "no field was written");
	bool even = v.edits == 3;
	expect(even == other_class, "RCPT and the end of the message were judged by different settings");
	expect(v.edits >= 2 && view_is(v.edit[v.edits - 2].name, even ? "X-Even" : "X-Odd"), "the field of another generation");
	expect(view_starts(v.edit[v.edits - 1].value, even ? VIEW_LIT(" even.") : VIEW_LIT(" odd.")),
	    "the name in our field is not that of the forged one");
	session_on_abort(s);
}

static void *
send_messages(void *arg)
{
	const struct session_env *env = arg;
	const char *count = getenv("STRESS_MESSAGES");
	unsigned n = count != NULL ? (unsigned)atoi(count) : 200;
	struct session_connect c = { .name = VIEW_LIT("mail.example.org"), .port = 25 };

	ip_parse(VIEW_LIT("192.0.2.1"), &c.client);
	for (unsigned turn = 0; turn < n;) {
		struct session *s = session_new(env);
		session_on_connect(s, &c, NULL, NULL);
		session_on_helo(s, VIEW_LIT("mail.example.org"), NULL, NULL);
		for (unsigned k = 0; k < 10 && turn < n; k++)
			send_message(s, ++turn);
		session_free(s);
	}
	return NULL;
}

int
main(void)
{
	struct session_load load = { .messages = 0 };
	struct session_env env = { .settings_take = take_settings, .settings_drop = drop_settings, .clock = &clock_system,
		.load = &load };
	pthread_t sender[THREADS], exchanger;
	struct err err;

	if (!crypt_open(&err)) {
		fprintf(stderr, "stress: %s\n", err.text);
		return 1;
	}
	log_to_function(count_line, NULL);
	lock_init(&store.lock);
	store.current = new_settings(1);
	env.shared.dns = dns_open_fake(view_of(zone), &err);
	if (env.shared.dns == NULL) {
		fprintf(stderr, "stress: %s\n", err.text);
		return 1;
	}
	env.shared.keys = key_cache_new(10);
	pthread_create(&exchanger, NULL, exchange_settings, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&sender[i], NULL, send_messages, &env);
	for (int i = 0; i < THREADS; i++)
		pthread_join(sender[i], NULL);
	atomic_store(&over, true);
	pthread_join(exchanger, NULL);
	expect(atomic_load(&load.messages) == 0, "a message is still counted as open");
	expect(atomic_load(&store.current->refs) == 1, "settings are still held");
	expect(atomic_load(&lines) > 0, "nothing was logged");
	settings_unref(store.current);
	key_cache_free(env.shared.keys);
	dns_close(env.shared.dns);
	lock_destroy(&store.lock);
	crypt_close();
	printf("stress: %u lines logged, %u failed\n", atomic_load(&lines), atomic_load(&wrong));
	return atomic_load(&wrong) == 0 ? 0 : 1;
}
