/*
 * Who answers for SRS maps: ours, of srs.listen, and the one that Postfix asks.
 */
#include "cli/dial.h"
#include "cli/doctor.h"
#include "srs/srs_socketmap.h"

#include <unistd.h>

/* One map at one place. */
struct place {
	struct view label; /* as the file has it */
	struct listen_address address;
	struct view name; /* "forward" */
};

/* ---- asking ---- */

static bool
reply_enough(void *ctx, struct view so_far)
{
	struct view payload;
	size_t used;

	(void)ctx;
	return netstring_take(so_far, &payload, &used) != NETSTRING_MORE;
}

/* One question on a connection of its own. */
static enum dial_outcome
ask(const struct doctor *d, const struct place *place, struct view key, struct view *reply, struct err *err)
{
	struct view request = netstring_of(arena_printf(d->arena, "%.*s %.*s", VIEW_ARG(place->name), VIEW_ARG(key)), d->arena), answer;
	size_t used;
	int fd;
	enum dial_outcome outcome = dial_open(&place->address, &fd, err);

	if (outcome != DIAL_OK)
		return outcome;
	bool ok = dial_ask(fd, request, reply_enough, NULL, SOCKETMAP_REQUEST_MAX + 16, d->arena, &answer, err) &&
	    (netstring_take(answer, reply, &used) == NETSTRING_WHOLE || err_perm(err, "its answer is no netstring"));
	close(fd);
	return ok ? DIAL_OK : DIAL_FAILED;
}

/* The null sender must stay null, in either map; its key is two quote characters. */
static bool
null_stays(struct doctor *d, const struct place *place)
{
	struct view reply;
	struct err err;

	switch (ask(d, place, VIEW_LIT("\"\""), &reply, &err)) {
	case DIAL_FORBIDDEN:
		doctor_skip(d, "%.*s: we may not connect: run as root", VIEW_ARG(place->label));
		return false;
	case DIAL_FAILED:
		doctor_problem(d, ADVICE(d, "start or restart the server there; until then the MTA defers mail"), "%.*s: %s",
		    VIEW_ARG(place->label), err.text);
		return false;
	default:
		break;
	}
	if (!view_starts(reply, VIEW_LIT("NOTFOUND"))) {
		doctor_problem(d, ADVICE(d, "name the right server and map, then: postfix reload"),
		    "%.*s: for the null sender it answers \"%.*s\", not NOTFOUND", VIEW_ARG(place->label), VIEW_ARG(doctor_clean(d, reply)));
		return false;
	}
	doctor_ok(d, "%.*s answers", VIEW_ARG(place->label));
	return true;
}

/* ---- there and back ---- */

#define TRY_ADDRESS "doctor@there-and-back.example" /* RFC 2606: nobody's */

/* Empty: not OK. */
static struct view
translate(const struct doctor *d, const struct place *place, struct view key)
{
	struct view reply;
	struct err err;

	if (ask(d, place, key, &reply, &err) != DIAL_OK || !view_starts(reply, VIEW_LIT("OK ")))
		return VIEW_EMPTY;
	return view_from(reply, 3);
}

