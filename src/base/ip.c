#include "base/ip.h"

#include "base/buffer.h"
#include "base/cursor.h"

#include <arpa/inet.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = { [10] = 0xff, [11] = 0xff };

static void
from_v4(struct ip *ip, const void *octets)
{
	*ip = (struct ip){ .family = 4 };
	memcpy(ip->octet, octets, 4);
}

static void
from_v6(struct ip *ip, const void *octets)
{
	if (memcmp(octets, mapped_prefix, sizeof(mapped_prefix)) == 0) {
		from_v4(ip, (const uint8_t *)octets + 12);
		return;
	}
	*ip = (struct ip){ .family = 6 };
	memcpy(ip->octet, octets, 16);
}

bool
ip_parse(struct view text, struct ip *ip)
{
	char cstr[INET6_ADDRSTRLEN];
	uint8_t octets[16];

	if (text.n > 5 && view_is_nocase(view_sub(text, 0, 5), "IPv6:"))
		text = view_from(text, 5);
	if (text.n == 0 || text.n >= sizeof(cstr) || view_find(text, '\0') != VIEW_NONE)
		return false;
	memcpy(cstr, text.p, text.n);
	cstr[text.n] = '\0';
	if (inet_pton(AF_INET, cstr, octets) == 1)
		from_v4(ip, octets);
	else if (inet_pton(AF_INET6, cstr, octets) == 1)
		from_v6(ip, octets);
	else
		return false;
	return true;
}

static void
clear_host_bits(struct ip_net *net)
{
	for (int bit = net->bits; bit < 128; bit++)
		net->ip.octet[bit / 8] &= (uint8_t) ~(0x80u >> (bit % 8));
}

bool
ip_net_parse(struct view text, struct ip_net *net)
{
	struct view addr, prefix;
	bool has_prefix = view_split(text, '/', &addr, &prefix);
	bool mapped = false;
	uint64_t bits;

	if (!ip_parse(addr, &net->ip))
		return false;
	uint64_t most = net->ip.family == 4 ? 32 : 128;
	if (net->ip.family == 4 && view_find(addr, ':') != VIEW_NONE) { /* ::ffff:192.0.2.0/120 */
		mapped = true;
		most = 128;
	}
	if (!has_prefix)
		bits = most;
	else if (!view_to_u64(prefix, most, &bits))
		return false;
	if (mapped && bits < 96)
		return false;
	net->bits = (int)(mapped ? bits - 96 : bits);
	clear_host_bits(net);
	return true;
}

bool
ip_from_sockaddr(const struct sockaddr *sa, struct ip *ip)
{
	if (sa == NULL)
		return false;
	if (sa->sa_family == AF_INET) {
		struct sockaddr_in in;
		memcpy(&in, sa, sizeof(in));
		from_v4(ip, &in.sin_addr);
		return true;
	}
	if (sa->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;
		memcpy(&in6, sa, sizeof(in6));
		from_v6(ip, &in6.sin6_addr);
		return true;
	}
	return false;
}

bool
ip_eq(const struct ip *a, const struct ip *b)
{
	return a->family != 0 && a->family == b->family && memcmp(a->octet, b->octet, sizeof(a->octet)) == 0;
}

bool
ip_in(const struct ip *ip, const struct ip *net, int bits)
{
	if (ip->family == 0 || ip->family != net->family)
		return false;
	size_t whole = (size_t)bits / 8;
	unsigned rest = (unsigned)bits % 8;
	if (memcmp(ip->octet, net->octet, whole) != 0)
		return false;
	return rest == 0 || ((ip->octet[whole] ^ net->octet[whole]) >> (8 - rest)) == 0;
}

bool
ip_in_net(const struct ip *ip, const struct ip_net *net)
{
	return ip_in(ip, &net->ip, net->bits);
}

bool
ip_is_any(const struct ip *ip)
{
	static const struct ip none;

	return ip->family != 0 && memcmp(ip->octet, none.octet, sizeof(none.octet)) == 0;
}

bool
ip_is_loopback(const struct ip *ip)
{
	static const struct ip one = { .family = 6, .octet = { [15] = 1 } };

	return (ip->family == 4 && ip->octet[0] == 127) || ip_eq(ip, &one);
}

/* Most clients have one of these, and a message shows it several times. */
static struct view
ip4_text(const struct ip *ip, struct arena *arena)
{
	struct buffer b = buffer_in(arena);

	for (int i = 0; i < 4; i++) {
		if (i > 0)
			buffer_add_char(&b, '.');
		if (ip->octet[i] >= 100)
			buffer_add_char(&b, (char)('0' + ip->octet[i] / 100));
		if (ip->octet[i] >= 10)
			buffer_add_char(&b, (char)('0' + ip->octet[i] / 10 % 10));
		buffer_add_char(&b, (char)('0' + ip->octet[i] % 10));
	}
	return buffer_view(&b);
}

struct view
ip_text(const struct ip *ip, struct arena *arena)
{
	char text[INET6_ADDRSTRLEN];

	if (ip->family == 0)
		return VIEW_LIT("unknown");
	if (ip->family == 4)
		return ip4_text(ip, arena);
	inet_ntop(AF_INET6, ip->octet, text, sizeof(text));
	return arena_copy(arena, view_of(text));
}

struct view
ip_reverse_name(const struct ip *ip, struct arena *arena)
{
	struct buffer name = buffer_in(arena);

	if (ip->family == 4) {
		for (int i = 3; i >= 0; i--)
			buffer_addf(&name, "%u.", ip->octet[i]);
		buffer_add_cstr(&name, "in-addr.arpa");
	} else if (ip->family == 6) {
		for (int i = 15; i >= 0; i--)
			buffer_addf(&name, "%x.%x.", ip->octet[i] & 15u, ip->octet[i] >> 4u);
		buffer_add_cstr(&name, "ip6.arpa");
	}
	return buffer_view(&name);
}
