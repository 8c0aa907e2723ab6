#include "nameserver.h"

#include "base/clock.h"
#include "base/lock.h"
#include "base/mem.h"
#include "dns/dns.h"
#include "signed_zone.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TCP_MAX 32
#define DELAYED_MAX 4096
#define SEEN_MAX 65536
#define TYPE_CNAME 5
#define TYPE_SOA 6
#define TYPE_RRSIG 46
#define TYPE_DNSKEY 48

struct delayed {
	int64_t due_ms;
	struct sockaddr_in to;
	size_t n;
	uint8_t octets[512];
};

struct nameserver {
	int udp, tcp, stop[2];
	int port;
	pthread_t thread;
	int client[TCP_MAX];
	struct delayed *delayed;
	size_t delayed_n;
	struct lock lock; /* guards seen */
	char (*seen)[16];
	size_t seen_n;
	atomic_bool deaf;
};

/* A message under construction. */
struct out {
	uint8_t octets[65535 + 2];
	size_t n;
	unsigned answers, authorities;
};

static void
put(struct out *o, const void *p, size_t n)
{
	if (o->n + n > sizeof(o->octets))
		abort();
	memcpy(o->octets + o->n, p, n);
	o->n += n;
}

static void
put16(struct out *o, unsigned v)
{
	uint8_t b[2] = { (uint8_t)(v >> 8), (uint8_t)v };
	put(o, b, 2);
}

static void
put_name(struct out *o, const char *name)
{
	while (*name != '\0') {
		size_t n = strcspn(name, ".");
		uint8_t length = (uint8_t)n;

		put(o, &length, 1);
		put(o, name, n);
		name += n + (name[n] == '.');
	}
	put(o, "", 1);
}

/* Owner (NULL: the question's), type, TTL; the rdata follows up to record_end. */
static size_t
record_begin(struct out *o, const char *owner, unsigned type, unsigned ttl)
{
	if (owner != NULL)
		put_name(o, owner);
	else
		put16(o, 0xc00c);
	put16(o, type);
	put16(o, 1);
	put16(o, ttl >> 16);
	put16(o, ttl & 0xffff);
	put16(o, 0);
	return o->n;
}

static void
record_end(struct out *o, size_t start)
{
	o->octets[start - 2] = (uint8_t)((o->n - start) >> 8);
	o->octets[start - 1] = (uint8_t)(o->n - start);
}

static void
put_txt(struct out *o, const char *owner, unsigned ttl, const char *one, const char *two)
{
	size_t start = record_begin(o, owner, DNS_TXT, ttl);
	uint8_t length = (uint8_t)strlen(one);

	put(o, &length, 1);
	put(o, one, length);
	if (two != NULL) {
		length = (uint8_t)strlen(two);
		put(o, &length, 1);
		put(o, two, length);
	}
	record_end(o, start);
	o->answers++;
}

/* 192.0.x.y, x.y from host */
static void
put_a(struct out *o, const char *owner, unsigned ttl, unsigned host)
{
	size_t start = record_begin(o, owner, DNS_A, ttl);

	put16(o, 192 << 8);
	put16(o, host);
	record_end(o, start);
	o->answers++;
}

static void
put_mx(struct out *o, unsigned preference, const char *name)
{
	size_t start = record_begin(o, NULL, DNS_MX, 60);

	put16(o, preference);
	put_name(o, name);
	record_end(o, start);
	o->answers++;
}

static void
put_data(struct out *o, const char *owner, unsigned type, unsigned ttl)
{
	if (type == DNS_TXT) {
		put_txt(o, owner, ttl, "v=spf1 ", "-all");
		put_txt(o, owner, ttl, "second", NULL);
	} else if (type == DNS_A) {
		put_a(o, owner, ttl, 0x0201);
	} else if (type == DNS_MX) {
		put_mx(o, 20, "B.test");
		put_mx(o, 10, "odd\001name.test");
	}
}

