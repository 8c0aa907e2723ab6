#ifndef ASSAY_BASE_IP_H
#define ASSAY_BASE_IP_H

#include "base/arena.h"

struct sockaddr;

/*
 * ip - an IPv4 or IPv6 address, and networks of them.
 * IPv4-mapped IPv6 addresses (::ffff:192.0.2.1) become IPv4 wherever an address comes in
 * (RFC 7208 5: "must be treated as IPv4").  Pure and thread-safe.
 */
struct ip {
	int family;		/* 4, 6, or 0: unknown, matches nothing */
	uint8_t octet[16];	/* network order; IPv4 in the first four, the rest zero */
};

struct ip_net {
	struct ip ip;
	int bits; /* 0..32 or 0..128 */
};

/* Dotted quad (no leading zeros) or RFC 4291 text; "IPv6:" in front is taken (RFC 5321 4.1.3). */
bool ip_parse(struct view text, struct ip *ip);
/* "192.0.2.0/24", "2001:db8::/32", or an address alone (all its bits).  Host bits are cleared. */
bool ip_net_parse(struct view text, struct ip_net *net);
bool ip_from_sockaddr(const struct sockaddr *sa, struct ip *ip); /* false: neither AF_INET nor AF_INET6 */

bool ip_eq(const struct ip *a, const struct ip *b);
/* The first `bits` bits are the same, and the families. */
bool ip_in(const struct ip *ip, const struct ip *net, int bits);
bool ip_in_net(const struct ip *ip, const struct ip_net *net);
bool ip_is_any(const struct ip *ip); /* 0.0.0.0 or ::, where a server listens on all addresses */
bool ip_is_loopback(const struct ip *ip);

struct view ip_text(const struct ip *ip, struct arena *arena); /* RFC 5952; family 0: "unknown" */
/* The name for PTR questions: "1.2.0.192.in-addr.arpa", "...ip6.arpa". */
struct view ip_reverse_name(const struct ip *ip, struct arena *arena);

#endif
