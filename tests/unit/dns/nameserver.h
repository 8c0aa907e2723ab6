#ifndef ASSAY_TESTS_NAMESERVER_H
#define ASSAY_TESTS_NAMESERVER_H

#include <stdbool.h>

/*
 * nameserver - a DNS server in a thread of the test, UDP and TCP on one port of 127.0.0.1.
 * The first label of a question says what becomes of it:
 *
 *	data...		TXT "v=spf1 -all" and "second" in two strings; A 192.0.2.1; MX 20, 10; TTL 60
 *	ttl0...		the same, TTL 0
 *	nodata...	no records, SOA with minimum 7
 *	nxdomain...	NXDOMAIN, SOA with minimum 7
 *	servfail... refused... formerr...
 *	cname...	CNAME to data.test;  deadend...: CNAME to nxdomain.test, and NXDOMAIN
 *	silent...	nothing
 *	slow...		as data, after 150 ms;  late...: after 1500 ms
 *	wrongid...	as data under another id, and nothing else
 *	wrongname...	as data for another name
 *	tc...		UDP: truncated; TCP: 40 TXT records
 *	tcsilent...	UDP: truncated; TCP: nothing
 *	many...		300 A records, by TCP
 *	huge...		three TXT records of 20 000 octets, by TCP
 *	short...	half a message
 *	signed.test	TXT and DNSKEY as data, validly signed (signed_zone.h); A with a signature that is wrong
 */
struct nameserver;

struct nameserver *nameserver_start(void);
int nameserver_port(const struct nameserver *server);
unsigned nameserver_questions(struct nameserver *server, const char *label); /* how many began so, by UDP */
void nameserver_deaf(struct nameserver *server, bool deaf); /* true: every question is as silent */
void nameserver_stop(struct nameserver *server);

#endif
