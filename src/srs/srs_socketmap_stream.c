#include "srs/srs_socketmap_stream.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

#define ROOM_FIRST 256

static struct view
unused(const struct socketmap_octets *o)
{
	return (struct view){ o->p == NULL ? "" : o->p + o->at, o->n - o->at };
}

static void
forget(struct socketmap_octets *o)
{
	mem_free(o->p);
	*o = (struct socketmap_octets){ 0 };
}

/* @UNSAFE: what is used up makes way, the room grows when the rest and v do not fit into it */
static void
append(struct socketmap_octets *o, struct view v)
{
	size_t rest = o->n - o->at, wanted = mem_add(rest, v.n), room = o->room == 0 ? ROOM_FIRST : o->room;

	if (v.n == 0)
		return;
	if (o->at > 0 && rest > 0)
		memmove(o->p, o->p + o->at, rest);
	while (room < wanted)
		room = mem_mul(room, 2);
	if (room > o->room)
		o->p = mem_resize(o->p, room);
	memcpy(o->p + rest, v.p, v.n);
	*o = (struct socketmap_octets){ .p = o->p, .at = 0, .n = wanted, .room = room };
}

size_t
socketmap_stream_room(const struct socketmap_stream *s)
{
	return s->bad ? 0 : SOCKETMAP_INPUT_MAX - (s->in.n - s->in.at);
}

void
socketmap_stream_feed(struct socketmap_stream *s, struct view octets)
{
	assert(octets.n <= socketmap_stream_room(s));
	append(&s->in, octets);
}

enum socketmap_step
socketmap_stream_next(struct socketmap_stream *s, struct view *request)
{
	size_t used;

	if (s->bad)
		return SOCKETMAP_BAD;
	if (s->out.n - s->out.at >= SOCKETMAP_OUTPUT_MAX)
		return SOCKETMAP_FULL;
	switch (netstring_take(unused(&s->in), request, &used)) {
	case NETSTRING_WHOLE:
		s->in.at += used;
		return SOCKETMAP_REQUEST;
	case NETSTRING_MORE:
		if (s->in.at == s->in.n)
			forget(&s->in);
		return SOCKETMAP_HUNGRY;
	default:
		s->bad = true;
		forget(&s->in);
		return SOCKETMAP_BAD;
	}
}

void
socketmap_stream_reply(struct socketmap_stream *s, struct view reply)
{
	append(&s->out, reply);
}

struct view
socketmap_stream_output(const struct socketmap_stream *s)
{
	return unused(&s->out);
}

void
socketmap_stream_wrote(struct socketmap_stream *s, size_t n)
{
	assert(n <= s->out.n - s->out.at);
	s->out.at += n;
	if (s->out.at == s->out.n)
		forget(&s->out);
}

bool
socketmap_stream_is_half(const struct socketmap_stream *s)
{
	return s->in.at < s->in.n;
}

void
socketmap_stream_end(struct socketmap_stream *s)
{
	forget(&s->in);
	forget(&s->out);
	s->bad = false;
}
