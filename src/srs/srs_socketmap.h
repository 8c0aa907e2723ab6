#ifndef ASSAY_SRS_SOCKETMAP_H
#define ASSAY_SRS_SOCKETMAP_H

#include "srs/srs.h"

/*
 * srs_socketmap - the two maps of SRS as Postfix and Sendmail ask for them, octets in, octets out.
 * Source: socketmap_table(5) of Postfix; D. J. Bernstein's netstrings; measured with both MTAs: a request is
 * "forward KEY" or "reverse KEY", a reply "OK address" or "NOTFOUND " with that space.
 *
 * NOTFOUND is the only safe no: to TEMP, PERM, an unknown word and a closed connection Postfix answers the client
 * 451.  So TEMP is said when the store cannot be asked, and PERM never.  Knows no socket and no clock; thread-safe.
 */

/* Octets of a request.  Postfix's lines end at 2048; what is far above is no MTA. */
#define SOCKETMAP_REQUEST_MAX 10000

enum netstring_outcome {
	NETSTRING_MORE,	 /* so far, so good: read on */
	NETSTRING_WHOLE, /* *payload; *used octets are done with */
	NETSTRING_BAD,	 /* no netstring, or too long: there is no way to find the next one; close */
};
/* Never asks for more than SOCKETMAP_REQUEST_MAX and the few octets around it.  *payload points into input. */
enum netstring_outcome netstring_take(struct view input, struct view *payload, size_t *used);
struct view netstring_of(struct view payload, struct arena *arena);

enum socketmap_map {
	SOCKETMAP_FORWARD,
	SOCKETMAP_REVERSE,
	SOCKETMAP_NONE, /* no map of ours, or no request */
};

/*
 * The reply, as a netstring, to what netstring_take gave.  *map and *result, both may be NULL, are for the log:
 * *result is unspecified when *map is SOCKETMAP_NONE.
 */
struct view srs_socketmap_answer(const struct srs *srs, struct view request, int64_t now, struct arena *arena,
    enum socketmap_map *map, struct srs_result *result);

#endif