static void
put_cname(struct out *o, const char *target)
{
	size_t start = record_begin(o, NULL, TYPE_CNAME, 60);

	put_name(o, target);
	record_end(o, start);
	o->answers++;
}

static void
put_soa(struct out *o)
{
	size_t start = record_begin(o, "test", TYPE_SOA, 90);

	put_name(o, "ns.test");
	put_name(o, "root.test");
	for (int i = 0; i < 4; i++) {
		put16(o, 0);
		put16(o, 1);
	}
	put16(o, 0);
	put16(o, 7);
	record_end(o, start);
	o->authorities++;
}

static void
put_huge(struct out *o)
{
	char piece[201];

	memset(piece, 'x', 200);
	piece[200] = '\0';
	for (int i = 0; i < 3; i++) {
		size_t start = record_begin(o, NULL, DNS_TXT, 60);

		for (int k = 0; k < 100; k++) {
			uint8_t length = (uint8_t)(200 - i);
			put(o, &length, 1);
			put(o, piece, length);
		}
		record_end(o, start);
		o->answers++;
	}
}

static void
put_octets(struct out *o, unsigned type, const uint8_t *p, size_t n)
{
	size_t start = record_begin(o, NULL, type, 60);

	put(o, p, n);
	record_end(o, start);
	o->answers++;
}

static void
put_signed(struct out *o, unsigned type)
{
	if (type == TYPE_DNSKEY) {
		put_octets(o, TYPE_DNSKEY, signed_dnskey, sizeof(signed_dnskey));
		put_octets(o, TYPE_RRSIG, signed_dnskey_sig, sizeof(signed_dnskey_sig));
	} else {
		put_data(o, NULL, type, 60);
		put_octets(o, TYPE_RRSIG, signed_txt_sig, sizeof(signed_txt_sig));
		o->octets[o->n - sizeof(signed_txt_sig) + 1] = (uint8_t)type; /* type covered */
	}
}

static bool
begins(const char *label, const char *word)
{
	return strncmp(label, word, strlen(word)) == 0;
}

/* The answer section; the rcode. */
static unsigned
put_answer(struct out *o, const char *label, unsigned type)
{
	if (begins(label, "nodata") || begins(label, "nxdomain"))
		put_soa(o);
	if (begins(label, "nxdomain"))
		return 3;
	if (begins(label, "servfail"))
		return 2;
	if (begins(label, "refused"))
		return 5;
	if (begins(label, "formerr"))
		return 1;
	if (begins(label, "cname")) {
		put_cname(o, "data.test");
		put_data(o, "data.test", type, 60);
	} else if (begins(label, "deadend")) {
		put_cname(o, "nxdomain.test");
		put_soa(o);
		return 3;
	} else if (begins(label, "tc")) {
		for (int i = 0; i < 40 && type == DNS_TXT; i++) {
			char text[64];
			snprintf(text, sizeof(text), "record %d of an answer that is too long for UDP", i);
			put_txt(o, NULL, 60, text, NULL);
		}
	} else if (begins(label, "many")) {
		for (unsigned i = 0; i < 300; i++)
			put_a(o, NULL, 60, i);
	} else if (begins(label, "signed")) {
		put_signed(o, type);
	} else if (begins(label, "huge")) {
		put_huge(o);
	} else if (!begins(label, "nodata")) {
		put_data(o, NULL, type, begins(label, "ttl0") ? 0 : 60);
	}
	return 0;
}

struct asked {
	char label[64]; /* the first, lower case */
	unsigned type;
	size_t end; /* of the question */
};

static bool
read_question(const uint8_t *p, size_t n, struct asked *asked)
{
	size_t at = 12;

	if (n < 17 || p[12] == 0)
		return false;
	for (size_t i = 0; i < p[12] && 13 + i < n && i < 63; i++)
		asked->label[i] = ascii_lower((char)p[13 + i]);
	asked->label[p[12] < 63 ? p[12] : 63] = '\0';
	while (at < n && p[at] != 0)
		at += 1u + p[at];
	if (at + 5 > n)
		return false;
	asked->type = (unsigned)p[at + 1] << 8 | p[at + 2];
	asked->end = at + 5;
	return true;
}

