/*
 * milter_load - sends a stored message to a milter N times over one connection, with the packets that
 * Postfix 3.7 sends: a macro packet before each event, no reply awaited where the filter asked for none.
 * Usage: milter_load PORT MESSAGE COUNT [CLIENT-ADDRESS [SENDER]]
 * Prints the edits and the final answer of the first message.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Of the milter protocol, version 6 (libmilter/mfdef.h says the same). */
#define CHUNK 65535
#define NO_EOH 0x40u /* not even to be sent */
#define NO_DATA 0x200u
#define NR_HDR 0x80u
#define NR_HELO 0x2000u
#define NR_CONN 0x1000u
#define NR_MAIL 0x4000u
#define NR_RCPT 0x8000u
#define NR_DATA 0x10000u
#define NR_EOH 0x40000u
#define NR_BODY 0x80000u
#define ALL_STEPS 0x1fffffu
#define ALL_ACTIONS 0x1ffu

struct out {
	char *p;
	size_t n, room;
};

static struct out out;
static int sock;
static uint32_t steps;
static bool talk = true; /* the first message only */

static void
die(const char *what)
{
	fprintf(stderr, "milter_load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
put(const void *p, size_t n)
{
	if (out.n + n > out.room) {
		out.room = (out.n + n) * 2;
		out.p = realloc(out.p, out.room);
		if (out.p == NULL)
			die("realloc");
	}
	memcpy(out.p + out.n, p, n);
	out.n += n;
}

static void
flush(void)
{
	for (size_t at = 0; at < out.n;) {
		ssize_t n = write(sock, out.p + at, out.n - at);
		if (n < 0 && errno != EINTR)
			die("write");
		at += n > 0 ? (size_t)n : 0;
	}
	out.n = 0;
}

/* One packet of up to three parts. */
static void
packet(char command, const void *a, size_t an, const void *b, size_t bn, const void *c, size_t cn)
{
	uint32_t len = htonl((uint32_t)(1 + an + bn + cn));

	put(&len, 4);
	put(&command, 1);
	put(a, an);
	put(b, bn);
	put(c, cn);
}

static void
macros(char command, const char *pairs, size_t n)
{
	packet('D', &command, 1, pairs, n, "", 0);
}

/* A filter that writes its answer in two pieces over TCP would wait 40 ms for our acknowledgement: not what is measured. */
static void
take(void *p, size_t n)
{
	setsockopt(sock, IPPROTO_TCP, TCP_QUICKACK, &(int){ 1 }, sizeof(int));
	for (size_t at = 0; at < n;) {
		ssize_t got = read(sock, (char *)p + at, n - at);
		if (got == 0) {
			errno = ECONNRESET;
			die("the filter hung up");
		}
		if (got < 0 && errno != EINTR)
			die("read");
		at += got > 0 ? (size_t)got : 0;
	}
}

/* The next answer; edits are printed on the way. */
static char
answer(void)
{
	static char *body;

	flush();
	for (;;) {
		uint32_t len;
		take(&len, 4);
		len = ntohl(len);
		if (len == 0 || len > 1u << 20) {
			errno = EPROTO;
			die("length of an answer");
		}
		body = realloc(body, len);
		if (body == NULL)
			die("realloc");
		take(body, len);
		if (body[0] == 'i' || body[0] == 'h' || body[0] == 'm') { /* insert, add, change a field */
			const char *name = body[0] == 'h' ? body + 1 : body + 5;
			if (talk)
				printf("%c %s:%s\n", body[0], name, name + strlen(name) + 1);
			continue;
		}
		if (strchr("+-2qe3pbl", body[0]) != NULL && body[0] != 'c')
			continue;
		if (talk && body[0] == 'y')
			printf("y %s\n", body + 1);
		return body[0];
	}
}

static char
event(uint32_t no_reply)
{
	if (no_reply != 0 && (steps & no_reply) != 0)
		return 'c';
	char a = answer();
	if (a != 'c' && a != 's') {
		fprintf(stderr, "milter_load: answered '%c'\n", a);
		if (a != 'a')
			exit(1);
	}
	return a;
}

static void
negotiate(void)
{
	uint32_t wish[3] = { htonl(6), htonl(ALL_ACTIONS), htonl(ALL_STEPS) }, len;
	char reply[4096];

	packet('O', wish, sizeof(wish), "", 0, "", 0);
	flush();
	take(&len, 4);
	len = ntohl(len);
	if (len < 13 || len > sizeof(reply)) {
		errno = EPROTO;
		die("negotiation");
	}
	take(reply, len);
	uint32_t value;
	memcpy(&value, reply + 9, 4);
	steps = ntohl(value);
}

#define LIT(s) (s), sizeof(s) - 1

static void
greet(const char *address)
{
	uint16_t port = htons(40000);
	char text[100];

	macros('C', LIT("j\0mx.example.net\0{daemon_name}\0mx.example.net\0{daemon_addr}\0" "127.0.0.1\0v\0Postfix 3.7.11\0"));
	int n = snprintf(text, sizeof(text), "%s", address);
	packet('C', strchr(address, ':') != NULL ? "mail.sender.example\0006" : "mail.sender.example\0004", 21, &port, 2,
	    text, (size_t)n + 1);
	event(NR_CONN);
	packet('H', LIT("mail.sender.example\0"), "", 0, "", 0);
	event(NR_HELO);
}

/* Fields of the stored message; returns where the body begins. */
static const char *
send_header(const char *p, const char *end)
{
	while (p < end && *p != '\r' && *p != '\n') {
		const char *line = p, *colon = memchr(p, ':', (size_t)(end - p));
		static char *value;
		size_t n = 0;
		if (colon == NULL)
			break;
		value = realloc(value, (size_t)(end - p) + 1);
		if (value == NULL)
			die("realloc");
		for (p = colon + 1; p < end; p++) {
			if (*p == '\n' && (p + 1 == end || (p[1] != ' ' && p[1] != '\t')))
				break;
			if (*p != '\r')
				value[n++] = *p;
		}
		p++;
		value[n++] = '\0';
		macros('L', LIT("i\0004ABCDEF\0"));
		packet('L', line, (size_t)(colon - line), "", 1, value, n);
		event(NR_HDR);
	}
	if (p < end && *p == '\r')
		p++;
	return p < end ? p + 1 : p;
}

/* DATA and the end of the header: nothing but a letter, unless the filter does not want it. */
static void
bare_event(char command, uint32_t unwanted, uint32_t no_reply)
{
	if ((steps & unwanted) != 0)
		return;
	macros(command, LIT("i\0004ABCDEF\0"));
	packet(command, "", 0, "", 0, "", 0);
	event(no_reply);
}

static void
send_message(const char *text, size_t n, const char *sender)
{
	char path[300];
	const char *end = text + n;

	macros('M', LIT("i\0004ABCDEF\0{mail_addr}\0ann@sender.example\0{mail_host}\0sender.example\0{mail_mailer}\0smtp\0"));
	int len = snprintf(path, sizeof(path), "<%s>", sender);
	packet('M', path, (size_t)len + 1, LIT("SIZE=1000\0"), "", 0);
	event(NR_MAIL);
	macros('R', LIT("i\0004ABCDEF\0{rcpt_addr}\0user@example.net\0{rcpt_host}\0example.net\0{rcpt_mailer}\0virtual\0"));
	packet('R', LIT("<user@example.net>\0"), "", 0, "", 0);
	event(NR_RCPT);
	bare_event('T', NO_DATA, NR_DATA);
	const char *body = send_header(text, end);
	bare_event('N', NO_EOH, NR_EOH);
	for (const char *p = body; p < end; p += CHUNK) {
		size_t some = (size_t)(end - p) < CHUNK ? (size_t)(end - p) : CHUNK;
		macros('B', LIT("i\0004ABCDEF\0"));
		packet('B', p, some, "", 0, "", 0);
		if (event(NR_BODY) == 's')
			break;
	}
	macros('E', LIT("i\0004ABCDEF\0"));
	packet('E', "", 0, "", 0, "", 0);
	char last = answer();
	if (talk)
		printf("answer %c\n", last);
	talk = false;
	packet('A', "", 0, "", 0, "", 0);
}

static char *
slurp(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	char *p = NULL;

	*n = 0;
	if (f == NULL)
		die(path);
	do {
		p = realloc(p, *n + 65536);
		if (p == NULL)
			die("realloc");
		*n += fread(p + *n, 1, 65536, f);
	} while (!feof(f) && !ferror(f));
	fclose(f);
	return p;
}

int
main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	size_t n;

	if (argc < 4) {
		fprintf(stderr, "usage: milter_load PORT MESSAGE COUNT [CLIENT-ADDRESS [SENDER]]\n");
		return 2;
	}
	char *text = slurp(argv[2], &n);
	to.sin_port = htons((uint16_t)atoi(argv[1]));
	sock = socket(AF_INET, SOCK_STREAM, 0);
	if (sock < 0 || connect(sock, (struct sockaddr *)&to, sizeof(to)) != 0)
		die("connect");
	setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	negotiate();
	greet(argc > 4 ? argv[4] : "192.0.2.25");
	for (int i = atoi(argv[3]); i > 0; i--)
		send_message(text, n, argc > 5 ? argv[5] : "ann@sender.example");
	packet('Q', "", 0, "", 0, "", 0);
	flush();
	close(sock);
	free(text);
	return 0;
}
