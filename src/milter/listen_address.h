#ifndef ASSAY_MILTER_LISTEN_ADDRESS_H
#define ASSAY_MILTER_LISTEN_ADDRESS_H

#include "base/err.h"
#include "base/ip.h"

/*
 * listen_address - where the MTA finds us, in libmilter's words.
 *
 *	unix:PATH, local:PATH	absolute path, at most 107 octets (sun_path)
 *	inet:PORT@ADDRESS	IPv4 address, or "localhost": 127.0.0.1
 *	inet6:PORT@ADDRESS	IPv6 address, or "localhost": ::1
 *
 * Host names are refused: what they mean may change between the check and the start.  "inet:PORT" without a
 * host is refused too: it would listen on every interface, and a milter socket believes whoever connects;
 * who wants that writes inet:PORT@0.0.0.0.
 */
enum listen_kind {
	LISTEN_UNIX,
	LISTEN_INET,
	LISTEN_INET6,
};

struct listen_address {
	enum listen_kind kind;
	struct view path; /* LISTEN_UNIX: points into the text that was parsed */
	struct ip ip;	  /* the others */
	unsigned port;	  /* 1..65535 */
};

/* False: err says what is wanted. */
bool listen_address_parse(struct view text, struct listen_address *address, struct err *err);

#endif
