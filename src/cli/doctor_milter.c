/*
 * How Postfix treats its milters: order, neighbours, what happens when one is away, how long it waits.
 */
#include "cli/doctor.h"

/* ---- neighbours ---- */

enum neighbour {
	SAME_WORK, /* finds out, or rewrites, what we do too */
	CHANGES,   /* may change body or header fields */
	HARMLESS,
};

/* By a word in the address; ports tell nothing. */
static const struct {
	const char *word;
	enum neighbour kind;
	const char *does;
} neighbours[] = {
	{ "opendmarc", SAME_WORK, "DMARC" },
	{ "openarc", SAME_WORK, "ARC" },
	{ "opendkim", SAME_WORK, "DKIM; as a signer it is welcome, with Mode s" },
	{ "spf-milter", SAME_WORK, "SPF" },
	{ "smf-spf", SAME_WORK, "SPF" },
	{ "postsrsd", SAME_WORK, "SRS" },
	{ "rspamd", CHANGES, "" },
	{ "amavis", CHANGES, "" },
	{ "spamass", CHANGES, "" },
	{ "mimedefang", CHANGES, "" },
	{ "dkimpy", SAME_WORK, "DKIM" },
};
#define NEIGHBOURS (sizeof(neighbours) / sizeof(neighbours[0]))

/* NEIGHBOURS: none that we know. */
static size_t
neighbour_of(struct view address)
{
	size_t i = 0;

	while (i < NEIGHBOURS && !doctor_contains(address, neighbours[i].word))
		i++;
	return i;
}

static void
say_same_work(struct doctor *d, struct view where, size_t neighbour)
{
	doctor_warn(d, ADVICE(d, "when you trust assay, take it out of there, then: postfix reload"),
	    "%.*s names %s, which does the same work as assay (%s)", VIEW_ARG(doctor_clean(d, where)), neighbours[neighbour].word,
	    neighbours[neighbour].does);
}

/* Before us it changes what the sender signed; behind us it breaks what we seal. */
static void
say_changes(struct doctor *d, const struct mta_milter *other, bool before)
{
	bool seals = d->settings != NULL && d->settings->seal.enable;

	if (before && !seals)
		doctor_warn(d, ADVICE(d, "name assay first in smtpd_milters, then: postfix reload"),
		    "%.*s comes before assay: what it changes fails DKIM here", VIEW_ARG(doctor_clean(d, other->address)));
	else if (!before && seals)
		doctor_warn(d, ADVICE(d, "name assay last in smtpd_milters, or let that filter change nothing; then: postfix reload"),
		    "%.*s comes behind assay: what it changes breaks our seal", VIEW_ARG(doctor_clean(d, other->address)));
}

static struct view
file_of(const struct doctor *d, const struct postconf_service *service, const struct mta_milter *m)
{
	return m->kind == MTA_SOCKET_UNIX ? doctor_socket_file(d, service, m->path) : VIEW_EMPTY;
}

static void
look_at_order(struct doctor *d, const struct postconf_service *service)
{
	struct mta_milter *m;
	size_t n = mta_milters_postfix(postconf_get(d->postfix, service, "smtpd_milters"), d->arena, &m), ours = n;

	for (size_t i = 0; d->settings != NULL && i < n && ours == n; i++)
		if (doctor_is_ours(d, &m[i], file_of(d, service, &m[i])))
			ours = i;
	for (size_t i = 0; i < n; i++) {
		size_t known = i == ours ? NEIGHBOURS : neighbour_of(m[i].address);
		if (known < NEIGHBOURS && neighbours[known].kind == SAME_WORK)
			say_same_work(d, m[i].address, known);
		else if (known < NEIGHBOURS && neighbours[known].kind == CHANGES && ours < n)
			say_changes(d, &m[i], i < ours);
	}
}

/* One of several services that say the same is enough. */
static bool
is_first_with_list(const struct doctor *d, size_t at)
{
	const struct postconf_service *s = d->postfix->service;

	for (size_t i = 0; i < at; i++)
		if (view_is(s[i].command, "smtpd") && !doctor_is_exempt(d, &s[i]) &&
		    view_eq(postconf_get(d->postfix, &s[i], "smtpd_milters"), postconf_get(d->postfix, &s[at], "smtpd_milters")))
			return false;
	return true;
}

