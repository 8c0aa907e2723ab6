#ifndef ASSAY_DNS_DNS_FAKE_H
#define ASSAY_DNS_DNS_FAKE_H

#include "dns/dns.h"

/*
 * dns_fake - DNS out of a text file, for tests and for `assayctl --fake-dns FILE`.
 *
 * One record a line, much as in a zone file; all names are absolute, with or without a final dot:
 *
 *	example.org.		A	192.0.2.1
 *	example.org	300 IN	MX	10 mail.example.org.
 *	example.org		TXT	"v=spf1 mx " "-all"	; strings are joined
 *	www.example.org		CNAME	example.org
 *	*.pool.example.org	AAAA	2001:db8::1
 *	1.2.0.192.in-addr.arpa	PTR	mail.example.org
 *	_25._tcp.example.org	TLSA	3 1 1 0123...ef		# hexadecimal, spaces allowed
 *	odd.example.org		TYPE99	04746578 74		# any type by number, rdata in hexadecimal
 *	broken.example.org	TYPE1	c0			# so, a broken A record
 *
 * The words, instead of a record:
 *
 *	name TIMEOUT		no answer, DNS_TEMP "timeout" (at once, unless there is a DELAY)
 *	name SERVFAIL		DNS_TEMP "SERVFAIL"
 *	name NODATA		the name exists
 *	name SECURE		what is asked there counts as validated by DNSSEC; below it, what does not exist
 *	name DELAY 50		answers come after so many milliseconds; other questions do not wait for them
 *	name TXT TIMEOUT	TIMEOUT, SERVFAIL or NODATA for one type
 *
 * "#" or ";" where a word would begin starts a comment.  A time to live and "IN" may stand before
 * the type (3600 without).  In names \X and \DDD stand for an octet (\032 for a space); in strings, which are always
 * quoted, \" \\ and \DDD.  A string may be longer than 255 octets.
 *
 * As in DNS: all names above a name exist; "*" answers for what does not exist below its parent (RFC
 * 4592); CNAMEs are followed, DNS_FAKE_CNAMES of them at most.  Everything else is NXDOMAIN.
 */
#define DNS_FAKE_CNAMES 12
#define DNS_FAKE_TTL 3600
#define DNS_FAKE_NEGATIVE_TTL 300
#define DNS_FAKE_DELAY_MAX 600000 /* milliseconds */

struct dns_fake;

/* The text need not stay.  NULL: err, "line 3: ..." */
struct dns_fake *dns_fake_parse(struct view text, struct arena *arena, struct err *err);

/*
 * What a resolver would say: all of *answer, in memory of arena, and the delay in milliseconds.  `name`
 * must be dns_name_ok.  Thread-safe.
 */
void dns_fake_answer(const struct dns_fake *fake, struct view name, enum dns_type type, struct arena *arena,
    struct dns_answer *answer, int64_t *delay_ms);

bool dns_fake_has_delays(const struct dns_fake *fake);

#endif
