#include "policy/policy_rule.h"

#include "base/buffer.h"
#include "base/cursor.h"
#include "conf/suggest.h"

/* ---- variables ---- */

typedef struct view value(const struct policy_facts *f, const struct recipient *rcpt, struct view rule, struct arena *arena);

static struct view
v_client_addr(const struct policy_facts *f, const struct recipient *rcpt, struct view rule, struct arena *arena)
{
	(void)rcpt, (void)rule;
	return ip_text(&f->client, arena);
}

static struct view
v_client_name(const struct policy_facts *f, const struct recipient *rcpt, struct view rule, struct arena *arena)
{
	(void)rcpt, (void)rule, (void)arena;
	return f->client_name;
}

static struct view
v_helo(const struct policy_facts *f, const struct recipient *rcpt, struct view rule, struct arena *arena)
{
	(void)rcpt, (void)rule, (void)arena;
	return f->helo;
}

static struct view
v_sender(const struct policy_facts *f, const struct recipient *rcpt, struct view rule, struct arena *arena)
{
	(void)rcpt, (void)rule, (void)arena;
	return f->null_sender ? VIEW_LIT("<>") : f->from.text;
}

static struct view
v_recipient(const struct policy_facts *f, const struct recipient *rcpt, struct view rule, struct arena *arena)
{
	(void)f, (void)rule, (void)arena;
	return rcpt->path.text.n > 0 ? rcpt->path.text : rcpt->argument;
}

static struct view
v_from_domain(const struct policy_facts *f, const struct recipient *rcpt, struct view rule, struct arena *arena)
{
	(void)rcpt, (void)rule, (void)arena;
	return f->found->from.outcome == FROM_ONE ? f->found->from.domain : VIEW_EMPTY;
}

static struct view
v_queue_id(const struct policy_facts *f, const struct recipient *rcpt, struct view rule, struct arena *arena)
{
	(void)rcpt, (void)rule, (void)arena;
	return f->queue_id;
}

static struct view
v_rule(const struct policy_facts *f, const struct recipient *rcpt, struct view rule, struct arena *arena)
{
	(void)f, (void)rcpt, (void)arena;
	return rule;
}

static struct view
v_spf_result(const struct policy_facts *f, const struct recipient *rcpt, struct view rule, struct arena *arena)
{
	(void)rcpt, (void)rule, (void)arena;
	return f->found->spf == NULL ? VIEW_EMPTY : view_of(name_of(auth_result_names, (int)f->found->spf->result));
}

static struct view
v_spf_header_comment(const struct policy_facts *f, const struct recipient *rcpt, struct view rule, struct arena *arena)
{
	(void)rcpt, (void)rule;
	if (f->found->spf == NULL || f->found->spf_input == NULL)
		return VIEW_EMPTY;
	return spf_header_comment(f->found->spf_input, f->found->spf, arena);
}

static struct view
v_spf_smtp_comment(const struct policy_facts *f, const struct recipient *rcpt, struct view rule, struct arena *arena)
{
	(void)rcpt, (void)rule;
	if (f->found->spf == NULL || f->found->spf_input == NULL)
		return VIEW_EMPTY;
	return spf_smtp_comment(f->found->spf_input, f->found->spf, arena);
}

static struct view
v_spf_received(const struct policy_facts *f, const struct recipient *rcpt, struct view rule, struct arena *arena)
{
	(void)rcpt, (void)rule;
	if (f->found->spf == NULL || f->found->spf_input == NULL)
		return VIEW_EMPTY;
	return spf_received(f->found->spf_input, SPF_MAILFROM, f->found->spf, arena);
}

static struct view
v_dmarc_status(const struct policy_facts *f, const struct recipient *rcpt, struct view rule, struct arena *arena)
{
	enum dmarc_status status = f->found->dmarc == NULL ? DMARC_STATUS_OFF : f->found->dmarc->status;

	(void)rcpt, (void)rule, (void)arena;
	return view_of(name_of(dmarc_status_names, (int)status));
}

static struct view
v_dmarc_status_text(const struct policy_facts *f, const struct recipient *rcpt, struct view rule, struct arena *arena)
{
	(void)rcpt, (void)rule, (void)arena;
	return f->found->dmarc == NULL ? VIEW_EMPTY : f->found->dmarc->text;
}

static struct view
v_dmarc_used_domain(const struct policy_facts *f, const struct recipient *rcpt, struct view rule, struct arena *arena)
{
	(void)rcpt, (void)rule, (void)arena;
	return f->found->dmarc == NULL ? VIEW_EMPTY : f->found->dmarc->used_domain;
}

static struct view
v_dmarc_domain_policy(const struct policy_facts *f, const struct recipient *rcpt, struct view rule, struct arena *arena)
{
	(void)rcpt, (void)rule, (void)arena;
	if (f->found->dmarc == NULL || f->found->dmarc->policy == DMARC_UNSET)
		return VIEW_EMPTY;
	return view_of(name_of(dmarc_policy_names, (int)f->found->dmarc->policy));
}

