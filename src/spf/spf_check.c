#include "base/cursor.h"
#include "mail/domain.h"
#include "spf/spf_eval.h"
#include "spf/spf_libspf2.h"

struct spf_check {
	struct spf_input in;
	struct arena *arena;
	struct dns_task *dns;
	struct spf_result result;
	struct spf_eval eval;
	enum spf_identity identity;
	bool started;	   /* the evaluation has run once */
	bool done;
	unsigned answered; /* dns_task_answered when it ran last */
	int64_t waited_ms;
};

/*
 * The initial processing of RFC 7208 4.3: a name of several labels that DNS could hold, in visible ASCII, and
 * no address, bare or in brackets.
 */
static bool
domain_can_have_policy(struct view domain)
{
	struct ip ip;

	return dns_name_ok(domain) && view_all_in(domain, CC_VCHAR) && domain_labels(domain) > 1 &&
	    !view_starts(domain, VIEW_LIT("[")) && !ip_parse(domain, &ip);
}

/* Our spelling of a name as given; the empty view when it is no domain. */
static struct view
policy_domain(struct view given, struct arena *arena)
{
	struct view ascii;

	if (given.n == 0 || !domain_to_ascii(given, arena, &ascii, NULL))
		return VIEW_EMPTY;
	return domain_can_have_policy(ascii) ? ascii : VIEW_EMPTY;
}

/* Which domain and sender the identity means: RFC 7208 2.3, 2.4, 4.3. */
static void
choose_sender(struct spf_check *check, struct spf_macro_values *v)
{
	const struct spf_input *in = &check->in;
	bool null_sender = in->mail_local.n == 0 && in->mail_domain.n == 0;
	bool by_helo = check->identity == SPF_HELO || null_sender;

	v->local = by_helo || in->mail_local.n == 0 ? VIEW_LIT("postmaster") : in->mail_local;
	v->sender_domain = policy_domain(by_helo ? in->helo : in->mail_domain, check->arena);
	v->helo = in->helo;
	if (!view_is_ascii(in->helo) && !domain_to_ascii(in->helo, check->arena, &v->helo, NULL))
		v->helo = in->helo;
	v->client = in->client;
	v->receiver = in->receiver;
	v->now = in->now;
	struct buffer b = buffer_in(check->arena);
	buffer_add(&b, v->local);
	buffer_add_char(&b, '@');
	buffer_add(&b, v->sender_domain);
	v->sender = buffer_view(&b);
}

static void
set_limits(struct spf_eval *e, const struct spf_conf *conf, enum spf_identity identity)
{
	e->lookups_max = (unsigned)conf->lookups_max;
	/* Void lookups are limited against publishers (RFC 7208 11.1); the guessed record is ours. */
	e->void_max = identity == SPF_GUESS ? UINT32_MAX : (unsigned)conf->void_max;
}

static const struct spf_record *
guess_record(struct spf_check *check)
{
	struct spf_record *record = ARENA_NEW(check->arena, struct spf_record);
	struct err err;

	if (spf_record_parse(check->in.conf->guess_record, check->arena, record, &err))
		return record;
	check->result.problem = arena_printf(check->arena, "guess-record: %s", err.text);
	check->result.result = AUTH_PERMERROR;
	check->done = true;
	return NULL;
}

static void
begin_native(struct spf_check *check)
{
	const struct spf_record *record = NULL;

	if (check->identity == SPF_GUESS && (record = guess_record(check)) == NULL)
		return;
	spf_eval_begin(&check->eval, check->result.domain, record);
}

struct spf_check *
spf_begin(const struct spf_input *in, enum spf_identity identity, struct dns_task *dns, struct arena *arena)
{
	struct spf_check *check = ARENA_NEW(arena, struct spf_check);
	struct spf_eval *e = &check->eval;

	check->in = *in;
	check->arena = arena;
	check->dns = dns;
	check->identity = identity;
	e->in = &check->in;
	e->arena = arena;
	e->dns = dns;
	e->result = &check->result;
	choose_sender(check, &e->values);
	set_limits(e, in->conf, identity);
	check->result.result = AUTH_NONE;
	check->result.domain = e->values.sender_domain;
	if (check->result.domain.n > 0)
		check->result.sender = e->values.sender;
	if (check->result.domain.n == 0 || in->client.family == 0)
		check->done = true;
	else if (in->conf->engine == SPF_NATIVE)
		begin_native(check);
	else if (identity != SPF_GUESS)
		(void)dns_ask(dns, check->result.domain, DNS_TXT); /* so that libspf2 finds it there */
	return check;
}

/* Run on from where an answer was missing, unless none has come. */
bool
spf_step(struct spf_check *check)
{
	unsigned answered = dns_task_answered(check->dns);

	if (check->done || check->in.conf->engine != SPF_NATIVE)
		return check->done;
	if (check->started && answered == check->answered)
		return false;
	check->started = true;
	check->answered = answered;
	check->done = spf_eval_run(&check->eval);
	return check->done;
}

static void
join_native(struct spf_check *check)
{
	struct spf_eval *e = &check->eval;

	while (!spf_eval_run(e)) { /* ends: each turn an answer comes, or the time is up for all of them */
		int64_t start = clock_mono_ms(&clock_system);
		(void)dns_wait(check->dns, e->pending);
		check->waited_ms += clock_mono_ms(&clock_system) - start;
		if (e->late == NULL && check->waited_ms >= check->in.conf->wait * 1000)
			e->late = e->pending;
	}
}

const struct spf_result *
spf_join(struct spf_check *check)
{
	if (!check->done && check->in.conf->engine == SPF_NATIVE)
		join_native(check);
	else if (!check->done)
		spf_libspf2_run(&check->eval, check->identity);
	check->done = true;
	return &check->result;
}