static bool
filters(const struct doctor *d, const struct postconf_service *service)
{
	return view_is(service->command, "smtpd") && !doctor_is_exempt(d, service);
}

/* Policy services that ask SPF before any milter does. */
static void
look_at_restrictions(struct doctor *d)
{
	static const char *const names[] = {
		"smtpd_client_restrictions", "smtpd_helo_restrictions", "smtpd_sender_restrictions",
		"smtpd_recipient_restrictions", "smtpd_relay_restrictions", "smtpd_data_restrictions",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct view value = postconf_get(d->postfix, NULL, names[i]);
		if (doctor_contains(value, "check_policy_service") && doctor_contains(value, "spf"))
			doctor_warn(d, ADVICE(d, "take the check_policy_service of SPF out of %s, then: postfix reload", names[i]),
			    "%s asks a policy service for SPF: assay does the same work, with the policies of each recipient", names[i]);
	}
}

void
doctor_order(struct doctor *d)
{
	size_t before = d->lines;

	if (d->postfix == NULL)
		return;
	for (size_t i = 0; i < d->postfix->services; i++)
		if (filters(d, &d->postfix->service[i]) && is_first_with_list(d, i))
			look_at_order(d, &d->postfix->service[i]);
	look_at_restrictions(d);
	if (d->lines == before)
		doctor_ok(d, "no filter or policy service that we know does our work or spoils it");
}

/* ---- settings ---- */

int64_t
doctor_answer_seconds(const struct doctor *d)
{
	const struct settings *s = d->settings;
	int64_t map = s->srs.enable && s->srs.milter && s->srs.leave.leave_map.n > 0 ? s->srs.leave.leave_map_wait : 0;

	/* A message's waits, and a question that began just before their end. */
	return (s->dns.wait_per_message + s->dns.timeout + map + 999) / 1000;
}

/* Its own, or the service's. */
static struct view
effective(const struct doctor *d, const struct postconf_service *service, struct view own, const char *general)
{
	return own.n > 0 ? own : postconf_get(d->postfix, service, general);
}

/* "permit_sasl_authenticated, permit_mynetworks, reject": nobody else's mail comes in there. */
static bool
ends_in_reject(struct view restrictions)
{
	bool own = false, closed = false;
	struct view word;

	while (postconf_word(&restrictions, &word)) { /* ends: each turn takes a word */
		closed = view_is(word, "reject");
		own = own || view_is(word, "permit_sasl_authenticated") || view_is(word, "permit_mynetworks");
	}
	return own && closed;
}

/* A service for submission: assayd does not judge its mail, so it may well pass while assayd is away. */
static bool
is_for_own_people(const struct doctor *d, const struct postconf_service *service)
{
	return ends_in_reject(postconf_get(d->postfix, service, "smtpd_client_restrictions")) ||
	       ends_in_reject(postconf_get(d->postfix, service, "smtpd_relay_restrictions")) ||
	       ends_in_reject(postconf_get(d->postfix, service, "smtpd_recipient_restrictions"));
}

static void
look_at_action(struct doctor *d, const struct postconf_service *service, const struct mta_milter *m)
{
	struct view action = effective(d, service, m->default_action, "milter_default_action");
	struct view advice = m->default_action.n > 0 ?
	    ADVICE(d, "in smtpd_milters: default_action=tempfail\npostfix reload") :
	    ADVICE(d, "postconf -e milter_default_action=tempfail\npostfix reload");

	if (view_is(action, "accept") && is_for_own_people(d, service))
		return;
	if (view_is(action, "accept"))
		doctor_warn(d, advice, "service %.*s: default action accept: while assayd is away, mail comes in unchecked",
		    VIEW_ARG(service->name));
	else if (view_is(action, "reject") || view_is(action, "quarantine"))
		doctor_warn(d, advice, "service %.*s: default action %.*s: while assayd is away, mail is %s", VIEW_ARG(service->name),
		    VIEW_ARG(action), view_is(action, "reject") ? "refused for good" : "held");
}

static void
look_at_time(struct doctor *d, const struct postconf_service *service, struct view own, const char *general, int64_t needed)
{
	struct view value = effective(d, service, own, general);
	int64_t seconds;

	if (!mta_time(value, 's', &seconds) || seconds > needed)
		return;
	doctor_problem(d, own.n > 0 ?
		ADVICE(d, "in smtpd_milters: %s=%llds\npostfix reload", general + sizeof("milter_") - 1, (long long)needed + 10) :
		ADVICE(d, "postconf -e %s=%llds\npostfix reload", general, (long long)needed + 10),
	    "service %.*s: %s of %llds: assayd may wait %lld s for DNS, and then the rest of the session is lost", VIEW_ARG(service->name),
	    general, (long long)seconds, (long long)needed);
}

