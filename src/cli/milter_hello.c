#include "cli/milter_hello.h"

#include "base/buffer.h"
#include "base/cursor.h"

#define OPTNEG 'O'
#define OPTNEG_OCTETS 13 /* the command, three numbers */

static void
add_u32(struct buffer *b, unsigned value)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		buffer_add_char(b, (char)(value >> shift & 255));
}

struct view
milter_hello_make(struct arena *arena)
{
	struct buffer b = buffer_in(arena);

	add_u32(&b, OPTNEG_OCTETS);
	buffer_add_char(&b, OPTNEG);
	add_u32(&b, MILTER_VERSION);
	add_u32(&b, MILTER_ACTIONS);
	add_u32(&b, MILTER_STEPS);
	return buffer_view(&b);
}

struct view
milter_hello_quit(void)
{
	return VIEW_LIT("\0\0\0\1Q");
}

/* The caller has seen that four octets are there. */
static unsigned
take_u32(struct cursor *c)
{
	struct view octets = cursor_take_n(c, 4);
	unsigned value = 0;

	for (size_t i = 0; i < octets.n; i++)
		value = value << 8 | (unsigned char)octets.p[i];
	return value;
}

static enum milter_hello_outcome
bad(struct err *err, const char *why)
{
	err_perm(err, "%s", why);
	return MILTER_HELLO_BAD;
}

enum milter_hello_outcome
milter_hello_take(struct view input, struct milter_hello *hello, struct err *err)
{
	struct cursor c = cursor_over(input);

	if (input.n < 5)
		return MILTER_HELLO_MORE;
	unsigned length = take_u32(&c);
	if (!cursor_char(&c, OPTNEG))
		return bad(err, "what answers does not speak the milter protocol");
	if (length < OPTNEG_OCTETS || length > MILTER_HELLO_MAX)
		return bad(err, "its answer to the negotiation has a wrong length");
	if (input.n - 4 < length)
		return MILTER_HELLO_MORE;
	hello->version = take_u32(&c);
	hello->actions = take_u32(&c);
	hello->steps = take_u32(&c);
	if ((hello->actions & ~MILTER_ACTIONS) != 0)
		return bad(err, "it wants actions that were not offered");
	return MILTER_HELLO_WHOLE;
}
