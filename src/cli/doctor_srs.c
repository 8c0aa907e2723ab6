/*
 * SRS in Postfix: its canonical maps, what they are applied to, and the socketmap server behind them.
 */
#include "cli/dial.h"
#include "cli/doctor.h"
#include "srs/srs_socketmap.h"

#include <unistd.h>

/* ---- maps ---- */

static bool
contains_nocase(struct view text, struct view part)
{
	for (size_t i = 0; i + part.n <= text.n; i++)
		if (view_eq_nocase(view_sub(text, i, part.n), part))
			return true;
	return false;
}

/* postsrsd 1 listens on two TCP ports; others of its kind have "srs" in their names. */
static bool
is_srs_map(struct view map)
{
	if (view_starts(map, VIEW_LIT("socketmap:")))
		return view_ends(map, VIEW_LIT(":forward")) || view_ends(map, VIEW_LIT(":reverse"));
	return contains_nocase(map, VIEW_LIT("srs")) || view_ends(map, VIEW_LIT(":10001")) || view_ends(map, VIEW_LIT(":10002"));
}

/* The first SRS map of a setting; empty: none. */
static struct view
srs_map_of(const struct doctor *d, const char *setting)
{
	struct view list = postconf_get(d->postfix, NULL, setting), word;

	while (postconf_word(&list, &word)) /* ends: each turn takes a word */
		if (is_srs_map(word))
			return word;
	return VIEW_EMPTY;
}

static void
look_at_classes(struct doctor *d, const char *classes, const char *wanted)
{
	struct view list = postconf_get(d->postfix, NULL, classes), word;
	bool other = false, has = false;

	while (postconf_word(&list, &word)) { /* ends: each turn takes a word */
		has |= view_is(word, wanted);
		other |= !view_is(word, wanted);
	}
	if (other || !has)
		doctor_problem(d, ADVICE(d, "postconf -e %s=%s\npostfix reload", classes, wanted),
		    "%s = %.*s: only the envelope may be rewritten; header fields are signed", classes,
		    VIEW_ARG(doctor_clean(d, postconf_get(d->postfix, NULL, classes))));
}

void
doctor_srs_maps(struct doctor *d)
{
	static const struct {
		const char *maps, *classes, *wanted;
	} rows[] = {
		{ "sender_canonical_maps", "sender_canonical_classes", "envelope_sender" },
		{ "recipient_canonical_maps", "recipient_canonical_classes", "envelope_recipient" },
	};
	size_t before = d->lines, maps = 0;

	if (d->postfix == NULL)
		return;
	for (size_t i = 0; i < 2; i++)
		if (srs_map_of(d, rows[i].maps).n > 0 && ++maps)
			look_at_classes(d, rows[i].classes, rows[i].wanted);
	if (srs_map_of(d, "canonical_maps").n > 0 && ++maps)
		doctor_problem(d, ADVICE(d, "postconf -e canonical_maps=\nand sender_canonical_maps for forward, "
			"recipient_canonical_maps for reverse"),
		    "canonical_maps holds an SRS map: it is asked for senders, recipients and header fields alike");
	if (srs_map_of(d, "sender_canonical_maps").n > 0 && srs_map_of(d, "recipient_canonical_maps").n == 0)
		doctor_warn(d, ADVICE(d, "recipient_canonical_maps = socketmap:...:reverse in main.cf"),
		    "senders are rewritten, but no map restores the recipients of bounces that Postfix makes itself");
	if (maps == 0)
		doctor_ok(d, "Postfix has no SRS maps");
	else if (d->lines == before)
		doctor_ok(d, "Postfix rewrites by map, and the envelope only");
}

/* ---- the server ---- */

/* socketmap:unix:PATH:NAME, socketmap:inet:HOST:PORT:NAME */
static bool
parse_socketmap(struct view map, struct mta_milter *where, struct view *name, struct arena *arena)
{
	struct mta_milter *m;
	size_t colon = view_find_last(map, ':');

	if (!view_starts(map, VIEW_LIT("socketmap:")) || colon == VIEW_NONE || colon < sizeof("socketmap:"))
		return false;
	*name = view_from(map, colon + 1);
	struct view address = view_sub(map, sizeof("socketmap:") - 1, colon - (sizeof("socketmap:") - 1));
	if (mta_milters_postfix(address, arena, &m) != 1)
		return false;
	*where = m[0];
	return true;
}

/* Of this host only: another host's is not ours to ask. */
static bool
address_of(const struct doctor *d, const struct postconf_service *service, const struct mta_milter *m, struct listen_address *a)
{
	struct view host = m->host.n == 0 || view_is_nocase(m->host, "localhost") ? VIEW_LIT("127.0.0.1") : m->host;
	struct view text = m->kind == MTA_SOCKET_UNIX ?
	    ADVICE(d, "unix:%.*s", VIEW_ARG(doctor_socket_file(d, service, m->path))) :
	    ADVICE(d, "%s:%u@%.*s", m->kind == MTA_SOCKET_INET6 ? "inet6" : "inet", m->port, VIEW_ARG(host));

	return m->kind != MTA_SOCKET_BAD && listen_address_parse(text, a, NULL);
}

static bool
reply_enough(void *ctx, struct view so_far)
{
	struct view payload;
	size_t used;

	(void)ctx;
	return netstring_take(so_far, &payload, &used) != NETSTRING_MORE;
}

