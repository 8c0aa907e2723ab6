#ifndef ASSAY_DNS_DNS_SERVER_H
#define ASSAY_DNS_DNS_SERVER_H

#include "base/ip.h"

/*
 * dns_server - a server to forward to: "192.0.2.53", "2001:db8::53@5353".
 */
struct dns_server {
	struct ip ip;
	unsigned port; /* 53 when the text has none */
};

bool dns_server_parse(struct view text, struct dns_server *server);

#endif