static void
build(struct out *o, const uint8_t *p, const struct asked *asked, bool udp)
{
	const char *label = asked->label;
	bool truncate = udp && (begins(label, "tc") || begins(label, "many") || begins(label, "huge"));
	unsigned rcode = 0;

	o->n = 0;
	o->answers = o->authorities = 0;
	put(o, p, asked->end);
	if (begins(asked->label, "wrongname"))
		o->octets[14] ^= 1;
	if (begins(asked->label, "wrongid"))
		o->octets[0] ^= 0x55;
	if (!truncate)
		rcode = put_answer(o, asked->label, asked->type);
	o->octets[2] = (uint8_t)(0x80 | (p[2] & 1) | (truncate ? 2 : 0));
	o->octets[3] = (uint8_t)(0x80 | rcode);
	memset(o->octets + 4, 0, 8);
	o->octets[5] = 1;
	o->octets[6] = (uint8_t)(o->answers >> 8);
	o->octets[7] = (uint8_t)o->answers;
	o->octets[9] = (uint8_t)o->authorities;
	if (begins(asked->label, "short"))
		o->n /= 2;
}

static void
remember(struct nameserver *s, const char *label)
{
	lock_take(&s->lock);
	if (s->seen_n < SEEN_MAX)
		memcpy(s->seen[s->seen_n++], label, sizeof(s->seen[0]));
	lock_drop(&s->lock);
}

static void
serve_udp(struct nameserver *s)
{
	static struct out o; /* one server at a time */
	uint8_t in[4096];
	struct sockaddr_in from;
	socklen_t from_n = sizeof(from);
	struct asked asked = { .type = 0 };
	ssize_t n = recvfrom(s->udp, in, sizeof(in), 0, (struct sockaddr *)&from, &from_n);
	int64_t delay = 0;

	if (n < 0 || !read_question(in, (size_t)n, &asked))
		return;
	remember(s, asked.label);
	if (begins(asked.label, "silent") || atomic_load(&s->deaf))
		return;
	build(&o, in, &asked, true);
	delay = begins(asked.label, "slow") ? 150 : begins(asked.label, "late") ? 1200 : 0;
	if (delay > 0 && s->delayed_n < DELAYED_MAX && o.n <= sizeof(s->delayed[0].octets)) {
		struct delayed *d = &s->delayed[s->delayed_n++];

		d->due_ms = clock_mono_ms(&clock_system) + delay;
		d->to = from;
		d->n = o.n;
		memcpy(d->octets, o.octets, o.n);
		return;
	}
	if (sendto(s->udp, o.octets, o.n, 0, (struct sockaddr *)&from, from_n) < 0)
		perror("nameserver: sendto");
}

static int
send_delayed(struct nameserver *s)
{
	int64_t now = clock_mono_ms(&clock_system), next = now + 1000;

	for (size_t i = 0; i < s->delayed_n;) {
		struct delayed *d = &s->delayed[i];

		if (d->due_ms > now) {
			next = d->due_ms < next ? d->due_ms : next;
			i++;
			continue;
		}
		if (sendto(s->udp, d->octets, d->n, 0, (struct sockaddr *)&d->to, sizeof(d->to)) < 0)
			perror("nameserver: sendto");
		*d = s->delayed[--s->delayed_n];
	}
	return (int)(next - now);
}

/* One question of a connection; the whole arrives at once on a loopback.  False: closed. */
static bool
serve_tcp(int fd)
{
	static struct out o;
	uint8_t in[4096], length[2];
	struct asked asked = { .type = 0 };
	ssize_t n = read(fd, in, sizeof(in));

	if (n <= 2 || !read_question(in + 2, (size_t)n - 2, &asked))
		return false;
	if (begins(asked.label, "tcsilent"))
		return true;
	build(&o, in + 2, &asked, false);
	length[0] = (uint8_t)(o.n >> 8);
	length[1] = (uint8_t)o.n;
	return write(fd, length, 2) == 2 && write(fd, o.octets, o.n) == (ssize_t)o.n;
}

