#include "milter/session_log.h"

#include "base/cursor.h"

/* session_log_facts - what is known of a message, for its line in the log. */

static void
add_spf(struct buffer *b, const char *key, const struct spf_result *r)
{
	if (r != NULL)
		session_log_word(b, key, auth_result_names, (int)r->result);
}

/* A name inside a list: an octet that could end it or begin another is shown in hexadecimal. */
static void
add_name(struct buffer *b, struct view name)
{
	struct view v = view_sub(name, 0, SHOWN_NAME);

	for (size_t i = 0; i < v.n; i++)
		if (char_in(v.p[i], CC_LDH | CC_DOT | CC_UNDERSCORE))
			buffer_add_char(b, v.p[i]);
		else
			buffer_addf(b, "\\x%02x", (unsigned char)v.p[i]);
	if (v.n < name.n)
		buffer_add_cstr(b, "...");
}

static struct view
property_of(const struct auth_fact *fact, const char *name)
{
	for (size_t i = 0; i < fact->properties; i++)
		if (view_is(view_of(fact->property[i].name), name))
			return fact->property[i].value;
	return VIEW_EMPTY;
}

/* dkim=pass:d=example.org,s=sel;fail:d=... */
static void
add_dkim(struct buffer *b, const struct auth_facts *dkim)
{
	for (size_t i = 0; i < dkim->n && i < SHOWN_SIGNATURES; i++) {
		const struct auth_fact *f = &dkim->fact[i];
		struct view d = property_of(f, "d"), selector = property_of(f, "s");
		session_log_word(b, i == 0 ? " dkim=" : ";", auth_result_names, (int)f->result);
		if (d.n > 0) {
			buffer_add_cstr(b, ":d=");
			add_name(b, d);
		}
		if (selector.n > 0) {
			buffer_add_cstr(b, d.n > 0 ? ",s=" : ":s=");
			add_name(b, selector);
		}
	}
	if (dkim->n > SHOWN_SIGNATURES)
		buffer_addf(b, ";+%zu", dkim->n - SHOWN_SIGNATURES);
}

/* "<" begins no domain, so nobody can send one that looks like an outcome. */
static void
add_from_domain(struct buffer *b, const struct from_domain *from)
{
	buffer_add_cstr(b, " from_domain=");
	if (from->outcome == FROM_ONE)
		add_name(b, from->domain);
	else
		buffer_add_cstr(b, from->outcome == FROM_NONE ? "<none>" : "<several>");
}

/* dmarc=reject:p=reject,d=example.org; dmarc_other= tells what the other way of discovery would have said. */
static void
add_dmarc(struct buffer *b, const struct dmarc_result *r)
{
	if (r == NULL || r->status == DMARC_STATUS_OFF)
		return;
	buffer_addf(b, " dmarc=%s", name_of(dmarc_status_names, (int)r->status));
	if (r->policy != DMARC_UNSET) {
		buffer_addf(b, ":%s=%s,d=", r->policy_tag, name_of(dmarc_policy_names, (int)r->policy));
		add_name(b, r->used_domain);
	}
	if (r->differs)
		buffer_addf(b, " dmarc_other=%s", name_of(dmarc_status_names, (int)r->other->status));
}

/* arc=pass:i=2,d=list.example */
static void
add_arc(struct buffer *b, const struct arc_result *r)
{
	if (r == NULL || r->result == AUTH_NONE)
		return;
	buffer_addf(b, " arc=%s:i=%u", name_of(auth_result_names, (int)r->result), r->instances);
	if (r->sealer.n > 0) {
		buffer_add_cstr(b, ",d=");
		add_name(b, r->sealer);
	}
}

/* seal=yes:i=1,d=fwd.example,s=2026a */
static void
add_seal(struct buffer *b, const struct message_seal *seal)
{
	if (seal->done) {
		buffer_addf(b, " seal=yes:i=%u,d=", seal->set.instance);
		add_name(b, seal->set.domain);
		buffer_add_cstr(b, ",s=");
		add_name(b, seal->set.selector);
	} else if (seal->why.n > 0) {
		buffer_add_cstr(b, " seal=no");
	}
}

void
session_log_facts(struct buffer *b, const struct assessment *found, const struct message_seal *seal)
{
	add_spf(b, " spf=", found->spf);
	add_spf(b, " spf_helo=", found->spf_helo);
	add_spf(b, " spf_guess=", found->spf_guess);
	add_dkim(b, &found->dkim);
	add_dmarc(b, found->dmarc);
	add_arc(b, found->arc);
	add_seal(b, seal);
	add_from_domain(b, &found->from);
}