static struct view
v_dmarc_ar_header(const struct policy_facts *f, const struct recipient *rcpt, struct view rule, struct arena *arena)
{
	struct buffer b = buffer_in(arena);

	(void)rcpt, (void)rule;
	if (f->found->dmarc == NULL)
		return VIEW_EMPTY;
	const struct auth_fact *fact = &f->found->dmarc->fact;
	buffer_addf(&b, "dmarc=%s", name_of(auth_result_names, (int)fact->result));
	for (size_t i = 0; i < fact->properties; i++) {
		buffer_addf(&b, " %s.%s=", fact->property[i].ptype, fact->property[i].name);
		buffer_add(&b, fact->property[i].value);
	}
	return buffer_view(&b);
}

static struct view
v_arc_state(const struct policy_facts *f, const struct recipient *rcpt, struct view rule, struct arena *arena)
{
	(void)rcpt, (void)rule, (void)arena;
	return f->found->arc == NULL ? VIEW_EMPTY : view_of(name_of(auth_result_names, (int)f->found->arc->result));
}

static struct view
v_arc_state_reason(const struct policy_facts *f, const struct recipient *rcpt, struct view rule, struct arena *arena)
{
	(void)rcpt, (void)rule, (void)arena;
	return f->found->arc == NULL ? VIEW_EMPTY : f->found->arc->reason;
}

static struct view
v_arc_domains(const struct policy_facts *f, const struct recipient *rcpt, struct view rule, struct arena *arena)
{
	struct buffer b = buffer_in(arena);

	(void)rcpt, (void)rule;
	for (size_t i = 0; f->found->arc != NULL && i < f->found->arc->domains_n; i++) {
		if (i > 0)
			buffer_add_char(&b, ':');
		buffer_add(&b, f->found->arc->domains[i]);
	}
	return buffer_view(&b);
}

static struct view
v_arc_oldest_pass(const struct policy_facts *f, const struct recipient *rcpt, struct view rule, struct arena *arena)
{
	(void)rcpt, (void)rule;
	return f->found->arc == NULL ? VIEW_EMPTY : arena_printf(arena, "%u", f->found->arc->oldest_pass_exim);
}

/* As the MTA will rewrite it for this recipient; `sender` is the same. */
static struct view
v_srs_orig_sender(const struct policy_facts *f, const struct recipient *rcpt, struct view rule, struct arena *arena)
{
	(void)rule, (void)arena;
	return rcpt->srs.leaving.leaves ? f->from.text : VIEW_EMPTY;
}

static struct view
v_srs_orig_recipient(const struct policy_facts *f, const struct recipient *rcpt, struct view rule, struct arena *arena)
{
	(void)f, (void)rule, (void)arena;
	return rcpt->srs.restored.n > 0 ? rcpt->path.text : VIEW_EMPTY;
}

static struct view
v_srs_recipient(const struct policy_facts *f, const struct recipient *rcpt, struct view rule, struct arena *arena)
{
	(void)f, (void)rule, (void)arena;
	return rcpt->srs.restored;
}

static struct view
v_srs_status(const struct policy_facts *f, const struct recipient *rcpt, struct view rule, struct arena *arena)
{
	(void)f, (void)rule, (void)arena;
	return view_of(rcpt->srs.status);
}

static const struct {
	const char *name;
	value *value;
} variables[] = {
	{ "client_addr", v_client_addr },
	{ "client_name", v_client_name },
	{ "helo", v_helo },
	{ "sender", v_sender },
	{ "recipient", v_recipient },
	{ "from_domain", v_from_domain },
	{ "queue_id", v_queue_id },
	{ "rule", v_rule },
	{ "spf_result", v_spf_result },
	{ "spf_header_comment", v_spf_header_comment },
	{ "spf_smtp_comment", v_spf_smtp_comment },
	{ "spf_received", v_spf_received },
	{ "dmarc_status", v_dmarc_status },
	{ "dmarc_status_text", v_dmarc_status_text },
	{ "dmarc_used_domain", v_dmarc_used_domain },
	{ "dmarc_domain_policy", v_dmarc_domain_policy },
	{ "dmarc_ar_header", v_dmarc_ar_header },
	{ "arc_state", v_arc_state },
	{ "arc_state_reason", v_arc_state_reason },
	{ "arc_domains", v_arc_domains },
	{ "arc_oldest_pass", v_arc_oldest_pass },
	{ "srs_orig_sender", v_srs_orig_sender },
	{ "srs_orig_recipient", v_srs_orig_recipient },
	{ "srs_recipient", v_srs_recipient },
	{ "srs_status", v_srs_status },
};
#define VARIABLES ((int)(sizeof(variables) / sizeof(variables[0])))

/* ---- templates ---- */

