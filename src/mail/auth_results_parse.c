#include "mail/auth_results.h"

#include "mail/lexis.h"

/* Keyword = Ldh-str (RFC 5321 4.1.2); "_" is in names that are written. */
#define CC_KEYWORD (CC_LDH | CC_UNDERSCORE)

struct reader {
	struct cursor c;
	struct arena *arena;
	struct buffer scratch;
	struct auth_results *out;
	size_t info_room, property_room; /* elements; of properties, those of the last info */
	struct err *err;
};

static bool
refuse(struct reader *r, const char *what)
{
	return err_perm(r->err, "%s at byte %zu", what, cursor_offset(&r->c));
}

/* [CFWS] wanted [CFWS] */
static bool
take_mark(struct reader *r, char wanted, const char *what)
{
	if (!lexis_cfws(&r->c, r->err))
		return false;
	if (!cursor_char(&r->c, wanted))
		return refuse(r, what);
	return lexis_cfws(&r->c, r->err);
}

static bool
take_keyword(struct reader *r, struct view *word)
{
	*word = arena_copy_lower(r->arena, cursor_take(&r->c, CC_KEYWORD));
	return word->n > 0 || refuse(r, "no keyword");
}

/* What stands unquoted in the fields of this world: more than a token, and no mark of this grammar. */
static bool
at_bare_value(const struct cursor *c)
{
	int next = cursor_peek(c);

	return next == '@' || next == ':' || next == '[' || next == ']' ||
	    (next >= 0 && char_in((char)next, CC_TOKEN | CC_ATEXT | CC_UTF8));
}

/*
 * pvalue = value / [ [ local-part ] "@" ] domain-name, value = token / quoted-string
 * Of "quoted local part"@domain the quotes go, too.
 */
static bool
take_value(struct reader *r, struct view *value)
{
	bool quoted = cursor_peek(&r->c) == '"';

	buffer_clear(&r->scratch);
	if (quoted && !lexis_quoted_string(&r->c, &r->scratch, r->err))
		return false;
	if (!quoted || cursor_peek(&r->c) == '@') {
		size_t from = cursor_offset(&r->c);
		while (at_bare_value(&r->c))
			cursor_take_n(&r->c, 1);
		if (cursor_offset(&r->c) == from)
			return refuse(r, "no value");
		buffer_add(&r->scratch, cursor_since(&r->c, from));
	}
	*value = arena_copy(r->arena, buffer_view(&r->scratch));
	return true;
}

/* [ "/" [CFWS] 1*DIGIT ] */
static bool
take_method_version(struct reader *r, struct view *version)
{
	*version = VIEW_EMPTY;
	if (!lexis_cfws(&r->c, r->err))
		return false;
	if (!cursor_char(&r->c, '/'))
		return true;
	if (!lexis_cfws(&r->c, r->err))
		return false;
	*version = arena_copy(r->arena, cursor_take(&r->c, CC_DIGIT));
	return version->n > 0 || refuse(r, "no version behind \"/\"");
}

static bool
add_property(struct reader *r, struct auth_results_info *info, struct auth_results_property property)
{
	if (info->properties == AUTH_RESULTS_PROPERTIES_MAX)
		return err_perm(r->err, "more than %d properties", AUTH_RESULTS_PROPERTIES_MAX);
	if (info->properties == r->property_room) {
		size_t room = r->property_room == 0 ? 4 : r->property_room * 2;
		info->property = arena_grow(r->arena, info->property, r->property_room * sizeof(property),
		    room * sizeof(property));
		r->property_room = room;
	}
	info->property[info->properties++] = property;
	return true;
}

/*
 * reasonspec = "reason" "=" value; propspec = ptype "." property "=" pvalue
 * In any order.  A property without ptype ("action=none") is what Microsoft writes.
 */
