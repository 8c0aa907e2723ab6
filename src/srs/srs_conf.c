#include "srs/srs.h"

#include "base/cursor.h"
#include "mail/domain.h"
#include "srs/srs_ask.h"
#include "srs/srs_names.h"
#include "srs/srs_text.h"

const struct name_row srs_scheme_names[] = {
	{ "libsrs2", SRS_LIBSRS2 },
	{ "exim", SRS_EXIM },
	{ NULL, 0 },
};

const struct name_row srs_outcome_names[] = {
	{ "rewritten", SRS_REWRITTEN },
	{ "valid", SRS_VALID },
	{ "null", SRS_NULL },
	{ "no-address", SRS_NO_ADDRESS },
	{ "own", SRS_OWN },
	{ "excluded", SRS_EXCLUDED },
	{ "too-long", SRS_TOO_LONG },
	{ "not-ours", SRS_NOT_OURS },
	{ "not-srs", SRS_NOT_SRS },
	{ "malformed", SRS_MALFORMED },
	{ "forged", SRS_FORGED },
	{ "expired", SRS_EXPIRED },
	{ "unknown", SRS_UNKNOWN },
	{ "temperror", SRS_TEMP },
	{ NULL, 0 },
};

static const struct name_row database_names[] = {
	{ "never", SRS_DB_NEVER },
	{ "long", SRS_DB_LONG },
	{ "always", SRS_DB_ALWAYS },
	{ NULL, 0 },
};

static const struct name_row separator_names[] = {
	{ "=", '=' },
	{ "+", '+' },
	{ "-", '-' },
	{ NULL, 0 },
};

static bool
check_domain(const void *field, struct err *err)
{
	const struct view *domain = field;

	return domain->n == 0 || srs_is_domain(*domain, err);
}

static bool
check_domains(const void *field, struct err *err)
{
	const struct conf_list *list = field;

	for (size_t i = 0; i < list->n; i++)
		if (!srs_is_domain(list->item[i], err))
			return false;
	return true;
}

static bool
check_exclude(const void *field, struct err *err)
{
	const struct conf_list *list = field;

	for (size_t i = 0; i < list->n; i++)
		if (!srs_is_domain(view_from(list->item[i], view_starts(list->item[i], VIEW_LIT("."))), err))
			return false;
	return true;
}

static const struct name_row mixed_names[] = {
	{ "rewrite", SRS_MIXED_REWRITE },
	{ "class", SRS_MIXED_CLASS },
	{ NULL, 0 },
};

static const struct name_row restore_names[] = {
	{ "map", SRS_RESTORE_MAP },
	{ "milter", SRS_RESTORE_MILTER },
	{ NULL, 0 },
};

static bool
check_files(const void *field, struct err *err)
{
	const struct conf_list *list = field;

	for (size_t i = 0; i < list->n; i++)
		if (!view_starts(list->item[i], VIEW_LIT("/")))
			return err_perm(err, "wants paths that begin with \"/\": the text files, without \"hash:\" and the like");
	return true;
}

static bool
check_mailers(const void *field, struct err *err)
{
	const struct conf_list *list = field;

	for (size_t i = 0; i < list->n; i++)
		if (!view_all_in(list->item[i], CC_VCHAR) || view_find(list->item[i], ':') == 0 || list->item[i].n == 0)
			return err_perm(err, "wants names as the MTA logs them: \"esmtp\", \"relay:host.example\"");
	return true;
}

static bool
check_leave_map(const void *field, struct err *err)
{
	const struct view *place = field;
	struct srs_ask *ask = place->n == 0 ? NULL : srs_ask_open(*place, 1000, err);

	if (place->n > 0 && ask == NULL)
		return false;
	srs_ask_close(ask);
	return true;
}

