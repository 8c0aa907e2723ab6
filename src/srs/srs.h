#ifndef ASSAY_SRS_SRS_H
#define ASSAY_SRS_SRS_H

#include "conf/item.h"
#include "srs/srs_secrets.h"
#include "srs/srs_store.h"

/*
 * srs - the Sender Rewriting Scheme: an envelope sender that passes SPF here and finds its way back.
 * Source: M. Wong's "SRS" draft as libsrs2, Mail::SRS and postsrsd write it; Exim's native form (srs_encode,
 * inbound_srs).
 *
 *   libsrs2  SRS0=HASH=STAMP=host=user@domain	first hop; HASH over STAMP, host, user
 *	      SRS1=HASH=host==HASH=STAMP=h=u@domain	every later hop; HASH over host and what follows it
 *   exim     SRS0=HASH=STAMP=host=user@domain	every hop, nested; HASH over user@host
 *   both     SRS0=HASH=STAMP=1=KEY@domain	the address lies in the store under KEY (srs_store.h)
 *
 * What the schemes leave open, and no stricter form could close without shutting the others out: libsrs2 hashes
 * the fields without boundaries between them, so who holds a valid address can move octets from user to host
 * ("a.example" "bc" hashes as "a.exampleb" "c"); SRS1 has no stamp of its own; Exim's hash has 16 bits, forged
 * once in 65536 tries.
 *
 * Every function is pure but for the store, and thread-safe.
 */
enum srs_scheme {
	SRS_LIBSRS2, /* HMAC-SHA1, base 64; 21 days */
	SRS_EXIM,    /* HMAC-MD5, 4 hex digits; 10 days */
};
extern const struct name_row srs_scheme_names[];

/* When the original address goes into the store, a key into the rewritten one. */
enum srs_database {
	SRS_DB_NEVER, /* what does not fit is left alone */
	SRS_DB_LONG,  /* what does not fit */
	SRS_DB_ALWAYS,
};

/* Of group "srs": whose mail leaves here again; srs_leave.h. */
struct srs_leave_conf {
	struct conf_list leaves;	  /* srs_names.h */
	struct conf_list local_domains;	  /* "a.test", ".a.test", "/file" */
	struct conf_list alias_domains;	  /* empty: as local_domains */
	struct conf_list virtual_files, alias_files, relocated_files; /* paths */
	int64_t table_look;		  /* seconds between two looks whether they changed */
	struct view leave_map;		  /* srs_ask.h; empty: none */
	int64_t leave_map_wait;		  /* milliseconds */
	struct conf_list leave_mailers;	  /* "esmtp", "relay:host.example" */
};

/* When a message has recipients that leave and others. */
enum srs_mixed {
	SRS_MIXED_REWRITE, /* one sender for all, the rewritten one */
	SRS_MIXED_CLASS,   /* each kind in a transaction of its own */
};

/* Who puts the original address in an SRS recipient's place. */
enum srs_restore {
	SRS_RESTORE_MAP, /* the MTA, by the reverse map */
	SRS_RESTORE_MILTER,
};

/* group "srs"; names are Exim's (srs_hashlength...) where Exim has them. */
struct srs_conf {
	bool enable;
	struct view domain;	  /* of the rewritten addresses, in mail/domain.h's spelling */
	struct conf_list old_domains; /* further ones whose SRS addresses are ours: those of former days */
	/*
	 * No row: what the site's policy files name (outgoing.srs-domain), ours for the way back as `domain` is.  By
	 * view_cmp_nocase, each once; whoever fills it sorts it.
	 */
	struct conf_list policy_domains;
	struct conf_list exclude; /* senders' domains that are left alone; ".example.org": that and all below */
	int scheme;		  /* enum srs_scheme: written, and read */
	bool read_other;	  /* read the other scheme as well */
	struct view secrets_file;
	int64_t hashlength;	  /* digits of a hash we write; libsrs2 only */
	int64_t hashmin;	  /* fewest digits of a hash we read; libsrs2 only */
	int64_t maxage;		  /* days; 0: as the scheme has it */
	bool usehash;
	bool usetimestamp;
	int separator;		  /* '=', '+' or '-': behind SRS0 and SRS1; libsrs2 only */
	int database;		  /* enum srs_database */
	struct view database_file;
	struct conf_list listen; /* of the maps (srs_socketmap.h): addresses as daemon/ reads them; empty: nowhere */
	int64_t connections_max; /* of each of them; the one longest idle makes room for the next */
	/* What the milter does. */
	bool milter;		/* rewrite senders there */
	bool internal;		/* also of internal clients and of sendmail(1) */
	int mixed;		/* enum srs_mixed */
	int restore;		/* enum srs_restore */
	struct conf_list return_senders; /* who may write to an SRS address: srs_names.h */
	int64_t return_rate;	/* messages an hour to one original address; 0: any */
	struct srs_leave_conf leave;
};
extern const struct conf_section srs_section;

