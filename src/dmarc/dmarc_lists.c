#include "dmarc/dmarc.h"
#include "dmarc/dmarc_libopendmarc.h"

#define DAY 86400

struct dmarc_lists {
	const struct dmarc_psl *psl;
};

static bool
wants_psl(const struct dmarc_conf *conf)
{
	return conf->enable && (conf->discovery != DMARC_TREEWALK || conf->engine == DMARC_LIBOPENDMARC);
}

/* Then mail can be judged without the list. */
static bool
only_compares(const struct dmarc_conf *conf)
{
	return conf->engine == DMARC_NATIVE && conf->discovery == DMARC_TREEWALK_AND_PSL;
}

static struct view
warn(const struct dmarc_conf *conf, const struct dmarc_psl *psl, int64_t now, struct arena *arena)
{
	int64_t days = (now - dmarc_psl_dated(psl)) / DAY;

	if (dmarc_psl_dated(psl) >= 0 && days > conf->tld_max_age)
		return arena_printf(arena,
		    "%.*s: this public suffix list is %lld days old; organizational domains found by it may be wrong",
		    VIEW_ARG(conf->tld_file), (long long)days);
	if (dmarc_psl_bad_lines(psl) > 0)
		return arena_printf(arena, "%.*s: %zu lines are no rules and were passed over", VIEW_ARG(conf->tld_file),
		    dmarc_psl_bad_lines(psl));
	return VIEW_EMPTY;
}

const struct dmarc_lists *
dmarc_lists_open(const struct dmarc_conf *conf, int64_t now, struct arena *arena, struct view *warning, struct err *err)
{
	struct dmarc_lists *lists = ARENA_NEW(arena, struct dmarc_lists);
	const char *path = arena_cstr(arena, conf->tld_file);

	*warning = VIEW_EMPTY;
	if (!wants_psl(conf))
		return lists;
	if (!dmarc_psl_load(path, arena, &lists->psl, err)) {
		if (!only_compares(conf))
			return NULL;
		*warning = arena_printf(arena, "%s; there is nothing to compare the tree walk with", err->text);
		return lists;
	}
	*warning = warn(conf, lists->psl, now, arena);
	if (conf->engine == DMARC_LIBOPENDMARC && !dmarc_libopendmarc_open(path, err))
		return NULL;
	return lists;
}

const struct dmarc_psl *
dmarc_lists_psl(const struct dmarc_lists *lists)
{
	return lists == NULL ? NULL : lists->psl;
}
