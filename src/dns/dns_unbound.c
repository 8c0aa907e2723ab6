#include "dns/dns_unbound.h"

#include "dns/dns_decode.h"
#include "dns/dns_server.h"

#include <sys/resource.h>
#include <unbound.h>
#include <unistd.h>

#define DEBIAN_ROOT_KEY "/usr/share/dns/root.key" /* package dns-root-data */

struct option {
	const char *name, *value;
};

static const struct option always[] = {
	{ "use-syslog:", "no" },
	{ "edns-buffer-size:", "1232" }, /* DNS flag day 2020: no fragments */
	{ "do-not-query-localhost:", "no" }, /* the usual place of a forwarder */
	/* Small: ours is in front.  Referrals and keys are what is worth keeping here. */
	{ "msg-cache-size:", "1m" },
	{ "rrset-cache-size:", "4m" },
	{ "key-cache-size:", "1m" },
	{ "neg-cache-size:", "256k" },
	{ "outgoing-num-tcp:", "64" },
	/* A server that was away for a minute must not be avoided for fifteen. */
	{ "infra-host-ttl:", "60" },
	{ "infra-keep-probing:", "yes" },
	{ "serve-expired:", "no" },
	{ "rrset-roundrobin:", "no" }, /* the order received, for all askers the same */
};

static const struct option forwarding[] = {
	/* All hangs on a few servers: believe them again at once (60: not for 20 s after an outage of 35). */
	{ "infra-host-ttl:", "5" },
	/* They may know private zones; the library would answer these itself. */
	{ "unblock-lan-zones:", "yes" },
	{ "insecure-lan-zones:", "yes" },
};

static const char *const unblocked_zones[] = { "test.", "home.arpa." };

static bool
failed(struct err *err, const char *what, int error)
{
	return err_perm(err, "libunbound: %s: %s", what, ub_strerror(error));
}

static bool
set_options(struct ub_ctx *ctx, const struct option *options, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		int error = ub_ctx_set_option(ctx, options[i].name, options[i].value);

		if (error != 0)
			return failed(err, options[i].name, error);
	}
	return true;
}

unsigned
dns_unbound_ports(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur / 2 < DNS_PORTS_MIN)
		return DNS_PORTS_MIN;
	return limit.rlim_cur / 2 < DNS_PORTS_MAX ? (unsigned)(limit.rlim_cur / 2) : DNS_PORTS_MAX;
}

static bool
set_ports(struct ub_ctx *ctx, unsigned ports, struct arena *arena, struct err *err)
{
	char *text = arena_cstr(arena, arena_printf(arena, "%u", ports));
	const struct option options[] = { { "outgoing-range:", text }, { "num-queries-per-thread:", text } };

	return set_options(ctx, options, sizeof(options) / sizeof(options[0]), err);
}

static bool
set_servers(struct ub_ctx *ctx, const struct dns_conf *conf, struct arena *arena, struct err *err)
{
	for (size_t i = 0; i < conf->servers.n; i++) {
		struct dns_server server;
		struct view text;
		int error;

		if (!dns_server_parse(conf->servers.item[i], &server))
			return err_perm(err, "server %zu is no ADDRESS or ADDRESS@PORT", i + 1);
		text = arena_printf(arena, "%s@%u", arena_cstr(arena, ip_text(&server.ip, arena)), server.port);
		error = ub_ctx_set_fwd(ctx, arena_cstr(arena, text));
		if (error != 0)
			return failed(err, "server", error);
	}
	return conf->servers.n > 0 || err_perm(err, "no server to forward to");
}

static bool
set_mode(struct ub_ctx *ctx, const struct dns_conf *conf, struct arena *arena, struct err *err)
{
	int error;

	if (conf->mode == DNS_MODE_RECURSE)
		return true;
	if (!set_options(ctx, forwarding, sizeof(forwarding) / sizeof(forwarding[0]), err))
		return false;
	if (conf->mode == DNS_MODE_SERVERS)
		return set_servers(ctx, conf, arena, err);
	error = ub_ctx_resolvconf(ctx, NULL);
	return error == 0 || failed(err, "/etc/resolv.conf", error);
}