static void
accept_tcp(struct nameserver *s)
{
	int fd = accept(s->tcp, NULL, NULL);

	for (int i = 0; i < TCP_MAX && fd >= 0; i++)
		if (s->client[i] < 0) {
			s->client[i] = fd;
			return;
		}
	if (fd >= 0)
		close(fd);
}

static void *
serve(void *object)
{
	struct nameserver *s = object;

	for (;;) {
		struct pollfd fd[3 + TCP_MAX]
		    = { { s->stop[0], POLLIN, 0 }, { s->udp, POLLIN, 0 }, { s->tcp, POLLIN, 0 } };

		for (int i = 0; i < TCP_MAX; i++)
			fd[3 + i] = (struct pollfd){ s->client[i], POLLIN, 0 };
		if (poll(fd, 3 + TCP_MAX, send_delayed(s)) < 0 && errno != EINTR)
			return NULL;
		if (fd[0].revents != 0)
			return NULL;
		if (fd[1].revents != 0)
			serve_udp(s);
		if (fd[2].revents != 0)
			accept_tcp(s);
		for (int i = 0; i < TCP_MAX; i++)
			if (fd[3 + i].revents != 0 && !serve_tcp(s->client[i])) {
				close(s->client[i]);
				s->client[i] = -1;
			}
	}
}

/* One port for both; false when the one that UDP was given is busy for TCP. */
static bool
open_sockets(struct nameserver *s)
{
	struct sockaddr_in sa = { .sin_family = AF_INET };
	socklen_t n = sizeof(sa);
	int size = 4 << 20;

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->udp = socket(AF_INET, SOCK_DGRAM, 0);
	s->tcp = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(s->udp, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(s->udp, (struct sockaddr *)&sa, n) == 0 && getsockname(s->udp, (struct sockaddr *)&sa, &n) == 0 &&
	    bind(s->tcp, (struct sockaddr *)&sa, n) == 0 && listen(s->tcp, 50) == 0) {
		s->port = ntohs(sa.sin_port);
		return true;
	}
	close(s->udp);
	close(s->tcp);
	return false;
}

struct nameserver *
nameserver_start(void)
{
	struct nameserver *s = mem_zero(sizeof(*s));
	int tries = 100;

	while (!open_sockets(s) && --tries > 0)
		;
	if (tries == 0 || pipe(s->stop) < 0) {
		perror("nameserver");
		exit(2);
	}
	for (int i = 0; i < TCP_MAX; i++)
		s->client[i] = -1;
	s->delayed = mem_zero(DELAYED_MAX * sizeof(*s->delayed));
	s->seen = mem_zero(SEEN_MAX * sizeof(*s->seen));
	lock_init(&s->lock);
	if (pthread_create(&s->thread, NULL, serve, s) != 0)
		exit(2);
	return s;
}

int
nameserver_port(const struct nameserver *s)
{
	return s->port;
}

unsigned
nameserver_questions(struct nameserver *s, const char *label)
{
	unsigned n = 0;

	lock_take(&s->lock);
	for (size_t i = 0; i < s->seen_n; i++)
		n += begins(s->seen[i], label);
	lock_drop(&s->lock);
	return n;
}

void
nameserver_deaf(struct nameserver *s, bool deaf)
{
	atomic_store(&s->deaf, deaf);
}

void
nameserver_stop(struct nameserver *s)
{
	close(s->stop[1]);
	pthread_join(s->thread, NULL);
	close(s->stop[0]);
	close(s->udp);
	close(s->tcp);
	for (int i = 0; i < TCP_MAX; i++)
		if (s->client[i] >= 0)
			close(s->client[i]);
	lock_destroy(&s->lock);
	mem_free(s->delayed);
	mem_free(s->seen);
	mem_free(s);
}