static void
look_at_settings(struct doctor *d, const struct postconf_service *service, const struct mta_milter *m)
{
	struct view protocol = effective(d, service, m->protocol, "milter_protocol");
	int64_t needed = doctor_answer_seconds(d);

	/* As a whole: "6" may have words behind it, "6, no_connect". */
	if (protocol.n > 0 && !view_starts(protocol, VIEW_LIT("6")))
		doctor_problem(d, m->protocol.n > 0 ? ADVICE(d, "in smtpd_milters: protocol=6\npostfix reload") :
						      ADVICE(d, "postconf -e milter_protocol=6\npostfix reload"),
		    "service %.*s: milter protocol %.*s: we need 6, to have header fields octet for octet", VIEW_ARG(service->name),
		    VIEW_ARG(doctor_clean(d, protocol)));
	look_at_action(d, service, m);
	look_at_time(d, service, m->command_timeout, "milter_command_timeout", needed);
	look_at_time(d, service, m->content_timeout, "milter_content_timeout", 2 * needed);
}

/* Settings beside smtpd_milters that take its mail away from it. */
static void
look_at_byways(struct doctor *d, const struct postconf_service *service)
{
	struct view proxy = postconf_get(d->postfix, service, "smtpd_proxy_filter");
	struct view maps = postconf_get(d->postfix, service, "smtpd_milter_maps");

	if (proxy.n > 0)
		doctor_warn(d, ADVICE(d, "take smtpd_proxy_filter away, or name assay in the smtpd behind the proxy"),
		    "service %.*s: smtpd_proxy_filter = %.*s: before it Postfix shows us neither header nor body", VIEW_ARG(service->name),
		    VIEW_ARG(doctor_clean(d, proxy)));
	if (maps.n > 0)
		doctor_warn(d, ADVICE(d, "see that the milters it gives to clients have assay among them, where you want it"),
		    "service %.*s: smtpd_milter_maps = %.*s: clients found there do not get smtpd_milters", VIEW_ARG(service->name),
		    VIEW_ARG(doctor_clean(d, maps)));
}

void
doctor_milter_settings(struct doctor *d)
{
	size_t before = d->lines, ours = 0;

	for (size_t s = 0; d->postfix != NULL && s < d->postfix->services; s++) {
		const struct postconf_service *service = &d->postfix->service[s];
		struct mta_milter *m;
		if (!filters(d, service))
			continue;
		look_at_byways(d, service);
		size_t n = mta_milters_postfix(postconf_get(d->postfix, service, "smtpd_milters"), d->arena, &m);
		for (size_t i = 0; i < n; i++)
			if (doctor_is_ours(d, &m[i], file_of(d, service, &m[i])) && ++ours)
				look_at_settings(d, service, &m[i]);
	}
	if (d->postfix != NULL && d->lines == before && ours > 0)
		doctor_ok(d, "protocol 6, mail waits while assayd is away, Postfix waits longer than we do");
}

/* ---- mail of this host ---- */

void
doctor_local_mail(struct doctor *d)
{
	struct mta_milter *m;

	for (size_t s = 0; d->postfix != NULL && s < d->postfix->services; s++) {
		const struct postconf_service *service = &d->postfix->service[s];
		if (!view_is(service->command, "cleanup"))
			continue;
		if (mta_milters_postfix(postconf_get(d->postfix, service, "non_smtpd_milters"), d->arena, &m) == 0)
			doctor_ok(d, "non_smtpd_milters is empty: mail that programs of this host send by sendmail(1) is not filtered");
		else
			doctor_service(d, service, "non_smtpd_milters");
		struct view classes = postconf_get(d->postfix, service, "internal_mail_filter_classes");
		if (classes.n > 0)
			doctor_warn(d, ADVICE(d, "postconf -e internal_mail_filter_classes=\npostfix reload"),
			    "service %.*s: internal_mail_filter_classes = %.*s: Postfix's own bounces and notices come to us too",
			    VIEW_ARG(service->name), VIEW_ARG(doctor_clean(d, classes)));
	}
}