static const struct conf_item srs_rows[] = {
	/*        struct    name in file     field          default     min max   unit */
	CONF_BOOL(srs_conf, "enable",        enable,        false),
	CONF_TEXT(srs_conf, "domain",        domain,        "",         check_domain),
	CONF_LIST(srs_conf, "old-domains",   old_domains,   "",         0, 100, check_domains),
	CONF_LIST(srs_conf, "exclude",       exclude,       "",         0, 10000, check_exclude),
	CONF_ENUM(srs_conf, "scheme",        scheme,        SRS_LIBSRS2, srs_scheme_names),
	CONF_BOOL(srs_conf, "read-other",    read_other,    false),
	CONF_TEXT(srs_conf, "secrets",       secrets_file,  "/etc/assay/srs.secrets", NULL),
	/* Four digits, letters folded: one in two million is hit by chance.  Mail::SRS and libsrs2 have 4. */
	CONF_INT (srs_conf, "hashlength",    hashlength,    4,          4, 27, "digits"),
	CONF_INT (srs_conf, "hashmin",       hashmin,       4,          4, 27, "digits"),
	/* A stamp counts to 1024; 1000 keeps one of tomorrow from being an old one. */
	CONF_INT (srs_conf, "maxage",        maxage,        0,          0, 1000, "days"),
	CONF_BOOL(srs_conf, "usehash",       usehash,       true),
	CONF_BOOL(srs_conf, "usetimestamp",  usetimestamp,  true),
	CONF_ENUM(srs_conf, "separator",     separator,     '=',        separator_names),
	CONF_ENUM(srs_conf, "database",      database,      SRS_DB_NEVER, database_names),
	CONF_TEXT(srs_conf, "database-file", database_file, "/var/lib/assay/srs.sqlite", NULL),
	CONF_LIST(srs_conf, "listen",        listen,        "",         0, 16, NULL),
	/* One for each smtpd and cleanup of Postfix; each kept costs some 200 octets here. */
	CONF_INT (srs_conf, "connections-max", connections_max, 5000,   1, 100000, "connections"),
	CONF_BOOL(srs_conf, "milter",        milter,        false),
	CONF_BOOL(srs_conf, "internal",      internal,      false),
	CONF_ENUM(srs_conf, "mixed",         mixed,         SRS_MIXED_REWRITE, mixed_names),
	CONF_LIST(srs_conf, "leaves",        leave.leaves,  "",         0, 10000, srs_names_check),
	CONF_LIST(srs_conf, "local-domains", leave.local_domains, "",   0, 10000, srs_names_check_domains),
	CONF_LIST(srs_conf, "alias-domains", leave.alias_domains, "",   0, 1000, check_exclude),
	CONF_LIST(srs_conf, "virtual",       leave.virtual_files, "",   0, 100, check_files),
	CONF_LIST(srs_conf, "aliases",       leave.alias_files, "",     0, 100, check_files),
	CONF_LIST(srs_conf, "relocated",     leave.relocated_files, "", 0, 100, check_files),
	CONF_INT (srs_conf, "table-look",    leave.table_look, 5,       1, 3600, "seconds"),
	CONF_TEXT(srs_conf, "leave-map",     leave.leave_map, "",       check_leave_map),
	/* Sendmail gives a filter 10 s for an answer to RCPT by default, of which SPF may take 6. */
	CONF_INT (srs_conf, "leave-map-wait", leave.leave_map_wait, 2000, 10, 3000, "milliseconds"),
	CONF_LIST(srs_conf, "leave-mailers", leave.leave_mailers, "",   0, 100, check_mailers),
	CONF_ENUM(srs_conf, "restore",       restore,       SRS_RESTORE_MAP, restore_names),
	CONF_LIST(srs_conf, "return-senders", return_senders, "<>",     0, 1000, srs_names_check_senders),
	CONF_INT (srs_conf, "return-rate",   return_rate,   100,        0, 100000, "messages"),
};

static bool
check_together(const void *section, struct err *err)
{
	const struct srs_conf *conf = section;

	if (conf->enable && conf->domain.n == 0)
		return err_perm(err, "enable needs domain: the one that rewritten senders are of");
	const struct srs_leave_conf *leave = &conf->leave;
	bool needs_domains = leave->virtual_files.n + leave->alias_files.n + leave->leave_map.n > 0;
	if (needs_domains && leave->local_domains.n == 0)
		return err_perm(err, "virtual, aliases and leave-map need local-domains: what is none of them has left");
	if (conf->hashmin > conf->hashlength)
		return err_perm(err, "hashmin is above hashlength: what is written would not be read");
	return true;
}

const struct conf_section srs_section = CONF_SECTION("srs", srs_conf, srs_rows, check_together);

#define LIBSRS2_DAYS 21
#define EXIM_DAYS 10

int64_t
srs_maxage(const struct srs_conf *conf, enum srs_scheme scheme)
{
	if (conf->maxage > 0)
		return conf->maxage;
	return scheme == SRS_EXIM ? EXIM_DAYS : LIBSRS2_DAYS;
}

/* There may be as many as policy files. */
static bool
is_in_order(const struct conf_list *list, struct view domain)
{
	size_t from = 0, to = list->n;

	while (from < to) { /* ends: the range is halved */
		size_t middle = from + (to - from) / 2;
		int order = view_cmp_nocase(list->item[middle], domain);
		if (order == 0)
			return true;
		if (order < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return false;
}

bool
srs_is_excluded(const struct srs_conf *conf, struct view domain)
{
	for (size_t i = 0; i < conf->exclude.n; i++) {
		struct view item = conf->exclude.item[i];
		if (view_starts(item, VIEW_LIT(".")) ? domain_within(domain, view_from(item, 1)) : view_eq_nocase(domain, item))
			return true;
	}
	return false;
}

bool
srs_is_own(const struct srs_conf *conf, struct view domain)
{
	if (view_eq_nocase(domain, conf->domain))
		return true;
	for (size_t i = 0; i < conf->old_domains.n; i++)
		if (view_eq_nocase(domain, conf->old_domains.item[i]))
			return true;
	return is_in_order(&conf->policy_domains, domain);
}

void
srs_result_clear(struct srs_result *result)
{
	*result = (struct srs_result){
		.address = VIEW_EMPTY,
		.why = VIEW_EMPTY,
		.tag = -1,
		.scheme = -1,
		.secret = -1,
		.age = -1,
		.host = VIEW_EMPTY,
		.user = VIEW_EMPTY,
	};
}
