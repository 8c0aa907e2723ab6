#include "dns/dns_conf.h"

#include "dns/dns_server.h"

#define SERVERS_MAX 16
#define TEN_MINUTES_MS 600000
#define WEEK ((int64_t)7 * 86400)

static const struct name_row modes[] = {
	{ "system", DNS_MODE_SYSTEM },
	{ "servers", DNS_MODE_SERVERS },
	{ "recurse", DNS_MODE_RECURSE },
	{ NULL, 0 },
};

static bool
servers_ok(const void *field, struct err *err)
{
	const struct conf_list *servers = field;
	struct dns_server server;

	for (size_t i = 0; i < servers->n; i++)
		if (!dns_server_parse(servers->item[i], &server))
			return err_perm(err, "server %zu: an IP address is wanted, or ADDRESS@PORT", i + 1);
	return true;
}

static bool
section_ok(const void *section, struct err *err)
{
	const struct dns_conf *conf = section;

	if (conf->mode == DNS_MODE_SERVERS && conf->servers.n == 0)
		return err_perm(err, "mode \"servers\" needs at least one of servers");
	if (conf->mode != DNS_MODE_SERVERS && conf->servers.n > 0)
		return err_perm(err, "servers are given, but mode is not \"servers\"");
	return true;
}

/*
 * timeout: libunbound asks a silent server again after 0.4, 0.8, 1.6 seconds: 5 seconds are four tries.
 * wait-per-message: below Postfix's 30 seconds for one command.  queries-per-message: SPF may cost 10
 * terms of 10 names each, DKIM and ARC a key for each signature, DMARC 8 a domain.
 */
static const struct conf_item items[] = {
	CONF_ENUM(dns_conf, "mode", mode, DNS_MODE_SYSTEM, modes),
	CONF_LIST(dns_conf, "servers", servers, NULL, 0, SERVERS_MAX, servers_ok),
	CONF_BOOL(dns_conf, "dnssec", dnssec, false),
	CONF_TEXT(dns_conf, "trust-anchor", trust_anchor, "", NULL),
	CONF_INT(dns_conf, "timeout", timeout, 5000, 100, TEN_MINUTES_MS, "milliseconds"),
	CONF_INT(dns_conf, "cache-octets", cache_octets, 32 * 1024 * 1024, 64 * 1024, INT64_C(1) << 36, "octets"),
	CONF_INT(dns_conf, "ttl-max", ttl_max, 86400, 0, WEEK, "seconds"),
	CONF_INT(dns_conf, "ttl-negative-max", ttl_negative_max, 3600, 0, WEEK, "seconds"),
	CONF_INT(dns_conf, "queries-per-message", queries_per_message, 100, 1, 10000, ""),
	CONF_INT(dns_conf, "wait-per-message", wait_per_message, 15000, 0, TEN_MINUTES_MS, "milliseconds"),
};

const struct conf_section dns_section = CONF_SECTION("dns", dns_conf, items, section_ok);
