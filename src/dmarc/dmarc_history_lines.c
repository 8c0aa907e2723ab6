#include "base/buffer.h"
#include "base/cursor.h"
#include "dmarc/dmarc_history.h"

/* Widths of the importer's columns; strict MariaDB refuses what is longer. */
#define JOB_MAX 128
#define NAME_MAX_OCTETS 255

/* ares_result_t of OpenDMARC, as opendmarc-reports reads it back. */
static const struct {
	enum auth_result result;
	int number;
} ares[] = {
	{ AUTH_PASS, 0 },      { AUTH_SOFTFAIL, 2 }, { AUTH_NEUTRAL, 3 }, { AUTH_TEMPERROR, 4 },
	{ AUTH_PERMERROR, 5 }, { AUTH_NONE, 6 },     { AUTH_FAIL, 7 },	  { AUTH_POLICY, 8 },
};
#define ARES_NONE 6

static int
ares_of(enum auth_result result)
{
	for (size_t i = 0; i < sizeof(ares) / sizeof(ares[0]); i++)
		if (ares[i].result == result)
			return ares[i].number;
	return ARES_NONE;
}

/* DMARC_POLICY_* of libopendmarc. */
static int
policy_number(enum dmarc_status status)
{
	switch (status) {
	case DMARC_STATUS_ACCEPT:
		return 15;
	case DMARC_STATUS_REJECT:
		return 16;
	case DMARC_STATUS_QUARANTINE:
		return 17;
	case DMARC_STATUS_NONE:
		return 18;
	case DMARC_STATUS_OFF:
	case DMARC_STATUS_NOFROM:
	case DMARC_STATUS_NORECORD:
	case DMARC_STATUS_TEMPERROR:
		break;
	}
	return 14;
}

/* DMARC_RECORD_P_*: letters; 0 for a tag that is not there. */
static int
letter_of(enum dmarc_policy policy)
{
	switch (policy) {
	case DMARC_NONE:
		return 'n';
	case DMARC_QUARANTINE:
		return 'q';
	case DMARC_REJECT:
		return 'r';
	case DMARC_UNSET:
		break;
	}
	return 0;
}

/* The importer splits at spaces and lines, and takes "-" for nothing. */
static void
add_word(struct buffer *b, struct view text, size_t max)
{
	text = view_sub(text, 0, max);
	if (text.n == 0)
		buffer_add_char(b, '-');
	for (size_t i = 0; i < text.n; i++)
		buffer_add_char(b, char_in(text.p[i], CC_VCHAR) ? text.p[i] : '?');
}

static void
add_line(struct buffer *b, const char *key, struct view value, size_t max)
{
	buffer_addf(b, "%s ", key);
	add_word(b, value, max);
	buffer_add_char(b, '\n');
}

static struct view
property_of(const struct auth_fact *f, const char *name)
{
	for (size_t i = 0; i < f->properties; i++)
		if (view_is(view_of(f->property[i].name), name))
			return f->property[i].value;
	return VIEW_EMPTY;
}

/* The MAIL FROM identity; HELO is no input of DMARC. */
static int
spf_number(const struct auth_facts *facts)
{
	for (size_t i = 0; i < facts->n; i++) {
		const struct auth_fact *f = &facts->fact[i];
		if (f->method == AUTH_SPF && f->domain.n > 0)
			return ares_of(f->result);
	}
	return ARES_NONE;
}

static void
add_signatures(struct buffer *b, const struct auth_facts *facts)
{
	size_t lines = 0;

	for (size_t i = 0; i < facts->n && lines < DMARC_HISTORY_SIGNATURES_MAX; i++) {
		const struct auth_fact *f = &facts->fact[i];
		struct view domain = f->domain.n > 0 ? f->domain : property_of(f, "d");
		if (f->method != AUTH_DKIM || domain.n == 0)
			continue;
		buffer_add_cstr(b, "dkim ");
		add_word(b, domain, NAME_MAX_OCTETS);
		buffer_add_char(b, ' ');
		add_word(b, property_of(f, "s"), NAME_MAX_OCTETS);
		buffer_addf(b, " %d\n", ares_of(f->result));
		lines++;
	}
}

