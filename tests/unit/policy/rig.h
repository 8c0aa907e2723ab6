#ifndef ASSAY_TESTS_POLICY_RIG_H
#define ASSAY_TESTS_POLICY_RIG_H

#include "base/buffer.h"
#include "policy/policy.h"

/* rig - a set out of one text with several files: "=== NAME" begins one.  What was said is in *said, a line each. */
const struct policy_set *rig_set(const char *text, const char *delimiter, struct arena *arena, struct buffer *said);
struct recipient rig_rcpt(const char *address, struct arena *arena);

/*
 * Facts in words: "spf=fail dmarc=reject from=bank.example sender=a@b.example client=192.0.2.1 size=10 list=l.example
 * arc=pass:sealer.example dkim=pass:d.example helo=x auth internal local tls cert=c.example aar=..." ; "early": nothing of
 * the content.
 */
struct policy_facts rig_facts(const char *words, struct arena *arena);

#endif
