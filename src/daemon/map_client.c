#include "daemon/map_client.h"

#include "base/mem.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static void
list_remove(struct map_clients *all, struct map_client *c)
{
	struct map_list *l = &all->list[c->wait];

	*(c->before == NULL ? &l->first : &c->before->after) = c->after;
	*(c->after == NULL ? &l->last : &c->after->before) = c->before;
}

static void
list_add(struct map_clients *all, struct map_client *c)
{
	struct map_list *l = &all->list[c->wait];

	c->before = l->last;
	c->after = NULL;
	*(l->last == NULL ? &l->first : &l->last->after) = c;
	l->last = c;
}

struct map_client *
map_client_new(struct map_clients *all, int fd, int64_t now_ms)
{
	struct map_client *c = mem_zero(sizeof(*c));

	c->fd = fd;
	c->wait = MAP_IDLE;
	c->since_ms = now_ms;
	list_add(all, c);
	all->n++;
	return c;
}

void
map_client_move(struct map_clients *all, struct map_client *c, enum map_wait wait, int64_t now_ms)
{
	list_remove(all, c);
	c->wait = wait;
	c->since_ms = now_ms;
	list_add(all, c);
}

void
map_client_close(struct map_clients *all, struct map_client *c)
{
	close(c->fd);
	c->fd = -1;
	socketmap_stream_end(&c->stream);
	map_client_move(all, c, MAP_GONE, c->since_ms);
	all->n--;
}

void
map_clients_bury(struct map_clients *all)
{
	struct map_list *gone = &all->list[MAP_GONE];

	while (gone->first != NULL) {
		struct map_client *c = gone->first;
		gone->first = c->after;
		mem_free(c);
	}
	gone->last = NULL;
}

enum map_io
map_client_read(struct map_client *c)
{
	char octets[SOCKETMAP_INPUT_MAX];
	size_t room = socketmap_stream_room(&c->stream);
	ssize_t n;

	if (room == 0)
		return MAP_IO_DONE;
	do /* ends: signals are rare */
		n = recv(c->fd, octets, room, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? MAP_IO_DONE : MAP_IO_LOST;
	if (n == 0)
		c->hung_up = true;
	else
		socketmap_stream_feed(&c->stream, (struct view){ octets, (size_t)n });
	return MAP_IO_SOME;
}

enum map_io
map_client_write(struct map_client *c)
{
	enum map_io did = MAP_IO_DONE;

	for (;;) { /* ends: each turn writes something, or returns */
		struct view output = socketmap_stream_output(&c->stream);
		if (output.n == 0)
			return did;
		ssize_t n = send(c->fd, output.p, output.n, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK ? did : MAP_IO_LOST;
		socketmap_stream_wrote(&c->stream, (size_t)n);
		did = MAP_IO_SOME;
	}
}
