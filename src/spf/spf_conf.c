#include "spf/spf.h"

static const struct name_row engine_names[] = {
	{ "native", SPF_NATIVE },
	{ "libspf2", SPF_LIBSPF2 },
	{ NULL, 0 },
};

static const struct conf_item spf_rows[] = {
	/*        struct    name in file    field         default       min  max  unit */
	CONF_BOOL(spf_conf, "enable",       enable,       true),
	CONF_ENUM(spf_conf, "engine",       engine,       SPF_NATIVE, engine_names),
	CONF_INT (spf_conf, "lookups-max",  lookups_max,  10,           1,   100, ""),
	CONF_INT (spf_conf, "void-lookups-max", void_max, 2,            0,   100, ""),
	CONF_INT (spf_conf, "wait",         wait,         20,           1,   300, "seconds"),
	CONF_BOOL(spf_conf, "guess",        guess,        false),
	CONF_TEXT(spf_conf, "guess-record", guess_record, "v=spf1 a/24 mx/24 ptr ?all", NULL),
	CONF_BOOL(spf_conf, "received-spf", received_spf, false),
};

const struct conf_section spf_section = CONF_SECTION("spf", spf_conf, spf_rows, NULL);
