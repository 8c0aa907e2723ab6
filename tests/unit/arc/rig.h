#ifndef ASSAY_TESTS_ARC_RIG_H
#define ASSAY_TESTS_ARC_RIG_H

#include "arc/arc_seal.h"

/*
 * rig - a DNS of text, a clock, and messages that are verified and sealed as a daemon would.
 */
struct rig {
	struct arena *arena;
	struct dns *dns;
	struct arc_conf conf;
	int64_t now;
};

/* Ends the program when zone is no dns_fake text. */
void rig_open(struct rig *rig, struct view zone);
void rig_close(struct rig *rig);

struct rig_message {
	struct header header;
	struct view body;
	struct body_hash *relaxed; /* for sealing */
	struct arc_result chain;
	unsigned queries;
};

/* Read text (lines in CRLF or LF) and verify it.  False: not a message. */
bool rig_verify(struct rig *rig, struct view text, struct rig_message *message, struct err *err);

/* The three fields and what follows: the text of the sealed message, lines in CRLF. */
struct view rig_sealed_text(struct rig *rig, const struct arc_seal *seal, struct view text);

/* text with every line in CRLF */
struct view rig_crlf(struct rig *rig, struct view text);

#endif
