#ifndef ASSAY_TESTS_UNIT_SPF_TRIAL_H
#define ASSAY_TESTS_UNIT_SPF_TRIAL_H

#include "dns/dns_conf.h"
#include "spf/spf.h"
#include "spf/spf_trace.h"
#include "support/support.h"

/*
 * trial - one evaluation against DNS out of a text, with the presets of the settings.
 */
struct trial {
	struct arena *arena;
	struct dns *dns;
	struct spf_conf conf;
	struct spf_input in;
	enum spf_identity identity;
	unsigned queries_max;
	struct dns_task *task; /* of the last run */
};

/* Ends the test program when the zone has an error. */
void trial_open(struct trial *t, struct view zone);
void trial_close(struct trial *t);

/* client, helo and mail ("local@domain", "" for the null sender) into t->in. */
void trial_from(struct trial *t, const char *client, const char *helo, const char *mail);

const struct spf_result *trial_join(struct trial *t);
/* spf_step in a loop, as a caller with other work would, then spf_join. */
const struct spf_result *trial_step(struct trial *t);

/* The zone with "DELAY" of 0 to most milliseconds for each name in it, by seed. */
struct view trial_delayed(struct view zone, unsigned seed, unsigned most, struct arena *arena);

#define ck_result_is(r, word)                                                                                    \
	ck_assert_msg((r)->result == result_named(word), "%s, not %s: %.*s",                                    \
	    name_of(auth_result_names, (int)(r)->result), (word), VIEW_ARG((r)->problem))
enum auth_result result_named(const char *word);

#endif
