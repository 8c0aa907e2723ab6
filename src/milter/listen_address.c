#include "milter/listen_address.h"

#include <sys/un.h>

static bool
take_path(struct view path, struct listen_address *address, struct err *err)
{
	if (path.n == 0 || path.p[0] != '/')
		return err_perm(err, "the path of a unix socket must begin with \"/\"");
	if (path.n >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return err_perm(err, "the path of a unix socket may have at most %zu octets",
		    sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1);
	address->kind = LISTEN_UNIX;
	address->path = path;
	return true;
}

static bool
take_inet(struct view text, int family, struct listen_address *address, struct err *err)
{
	const char *word = family == 4 ? "inet" : "inet6";
	struct view port, host;
	uint64_t number;

	if (!view_split(text, '@', &port, &host))
		return err_perm(err, "%s: wants PORT@ADDRESS; all interfaces are %s:PORT@%s", word, word,
		    family == 4 ? "0.0.0.0" : "::");
	if (!view_to_u64(port, 65535, &number) || number == 0)
		return err_perm(err, "%s: wants a port of 1..65535 before the \"@\"", word);
	if (view_is_nocase(host, "localhost"))
		host = family == 4 ? VIEW_LIT("127.0.0.1") : VIEW_LIT("::1");
	if (!ip_parse(host, &address->ip) || address->ip.family != family)
		return err_perm(err, "%s: wants an IPv%d address or \"localhost\" behind the \"@\"", word, family);
	address->kind = family == 4 ? LISTEN_INET : LISTEN_INET6;
	address->port = (unsigned)number;
	return true;
}

bool
listen_address_parse(struct view text, struct listen_address *address, struct err *err)
{
	struct view word, rest;

	*address = (struct listen_address){ .path = VIEW_EMPTY };
	if (view_split(text, ':', &word, &rest)) {
		if (view_is_nocase(word, "unix") || view_is_nocase(word, "local"))
			return take_path(rest, address, err);
		if (view_is_nocase(word, "inet"))
			return take_inet(rest, 4, address, err);
		if (view_is_nocase(word, "inet6"))
			return take_inet(rest, 6, address, err);
	}
	return err_perm(err, "an address is unix:PATH, inet:PORT@ADDRESS or inet6:PORT@ADDRESS");
}
