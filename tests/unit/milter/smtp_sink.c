#include "smtp_sink.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void
say(FILE *f, const struct sink *sink, const char *code, const char *text)
{
	char line[256];

	if (sink->manner != SINK_LINES) {
		fprintf(f, "%s %s\r\n", code, text);
		fflush(f);
		return;
	}
	snprintf(line, sizeof(line), "%s-one\r\n%s-\r\n%s %s\r\n", code, code, code, text);
	for (const char *p = line; *p != '\0'; p++) {
		fputc(*p, f);
		fflush(f);
	}
}

static void
keep(struct sink *sink, const char *line)
{
	size_t n = strlen(line);

	lock_take(&sink->lock);
	if (sink->n + n < SINK_ROOM) {
		memcpy(sink->said + sink->n, line, n);
		sink->n += n;
	}
	lock_drop(&sink->lock);
}

static void
take_mail(FILE *in, FILE *out, struct sink *sink)
{
	char line[2048];

	say(out, sink, "354", "go on");
	while (fgets(line, sizeof(line), in) != NULL && strcmp(line, ".\r\n") != 0)
		keep(sink, line);
	keep(sink, ".\r\n");
	if (sink->manner == SINK_END_LATER) {
		say(out, sink, "451", "4.7.1 not now");
		return;
	}
	lock_take(&sink->lock);
	sink->mails++;
	lock_drop(&sink->lock);
	say(out, sink, "250", "2.0.0 taken");
}

static void
answer(FILE *in, FILE *out, struct sink *sink, const char *line)
{
	if (strncmp(line, "EHLO", 4) == 0 && sink->manner == SINK_NO_EHLO)
		say(out, sink, "502", "what?");
	else if (strncmp(line, "RCPT", 4) == 0 && sink->manner == SINK_RCPT_LATER)
		say(out, sink, "451", "4.2.1 come again");
	else if (strncmp(line, "RCPT", 4) == 0 && sink->manner == SINK_RCPT_NEVER)
		say(out, sink, "550", "5.1.1 nobody \001here");
	else if (strncmp(line, "DATA", 4) == 0)
		take_mail(in, out, sink);
	else
		say(out, sink, "250", "2.0.0 fine");
}

static void
serve(int fd, struct sink *sink)
{
	FILE *in = fdopen(fd, "r"), *out = fdopen(dup(fd), "w");
	char line[2048];

	if (sink->manner == SINK_GOODBYE)
		say(out, sink, "421", "busy");
	else if (sink->manner == SINK_NO_SMTP)
		fputs("SSH-2.0-OpenSSH\r\n", out);
	else if (sink->manner != SINK_HANGS_UP)
		say(out, sink, "220", "sink");
	fflush(out);
	while (sink->manner != SINK_HANGS_UP && fgets(line, sizeof(line), in) != NULL && strcmp(line, "QUIT\r\n") != 0) {
		keep(sink, line);
		answer(in, out, sink, line);
	}
	fclose(in);
	fclose(out);
}

static void *
run(void *arg)
{
	struct sink *sink = arg;
	int fd;

	while ((fd = accept(sink->fd, NULL, NULL)) >= 0) {
		lock_take(&sink->lock);
		sink->connections++;
		lock_drop(&sink->lock);
		serve(fd, sink);
	}
	return NULL;
}

void
sink_open(struct sink *sink, enum sink_manner manner)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(address);
	int yes = 1;

	memset(sink, 0, sizeof(*sink));
	lock_init(&sink->lock);
	atomic_store(&sink->manner, manner);
	sink->fd = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(sink->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(sink->fd, (struct sockaddr *)&address, n) != 0 || listen(sink->fd, 10) != 0 ||
	    getsockname(sink->fd, (struct sockaddr *)&address, &n) != 0 ||
	    pthread_create(&sink->thread, NULL, run, sink) != 0)
		abort();
	sink->port = ntohs(address.sin_port);
}

void
sink_close(struct sink *sink)
{
	shutdown(sink->fd, SHUT_RDWR); /* wakes accept */
	pthread_join(sink->thread, NULL);
	close(sink->fd);
	lock_destroy(&sink->lock);
}

unsigned
sink_mails(struct sink *sink)
{
	lock_take(&sink->lock);
	unsigned n = sink->mails;
	lock_drop(&sink->lock);
	return n;
}

unsigned
sink_connections(struct sink *sink)
{
	lock_take(&sink->lock);
	unsigned n = sink->connections;
	lock_drop(&sink->lock);
	return n;
}
