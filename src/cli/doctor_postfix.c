/*
 * Postfix: what it says of itself, and whether each of its SMTP services comes to us.
 */
#include "cli/dial.h"
#include "cli/doctor.h"
#include "cli/path_walk.h"

#include <unistd.h>

/* ---- asking postconf ---- */

static const char *
find_postconf(const struct doctor *d)
{
	static const char *const places[] = { "/usr/sbin/postconf", "/usr/local/sbin/postconf", "/opt/local/sbin/postconf" };

	if (d->wish->postconf.n > 0)
		return arena_cstr(d->arena, d->wish->postconf);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (access(places[i], X_OK) == 0)
			return places[i];
	return NULL;
}

/* postconf [-c DIR] WHAT: its own folder when none was given. */
static bool
ask_postconf(struct doctor *d, const char *postconf, const char *what, struct view *out, struct err *err)
{
	const char *argv[5] = { postconf };
	size_t n = 1;

	if (d->wish->postfix_conf.n > 0) {
		argv[n++] = "-c";
		argv[n++] = arena_cstr(d->arena, d->wish->postfix_conf);
	}
	argv[n++] = what;
	argv[n] = NULL;
	return dial_run(argv, d->arena, out, err);
}

static bool
load_postfix(struct doctor *d, const char *postconf, struct postconf *p, struct err *err)
{
	struct view values, services, overrides;

	*p = postconf_in(d->arena);
	if (!ask_postconf(d, postconf, "-x", &values, err) || !ask_postconf(d, postconf, "-M", &services, err) ||
	    !ask_postconf(d, postconf, "-Px", &overrides, err))
		return false;
	postconf_add_values(p, values);
	postconf_add_services(p, services);
	postconf_add_overrides(p, overrides);
	return true;
}

void
doctor_postfix(struct doctor *d)
{
	const char *postconf = find_postconf(d);
	struct postconf *p = ARENA_NEW(d->arena, struct postconf);
	struct err err;

	if (postconf == NULL) {
		doctor_skip(d, "no postconf found: is Postfix not installed? else name it with --postconf");
		return;
	}
	if (!load_postfix(d, postconf, p, &err)) {
		doctor_problem(d, ADVICE(d, "postfix check"), "%s", err.text);
		return;
	}
	d->postfix = p;
	d->postfix_folder = d->wish->postfix_conf.n > 0 ? d->wish->postfix_conf : postconf_get(p, NULL, "config_directory");
	struct view owner = postconf_get(p, NULL, "mail_owner");
	if (!identity_groups_of(owner, d->arena, &d->mail_owner, &err))
		doctor_problem(d, ADVICE(d, "postconf -e mail_owner=postfix"), "mail_owner: %s", err.text);
	else
		doctor_ok(d, "Postfix %.*s with %.*s/main.cf", VIEW_ARG(doctor_clean(d, postconf_get(p, NULL, "mail_version"))),
		    VIEW_ARG(d->postfix_folder));
}

/* ---- is a milter ours ---- */

/* A host name is not looked up: the port has to do. */
static bool
same_host(struct view host, const struct ip *ours)
{
	struct ip ip;

	if (ip_parse(host, &ip))
		return ip.family == ours->family && (ip_is_any(ours) || ip_eq(&ip, ours));
	return ip_is_any(ours) || ip_is_loopback(ours) || (host.n > 0 && !view_is_nocase(host, "localhost"));
}

/* By name, or the same file by another way. */
static bool
same_file(struct view file, struct view ours)
{
	struct arena *arena = arena_new();
	struct stat a, b;
	bool same = view_eq(file, ours) || (stat(arena_cstr(arena, file), &a) == 0 && stat(arena_cstr(arena, ours), &b) == 0 &&
	    a.st_dev == b.st_dev && a.st_ino == b.st_ino);

	arena_free(arena);
	return same;
}

bool
doctor_same_address(const struct mta_milter *m, struct view file, const struct listen_address *ours)
{
	switch (m->kind) {
	case MTA_SOCKET_UNIX:
		return ours->kind == LISTEN_UNIX && same_file(file, ours->path);
	case MTA_SOCKET_INET:
	case MTA_SOCKET_INET6:
		return (ours->kind == LISTEN_INET6 || (ours->kind == LISTEN_INET && m->kind == MTA_SOCKET_INET)) &&
		    m->port == ours->port && same_host(m->host, &ours->ip);
	default:
		return false;
	}
}

/* ---- one service ---- */

