#include "assess/assess.h"

#include "sig/body_hash.h"

struct assess {
	const struct assess_conf *conf;
	struct dns_task *dns;
	struct key_cache *keys;
	struct arena *arena;
	int64_t now;
	struct spf_input spf_input;
	struct spf_check *mailfrom, *helo, *guess; /* NULL: not asked (yet) */
	const struct header *header;		   /* NULL: not complete yet */
	struct body_hashes *bodies;
	struct dkim_check *dkim; /* NULL: not asked */
	struct assessment found;
	bool ended;
};

/* An unknown address cannot be asked about, and a client of our own must not be judged by the outside's rules. */
static bool
asks_spf(const struct assess_conf *conf, const struct assess_client *client)
{
	return conf->spf.enable && !client->trusted && client->ip.family != 0;
}

static void
begin_spf(struct assess *a, const struct assess_client *client)
{
	a->spf_input = (struct spf_input){
		.conf = &a->conf->spf,
		.client = client->ip,
		.helo = client->helo,
		.mail_local = client->mail_local,
		.mail_domain = client->mail_domain,
		.receiver = client->receiver,
		.now = a->now,
	};
	a->mailfrom = spf_begin(&a->spf_input, SPF_MAILFROM, a->dns, a->arena);
	a->helo = spf_begin(&a->spf_input, SPF_HELO, a->dns, a->arena);
}

struct assess *
assess_begin(const struct assess_conf *conf, const struct assess_client *client, struct dns *dns,
    struct key_cache *keys, int64_t now, struct arena *arena)
{
	struct assess *a = ARENA_NEW(arena, struct assess);

	a->conf = conf;
	a->dns = dns_task_new(dns, arena, conf->budget);
	a->keys = keys;
	a->arena = arena;
	a->now = now;
	if (asks_spf(conf, client))
		begin_spf(a, client);
	return a;
}

/* The guess is for senders without a record of their own: it can only begin when that is known. */
static void
begin_guess(struct assess *a)
{
	if (a->guess != NULL || !a->conf->spf.guess || spf_join(a->mailfrom)->result != AUTH_NONE)
		return;
	a->guess = spf_begin(&a->spf_input, SPF_GUESS, a->dns, a->arena);
}

void
assess_step(struct assess *a)
{
	if (a->mailfrom == NULL || a->ended)
		return;
	if (spf_step(a->mailfrom))
		begin_guess(a);
	spf_step(a->helo);
	if (a->guess != NULL)
		spf_step(a->guess);
}

/* Each room that verifies over header and body begins here, so that all their questions fly together. */
bool
assess_header(struct assess *a, const struct header *header)
{
	if (a->header == NULL && !a->ended) {
		a->header = header;
		from_domain_find(header, a->arena, &a->found.from);
		a->bodies = body_hashes_new(a->arena);
		if (a->conf->dkim.enable) {
			struct dkim_input in = { &a->conf->dkim, header, a->found.from.domain, a->now, a->keys };
			a->dkim = dkim_begin(&in, a->dns, a->bodies, a->arena);
		}
		assess_step(a);
	}
	return a->bodies != NULL && body_hashes_any(a->bodies);
}

bool
assess_body(struct assess *a, struct view chunk)
{
	if (a->bodies == NULL || a->ended || !body_hashes_any(a->bodies))
		return false;
	assess_step(a);
	body_hashes_add(a->bodies, chunk);
	return !body_hashes_full(a->bodies);
}

static void
end_spf(struct assess *a)
{
	struct assessment *found = &a->found;

	if (a->mailfrom == NULL)
		return;
	found->spf = spf_join(a->mailfrom);
	begin_guess(a);
	found->spf_helo = spf_join(a->helo);
	if (a->guess != NULL)
		found->spf_guess = spf_join(a->guess);
	if (a->conf->spf.received_spf)
		found->received_spf = spf_received(&a->spf_input, SPF_MAILFROM, found->spf, a->arena);
}

/* The order of the methods in Authentication-Results. */
static void
gather_facts(struct assess *a)
{
	struct assessment *found = &a->found;
	struct auth_facts *all = &found->facts;

	all->fact = ARENA_ARRAY(a->arena, 2 + found->dkim.n, struct auth_fact);
	if (found->spf != NULL)
		spf_fact(&a->spf_input, SPF_MAILFROM, found->spf, a->arena, &all->fact[all->n++]);
	if (found->spf_helo != NULL && a->spf_input.helo.n > 0) /* without a name nobody could tell whose result it is */
		spf_fact(&a->spf_input, SPF_HELO, found->spf_helo, a->arena, &all->fact[all->n++]);
	for (size_t i = 0; i < found->dkim.n; i++)
		all->fact[all->n++] = found->dkim.fact[i];
}

static const struct header *
no_header(struct arena *arena)
{
	struct header *h = ARENA_NEW(arena, struct header);

	header_init(h, arena, 0, 0);
	return h;
}

const struct assessment *
assess_end(struct assess *a)
{
	if (a->ended)
		return &a->found;
	if (a->header == NULL)
		assess_header(a, no_header(a->arena));
	body_hashes_end(a->bodies);
	end_spf(a);
	if (a->dkim != NULL)
		dkim_end(a->dkim, &a->found.dkim);
	gather_facts(a);
	a->found.dns = dns_task_stats(a->dns);
	a->ended = true;
	return &a->found;
}