static bool
find_variable(struct view name, struct policy_piece *piece, struct err *err)
{
	struct suggest near = suggest_for(name);

	for (int i = 0; i < VARIABLES; i++) {
		if (view_is(name, variables[i].name)) {
			piece->variable = i;
			return true;
		}
		suggest_word(&near, variables[i].name);
	}
	struct view shown = view_sub(name, 0, 40);
	if (near.best != NULL)
		return err_perm(err, "no such variable: %%{%.*s}; did you mean %%{%s}?", VIEW_ARG(shown), near.best);
	return err_perm(err, "no such variable: %%{%.*s}", VIEW_ARG(shown));
}

static bool
take_piece(struct cursor *c, struct policy_template *t, struct err *err)
{
	struct policy_piece *piece = &t->piece[t->n++];
	size_t from = cursor_offset(c);

	*piece = (struct policy_piece){ VIEW_EMPTY, -1 };
	if (cursor_text(c, VIEW_LIT("%{"))) {
		struct view name = cursor_until(c, '}');
		return cursor_char(c, '}') ? find_variable(name, piece, err) : err_perm(err, "%%{ without its }");
	}
	do /* ends: each turn takes an octet */
		cursor_take_n(c, 1);
	while (!cursor_end(c) && !view_starts(cursor_rest(c), VIEW_LIT("%{")));
	piece->text = cursor_since(c, from);
	return true;
}

bool
policy_template_parse(struct view text, struct arena *arena, struct policy_template *t, struct err *err)
{
	struct cursor c = cursor_over(text);

	t->n = 0;
	t->piece = ARENA_ARRAY(arena, text.n + 1, struct policy_piece);
	if (!view_all_in(text, CC_VCHAR | CC_WSP))
		return err_perm(err, "wants printable ASCII");
	if (text.n > POLICY_REPLY_MAX)
		return err_perm(err, "longer than %d octets", POLICY_REPLY_MAX);
	while (!cursor_end(&c))
		if (!take_piece(&c, t, err))
			return false;
	return true;
}

/* Runs of blanks and folds become one space, what is no printable ASCII "?". */
static void
add_clean(struct buffer *b, struct view v)
{
	struct view some = view_sub(v, 0, POLICY_VALUE_MAX);

	for (size_t i = 0; i < some.n; i++) {
		bool blank = char_in(some.p[i], CC_FWS);
		if (blank && i > 0 && char_in(some.p[i - 1], CC_FWS))
			continue;
		buffer_add_char(b, blank ? ' ' : char_in(some.p[i], CC_VCHAR) ? some.p[i] : '?');
	}
	if (some.n < v.n)
		buffer_add_cstr(b, "...");
}

struct view
policy_expand(const struct policy_template *t, const struct policy_facts *facts, const struct recipient *rcpt,
    struct view rule, size_t max, struct arena *arena)
{
	struct buffer b = buffer_in(arena);

	for (size_t i = 0; i < t->n; i++)
		if (t->piece[i].variable < 0)
			buffer_add(&b, t->piece[i].text);
		else
			add_clean(&b, variables[t->piece[i].variable].value(facts, rcpt, rule, arena));
	if (b.n > max) {
		buffer_cut(&b, max - 3);
		buffer_add_cstr(&b, "...");
	}
	return buffer_view(&b);
}

/* ---- replies ---- */

/* RFC 3463 2: class "." subject "." detail, each of the latter at most three digits. */
static bool
take_enhanced(struct cursor *c, struct view *enhanced, int reply_class, struct err *err)
{
	size_t from = cursor_offset(c);
	uint64_t class, subject, detail;

	if (!cursor_u64(c, 9, &class) || !cursor_char(c, '.') || !cursor_u64(c, 999, &subject) || !cursor_char(c, '.') ||
	    !cursor_u64(c, 999, &detail))
		return err_perm(err, "wants an enhanced status code behind the code, as in \"%d50 %d.7.1 text\"", reply_class,
		    reply_class);
	*enhanced = cursor_since(c, from);
	return (int)class == reply_class || err_perm(err, "the enhanced status code wants class %d, as the code", reply_class);
}

bool
policy_reply_parse(struct view text, int reply_class, struct arena *arena, struct policy_reply *reply, struct err *err)
{
	struct cursor c = cursor_over(text);
	uint64_t code;

	if (!cursor_u64(&c, 999, &code) || cursor_offset(&c) != 3)
		return err_perm(err, "wants a code of three digits first, as in \"%d50 %d.7.1 text\"", reply_class, reply_class);
	if ((int)code / 100 != reply_class)
		return err_perm(err, "code %u is not of class %dxx, as this action wants", (unsigned)code, reply_class);
	if (code == 421)
		return err_perm(err, "421 would close the connection, for all its mail");
	if (!cursor_char(&c, ' ') || !take_enhanced(&c, &reply->enhanced, reply_class, err))
		return cursor_offset(&c) != 3 ? false : err_perm(err, "wants a space behind the code");
	if (!cursor_char(&c, ' ') || cursor_end(&c))
		return err_perm(err, "wants a text behind the codes");
	reply->code = (int)code;
	return policy_template_parse(cursor_rest(&c), arena, &reply->text, err);
}
