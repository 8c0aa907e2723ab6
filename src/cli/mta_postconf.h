#ifndef ASSAY_CLI_MTA_POSTCONF_H
#define ASSAY_CLI_MTA_POSTCONF_H

#include "base/arena.h"

/*
 * mta_postconf - what postconf(1) prints, as rows.
 * Sources: postconf(1), master(5); seen with Postfix 3.7: `postconf -x` and `postconf -Px` print one "name = value" a
 * line, the latter with "service/type/name"; `postconf -M` prints the fields of master.cf and "-o name=value" behind them.
 * Lines that are neither are passed over.  Pure and thread-safe; views point into the texts.
 */
struct postconf_value {
	struct view service; /* "smtp/inet"; empty: main.cf */
	struct view name, value;
};

struct postconf_service {
	struct view key;     /* "smtp/inet" */
	struct view name, type;
	char unprivileged;   /* 'y', 'n' or '-' */
	char chroot;	     /* the same */
	struct view command; /* the program, without its arguments */
};

struct postconf {
	struct arena *arena;
	struct postconf_value *value;
	size_t values;
	struct postconf_service *service;
	size_t services;
};

struct postconf postconf_in(struct arena *arena);
void postconf_add_values(struct postconf *p, struct view text);	  /* of -x */
void postconf_add_overrides(struct postconf *p, struct view text); /* of -Px */
void postconf_add_services(struct postconf *p, struct view text);  /* of -M */

/* As the service sees it: its own, or main.cf's.  service NULL: main.cf's.  Empty when nobody says anything. */
struct view postconf_get(const struct postconf *p, const struct postconf_service *service, const char *name);
/* The service's own; false: it has none. */
bool postconf_own(const struct postconf *p, const struct postconf_service *service, const char *name, struct view *value);

/* Words of a value: "a, b c"; false: no more.  *list is moved on. */
bool postconf_word(struct view *list, struct view *word);

#endif
