#include "srs/srs_socketmap.h"

#include "base/buffer.h"
#include "base/cursor.h"

/* Digits of SOCKETMAP_REQUEST_MAX. */
#define LENGTH_DIGITS 5

/* netstring = length ":" octets ","; the length without leading zeros */
enum netstring_outcome
netstring_take(struct view input, struct view *payload, size_t *used)
{
	struct cursor c = cursor_over(input);
	struct view digits = cursor_take_max(&c, CC_DIGIT, LENGTH_DIGITS);
	uint64_t n;

	if (digits.n == 0)
		return cursor_end(&c) ? NETSTRING_MORE : NETSTRING_BAD;
	if (!view_to_u64(digits, SOCKETMAP_REQUEST_MAX, &n) || (digits.p[0] == '0' && digits.n > 1))
		return NETSTRING_BAD;
	if (!cursor_char(&c, ':'))
		return cursor_end(&c) ? NETSTRING_MORE : NETSTRING_BAD;
	*payload = cursor_take_n(&c, (size_t)n);
	if (payload->n < n || cursor_end(&c))
		return NETSTRING_MORE;
	if (!cursor_char(&c, ','))
		return NETSTRING_BAD;
	*used = cursor_offset(&c);
	return NETSTRING_WHOLE;
}

struct view
netstring_of(struct view payload, struct arena *arena)
{
	struct buffer b = buffer_in(arena);

	buffer_addf(&b, "%zu:", payload.n);
	buffer_add(&b, payload);
	buffer_add_char(&b, ',');
	return buffer_view(&b);
}

static enum socketmap_map
map_of(struct view name)
{
	return view_is(name, "forward") ? SOCKETMAP_FORWARD : view_is(name, "reverse") ? SOCKETMAP_REVERSE : SOCKETMAP_NONE;
}

static struct view
reply_of(const struct srs_result *result, struct arena *arena)
{
	struct buffer b = buffer_in(arena);

	switch (result->outcome) {
	case SRS_REWRITTEN:
	case SRS_VALID:
		buffer_add_cstr(&b, "OK ");
		buffer_add(&b, result->address);
		break;
	case SRS_TEMP:
		buffer_add_cstr(&b, "TEMP ");
		buffer_add(&b, result->why);
		break;
	default:
		buffer_add_cstr(&b, "NOTFOUND ");
	}
	return buffer_view(&b);
}

struct view
srs_socketmap_answer(const struct srs *srs, struct view request, int64_t now, struct arena *arena,
    enum socketmap_map *map, struct srs_result *result)
{
	struct view name, key;
	struct srs_result own;
	bool is_request = view_split(request, ' ', &name, &key);
	enum socketmap_map asked = is_request ? map_of(name) : SOCKETMAP_NONE;

	if (result == NULL)
		result = &own;
	if (map != NULL)
		*map = asked;
	if (asked == SOCKETMAP_NONE)
		return netstring_of(VIEW_LIT("NOTFOUND "), arena);
	if (asked == SOCKETMAP_FORWARD)
		srs_forward(srs, key, now, arena, result);
	else
		srs_reverse(srs, key, now, arena, result);
	return netstring_of(reply_of(result, arena), arena);
}