/* One question; false: err. */
static bool
ask_map(const struct doctor *d, int fd, struct view name, struct view key, struct view *reply, struct err *err)
{
	struct view request = netstring_of(arena_printf(d->arena, "%.*s %.*s", VIEW_ARG(name), VIEW_ARG(key)), d->arena);
	struct view answer;
	size_t used;

	if (!dial_ask(fd, request, reply_enough, NULL, SOCKETMAP_REQUEST_MAX + 16, d->arena, &answer, err))
		return false;
	return netstring_take(answer, reply, &used) == NETSTRING_WHOLE || err_perm(err, "its answer is no netstring");
}

#define NULL_KEY "\"\"" /* Postfix's key for the null sender: two quote characters */

/* The null sender must stay null, in either map. */
static void
question(struct doctor *d, int fd, struct view map, struct view name)
{
	struct view reply;
	struct err err;

	if (!ask_map(d, fd, name, VIEW_LIT(NULL_KEY), &reply, &err))
		doctor_problem(d, ADVICE(d, "restart the server behind it"), "%.*s: %s", VIEW_ARG(map), err.text);
	else if (!view_starts(reply, VIEW_LIT("NOTFOUND")))
		doctor_problem(d, ADVICE(d, "name the right server and map in main.cf, then: postfix reload"),
		    "%.*s: for the null sender it answers \"%.*s\", not NOTFOUND", VIEW_ARG(map), VIEW_ARG(doctor_clean(d, reply)));
	else
		doctor_ok(d, "%.*s answers", VIEW_ARG(map));
}

static const struct postconf_service *
cleanup_of(const struct doctor *d)
{
	for (size_t i = 0; i < d->postfix->services; i++)
		if (view_is(d->postfix->service[i].command, "cleanup"))
			return &d->postfix->service[i];
	return NULL;
}

/* Open for questions; -1: a line says why not. */
static int
open_map(struct doctor *d, struct view map, struct view *name)
{
	const struct postconf_service *service = cleanup_of(d);
	struct listen_address address;
	struct mta_milter where;
	struct err err;
	int fd;

	if (service == NULL || !parse_socketmap(map, &where, name, d->arena) || !address_of(d, service, &where, &address)) {
		doctor_skip(d, "%.*s: not a socketmap of this host", VIEW_ARG(doctor_clean(d, map)));
		return -1;
	}
	if (address.kind == LISTEN_UNIX && !doctor_service_reaches(d, service, arena_copy(d->arena, address.path)))
		return -1;
	switch (dial_open(&address, &fd, &err)) {
	case DIAL_OK:
		return fd;
	case DIAL_FORBIDDEN:
		doctor_skip(d, "%.*s: we may not connect: run as root", VIEW_ARG(map));
		return -1;
	default:
		doctor_problem(d, ADVICE(d, "start the server, or name its address in main.cf; until then Postfix defers mail"), "%.*s: %s",
		    VIEW_ARG(map), err.text);
		return -1;
	}
}

static void
look_at_map(struct doctor *d, const char *setting)
{
	struct view map = srs_map_of(d, setting), name;
	int fd;

	if (!view_starts(map, VIEW_LIT("socketmap:")) || (fd = open_map(d, map, &name)) < 0)
		return;
	question(d, fd, doctor_clean(d, map), name);
	close(fd);
}

/* ---- there and back ---- */

#define TRY_ADDRESS "doctor@there-and-back.example" /* RFC 2606: nobody's */

/* A question more on a connection of its own; the answer's address, empty: not OK. */
static struct view
translate(struct doctor *d, struct view map, struct view key)
{
	struct view name, reply = VIEW_EMPTY;
	struct listen_address address;
	struct mta_milter where;
	struct err err;
	int fd;

	if (!parse_socketmap(map, &where, &name, d->arena) || !address_of(d, cleanup_of(d), &where, &address) ||
	    dial_open(&address, &fd, &err) != DIAL_OK)
		return VIEW_EMPTY;
	bool ok = ask_map(d, fd, name, key, &reply, &err) && view_starts(reply, VIEW_LIT("OK "));
	close(fd);
	return ok ? view_from(reply, 3) : VIEW_EMPTY;
}

/* Where addresses go into a database, asking would write to it. */
static void
there_and_back(struct doctor *d, struct view forward, struct view reverse)
{
	if (d->settings->srs.enable && d->settings->srs.database == SRS_DB_ALWAYS) {
		doctor_skip(d, "an address there and back: with srs.database = \"always\" it would be kept in the database");
		return;
	}
	struct view there = translate(d, forward, VIEW_LIT(TRY_ADDRESS));
	struct view back = there.n == 0 ? VIEW_EMPTY : translate(d, reverse, there);

	if (view_is_nocase(back, TRY_ADDRESS))
		doctor_ok(d, "%s becomes %.*s and comes back", TRY_ADDRESS, VIEW_ARG(doctor_clean(d, there)));
	else
		doctor_problem(d, ADVICE(d, "let both maps ask the same server; assayctl srs status ADDRESS tells what it thinks of one"),
		    "%s becomes \"%.*s\", and that \"%.*s\": it does not come back", TRY_ADDRESS, VIEW_ARG(doctor_clean(d, there)),
		    VIEW_ARG(doctor_clean(d, back)));
}

void
doctor_srs_server(struct doctor *d)
{
	size_t before = d->lines;

	if (d->postfix == NULL)
		return;
	struct view forward = srs_map_of(d, "sender_canonical_maps"), reverse = srs_map_of(d, "recipient_canonical_maps");
	look_at_map(d, "sender_canonical_maps");
	look_at_map(d, "recipient_canonical_maps");
	for (size_t i = before; i < d->lines; i++)
		if (d->line[i].state != DOCTOR_OK)
			return;
	if (view_ends(forward, VIEW_LIT(":forward")) && view_ends(reverse, VIEW_LIT(":reverse")))
		there_and_back(d, forward, reverse);
}
