#ifndef ASSAY_CLI_DOCTOR_H
#define ASSAY_CLI_DOCTOR_H

#include "base/clock.h"
#include "base/identity.h"
#include "cli/cli.h"
#include "cli/mta_milter.h"
#include "cli/mta_postconf.h"
#include "milter/listen_address.h"
#include "milter/settings.h"

/*
 * doctor - an installation looked at as its postmaster would: lines of what was found and what to do.
 * Each check is a function that adds lines; it reads, asks and changes nothing, waits a bounded time, and says what it
 * could not look at.  One thread; all memory is of doctor.arena.
 */
enum doctor_state { /* from well to ill */
	DOCTOR_OK,
	DOCTOR_SKIPPED,
	DOCTOR_WARNING,
	DOCTOR_PROBLEM,
};

struct doctor_line {
	enum doctor_state state;
	const char *check;   /* its name */
	struct view found;
	struct view advice; /* what to do: commands, lines of a file; may have several lines; empty: nothing */
};

/* What was asked for on the command line. */
struct doctor_wish {
	struct cli_world world;
	struct view postfix_conf; /* folder of main.cf; empty: postconf's own */
	struct view postconf;	  /* the program; empty: where systems have it */
	struct view sendmail_cf;
	struct cli_list ip; /* from which this host sends */
	bool as_json;
};

struct doctor {
	const struct doctor_wish *wish;
	struct arena *arena;
	struct clock clock;
	const char *config;	   /* the file of settings */
	struct settings *settings; /* NULL: it has mistakes, which have been said */
	struct identity_groups worker; /* n 0: there is no such user */
	struct dns *dns;	   /* NULL: none could be had */
	struct dns_task *task;
	struct postconf *postfix;  /* NULL: there is no Postfix, or it has been said why not */
	struct view postfix_folder; /* of main.cf */
	struct identity_groups mail_owner; /* n 0: unknown */

	const char *check; /* the one that runs */
	struct doctor_line *line;
	size_t lines;
};

/* Add a line.  advice lives as long as the doctor; ADVICE makes one. */
void doctor_ok(struct doctor *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void doctor_skip(struct doctor *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void doctor_warn(struct doctor *d, struct view advice, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void doctor_problem(struct doctor *d, struct view advice, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
#define ADVICE(d, ...) arena_printf((d)->arena, __VA_ARGS__)

/* Text from a file, a command or DNS as it may stand in a line: no control characters, not endless. */
struct view doctor_clean(const struct doctor *d, struct view text);

/* Any case. */
bool doctor_contains(struct view text, const char *word);

void doctor_print(const struct doctor *d);
void doctor_print_json(const struct doctor *d);
/* assayctl(1): the worst of the lines. */
int doctor_status(const struct doctor *d);

/*
 * Can `who` get at a file of ours?  Adds a line and returns false when not, or when it cannot be seen; says nothing when all
 * is well.  purpose: "settings", "the key of seal.keys".
 */
bool doctor_reach(struct doctor *d, const struct identity_groups *who, struct view path, unsigned need, const char *purpose);

bool doctor_is_root(void);

/* Does a milter of Postfix's or Sendmail's mean this address of ours?  file: its path as seen outside a chroot. */
bool doctor_same_address(const struct mta_milter *m, struct view file, const struct listen_address *ours);
bool doctor_is_ours(const struct doctor *d, const struct mta_milter *m, struct view file);

/* Services of master.cf; d->postfix is there. */
bool doctor_is_chrooted(const struct doctor *d, const struct postconf_service *service);
/* Where the service looks for a unix socket, as seen outside its chroot. */
struct view doctor_socket_file(const struct doctor *d, const struct postconf_service *service, struct view path);
/* How the service should name an address of ours, "unix:assay/assay.sock"; empty: it cannot reach it. */
struct view doctor_name_for(const struct doctor *d, const struct postconf_service *service, const struct listen_address *ours);
/* Its user can write to the socket, or it is not there at all; else a line says why. */
bool doctor_service_reaches(struct doctor *d, const struct postconf_service *service, struct view file);
/* It wants no milters, and says so itself. */
bool doctor_is_exempt(const struct doctor *d, const struct postconf_service *service);
/* A line: does it come to us, by that setting ("smtpd_milters"). */
void doctor_service(struct doctor *d, const struct postconf_service *service, const char *setting);

/* Seconds that we may take to answer a command; the MTA must wait longer. */
int64_t doctor_answer_seconds(const struct doctor *d);

/* Every key that seals: the site's, where seal.enable is on, and those of policy files. */
struct seal_key_place;
typedef void doctor_key_look(struct doctor *d, struct view domain, const struct seal_key_place *place);
void doctor_each_key(struct doctor *d, doctor_key_look *look);

/* True: there is no resolver, and a line says so. */
bool doctor_no_dns(struct doctor *d);
/* A host name or domain as DNS has it; false: a line has been added. */
bool doctor_ascii(struct doctor *d, struct view name, struct view *ascii);

/* The checks, in their order. */
void doctor_settings(struct doctor *d);
void doctor_policies(struct doctor *d);
void doctor_user(struct doctor *d);
void doctor_files(struct doctor *d);
void doctor_secrets(struct doctor *d);
void doctor_folders(struct doctor *d);
void doctor_daemon(struct doctor *d);
void doctor_answer(struct doctor *d);
void doctor_postfix(struct doctor *d);
void doctor_services(struct doctor *d);
void doctor_order(struct doctor *d);
void doctor_milter_settings(struct doctor *d);
void doctor_local_mail(struct doctor *d);
void doctor_sendmail(struct doctor *d);
/* The first SRS map that a setting of main.cf names; empty: none. */
struct view doctor_srs_map(const struct doctor *d, const char *setting);
/* Who looks canonical maps up; NULL: nobody. */
const struct postconf_service *doctor_cleanup(const struct doctor *d);

void doctor_srs_maps(struct doctor *d);
void doctor_srs_server(struct doctor *d);
void doctor_srs_domain(struct doctor *d);
void doctor_host(struct doctor *d);
void doctor_keys(struct doctor *d);
void doctor_resolver(struct doctor *d);
void doctor_suffixes(struct doctor *d);
void doctor_time(struct doctor *d);
void doctor_limits(struct doctor *d);
void doctor_syslog(struct doctor *d);

#endif
