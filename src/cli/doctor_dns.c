/*
 * What this host and the SRS domain publish in DNS.
 */
#include "cli/doctor.h"
#include "mail/domain.h"
#include "spf/spf.h"

#include <unistd.h>

bool
doctor_ascii(struct doctor *d, struct view name, struct view *ascii)
{
	struct err err;

	if (domain_to_ascii(name, d->arena, ascii, &err) && domain_is_fqdn(*ascii))
		return true;
	doctor_problem(d, VIEW_EMPTY, "%.*s is no domain name", VIEW_ARG(doctor_clean(d, name)));
	return false;
}

bool
doctor_no_dns(struct doctor *d)
{
	if (d->dns == NULL)
		doctor_skip(d, "there is no resolver to ask");
	return d->dns == NULL;
}

/* ---- the host ---- */

static bool
has_address(struct doctor *d, struct view name, const struct ip *ip)
{
	const struct dns_answer *a = dns_get(d->task, name, ip->family == 6 ? DNS_AAAA : DNS_A);

	for (size_t i = 0; i < a->n; i++)
		if (ip_eq(&a->addr[i], ip))
			return true;
	return false;
}

/* RFC 8601 does not ask for it, but receivers do: a PTR whose name has this address. */
static void
look_at_address(struct doctor *d, const struct ip *ip)
{
	struct view text = ip_text(ip, d->arena), name = VIEW_EMPTY;
	const struct dns_answer *ptr = dns_get(d->task, ip_reverse_name(ip, d->arena), DNS_PTR);

	if (ptr->outcome == DNS_TEMP) {
		doctor_skip(d, "%.*s: no answer (%s)", VIEW_ARG(text), ptr->why);
		return;
	}
	for (size_t i = 0; i < ptr->n && name.n == 0; i++)
		if (has_address(d, ptr->name[i], ip))
			name = ptr->name[i];
	if (name.n > 0)
		doctor_ok(d, "%.*s is %.*s, there and back", VIEW_ARG(text), VIEW_ARG(name));
	else if (ptr->n == 0)
		doctor_problem(d, ADVICE(d, "let who gave you the address publish: %.*s. PTR HOSTNAME.", VIEW_ARG(ip_reverse_name(ip, d->arena))),
		    "%.*s has no PTR record: others will not take your mail", VIEW_ARG(text));
	else
		doctor_problem(d, ADVICE(d, "%.*s. %s %.*s", VIEW_ARG(ptr->name[0]), ip->family == 6 ? "AAAA" : "A", VIEW_ARG(text)),
		    "%.*s is called %.*s, but that name has another address", VIEW_ARG(text), VIEW_ARG(ptr->name[0]));
}

static void
look_at_own_name(struct doctor *d)
{
	struct view name = d->postfix == NULL ? VIEW_EMPTY : postconf_get(d->postfix, NULL, "myhostname"), ascii;
	char room[256] = "";

	if (name.n == 0 && gethostname(room, sizeof(room) - 1) == 0)
		name = arena_copy(d->arena, view_of(room));
	if (!doctor_ascii(d, name, &ascii))
		return;
	const struct dns_answer *four = dns_get(d->task, ascii, DNS_A), *six = dns_get(d->task, ascii, DNS_AAAA);
	if (four->n + six->n > 0)
		doctor_ok(d, "%.*s has an address in DNS", VIEW_ARG(ascii));
	else if (four->outcome == DNS_TEMP || six->outcome == DNS_TEMP)
		doctor_skip(d, "%.*s: no answer (%s)", VIEW_ARG(ascii), four->outcome == DNS_TEMP ? four->why : six->why);
	else
		doctor_warn(d, ADVICE(d, "publish %.*s. A or AAAA, or set myhostname to a name that has one", VIEW_ARG(ascii)),
		    "%.*s, our name in HELO, has no address in DNS", VIEW_ARG(ascii));
}

void
doctor_host(struct doctor *d)
{
	struct ip ip;

	if (doctor_no_dns(d))
		return;
	look_at_own_name(d);
	for (size_t i = 0; i < d->wish->ip.n; i++)
		if (ip_parse(d->wish->ip.item[i], &ip))
			look_at_address(d, &ip);
	if (d->wish->ip.n == 0)
		doctor_skip(d, "PTR: say from which addresses this host sends: --ip ADDR");
}

/* ---- the SRS domain ---- */