static bool
take_property(struct reader *r, struct auth_results_info *info)
{
	struct auth_results_property property = { VIEW_EMPTY, VIEW_EMPTY, VIEW_EMPTY };

	if (!take_keyword(r, &property.name) || !lexis_cfws(&r->c, r->err))
		return false;
	if (cursor_char(&r->c, '.')) {
		property.ptype = property.name;
		if (!lexis_cfws(&r->c, r->err) || !take_keyword(r, &property.name))
			return false;
	}
	if (!take_mark(r, '=', "no \"=\" behind a property") || !take_value(r, &property.value))
		return false;
	if (property.ptype.n > 0 || !view_is(property.name, "reason"))
		return add_property(r, info, property);
	if (info->reason.n > 0)
		return refuse(r, "two reasons");
	info->reason = property.value;
	return true;
}

/* All that stands behind method=result, up to the ";" or the end; each behind CFWS. */
static bool
take_properties(struct reader *r, struct auth_results_info *info)
{
	r->property_room = 0;
	for (;;) { /* ends: each turn takes a property or returns */
		size_t from = cursor_offset(&r->c);
		if (!lexis_cfws(&r->c, r->err))
			return false;
		if (cursor_end(&r->c) || cursor_peek(&r->c) == ';')
			return true;
		if (cursor_offset(&r->c) == from)
			return refuse(r, "a stray octet");
		if (!take_property(r, info))
			return false;
	}
}

static bool
add_info(struct reader *r, const struct auth_results_info *info)
{
	struct auth_results *out = r->out;

	if (out->n == AUTH_RESULTS_INFOS_MAX)
		return err_perm(r->err, "more than %d results", AUTH_RESULTS_INFOS_MAX);
	if (out->n == r->info_room) {
		size_t room = r->info_room == 0 ? 4 : r->info_room * 2;
		out->info = arena_grow(r->arena, out->info, r->info_room * sizeof(*info), room * sizeof(*info));
		r->info_room = room;
	}
	out->info[out->n++] = *info;
	return true;
}

/* resinfo = methodspec [ reasonspec ] [ 1*propspec ], or "none" alone; the cursor is behind ";" and CFWS */
static bool
take_info(struct reader *r)
{
	struct auth_results_info info = { .result = VIEW_EMPTY };

	if (!take_keyword(r, &info.method) || !take_method_version(r, &info.version))
		return false;
	bool none = r->out->n == 0 && cursor_end(&r->c) && view_is(info.method, "none") && info.version.n == 0;
	if (none)
		return add_info(r, &info);
	if (!take_mark(r, '=', "no \"=\" behind a method") || !take_keyword(r, &info.result))
		return false;
	return take_properties(r, &info) && add_info(r, &info);
}

/* [CFWS] authserv-id [ CFWS authres-version ] [CFWS] */
static bool
take_id(struct reader *r)
{
	if (!lexis_cfws(&r->c, r->err) || !take_value(r, &r->out->authserv_id))
		return false;
	size_t from = cursor_offset(&r->c);
	if (!lexis_cfws(&r->c, r->err))
		return false;
	if (cursor_offset(&r->c) > from)
		r->out->version = arena_copy(r->arena, cursor_take(&r->c, CC_DIGIT));
	return lexis_cfws(&r->c, r->err);
}

bool
auth_results_parse(struct view value, struct arena *arena, struct auth_results *out, struct err *err)
{
	struct reader r = {
		.c = cursor_over(value),
		.arena = arena,
		.scratch = buffer_in(arena),
		.out = out,
		.err = err,
	};

	*out = (struct auth_results){ .authserv_id = VIEW_EMPTY, .version = VIEW_EMPTY };
	if (!view_is_utf8(value))
		return err_perm(err, "malformed UTF-8");
	if (!take_id(&r))
		return false;
	while (cursor_char(&r.c, ';')) {
		if (!lexis_cfws(&r.c, err))
			return false;
		if (cursor_end(&r.c) && out->n > 0)
			return true;
		if (!take_info(&r))
			return false;
	}
	if (!cursor_end(&r.c))
		return refuse(&r, "no \";\" where a result may begin");
	return out->n > 0 || refuse(&r, "no result");
}
