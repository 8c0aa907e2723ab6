#ifndef ASSAY_DAEMON_MAP_CLIENT_H
#define ASSAY_DAEMON_MAP_CLIENT_H

#include "srs/srs_socketmap_stream.h"

/*
 * map_client - one connection to the maps, and the lists that connections stand in: what they wait for says
 * which may go when there is no room for another.  One thread.
 */
enum map_wait {
	MAP_IDLE,  /* for the client's next request; the one that waits longest stands first */
	MAP_HALF,  /* for the rest of a request, or for the client to read its reply; oldest first */
	MAP_BUSY,  /* for map_pool */
	MAP_GONE,  /* closed, and freed when nobody can name it any more */
	MAP_WAITS,
};

struct map_client {
	struct map_client *before, *after; /* in its list */
	enum map_wait wait;
	int64_t since_ms; /* clock_mono_ms: in this list, or of its last progress there */
	int fd;
	unsigned events; /* that epoll is asked for */
	bool hung_up;	 /* nothing more comes from it */
	struct socketmap_stream stream;
};

struct map_clients {
	struct map_list {
		struct map_client *first, *last;
	} list[MAP_WAITS];
	size_t n; /* that are open */
};

struct map_client *map_client_new(struct map_clients *all, int fd, int64_t now_ms); /* idle */
/* To the end of that list. */
void map_client_move(struct map_clients *all, struct map_client *client, enum map_wait wait, int64_t now_ms);
/* Close fd.  The struct stays until map_clients_bury: an event of the same round may still name it. */
void map_client_close(struct map_clients *all, struct map_client *client);
void map_clients_bury(struct map_clients *all);

enum map_io {
	MAP_IO_DONE, /* all that is possible now */
	MAP_IO_SOME, /* there was progress */
	MAP_IO_LOST, /* the connection is broken */
};
/* One read of what there is room for; sets hung_up at the end of what the client sends. */
enum map_io map_client_read(struct map_client *client);
/* Write as much as goes. */
enum map_io map_client_write(struct map_client *client);

#endif
