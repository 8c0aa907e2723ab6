#include "base/buffer.h"
#include "base/cursor.h"
#include "spf/spf.h"

/*
 * Texts for people and header fields.  Octets of the sender or the client's HELO that are not visible ASCII
 * become "?", and no value is longer than this, so that a field stays a field.
 */
#define VALUE_MAX 320 /* 64 of a local part, "@", 255 of a domain: RFC 5321 4.5.3.1 */

static struct view
clean(struct view v, struct arena *arena)
{
	struct buffer b = buffer_in(arena);
	struct cursor c = cursor_over(view_sub(v, 0, VALUE_MAX));

	while (!cursor_end(&c)) { /* ends: each turn takes an octet at least */
		buffer_add(&b, cursor_take(&c, CC_VCHAR));
		if (cursor_char(&c, ' '))
			buffer_add_char(&b, ' ');
		else if (!cursor_end(&c)) {
			(void)cursor_take_n(&c, 1);
			buffer_add_char(&b, '?');
		}
	}
	if (v.n > VALUE_MAX)
		buffer_add_cstr(&b, "...");
	return buffer_view(&b);
}

/* The sender the policy was asked about; when nothing could be asked, what was given. */
static struct view
subject(const struct spf_input *in, const struct spf_result *r, struct arena *arena)
{
	struct buffer b = buffer_in(arena);

	if (r->sender.n > 0)
		return r->sender;
	if (in->mail_local.n == 0 && in->mail_domain.n == 0)
		return in->helo;
	buffer_add(&b, in->mail_local);
	if (in->mail_domain.n > 0)
		buffer_add_char(&b, '@');
	buffer_add(&b, in->mail_domain);
	return buffer_view(&b);
}

struct view
spf_header_comment(const struct spf_input *in, const struct spf_result *r, struct arena *arena)
{
	struct view who = clean(subject(in, r, arena), arena);
	struct view ip = ip_text(&in->client, arena);

	switch (r->result) {
	case AUTH_PASS:
		return arena_printf(arena, "domain of %.*s designates %.*s as permitted sender", VIEW_ARG(who),
		    VIEW_ARG(ip));
	case AUTH_FAIL:
		return arena_printf(arena, "domain of %.*s does not designate %.*s as permitted sender", VIEW_ARG(who),
		    VIEW_ARG(ip));
	case AUTH_SOFTFAIL:
		return arena_printf(arena, "transitioning domain of %.*s does not designate %.*s as permitted sender",
		    VIEW_ARG(who), VIEW_ARG(ip));
	case AUTH_NEUTRAL:
		return arena_printf(arena, "%.*s is neither permitted nor denied by domain of %.*s", VIEW_ARG(ip),
		    VIEW_ARG(who));
	case AUTH_NONE:
		return arena_printf(arena, "domain of %.*s does not provide an SPF record", VIEW_ARG(who));
	default:
		return arena_printf(arena, "error in processing SPF of %.*s: %.*s", VIEW_ARG(who),
		    VIEW_ARG(clean(r->problem, arena)));
	}
}

/* RFC 7208 6.2: the explanation is marked as words of somebody else. */
struct view
spf_smtp_comment(const struct spf_input *in, const struct spf_result *r, struct arena *arena)
{
	if (r->result != AUTH_FAIL || r->explanation.n == 0)
		return spf_header_comment(in, r, arena);
	return arena_printf(arena, "SPF check failed: the domain %.*s explains: %.*s", VIEW_ARG(r->domain),
	    VIEW_ARG(r->explanation));
}

/* --- the Received-SPF field ------------------------------------------------------------------- */

/* Put a backslash before each octet of special, within a comment or a quoted-string. */
static void
add_escaped(struct buffer *b, struct view clean_text, const char *special)
{
	struct cursor c = cursor_over(clean_text);

	while (!cursor_end(&c)) { /* ends: each turn takes an octet */
		int octet = cursor_peek(&c);
		if (view_find(view_of(special), (char)octet) != VIEW_NONE)
			buffer_add_char(b, '\\');
		buffer_add_char(b, (char)octet);
		(void)cursor_take_n(&c, 1);
	}
}

