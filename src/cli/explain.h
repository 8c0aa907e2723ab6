#ifndef ASSAY_CLI_EXPLAIN_H
#define ASSAY_CLI_EXPLAIN_H

#include "cli/cli.h"
#include "cli/json.h"
#include "milter/log_line.h"
#include "milter/session.h"
#include "milter/settings.h"

/*
 * explain - what the files explain*.c share, and nobody else: one message and its story, told as it goes on.
 */
struct story {
	const struct cli_command *self;
	struct arena *arena;
	struct cli_world world;
	/* the envelope */
	struct view ip, helo, name, from, auth, certificate, queue_id;
	struct cli_list rcpt;
	bool local, tls;
	struct view deferred; /* --deferred: hours, for defer-hours of policies */
	/* where to find one */
	struct view log, log_file, id;
	bool has_log; /* it came from a line of the log */
	struct log_line line;
	bool json, colour;
	struct settings *settings;
	struct dns *dns;
	struct view no_keys; /* why sealing cannot be shown; empty: it can */
	struct json j;
	bool in_part; /* of the JSON object */
	bool decided; /* facts and rules are told */
	struct cli_list said; /* lines of the log */
	int status;
};

/* ---- explain_say.c: rows for people, parts for programs ---- */
enum story_mood {
	MOOD_PLAIN,
	MOOD_GOOD,
	MOOD_BAD,
	MOOD_ODD,
};
/* "key   value"; value's odd octets are shown as "?", its lines stand below each other.  Nothing with --json. */
void story_row(const struct story *st, const char *key, enum story_mood mood, struct view value);
void __attribute__((format(printf, 3, 4))) story_rowf(const struct story *st, const char *key, const char *fmt, ...);
/* A heading; with --json the array of that name begins, and the one before it ends. */
void story_part(struct story *st, const char *name);
void story_reply(struct story *st, const char *at, struct view about, const struct session_reply *reply);
void story_edit(struct story *st, const struct edit *e);
enum story_mood story_mood_of(enum auth_result result);

/* ---- explain_facts.c ---- */
void story_facts(struct story *st, const struct policy_facts *facts);
void story_rules(struct story *st, const struct policy_set *set, const struct policy_facts *facts,
    const struct recipient *rcpt, size_t n);

/* ---- explain_log.c: what --log and --log-file say, where no option says otherwise ---- */
bool story_take_log(struct story *st, struct err *err);

#endif