static void
look_at_mx(struct doctor *d, struct view domain)
{
	const struct dns_answer *mx = dns_get(d->task, domain, DNS_MX);

	if (mx->outcome == DNS_TEMP)
		doctor_skip(d, "MX of %.*s: no answer (%s)", VIEW_ARG(domain), mx->why);
	else if (mx->n == 0)
		doctor_problem(d, ADVICE(d, "%.*s. MX 10 HOSTNAME.", VIEW_ARG(domain)),
		    "%.*s has no MX record: bounces do not find their way back here", VIEW_ARG(domain));
	else if (mx->mx[0].name.n == 0)
		doctor_problem(d, ADVICE(d, "%.*s. MX 10 HOSTNAME.", VIEW_ARG(domain)),
		    "%.*s says that it takes no mail (null MX): bounces do not come back", VIEW_ARG(domain));
	else
		doctor_ok(d, "mail for %.*s goes to %.*s", VIEW_ARG(domain), VIEW_ARG(mx->mx[0].name));
}

static bool
has_spf(struct doctor *d, struct view domain)
{
	const struct dns_answer *txt = dns_get(d->task, domain, DNS_TXT);

	for (size_t i = 0; i < txt->n; i++)
		if (view_eq_nocase(view_sub(txt->txt[i], 0, 6), VIEW_LIT("v=spf1")))
			return true;
	if (txt->outcome == DNS_TEMP)
		doctor_skip(d, "SPF of %.*s: no answer (%s)", VIEW_ARG(domain), txt->why);
	else
		doctor_problem(d, ADVICE(d, "%.*s. TXT \"v=spf1 mx -all\"", VIEW_ARG(domain)),
		    "%.*s has no SPF record, and SRS is there to pass SPF", VIEW_ARG(domain));
	return false;
}

static void
look_at_spf(struct doctor *d, struct view domain, const struct ip *ip)
{
	struct spf_input in = {
		.conf = &d->settings->assess.spf,
		.client = *ip,
		.helo = domain,
		.mail_local = VIEW_LIT("srs0"),
		.mail_domain = domain,
		.receiver = domain,
		.now = clock_wall(&d->clock),
	};
	const struct spf_result *r = spf_join(spf_begin(&in, SPF_MAILFROM, d->task, d->arena));
	struct view text = ip_text(ip, d->arena);

	if (r->result == AUTH_PASS)
		doctor_ok(d, "SPF of %.*s lets %.*s send", VIEW_ARG(domain), VIEW_ARG(text));
	else if (r->result == AUTH_TEMPERROR)
		doctor_skip(d, "SPF of %.*s: no answer (%.*s)", VIEW_ARG(domain), VIEW_ARG(r->problem));
	else
		doctor_problem(d, ADVICE(d, "add ip%d:%.*s to the SPF record of %.*s\nassayctl spf --trace --ip %.*s --from srs0@%.*s tells more",
			ip->family, VIEW_ARG(text), VIEW_ARG(domain), VIEW_ARG(text), VIEW_ARG(domain)),
		    "SPF of %.*s: %s for %.*s", VIEW_ARG(domain), name_of(auth_result_names, r->result), VIEW_ARG(text));
}

static void
look_at_srs_domain(struct doctor *d, struct view name)
{
	struct view domain;
	struct ip ip;

	if (!doctor_ascii(d, name, &domain))
		return;
	look_at_mx(d, domain);
	if (!has_spf(d, domain))
		return;
	if (d->wish->ip.n == 0)
		doctor_skip(d, "SPF of %.*s: say from which addresses this host sends: --ip ADDR", VIEW_ARG(domain));
	for (size_t i = 0; i < d->wish->ip.n; i++)
		if (ip_parse(d->wish->ip.item[i], &ip))
			look_at_spf(d, domain, &ip);
}

void
doctor_srs_domain(struct doctor *d)
{
	const struct srs_conf *srs = &d->settings->srs;

	if (!srs->enable) {
		doctor_skip(d, "srs.enable is off");
		return;
	}
	if (doctor_no_dns(d))
		return;
	look_at_srs_domain(d, srs->domain);
	for (size_t i = 0; i < srs->policy_domains.n; i++)
		look_at_srs_domain(d, srs->policy_domains.item[i]);
	for (size_t i = 0; i < srs->old_domains.n; i++) /* nothing leaves under them any more */
		look_at_mx(d, srs->old_domains.item[i]);
}