static bool
set_validation(struct ub_ctx *ctx, const struct dns_conf *conf, struct arena *arena, struct err *err)
{
	const char *path = conf->trust_anchor.n > 0 ? arena_cstr(arena, conf->trust_anchor) : DEBIAN_ROOT_KEY;
	int error = ub_ctx_set_option(ctx, "module-config:", conf->dnssec ? "validator iterator" : "iterator");

	if (error != 0)
		return failed(err, "module-config", error);
	if (!conf->dnssec)
		return true;
	if (access(path, R_OK) != 0)
		return err_perm(err, "dnssec needs a trust anchor, and %.150s cannot be read%s", path,
		    conf->trust_anchor.n > 0 ? "" : " (Debian: package dns-root-data)");
	error = ub_ctx_add_ta_file(ctx, path);
	return error == 0 || failed(err, "trust anchor", error);
}

/*
 * The library reads its files only when it is first used: do that now, while somebody can be told.  ub_ctx_zone_remove
 * is the first call that does so without a question.
 */
static bool
make_final(struct ub_ctx *ctx, const struct dns_conf *conf, struct err *err)
{
	size_t n = sizeof(unblocked_zones) / sizeof(unblocked_zones[0]);

	for (size_t i = 0; i < n; i++) {
		int error = 0;

		if (conf->mode != DNS_MODE_RECURSE)
			error = ub_ctx_zone_remove(ctx, unblocked_zones[i]);
		else if (i == 0)
			error = ub_ctx_zone_remove(ctx, "unused.invalid.");
		if (error != 0)
			return failed(err, conf->dnssec ? "start (is the trust anchor well-formed?)" : "start", error);
	}
	return true;
}

static bool
set_up(struct ub_ctx *ctx, const struct dns_conf *conf, unsigned ports, struct arena *arena, struct err *err)
{
	int error;

	ub_ctx_debugout(ctx, NULL); /* its complaints would go to stderr */
	if (!set_options(ctx, always, sizeof(always) / sizeof(always[0]), err) || !set_ports(ctx, ports, arena, err))
		return false;
	if (!set_mode(ctx, conf, arena, err) || !set_validation(ctx, conf, arena, err))
		return false;
	error = ub_ctx_async(ctx, 1);
	return error == 0 ? make_final(ctx, conf, err) : failed(err, "async", error);
}

struct ub_ctx *
dns_unbound_new(const struct dns_conf *conf, unsigned ports, struct err *err)
{
	struct arena *arena = arena_new();
	struct ub_ctx *ctx = ub_ctx_create();
	bool ok = ctx != NULL ? set_up(ctx, conf, ports, arena, err) : err_perm(err, "libunbound cannot start");

	arena_free(arena);
	if (!ok && ctx != NULL) {
		ub_ctx_delete(ctx);
		ctx = NULL;
	}
	return ctx;
}

static const char *
rcode_text(int rcode)
{
	static const char *const texts[] = { "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED" };

	if (rcode < 0 || (size_t)rcode >= sizeof(texts) / sizeof(texts[0]))
		return "unexpected response code";
	return texts[rcode];
}

/* The records, each within the octets the library says it has. */
static void
answer_data(enum dns_type type, const struct ub_result *result, struct arena *arena, struct dns_answer *answer)
{
	struct view *rdata;
	size_t n = 0;

	while (result->data[n] != NULL && n <= DNS_RECORDS_MAX) /* one more is enough to see that it is too many */
		n++;
	rdata = ARENA_ARRAY(arena, n, struct view);
	for (size_t i = 0; i < n; i++)
		rdata[i] = (struct view){ result->data[i], (size_t)result->len[i] };
	dns_decode(type, rdata, n, arena, answer);
}

void
dns_unbound_answer(enum dns_type type, int error, const struct ub_result *result, struct arena *arena,
    struct dns_answer *answer)
{
	*answer = (struct dns_answer){ .why = "" };
	if (error != 0 || result == NULL) {
		dns_answer_temp(answer, "resolver failed");
		return;
	}
	if (result->bogus) {
		dns_answer_temp(answer, "bogus");
		return;
	}
	answer->secure = result->secure;
	answer->ttl = result->ttl > 0 ? (uint32_t)result->ttl : 0;
	if (result->rcode == 3) /* also at the end of a chain of CNAMEs: RFC 2308 2.1 */
		answer->outcome = DNS_NXDOMAIN;
	else if (result->rcode != 0)
		dns_answer_temp(answer, rcode_text(result->rcode));
	else if (result->havedata)
		answer_data(type, result, arena, answer);
	else
		answer->outcome = DNS_NODATA;
	if (answer->outcome == DNS_TEMP)
		answer->secure = false;
}
