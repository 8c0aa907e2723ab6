/*
 * A connection to the maps, octet by octet and as one piece: whatever the pieces that octets come in and replies leave
 * in, the same replies leave, the same end is reached, and never more is held than the limits say.
 * Input: an octet that the pieces depend on, then what the client sends.
 */
#include "base/buffer.h"
#include "fuzz/srs_domain.h"
#include "srs/srs_socketmap_stream.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* More than any reply: the longest names a temporary error or an address. */
#define REPLY_MAX 1024

struct ending {
	struct view replies;
	enum socketmap_step step;
	bool half;
};

/* 0: all that goes; else 1..16, another one each time. */
static size_t
piece(uint32_t *dice)
{
	if (*dice == 0)
		return SIZE_MAX;
	*dice = *dice * 1664525 + 1013904223;
	return 1 + (*dice >> 28);
}

static void
write_some(struct socketmap_stream *s, struct buffer *replies, uint32_t *dice)
{
	struct view part = view_sub(socketmap_stream_output(s), 0, piece(dice));

	assert(socketmap_stream_output(s).n < SOCKETMAP_OUTPUT_MAX + REPLY_MAX);
	buffer_add(replies, part);
	socketmap_stream_wrote(s, part.n);
}

static enum socketmap_step
answer_all(struct socketmap_stream *s, struct buffer *replies, uint32_t *dice, struct arena *arena)
{
	struct view request;

	for (;;) { /* ends: each turn takes a request or writes */
		enum socketmap_step step = socketmap_stream_next(s, &request);
		if (step == SOCKETMAP_REQUEST)
			socketmap_stream_reply(s, srs_socketmap_answer(srs_domain(), request, 1700000000, arena, NULL, NULL));
		else if (step == SOCKETMAP_FULL)
			write_some(s, replies, dice);
		else
			return step;
	}
}

static struct ending
play(struct view input, uint32_t dice, struct arena *arena)
{
	struct socketmap_stream s = { 0 };
	struct buffer replies = buffer_in(arena);
	enum socketmap_step step = SOCKETMAP_HUNGRY;

	for (size_t at = 0; at < input.n && step == SOCKETMAP_HUNGRY;) {
		size_t n = piece(&dice), room = socketmap_stream_room(&s);
		assert(room > 0);
		struct view part = view_sub(input, at, n < room ? n : room);
		socketmap_stream_feed(&s, part);
		at += part.n;
		step = answer_all(&s, &replies, &dice, arena);
	}
	while (socketmap_stream_output(&s).n > 0)
		write_some(&s, &replies, &dice);
	struct ending end = { buffer_view(&replies), step, socketmap_stream_is_half(&s) };
	assert(end.half || (s.in.p == NULL && s.out.p == NULL)); /* who waits for nothing holds nothing */
	socketmap_stream_end(&s);
	return end;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct arena *arena = arena_new();
	struct view input = { (const char *)data + 1, size - 1 };
	struct ending whole = play(input, 0, arena), pieces = play(input, 1 + data[0], arena);

	assert(view_eq(whole.replies, pieces.replies));
	assert(whole.step == pieces.step && whole.half == pieces.half);
	arena_free(arena);
	return 0;
}