/* dot-atom: RFC 5322 3.2.3 */
static bool
is_dot_atom(struct view v)
{
	struct cursor c = cursor_over(v);

	do { /* ends: each turn takes an atom or returns */
		if (cursor_take(&c, CC_ATEXT).n == 0)
			return false;
	} while (cursor_char(&c, '.'));
	return cursor_end(&c);
}

/* key-value-pair = key [CFWS] "=" ( dot-atom / quoted-string )		RFC 7208 9.1 */
static void
add_pair(struct buffer *b, const char *key, struct view value, struct arena *arena)
{
	struct view text = clean(value, arena);

	if (value.n == 0)
		return;
	buffer_addf(b, "\n\t%s=", key);
	if (is_dot_atom(text)) {
		buffer_add(b, text);
	} else {
		buffer_add_char(b, '"');
		add_escaped(b, text, "\"\\");
		buffer_add_char(b, '"');
	}
	buffer_add_char(b, ';');
}

static bool
has_problem(const struct spf_result *r)
{
	return r->result == AUTH_PERMERROR || r->result == AUTH_TEMPERROR;
}

struct view
spf_received(const struct spf_input *in, enum spf_identity identity, const struct spf_result *r,
    struct arena *arena)
{
	struct buffer b = buffer_in(arena);
	struct view receiver = clean(in->receiver, arena);

	buffer_addf(&b, "%s (", name_of(auth_result_names, (int)r->result));
	if (receiver.n > 0) {
		add_escaped(&b, receiver, "()\\");
		buffer_add_cstr(&b, ":\n\t");
	}
	add_escaped(&b, spf_header_comment(in, r, arena), "()\\");
	buffer_add_char(&b, ')');
	add_pair(&b, "receiver", receiver, arena);
	add_pair(&b, "client-ip", ip_text(&in->client, arena), arena);
	if (identity != SPF_HELO)
		add_pair(&b, "envelope-from", subject(in, r, arena), arena);
	add_pair(&b, "helo", in->helo, arena);
	add_pair(&b, "identity", identity == SPF_HELO ? VIEW_LIT("helo") : VIEW_LIT("mailfrom"), arena);
	add_pair(&b, "mechanism", r->mechanism, arena);
	add_pair(&b, "problem", has_problem(r) ? r->problem : VIEW_EMPTY, arena);
	return buffer_view(&b);
}

/* --- the fact ----------------------------------------------------------------------------------- */

struct view
spf_guess_field(const struct spf_input *in, const struct spf_result *r, struct arena *arena)
{
	struct buffer b = buffer_in(arena);

	buffer_addf(&b, "%s (best guess, not SPF:\n\t", name_of(auth_result_names, (int)r->result));
	add_escaped(&b, spf_header_comment(in, r, arena), "()\\");
	buffer_add_char(&b, ')');
	return buffer_view(&b);
}

/* RFC 7208 knows nothing of it; readers who validate want to know whether the verdict can be forged on its way to us. */
static struct view
fact_comment(const struct spf_input *in, const struct spf_result *r, struct arena *arena)
{
	struct view words = spf_header_comment(in, r, arena);

	if (!in->dnssec)
		return words;
	return arena_printf(arena, "%.*s; DNSSEC %s", VIEW_ARG(words), r->secure ? "secure" : "insecure");
}

void
spf_fact(const struct spf_input *in, enum spf_identity identity, const struct spf_result *r, struct arena *arena,
    struct auth_fact *fact)
{
	*fact = (struct auth_fact){
		.method = AUTH_SPF,
		.result = r->result,
		.reason = has_problem(r) ? clean(r->problem, arena) : VIEW_EMPTY,
		.comment = fact_comment(in, r, arena),
		.domain = identity == SPF_MAILFROM ? r->domain : VIEW_EMPTY,
		.aligns = identity == SPF_MAILFROM && r->result == AUTH_PASS,
	};
	if (identity == SPF_HELO)
		auth_fact_property(fact, "smtp", "helo", r->domain.n > 0 ? r->domain : in->helo);
	else
		auth_fact_property(fact, "smtp", "mailfrom", subject(in, r, arena));
}