bool
doctor_is_chrooted(const struct doctor *d, const struct postconf_service *service)
{
	if (service->chroot != '-')
		return service->chroot == 'y';
	/* master(5): the default has become "n" with compatibility_level 1. */
	struct view level = postconf_get(d->postfix, NULL, "compatibility_level");
	return level.n == 0 || view_is(level, "0");
}

/* Where the service looks for a unix socket, as seen from outside a chroot. */
struct view
doctor_socket_file(const struct doctor *d, const struct postconf_service *service, struct view path)
{
	struct view queue = postconf_get(d->postfix, NULL, "queue_directory");

	if (!view_starts(path, VIEW_LIT("/")))
		return ADVICE(d, "%.*s/%.*s", VIEW_ARG(queue), VIEW_ARG(path));
	return doctor_is_chrooted(d, service) ? ADVICE(d, "%.*s%.*s", VIEW_ARG(queue), VIEW_ARG(path)) : path;
}

/* How the service should name an address of ours; empty: it cannot reach it. */
struct view
doctor_name_for(const struct doctor *d, const struct postconf_service *service, const struct listen_address *ours)
{
	struct view queue = postconf_get(d->postfix, NULL, "queue_directory");
	struct view below = ADVICE(d, "%.*s/", VIEW_ARG(queue));

	if (ours->kind == LISTEN_INET)
		return ADVICE(d, "inet:%.*s:%u", VIEW_ARG(ip_text(&ours->ip, d->arena)), ours->port);
	if (ours->kind == LISTEN_INET6)
		return ADVICE(d, "inet:[%.*s]:%u", VIEW_ARG(ip_text(&ours->ip, d->arena)), ours->port);
	if (view_starts(ours->path, below))
		return ADVICE(d, "unix:%.*s", VIEW_ARG(view_from(ours->path, below.n)));
	return doctor_is_chrooted(d, service) ? VIEW_EMPTY : ADVICE(d, "unix:%.*s", VIEW_ARG(ours->path));
}

/* What to do so that the service filters through us. */
static struct view
naming_advice(const struct doctor *d, const struct postconf_service *service, const char *setting)
{
	const struct conf_list *listen = &d->settings->process.listen;
	struct view queue = postconf_get(d->postfix, NULL, "queue_directory"), own, name = VIEW_EMPTY;
	struct listen_address ours;

	for (size_t i = 0; i < listen->n && name.n == 0; i++)
		if (listen_address_parse(listen->item[i], &ours, NULL))
			name = doctor_name_for(d, service, &ours);
	if (name.n == 0)
		return ADVICE(d, "in %s: listen = \"unix:%.*s/assay/assay.sock\"; socket-group = \"%.*s\";\n"
			"mkdir -p -m 0755 %.*s/assay\nrestart assayd\nin main.cf: %s = unix:assay/assay.sock\npostfix reload",
		    d->config, VIEW_ARG(queue),
		    VIEW_ARG(d->mail_owner.n > 0 ? identity_group_name(d->mail_owner.gid[0], d->arena) : VIEW_LIT("postfix")),
		    VIEW_ARG(queue), setting);
	if (postconf_own(d->postfix, service, setting, &own))
		return ADVICE(d, "postconf -P %.*s/%s=%.*s\npostfix reload", VIEW_ARG(service->key), setting, VIEW_ARG(name));
	return ADVICE(d, "in main.cf: %s = %.*s\npostfix reload", setting, VIEW_ARG(name));
}

bool
doctor_is_ours(const struct doctor *d, const struct mta_milter *m, struct view file)
{
	const struct conf_list *listen = &d->settings->process.listen;
	struct listen_address ours;

	for (size_t i = 0; i < listen->n; i++)
		if (listen_address_parse(listen->item[i], &ours, NULL) && doctor_same_address(m, file, &ours))
			return true;
	return false;
}

/* Can the service's user write to the socket?  An unreachable one has been said. */
bool
doctor_service_reaches(struct doctor *d, const struct postconf_service *service, struct view file)
{
	struct path path;
	struct view stopped;

	if (service->unprivileged == 'n' || d->mail_owner.n == 0 || path_look(file, d->arena, &path, &stopped) == PATH_MISSING)
		return true; /* root; or doctor_answer says that it is not there */
	size_t at = path_walk(&path, &d->mail_owner, PATH_WRITE);
	if (path.n == 0 || at == path.n || at + 1 < path.n || path.step[at].acl)
		return doctor_reach(d, &d->mail_owner, file, PATH_WRITE, "the socket");
	doctor_problem(d, ADVICE(d, "in %s: socket-group = \"%.*s\"; socket-mode = \"0660\";\nrestart assayd", d->config,
		VIEW_ARG(identity_group_name(d->mail_owner.gid[0], d->arena))),
	    "service %.*s: %.*s cannot write to %.*s (%.*s, %.*s, mode %04o)", VIEW_ARG(service->name),
	    VIEW_ARG(identity_user_name(d->mail_owner.uid, d->arena)), VIEW_ARG(file),
	    VIEW_ARG(identity_user_name(path.step[at].uid, d->arena)), VIEW_ARG(identity_group_name(path.step[at].gid, d->arena)),
	    (unsigned)path.step[at].mode & 07777);
	return false;
}

