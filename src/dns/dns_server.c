#include "dns/dns_server.h"

bool
dns_server_parse(struct view text, struct dns_server *server)
{
	struct view address, port;
	uint64_t number = 53;

	if (view_split(text, '@', &address, &port) && (!view_to_u64(port, 65535, &number) || number == 0))
		return false;
	server->port = (unsigned)number;
	return ip_parse(address, &server->ip);
}
