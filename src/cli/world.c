#include "cli/cli.h"
#include "dns/dns_server.h"
#include "milter/settings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool
read_stream(FILE *f, struct arena *arena, struct view *text, struct err *err)
{
	char *p = NULL;
	size_t n = 0, room = 0;

	while (!feof(f)) {
		if (n == room) {
			size_t wider = room == 0 ? 65536 : room * 2;
			p = arena_grow(arena, p, room, wider);
			room = wider;
		}
		n += fread(p + n, 1, room - n, f);
		if (ferror(f))
			return err_temp(err, "%s", strerror(errno));
		if (n > CLI_FILE_MAX)
			return err_perm(err, "more than %zu octets", CLI_FILE_MAX);
	}
	*text = (struct view){ n == 0 ? "" : p, n };
	return true;
}

bool
cli_read(struct view path, struct arena *arena, struct view *text, struct err *err)
{
	if (view_is(path, "-"))
		return read_stream(stdin, arena, text, err) || err_in(err, "standard input");
	char *name = arena_cstr(arena, path);
	FILE *f = fopen(name, "rb");
	if (f == NULL)
		return err_perm(err, "%s: %s", name, strerror(errno));
	bool ok = read_stream(f, arena, text, err) || err_in(err, "%s", name);
	fclose(f);
	return ok;
}

static void
say(void *ctx, const char *text)
{
	(void)ctx;
	fprintf(stderr, "%s\n", text);
}

struct settings *
cli_settings(const struct cli_world *world, struct arena *arena)
{
	if (world->config.n == 0)
		return settings_presets();
	return settings_load(arena_cstr(arena, world->config), say, NULL);
}

struct dns *
cli_dns_open(const struct cli_world *world, const struct dns_conf *conf, struct arena *arena, struct err *err)
{
	struct dns_conf own = *conf;
	struct view text;

	if (world->fake_dns.n > 0) {
		if (!cli_read(world->fake_dns, arena, &text, err))
			return NULL;
		struct dns *dns = dns_open_fake(text, err);
		if (dns == NULL)
			err_in(err, "%.*s", VIEW_ARG(world->fake_dns));
		return dns;
	}
	if (world->resolver.n > 0) {
		struct dns_server parsed;
		if (!dns_server_parse(world->resolver, &parsed)) {
			err_perm(err, "--resolver wants ADDR[@PORT], not \"%.*s\"", VIEW_ARG(world->resolver));
			return NULL;
		}
		struct view *server = ARENA_NEW(arena, struct view);
		*server = (struct view){ arena_cstr(arena, world->resolver), world->resolver.n };
		own.mode = DNS_MODE_SERVERS;
		own.servers = (struct conf_list){ server, 1, NULL };
	}
	return dns_open(&own, err);
}

bool
cli_clock(const struct cli_world *world, struct clock *clock, struct err *err)
{
	uint64_t seconds;

	*clock = clock_system;
	if (world->time.n == 0)
		return true;
	if (!view_to_u64(world->time, INT64_MAX, &seconds))
		return err_perm(err, "--time wants seconds since 1970, not \"%.*s\"", VIEW_ARG(world->time));
	clock->fixed_wall = (int64_t)seconds;
	return true;
}
