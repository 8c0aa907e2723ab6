#include "base/base64.h"

#include "base/cursor.h"
#include "base/mem.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* One more than the six bits that an octet stands for; 0: none. */
static unsigned char digits_of[256];

/* Before main(): no thread sees it half made. */
__attribute__((constructor)) static void
fill_digits(void)
{
	for (int i = 0; i < 64; i++)
		digits_of[(unsigned char)alphabet[i]] = (unsigned char)(i + 1);
}

/* The six bits that c stands for; -1: none. */
static int
digit_value(char c)
{
	return digits_of[(unsigned char)c] - 1;
}

bool
base64_decode(struct view text, struct arena *arena, struct view *octets, struct err *err)
{
	unsigned char *out = arena_alloc(arena, text.n / 4 * 3 + 3);
	size_t n = 0, digits = 0, padding = 0;
	uint32_t bits = 0;

	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		int value = digit_value(c);
		if (value < 0 && char_in(c, CC_FWS))
			continue;
		if (c == '=' && padding < 2) {
			padding++;
			continue;
		}
		if (value < 0)
			return err_perm(err, "not base64 at byte %zu", i);
		if (padding > 0)
			return err_perm(err, "base64 goes on after its padding at byte %zu", i);
		bits = bits << 6 | (uint32_t)value;
		if (++digits % 4 == 0) {
			out[n++] = (unsigned char)(bits >> 16);
			out[n++] = (unsigned char)(bits >> 8);
			out[n++] = (unsigned char)bits;
			bits = 0;
		}
	}
	size_t left = digits % 4;
	if (left == 1 || (padding > 0 && (left == 0 || left + padding != 4)))
		return err_perm(err, "base64 of a wrong length");
	if (left == 2) {
		out[n++] = (unsigned char)(bits >> 4);
		bits &= 0x0f;
	} else if (left == 3) {
		out[n++] = (unsigned char)(bits >> 10);
		out[n++] = (unsigned char)(bits >> 2);
		bits &= 0x03;
	}
	if (left != 0 && bits != 0)
		return err_perm(err, "base64 with bits left over");
	*octets = (struct view){ (const char *)out, n };
	return true;
}

struct view
base64_encode(struct view octets, struct arena *arena)
{
	size_t room = mem_mul(octets.n / 3 + 1, 4);
	char *out = arena_alloc(arena, room);
	const unsigned char *p = (const unsigned char *)octets.p;
	size_t n = 0;

	for (size_t i = 0; i < octets.n; i += 3) {
		size_t have = octets.n - i < 3 ? octets.n - i : 3;
		uint32_t bits = (uint32_t)p[i] << 16;
		if (have > 1)
			bits |= (uint32_t)p[i + 1] << 8;
		if (have > 2)
			bits |= p[i + 2];
		out[n++] = alphabet[bits >> 18];
		out[n++] = alphabet[bits >> 12 & 63];
		out[n++] = have > 1 ? alphabet[bits >> 6 & 63] : '=';
		out[n++] = have > 2 ? alphabet[bits & 63] : '=';
	}
	return (struct view){ out, n };
}