static void
there_and_back(struct doctor *d, const struct place *forward, const struct place *reverse)
{
	const struct srs_conf *srs = &d->settings->srs;

	if (srs->enable && srs->database == SRS_DB_ALWAYS) {
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

/* ---- ours ---- */

static void
look_at_ours(struct doctor *d, struct view label)
{
	struct place forward = { .label = label, .name = VIEW_LIT("forward") }, reverse = { .label = label, .name = VIEW_LIT("reverse") };

	if (!listen_address_parse(label, &forward.address, NULL))
		return;
	reverse.address = forward.address;
	if (null_stays(d, &forward))
		there_and_back(d, &forward, &reverse);
}

static bool
is_ours(const struct doctor *d, const struct mta_milter *m, struct view file)
{
	const struct conf_list *listen = &d->settings->srs.listen;
	struct listen_address ours;

	for (size_t i = 0; i < listen->n; i++)
		if (listen_address_parse(listen->item[i], &ours, NULL) && doctor_same_address(m, file, &ours))
			return true;
	return false;
}

/* ---- Postfix's ---- */

/* socketmap:unix:PATH:NAME, socketmap:inet:HOST:PORT:NAME, of this host: another's is not ours to ask. */
static bool
parse_socketmap(const struct doctor *d, struct view map, struct mta_milter *where, struct place *place)
{
	const size_t head = sizeof("socketmap:") - 1;
	const struct postconf_service *service = doctor_cleanup(d);
	size_t colon = view_find_last(map, ':');
	struct mta_milter *m;

	if (service == NULL || !view_starts(map, VIEW_LIT("socketmap:")) || colon <= head ||
	    mta_milters_postfix(view_sub(map, head, colon - head), d->arena, &m) != 1 || m->kind == MTA_SOCKET_BAD)
		return false;
	*where = *m;
	struct view host = m->host.n == 0 || view_is_nocase(m->host, "localhost") ? VIEW_LIT("127.0.0.1") : m->host;
	struct view text = m->kind == MTA_SOCKET_UNIX ?
	    ADVICE(d, "unix:%.*s", VIEW_ARG(doctor_socket_file(d, service, m->path))) :
	    ADVICE(d, "%s:%u@%.*s", m->kind == MTA_SOCKET_INET6 ? "inet6" : "inet", m->port, VIEW_ARG(host));
	*place = (struct place){ .label = doctor_clean(d, map), .name = view_from(map, colon + 1) };
	return listen_address_parse(text, &place->address, NULL);
}

/* The map that we serve must be the one that is asked. */
static bool
asks_us(struct doctor *d, const char *setting, const struct place *place, const struct mta_milter *m)
{
	const struct postconf_service *service = doctor_cleanup(d);
	struct listen_address ours;

	if (!d->settings->srs.enable || d->settings->srs.listen.n == 0 || is_ours(d, m, place->address.path))
		return true;
	struct view name = listen_address_parse(d->settings->srs.listen.item[0], &ours, NULL) ?
	    doctor_name_for(d, service, &ours) : VIEW_EMPTY;
	doctor_problem(d, name.n == 0 ? ADVICE(d, "let srs.listen lie below the queue, where a chrooted cleanup can reach it") :
		ADVICE(d, "in main.cf: %s = socketmap:%.*s:%.*s\npostfix reload", setting, VIEW_ARG(name), VIEW_ARG(place->name)),
	    "%s asks %.*s, which is no address of srs.listen", setting, VIEW_ARG(place->label));
	return false;
}

/* False: there is no map that could be asked; a line says why when there should be. */
static bool
open_map(struct doctor *d, const char *setting, struct place *place)
{
	struct view map = doctor_srs_map(d, setting);
	struct mta_milter m;

	if (map.n == 0)
		return false;
	if (!parse_socketmap(d, map, &m, place)) {
		doctor_skip(d, "%.*s: not a socketmap of this host", VIEW_ARG(doctor_clean(d, map)));
		return false;
	}
	return asks_us(d, setting, place, &m) &&
	    (place->address.kind != LISTEN_UNIX || doctor_service_reaches(d, doctor_cleanup(d), place->address.path));
}

static void
look_at_postfix(struct doctor *d)
{
	struct place forward, reverse;
	bool there = open_map(d, "sender_canonical_maps", &forward), back = open_map(d, "recipient_canonical_maps", &reverse);

	there = there && null_stays(d, &forward);
	back = back && null_stays(d, &reverse);
	if (there && back)
		there_and_back(d, &forward, &reverse);
}

void
doctor_srs_server(struct doctor *d)
{
	const struct conf_list *listen = &d->settings->srs.listen;

	for (size_t i = 0; d->settings->srs.enable && i < listen->n; i++)
		look_at_ours(d, listen->item[i]);
	if (d->postfix != NULL)
		look_at_postfix(d);
}
