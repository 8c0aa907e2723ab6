#include "dns/dns_decode.h"

#include "dns/dns_name.h"

#include <string.h>

/* The union of struct dns_answer, while it is filled. */
union records {
	struct view *view;
	struct ip *addr;
	struct dns_mx *mx;
};

/* <character-string> one after the other, joined: RFC 1035 3.3.14, RFC 7208 3.3 */
static bool
decode_txt(struct view rdata, struct arena *arena, struct view *txt)
{
	struct buffer joined = buffer_in(arena);
	struct cursor c = cursor_over(rdata);

	if (rdata.n == 0)
		return false;
	while (!cursor_end(&c)) {
		size_t length = (size_t)cursor_peek(&c);
		struct view string;

		cursor_take_n(&c, 1);
		string = cursor_take_n(&c, length);
		if (string.n < length)
			return false;
		buffer_add(&joined, string);
	}
	*txt = buffer_view(&joined);
	return true;
}

static bool
decode_addr(struct view rdata, size_t octets, struct ip *ip)
{
	if (rdata.n != octets)
		return false;
	ip->family = octets == 4 ? 4 : 6;
	memcpy(ip->octet, rdata.p, octets);
	return true;
}

static bool
decode_name(struct view rdata, struct arena *arena, struct view *name)
{
	struct cursor c = cursor_over(rdata);

	return dns_name_from_wire(&c, arena, name) && cursor_end(&c);
}

static bool
decode_mx(struct view rdata, struct arena *arena, struct dns_mx *mx)
{
	struct cursor c = cursor_over(rdata);
	struct view preference = cursor_take_n(&c, 2);

	if (preference.n < 2)
		return false;
	mx->preference = (unsigned)(uint8_t)preference.p[0] << 8 | (uint8_t)preference.p[1];
	return decode_name(cursor_rest(&c), arena, &mx->name);
}

/* Insertion keeps the order received among equals, and n is at most DNS_RECORDS_MAX. */
static void
sort_mx(struct dns_mx *mx, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct dns_mx one = mx[i];
		size_t at = i;

		for (; at > 0 && mx[at - 1].preference > one.preference; at--)
			mx[at] = mx[at - 1];
		mx[at] = one;
	}
}

static bool
decode_one(enum dns_type type, struct view rdata, struct arena *arena, union records to, size_t i)
{
	switch (type) {
	case DNS_TXT:
		return decode_txt(rdata, arena, &to.view[i]);
	case DNS_A:
		return decode_addr(rdata, 4, &to.addr[i]);
	case DNS_AAAA:
		return decode_addr(rdata, 16, &to.addr[i]);
	case DNS_MX:
		return decode_mx(rdata, arena, &to.mx[i]);
	case DNS_PTR:
		return decode_name(rdata, arena, &to.view[i]);
	case DNS_TLSA:
		break;
	}
	to.view[i] = arena_copy(arena, rdata);
	return true;
}

static union records
records_new(enum dns_type type, size_t n, struct arena *arena)
{
	union records to;

	if (type == DNS_A || type == DNS_AAAA)
		to.addr = ARENA_ARRAY(arena, n, struct ip);
	else if (type == DNS_MX)
		to.mx = ARENA_ARRAY(arena, n, struct dns_mx);
	else
		to.view = ARENA_ARRAY(arena, n, struct view);
	return to;
}

static bool
too_large(const struct view *rdata, size_t n)
{
	size_t octets = 0;

	if (n > DNS_RECORDS_MAX)
		return true;
	for (size_t i = 0; i < n; i++) {
		if (rdata[i].n > DNS_ANSWER_MAX - octets)
			return true;
		octets += rdata[i].n;
	}
	return false;
}

void
dns_answer_temp(struct dns_answer *answer, const char *why)
{
	answer->outcome = DNS_TEMP;
	answer->why = why;
	answer->n = 0;
	answer->rdata = NULL;
}

void
dns_decode(enum dns_type type, const struct view *rdata, size_t n, struct arena *arena, struct dns_answer *answer)
{
	union records to;

	if (too_large(rdata, n)) {
		dns_answer_temp(answer, "answer too large");
		return;
	}
	to = records_new(type, n, arena);
	for (size_t i = 0; i < n; i++)
		if (!decode_one(type, rdata[i], arena, to, i)) {
			dns_answer_temp(answer, "malformed answer");
			return;
		}
	if (type == DNS_MX)
		sort_mx(to.mx, n);
	answer->outcome = n > 0 ? DNS_DATA : DNS_NODATA;
	answer->why = "";
	answer->n = n;
	answer->rdata = to.view;
}
