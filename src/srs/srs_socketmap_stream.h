#ifndef ASSAY_SRS_SOCKETMAP_STREAM_H
#define ASSAY_SRS_SOCKETMAP_STREAM_H

#include "srs/srs_socketmap.h"

/*
 * srs_socketmap_stream - one client of the maps: octets in, requests out; replies in, octets out.
 * Requests come in any pieces, or many at once; replies leave in their order.  Knows no socket, no clock and no
 * secret.  Memory is held only while something is unfinished, and never more than the two limits and a reply:
 * thousands of idle clients cost nothing here.  Not thread-safe.
 */

/* Octets that came and are not used up; above SOCKETMAP_REQUEST_MAX and the few around it, so that it cannot jam. */
#define SOCKETMAP_INPUT_MAX 16384
/* Once so many octets of replies wait, no request is taken until the client reads. */
#define SOCKETMAP_OUTPUT_MAX 16384

/* All zero: a fresh one. */
struct socketmap_stream {
	struct socketmap_octets {
		char *p; /* NULL: nothing is held */
		size_t at, n, room; /* octets used up, octets there, octets at p */
	} in, out;
	bool bad;
};

enum socketmap_step {
	SOCKETMAP_REQUEST, /* *request is to be answered */
	SOCKETMAP_HUNGRY,  /* no whole request is there: feed more */
	SOCKETMAP_FULL,	   /* too much output waits: write first */
	SOCKETMAP_BAD,	   /* what came is no netstring: write what waits, then close */
};

/* How many octets it takes now: 0 after SOCKETMAP_BAD. */
size_t socketmap_stream_room(const struct socketmap_stream *s);
/* At most that many. */
void socketmap_stream_feed(struct socketmap_stream *s, struct view octets);
/* *request lives until the next call that changes *s. */
enum socketmap_step socketmap_stream_next(struct socketmap_stream *s, struct view *request);
/* A netstring, of srs_socketmap_answer. */
void socketmap_stream_reply(struct socketmap_stream *s, struct view reply);
/* What is to be written, and how much of it was. */
struct view socketmap_stream_output(const struct socketmap_stream *s);
void socketmap_stream_wrote(struct socketmap_stream *s, size_t n);
/* A part of a request is there. */
bool socketmap_stream_is_half(const struct socketmap_stream *s);
/* Free what it holds; it is a fresh one then. */
void socketmap_stream_end(struct socketmap_stream *s);

#endif