static void
add_rua(struct buffer *b, const struct dmarc_uris *rua)
{
	size_t octets = 0, lines = 0;

	for (size_t i = 0; i < rua->n; i++) {
		octets += rua->uri[i].n + (lines > 0);
		if (octets > DMARC_HISTORY_RUA_MAX)
			break;
		add_line(b, "rua", rua->uri[i], DMARC_HISTORY_RUA_MAX);
		lines++;
	}
	if (lines == 0)
		buffer_add_cstr(b, "rua -\n");
}

/* JSON strings of clean words: only these two octets need a backslash. */
static void
add_json(struct buffer *b, const char *key, struct view text)
{
	buffer_addf(b, ", \"%s\":\"", key);
	text = view_sub(text, 0, NAME_MAX_OCTETS);
	for (size_t i = 0; i < text.n; i++) {
		char c = char_in(text.p[i], CC_VCHAR) ? text.p[i] : '?';
		if (c == '"' || c == '\\')
			buffer_add_char(b, '\\');
		buffer_add_char(b, c);
	}
	buffer_add_char(b, '"');
}

/*
 * Without "json:[]" the importer dies ("Not a HASH reference"), so it is always there.  An instance twice would break its
 * unique key: the caller hands over the chain's sets, which have one each.
 */
static void
add_arc(struct buffer *b, const struct dmarc_history_entry *e)
{
	enum { ARC_POLICY_PASS, ARC_POLICY_UNUSED, ARC_POLICY_FAIL };
	int policy = e->arc_overrode ? ARC_POLICY_PASS : e->arc == AUTH_NONE ? ARC_POLICY_UNUSED : ARC_POLICY_FAIL;

	buffer_addf(b, "arc %d\narc_policy %d json:[", ares_of(e->arc), policy);
	for (size_t i = 0; i < e->seals && i < DMARC_HISTORY_SEALS_MAX; i++) {
		buffer_addf(b, "%s{ \"i\":%u", i > 0 ? ", " : "", e->seal[i].instance);
		add_json(b, "d", e->seal[i].domain);
		add_json(b, "s", e->seal[i].selector);
		add_json(b, "ip", view_sub(e->seal[i].client, 0, 64));
		buffer_add_cstr(b, " }");
	}
	buffer_add_cstr(b, "]\n");
}

bool
dmarc_history_wants(const struct dmarc_result *r)
{
	return policy_number(r->status) != 14 && r->record != NULL;
}

struct view
dmarc_history_lines(const struct dmarc_history_entry *e, struct arena *arena)
{
	const struct dmarc_result *r = e->result;
	const struct dmarc_record *record = r->record;
	struct buffer b = buffer_in(arena);

	add_line(&b, "job", e->job, JOB_MAX);
	add_line(&b, "reporter", e->reporter, NAME_MAX_OCTETS);
	buffer_addf(&b, "received %lld\n", (long long)e->received);
	add_line(&b, "ipaddr", ip_text(&e->client, arena), NAME_MAX_OCTETS);
	add_line(&b, "from", r->from_domain, NAME_MAX_OCTETS);
	/* "-" would make the importer drop the message */
	add_line(&b, "mfrom", e->mail_domain.n > 0 ? e->mail_domain : VIEW_LIT("unknown"), NAME_MAX_OCTETS);
	buffer_addf(&b, "spf %d\n", spf_number(e->facts));
	add_signatures(&b, e->facts);
	add_line(&b, "pdomain", r->used_domain, NAME_MAX_OCTETS);
	buffer_addf(&b, "policy %d\n", policy_number(r->status));
	add_rua(&b, &record->rua);
	buffer_addf(&b, "pct %u\nadkim %d\naspf %d\n", record->pct, record->strict_dkim ? 's' : 'r',
	    record->strict_spf ? 's' : 'r');
	buffer_addf(&b, "p %d\nsp %d\n", letter_of(record->watch || record->p == DMARC_UNSET ? DMARC_NONE : record->p),
	    letter_of(record->sp));
	buffer_addf(&b, "align_dkim %d\nalign_spf %d\n", r->dkim_aligned ? 4 : 5, r->spf_aligned ? 4 : 5);
	add_arc(&b, e);
	buffer_addf(&b, "action %d\n", (int)e->action);
	return buffer_view(&b);
}
