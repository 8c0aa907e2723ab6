#ifndef ASSAY_ARC_ARC_SEAL_CONF_H
#define ASSAY_ARC_ARC_SEAL_CONF_H

#include "arc/arc_seal.h"
#include "conf/item.h"

/*
 * arc_seal_conf - the settings of sealing, and the keys that they name.
 */
enum seal_clients {
	SEAL_STRANGERS, /* mail that came from outside, also by way of a trusted upstream hop */
	SEAL_ALL,
};

/* group "seal" */
struct seal_conf {
	bool enable;
	struct view domain;	/* as in the file: may be in U-labels */
	struct conf_list keys;	/* "SELECTOR:FILE" or "SELECTOR:FILE:YYYY-MM-DD", of that day's beginning in UTC */
	struct conf_list sign;	/* as arc_seal.h's */
	bool timestamps;
	struct view expire;	/* arc_expire_parse */
	bool failed;		/* seal also a chain that is found to fail */
	int clients;		/* enum seal_clients */
	/* Hops of our own ADMD before us: a client of these networks whose results bear one of these ids. */
	struct conf_nets trusted_upstream;
	struct conf_list trusted_ids;
};
extern const struct conf_section arc_seal_section;

/* One of the keys as the file has it; views into text. */
struct seal_key_place {
	struct view selector, path;
	int64_t not_before; /* seconds since the epoch; 0: always */
};
bool seal_key_parse(struct view text, struct seal_key_place *place, struct err *err);
/* All of a list, no selector twice, at most SEAL_KEYS_MAX. */
#define SEAL_KEYS_MAX 16
bool seal_keys_ok(const struct conf_list *keys, struct err *err);

/*
 * Keys that have been read, by their paths: each file is read once, however many name it.  They end with arena: they are
 * wiped.
 */
struct seal_ring;
struct seal_ring *seal_ring_new(struct arena *arena);

/*
 * Read the keys and make of the settings what arc_seal wants.  *out lives in the ring's arena.  Not enabled: no keys,
 * which is what callers look at.  False: err says which file is not fit and why.
 */
bool arc_seal_conf_open(const struct seal_conf *conf, struct seal_ring *ring, struct arc_seal_conf *out, struct err *err);
/* For when the files of `old` are not fit any more: *out gets its domain and keys, all else from conf. */
bool arc_seal_conf_keep(const struct seal_conf *conf, const struct arc_seal_conf *old, struct arena *arena,
    struct arc_seal_conf *out, struct err *err);
/* Would both make the same seal? */
bool arc_seal_conf_same(const struct arc_seal_conf *a, const struct arc_seal_conf *b);

#endif
