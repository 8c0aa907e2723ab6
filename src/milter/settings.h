#ifndef ASSAY_MILTER_SETTINGS_H
#define ASSAY_MILTER_SETTINGS_H

#include "arc/arc_seal_conf.h"
#include "assess/assess.h"
#include "conf/item.h"
#include "dns/dns_conf.h"
#include "policy/policy.h"
#include "srs/srs.h"
#include "srs/srs_ask.h"
#include "srs/srs_tables.h"

#include <stdatomic.h>

/*
 * settings - all of assay.conf, read and checked: an immutable snapshot, counted.
 * A message keeps the snapshot it began with; a reload puts a new one beside it.  Knows no libmilter type:
 * assayctl reads the same file through the same code.
 */

/*
 * Top level of the file: read at start; a change needs a restart (a reload that finds one says so), but for
 * log-level and stop-wait.
 */
struct process_conf {
	struct conf_list listen; /* "unix:PATH", "inet:PORT@HOST", "inet6:PORT@HOST" */
	struct view user, group; /* to become; used only when started as root */
	struct view socket_owner, socket_group; /* of unix sockets; empty: user, group */
	int64_t socket_mode;
	struct view pid_file;
	int syslog_facility; /* LOG_MAIL... */
	int log_level;	     /* enum log_level */
	int64_t stop_wait;   /* seconds that open messages get at TERM */
	int64_t connections_max;
	int64_t backlog;
};
extern const struct conf_section process_section;

/* group "site": may change with a reload. */
struct site_conf {
	struct view authserv_id;	/* empty: this host's name */
	struct conf_nets internal;	/* clients that are not strangers: SPF is not asked for them */
	bool strip_forged;		/* remove Authentication-Results that claim our authserv_id */
	bool trust_authenticated;	/* clients that used SMTP AUTH are treated as internal */
};
extern const struct conf_section site_section;

/* group "limits": octets and counts a sender controls. */
struct limits_conf {
	int64_t header_octets;
	int64_t header_fields;
	int64_t recipients;
	int64_t messages_open; /* in this process at one time; more are answered 4xx */
	int64_t milter_timeout; /* seconds that the MTA may be silent */
};
extern const struct conf_section limits_section;

struct session_history;

struct settings {
	struct arena *arena;
	atomic_uint refs;
	unsigned generation; /* 1 at start, one more with each reload */
	struct view path;    /* of the file */
	struct process_conf process;
	struct site_conf site;
	struct limits_conf limits;
	struct dns_conf dns;
	struct srs_conf srs;
	struct srs srs_now; /* of srs, its secrets and store: settings_srs.h; nothing is rewritten without secrets */
	struct srs_tables *srs_tables; /* srs.milter only */
	struct srs_ask *srs_ask;       /* srs.milter only; NULL: no leave-map */
	struct session_history *history; /* of dmarc.history-file; NULL: none is wanted */
	struct policy_conf policy;
	const struct policy_set *policies; /* of policy.directory; NULL: none were read */
	struct assess_conf assess; /* .spf and .dkim from their groups, .budget from dns */
	struct seal_conf seal;
	struct arc_seal_conf sealing; /* made of seal by settings_open_keys; no keys: nothing is sealed */
	struct arc_seal_conf *file_sealing; /* by policy_seal.number; no keys: they could not be opened */
	size_t file_sealings;
	size_t key_mistakes; /* policy files whose keys are not fit */
};

/*
 * Read and check the file.  NULL: every mistake has been handed to say(ctx, text), one line each, as
 * "/etc/assay/assay.conf:12: dkim.clock-skew: 9999 is not within 0..3600 seconds".  warnings go there too,
 * with the word "warning".  generation is 0: the caller sets it before anybody else sees the snapshot.
 */
struct settings *settings_load(const char *path, void (*say)(void *ctx, const char *text), void *ctx);
/*
 * For who seals: read the keys, check what they are and who may read them.  Before anybody else sees the snapshot.
 * False: those of the site are not fit; said as above.  Keys of a policy file that are not fit are said and counted,
 * and are no reason for false: beside `before` (the settings in force; NULL: none) those stay in use that sealed
 * for that domain, else nothing is sealed as that domain.  assayctl can do without, and is mostly run by people who
 * may not read them.
 */
bool settings_open_keys(struct settings *settings, const struct settings *before,
    void (*say)(void *ctx, const char *text), void *ctx);
/* The policy files' keys alone: for tests that exchange settings->policies. */
void settings_open_file_keys(struct settings *settings, const struct settings *before,
    void (*say)(void *ctx, const char *text), void *ctx);

/*
 * settings_load beside the settings in force (NULL: none): a policy file that has mistakes now keeps what it said there.
 * Its mistakes are said, and are no reason to give NULL.
 */
struct settings *settings_reload(const char *path, const struct settings *before,
    void (*say)(void *ctx, const char *text), void *ctx);
/* All presets, as an empty file would give; for tests and assayctl without a file. */
struct settings *settings_presets(void);
struct settings *settings_ref(struct settings *settings);
void settings_unref(struct settings *settings); /* NULL is fine */


/*
 * Name, one say() each, the settings that differ between the two and that a running daemon does not take over:
 * "listen: the change needs a restart".
 */
void settings_restart_needed(const struct settings *before, const struct settings *after,
    void (*say)(void *ctx, const char *text), void *ctx);

/*
 * The sections of the file in their order, for `assayctl conf show` and tests; false: no more.  *values: the
 * section's struct within settings, which may be NULL.
 */
bool settings_each(const struct settings *settings, size_t i, const struct conf_section **section, const void **values);

#endif
