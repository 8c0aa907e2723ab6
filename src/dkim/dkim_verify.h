#ifndef ASSAY_DKIM_DKIM_VERIFY_H
#define ASSAY_DKIM_DKIM_VERIFY_H

#include "dkim/dkim.h"
#include "dkim/dkim_signature.h"

/*
 * dkim_verify - one signature against its keys, its header fields and its body.
 * Sources: RFC 6376 6.1.2 and 6.1.3, RFC 8301 3.2, RFC 8463.
 */
struct dkim_job {
	const struct header_field *field;
	struct dkim_signature sig;
	struct dns_question *key_question; /* NULL: not to be verified */
	struct body_hash *body;
	enum auth_result result;
	struct view reason;  /* of the message's arena or static */
	struct view comment;
};

/*
 * How many records that are keys are tried when a name has several (RFC 6376 3.6.2.2 leaves that undefined; a
 * key that verifies is believed, the others are passed over).
 */
#define DKIM_KEYS_TRIED_MAX 8

/* Sets result, reason and comment.  May wait for DNS. */
void dkim_verify(struct dkim_job *job, const struct dkim_input *in, struct dns_task *dns, struct arena *arena);

#endif
