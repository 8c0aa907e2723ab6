#include "spf/spf.h"
#include "spf/spf_record.h"

static const struct name_row engine_names[] = {
	{ "native", SPF_NATIVE },
	{ "libspf2", SPF_LIBSPF2 },
	{ NULL, 0 },
};

/* A guess that does not parse would be a permerror for everybody. */
static bool
check_guess_record(const void *field, struct err *err)
{
	const struct view *text = field;
	struct arena *arena = arena_new();
	struct spf_record record;
	bool ok = spf_record_parse(*text, arena, &record, err);

	arena_free(arena);
	return ok;
}

static const struct conf_item spf_rows[] = {
	/*        struct    name in file    field         default       min  max  unit */
	CONF_BOOL(spf_conf, "enable",       enable,       true),
	CONF_ENUM(spf_conf, "engine",       engine,       SPF_NATIVE, engine_names),
	CONF_INT (spf_conf, "lookups-max",  lookups_max,  10,           1,   100, ""),
	CONF_INT (spf_conf, "void-lookups-max", void_max, 2,            0,   100, ""),
	CONF_INT (spf_conf, "wait",         wait,         20,           1,   300, "seconds"),
	CONF_BOOL(spf_conf, "guess",        guess,        false),
	CONF_TEXT(spf_conf, "guess-record", guess_record, "v=spf1 a/24 mx/24 ptr ?all", check_guess_record),
	CONF_BOOL(spf_conf, "received-spf", received_spf, false),
};

const struct conf_section spf_section = CONF_SECTION("spf", spf_conf, spf_rows, NULL);