/* None of the service's milters is ours: say as exactly as possible why. */
static void
say_not_ours(struct doctor *d, const struct postconf_service *service, const char *setting, struct view list,
    const struct mta_milter *m, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (m[i].kind == MTA_SOCKET_BAD) {
			doctor_problem(d, naming_advice(d, service, setting), "service %.*s: %s: Postfix knows no address \"%.*s\"",
			    VIEW_ARG(service->name), setting, VIEW_ARG(doctor_clean(d, m[i].address)));
			return;
		}
		if (m[i].kind == MTA_SOCKET_UNIX && doctor_is_ours(d, &m[i], m[i].path)) {
			doctor_problem(d, naming_advice(d, service, setting),
			    "service %.*s: it is chrooted and looks for %.*s, where our socket is not", VIEW_ARG(service->name),
			    VIEW_ARG(doctor_socket_file(d, service, m[i].path)));
			return;
		}
	}
	doctor_problem(d, naming_advice(d, service, setting), "service %.*s: %s%s%.*s", VIEW_ARG(service->name), setting,
	    n == 0 ? " is empty: its mail is not filtered" : " names none of our addresses: ",
	    VIEW_ARG(n == 0 ? VIEW_EMPTY : doctor_clean(d, list)));
}

void
doctor_service(struct doctor *d, const struct postconf_service *service, const char *setting)
{
	struct view list = postconf_get(d->postfix, service, setting);
	struct mta_milter *m;
	size_t n = mta_milters_postfix(list, d->arena, &m), ours = 0;
	bool reached = true;

	for (size_t i = 0; i < n; i++) {
		struct view file = m[i].kind == MTA_SOCKET_UNIX ? doctor_socket_file(d, service, m[i].path) : VIEW_EMPTY;
		if (!doctor_is_ours(d, &m[i], file))
			continue;
		if (ours++ == 0 && m[i].kind == MTA_SOCKET_UNIX)
			reached = doctor_service_reaches(d, service, file);
	}
	if (ours == 0)
		say_not_ours(d, service, setting, list, m, n);
	else if (ours > 1)
		doctor_problem(d, ADVICE(d, "name one of them only, then: postfix reload"),
		    "service %.*s: %s names %zu of our addresses: each message is filtered as often", VIEW_ARG(service->name), setting,
		    ours);
	else if (reached)
		doctor_ok(d, "service %.*s (%.*s) comes to us", VIEW_ARG(service->name), VIEW_ARG(service->command));
}

/* Mail that comes back from a content filter, or a service whose mail nobody wants filtered: said to be so in master.cf. */
bool
doctor_is_exempt(const struct doctor *d, const struct postconf_service *service)
{
	struct view options = postconf_get(d->postfix, service, "receive_override_options"), word, own;

	while (postconf_word(&options, &word)) /* ends: each turn takes a word */
		if (view_is(word, "no_milters"))
			return true;
	return postconf_own(d->postfix, service, "smtpd_milters", &own) && own.n == 0;
}

void
doctor_services(struct doctor *d)
{
	size_t seen = 0, exempt = 0;

	for (size_t i = 0; d->postfix != NULL && i < d->postfix->services; i++) {
		const struct postconf_service *service = &d->postfix->service[i];
		if (!view_is(service->command, "smtpd"))
			continue;
		seen++;
		if (doctor_is_exempt(d, service) && ++exempt)
			doctor_ok(d, "service %.*s is not filtered: its own -o in master.cf says so", VIEW_ARG(service->name));
		else
			doctor_service(d, service, "smtpd_milters");
	}
	if (seen > 0 && exempt == seen)
		doctor_warn(d, ADVICE(d, "take smtpd_milters= out of master.cf where mail comes in"), "no service at all is filtered");
	if (d->postfix != NULL && seen == 0)
		doctor_skip(d, "master.cf has no smtpd: no mail comes in by SMTP");
}
