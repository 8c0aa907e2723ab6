#ifndef ASSAY_ARC_ARC_SEAL_H
#define ASSAY_ARC_ARC_SEAL_H

#include "arc/arc.h"
#include "crypt/key.h"

/*
 * arc_seal - adds an ARC set to a message.
 * Sources: RFC 8617 4.1, 5.1; RFC 6376 3.5, 5.4; the options of Exim's arc_sign.
 * Always relaxed/relaxed and rsa-sha256: what every validator knows.
 */

/* x= of the ARC-Message-Signature. */
enum arc_expire_kind {
	ARC_EXPIRE_NONE,
	ARC_EXPIRE_AT, /* seconds since the epoch */
	ARC_EXPIRE_AFTER, /* seconds from now */
};
struct arc_expire {
	enum arc_expire_kind kind;
	int64_t seconds;
};
#define ARC_EXPIRE_PRESET (30 * 24 * 60 * 60) /* Exim's "one month" */
#define ARC_EXPIRE_AFTER_MAX (10LL * 365 * 24 * 60 * 60) /* for "+": ten years */

/* "none"; "" (one month from now); "1893456000" (then); "+86400" (from now).  False: ERR_PERM. */
bool arc_expire_parse(struct view text, struct arc_expire *expire, struct err *err);

/* Keys with their selectors, for rotation: of those whose time has come, the latest signs. */
struct arc_seal_key {
	struct view selector;
	struct private_key *key;
	int64_t not_before; /* seconds since the epoch */
};

/* How many fields h= may name: a message with more of them is not sealed. */
#define ARC_SIGNED_MAX 200
#define ARC_SEAL_BITS_PRESET 2048

enum arc_form {
	ARC_FORM_RFC, /* i= first, as the ABNF of RFC 8617 4.1.2 has it; b= last */
	/*
	 * Of the public ARC test suite, whose octets are fixed: tags by the alphabet, b= in one piece.  (The
	 * ARC-Seal hashes the folds that b= of the ARC-Message-Signature has.)
	 */
	ARC_FORM_SUITE,
};

struct arc_seal_conf {
	struct view domain; /* d=, mail/domain.h's spelling */
	const struct arc_seal_key *key;
	size_t keys;
	/*
	 * Fields to sign: each as often as it is there, and once more when the name ends in "+", so that none can
	 * be added.  What is not there is not named, also with "+": a Date that Sendmail adds after us would
	 * break the signature.  NULL: arc_sign_preset.
	 */
	const struct view *sign;
	size_t signs;
	bool timestamps; /* t= on both signatures; Gmail wants it */
	struct arc_expire expire;
	bool leave_failed; /* a chain that fails is left alone instead of being sealed with cv=fail */
	int64_t rsa_bits_min; /* of our own key; ARC_SEAL_BITS_PRESET */
	enum arc_form form;
};

extern const struct view arc_sign_preset[];
extern const size_t arc_sign_presets;

/* For the check of settings.  False (ERR_PERM): not a field's name, or one that must not be signed. */
bool arc_sign_name_ok(struct view name, struct err *err);

struct arc_seal_input {
	const struct arc_seal_conf *conf;
	const struct header *header; /* as the next hop will see it, without the set to be added */
	const struct body_hash *body; /* of arc_seal_want_body */
	const struct arc_result *chain; /* of arc_end, over this message as it came */
	const struct auth_facts *facts; /* all methods; ARC's own is taken from chain */
	struct view authserv_id;
	struct view remote_ip; /* of the client, in text; empty: unknown */
	/*
	 * Not empty: what shall follow "i=N;" in the ARC-Authentication-Results, in place of facts, authserv_id and
	 * remote_ip.  Begins with a space; folds as LF or CRLF.
	 */
	struct view authres;
	int64_t now;
	bool again; /* seal also what arc_sealed_by says is ours */
};

/* Fields to add, from the top down: ARC-Seal, ARC-Message-Signature, ARC-Authentication-Results. */
struct arc_seal_field {
	struct view name;
	struct view value; /* begins with a space; folds are LF and tab, below 78 columns; in arena */
};
struct arc_seal {
	struct arc_seal_field field[3];
	unsigned instance;
	struct view domain, selector; /* of the key that signed */
};

/* Before the body, and before dkim_begin as for arc_begin.  NULL: BODY_HASHES_MAX is reached. */
struct body_hash *arc_seal_want_body(struct body_hashes *bodies);

/* The newest set is ours and the chain passes: the message went round through us (a content filter). */
bool arc_sealed_by(const struct arc_result *chain, const struct arc_seal_conf *conf);

/*
 * After body_hashes_end.  cv= is what chain says.  False: not sealed, and err says why.  ERR_PERM: a set would
 * be wrong or of no use (5.1 step 2: the chain already said cv=fail; 50 sets; sealed by us before; the fields of ARC
 * are no longer those that were verified), there is no From, no key is fit, or x= has passed.  ERR_TEMP: the chain
 * could not be judged.
 * Thread-safe: reads its arguments only.
 */
bool arc_seal(const struct arc_seal_input *in, struct arena *arena, struct arc_seal *seal, struct err *err);

#endif
