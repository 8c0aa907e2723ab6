#include "base/hash.h"

#include <endian.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

static uint64_t key[2];

/* Before main(): no thread sees the key change. */
__attribute__((constructor)) static void
draw_key(void)
{
	if (getrandom(key, sizeof(key), 0) == (ssize_t)sizeof(key))
		return;
	struct timespec now; /* a kernel without getrandom: better a weak key than none */
	clock_gettime(CLOCK_REALTIME, &now);
	key[0] ^= (uint64_t)now.tv_nsec * 0x9e3779b97f4a7c15u;
	key[1] ^= (uint64_t)getpid() * 0xc2b2ae3d27d4eb4fu ^ (uint64_t)now.tv_sec;
}

struct sip {
	uint64_t v0, v1, v2, v3;
};

static uint64_t
rotl(uint64_t x, int by)
{
	return x << by | x >> (64 - by);
}

static void
sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = rotl(s->v1, 13) ^ s->v0;
	s->v0 = rotl(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotl(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotl(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotl(s->v1, 17) ^ s->v2;
	s->v2 = rotl(s->v2, 32);
}

static void
sip_word(struct sip *s, uint64_t word)
{
	s->v3 ^= word;
	sip_round(s);
	s->v0 ^= word;
}

#define EACH_OCTET(value) (UINT64_C(0x0101010101010101) * (value))

/* ASCII letters of eight octets at once: the high bit of each tells what is in 'A'..'Z', and 'a' - 'A' is a quarter of it. */
static uint64_t
lower_word(uint64_t word)
{
	uint64_t low = word & EACH_OCTET(0x7f);
	uint64_t from_a = low + EACH_OCTET(0x80 - 'A'), beyond_z = low + EACH_OCTET(0x7f - 'Z');

	return word | ((from_a & ~beyond_z & ~word & EACH_OCTET(0x80)) >> 2);
}

/* @UNSAFE: n octets, at most 8.  The first is the lowest, whatever the machine's order. */
static uint64_t
load_word(const char *p, size_t n, bool lower)
{
	uint64_t word = 0;

	if (n > 0)
		memcpy(&word, p, n);
	word = le64toh(word);
	return lower ? lower_word(word) : word;
}

static uint64_t
siphash(struct view v, bool lower)
{
	struct sip s = { key[0] ^ 0x736f6d6570736575u, key[1] ^ 0x646f72616e646f6du,
		key[0] ^ 0x6c7967656e657261u, key[1] ^ 0x7465646279746573u };
	size_t i = 0;

	for (; v.n - i >= sizeof(uint64_t); i += sizeof(uint64_t))
		sip_word(&s, load_word(v.p + i, sizeof(uint64_t), lower));
	sip_word(&s, load_word(v.p + i, v.n - i, lower) | (uint64_t)v.n << 56);
	s.v2 ^= 0xff;
	for (int k = 0; k < 3; k++)
		sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t
hash_view(struct view v)
{
	return siphash(v, false);
}

uint64_t
hash_view_lower(struct view v)
{
	return siphash(v, true);
}
