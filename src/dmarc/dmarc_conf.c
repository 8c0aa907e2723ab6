#include "dmarc/dmarc.h"

static const struct name_row engine_names[] = {
	{ "native", DMARC_NATIVE },
	{ "libopendmarc", DMARC_LIBOPENDMARC },
	{ NULL, 0 },
};

/* "both" needs one of them to act: the one that is named first. */
static const struct name_row discovery_names[] = {
	{ "treewalk", DMARC_TREEWALK },
	{ "psl", DMARC_PSL },
	{ "treewalk-and-psl", DMARC_TREEWALK_AND_PSL },
	{ "psl-and-treewalk", DMARC_PSL_AND_TREEWALK },
	{ NULL, 0 },
};

static const struct name_row several_names[] = {
	{ "reject", DMARC_SEVERAL_REJECT },
	{ "strictest", DMARC_SEVERAL_STRICTEST },
	{ "none", DMARC_SEVERAL_NONE },
	{ NULL, 0 },
};

#define DEBIAN_LIST "/usr/share/publicsuffix/public_suffix_list.dat" /* package publicsuffix */

static const struct conf_item dmarc_rows[] = {
	/*        struct      name in file       field            default               min max   unit */
	CONF_BOOL(dmarc_conf, "enable",          enable,          true),
	CONF_ENUM(dmarc_conf, "engine",          engine,          DMARC_NATIVE,         engine_names),
	CONF_ENUM(dmarc_conf, "discovery",       discovery,       DMARC_TREEWALK,       discovery_names),
	CONF_ENUM(dmarc_conf, "several-from",    several_from,    DMARC_SEVERAL_REJECT, several_names),
	CONF_TEXT(dmarc_conf, "tld-file",        tld_file,        DEBIAN_LIST,          NULL),
	CONF_INT (dmarc_conf, "tld-max-age",     tld_max_age,     365,                  1, 36500, "days"),
	CONF_BOOL(dmarc_conf, "honour-pct",      honour_pct,      false),
	CONF_INT (dmarc_conf, "identifiers-max", identifiers_max, 12,                   1, 100,   ""),
	CONF_TEXT(dmarc_conf, "history-file",    history_file,    "",                   NULL),
};

static bool
check_together(const void *section, struct err *err)
{
	const struct dmarc_conf *conf = section;
	bool list_acts = conf->discovery == DMARC_PSL || conf->discovery == DMARC_PSL_AND_TREEWALK;

	if (conf->honour_pct && !list_acts)
		return err_perm(err, "honour-pct needs discovery = psl: RFC 9989 has no pct=");
	if (conf->tld_file.n == 0 && (conf->discovery != DMARC_TREEWALK || conf->engine == DMARC_LIBOPENDMARC))
		return err_perm(err, "this discovery or engine needs tld-file");
	return true;
}

const struct conf_section dmarc_section = CONF_SECTION("dmarc", dmarc_conf, dmarc_rows, check_together);