/* RFC 5321 4.5.3.1.1: what the next MTA must take. */
#define SRS_LOCAL_MAX 64
/* RFC 5321 4.5.3.1.3: 256 octets with the brackets. */
#define SRS_PATH_MAX 254
/* No MTA hands out longer ones (Postfix cuts lines at 2048); others may write more than SRS_LOCAL_MAX. */
#define SRS_INPUT_MAX 2048
/* Addresses of ours that others wrapped and we wrapped again. */
#define SRS_CHAIN_MAX 5

enum srs_outcome {
	SRS_REWRITTEN,	/* forward: address is what to send as */
	SRS_VALID,	/* reverse: address is whom it stands for */
	/* Not ours to change; the map says NOTFOUND, the milter leaves it. */
	SRS_NULL,	/* "<>", or the map's key for it: two quote characters */
	SRS_NO_ADDRESS, /* no local part at a domain, or octets that no address of ours holds */
	SRS_OWN,	/* forward: of our SRS domain */
	SRS_EXCLUDED,	/* forward: of a domain that is left alone */
	SRS_TOO_LONG,	/* forward: above SRS_LOCAL_MAX or SRS_PATH_MAX, and no store for it */
	SRS_NOT_OURS,	/* reverse: of another domain */
	SRS_NOT_SRS,	/* reverse: an ordinary address of our domain */
	/* reverse: an SRS address of our domain, and yet: */
	SRS_MALFORMED,	/* fields missing, or an original address that is none */
	SRS_FORGED,	/* no secret of ours made the hash */
	SRS_EXPIRED,	/* older than maxage, or of tomorrow */
	SRS_UNKNOWN,	/* its key is not in the store, or there is no store */
	/* May heal. */
	SRS_TEMP,	/* the store cannot be asked; why says more */
};
extern const struct name_row srs_outcome_names[];

struct srs {
	const struct srs_conf *conf;
	const struct srs_secrets *secrets;
	struct srs_store *store; /* NULL: none */
};

struct srs_result {
	enum srs_outcome outcome;
	struct view address;	/* REWRITTEN, VALID; else empty.  In the arena, without brackets */
	struct view why;	/* in words of ours, or empty */
	/* What the last step of reverse saw, as far as it came; status prints it. */
	int tag;		/* 0, 1: SRS0, SRS1; -1: neither */
	int scheme;		/* of the hash that fits; -1: none does */
	int secret;		/* which line of the secrets file fits, from 0; -1: none */
	int age;		/* days; -1: no stamp.  A stamp of tomorrow has 1023 */
	struct view host, user; /* as written, a user within quotes without them; of the address or the arena */
};

/*
 * The sender to forward under.  address is a MAIL argument or a map's key; its local part goes into the result
 * octet for octet.  now: seconds since the epoch.
 */
void srs_forward(const struct srs *srs, struct view address, int64_t now, struct arena *arena, struct srs_result *result);

/* Whom an address of our SRS domain stands for.  Case of letters does not matter: Postfix and Sendmail fold keys. */
void srs_reverse(const struct srs *srs, struct view address, int64_t now, struct arena *arena, struct srs_result *result);

/* Is the domain one of ours for SRS: the one that is written, or one whose addresses are restored? */
bool srs_is_own(const struct srs_conf *conf, struct view domain);
bool srs_is_excluded(const struct srs_conf *conf, struct view domain);

/* Let the store forget what no address can ask for any more.  srs_forward does it now and then by itself. */
bool srs_purge(const struct srs *srs, int64_t now, size_t *gone, struct err *err);

/* Age that is still taken, in days, of addresses in that scheme. */
int64_t srs_maxage(const struct srs_conf *conf, enum srs_scheme scheme);

#endif
