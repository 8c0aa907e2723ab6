#include "report/report_dsn.h"

#include "base/cursor.h"
#include "report/report_text.h"

#include <string.h>

#define ADDRESS_MAX 890 /* octets as written: with "..." a word that report_fold leaves whole */
#define PLAIN_LINE_MAX 900

/* ---- what strangers wrote ---- */

static struct view
address_of(struct view address, struct arena *arena)
{
	struct view clean = report_address(address, arena);

	if (clean.n <= ADDRESS_MAX)
		return clean;
	return arena_printf(arena, "%.*s...", VIEW_ARG(view_sub(clean, 0, ADDRESS_MAX)));
}

/* A field of the delivery status; text is clean. */
static void
add_field(struct buffer *b, const char *name, struct view text)
{
	buffer_addf(b, "%s: ", name);
	report_fold(b, strlen(name) + 2, "\t", text);
}

/* RFC 6533 3: an address that is not ASCII is of another type. */
static void
add_address(struct buffer *b, const char *name, struct view address)
{
	const char *type = view_is_ascii(address) ? "rfc822" : "utf-8";

	add_field(b, name, arena_printf(b->arena, "%s; %.*s", type, VIEW_ARG(address_of(address, b->arena))));
}

/* original-recipient-address = addr-type ";" xtext                         RFC 3461 4.2; no xtext with utf-8, RFC 6533 3 */
static void
add_original(struct buffer *b, struct view orcpt)
{
	struct view keyword, value, type, xtext, address;

	if (!view_split(orcpt, '=', &keyword, &value) || !view_split(value, ';', &type, &xtext) || type.n == 0 ||
	    type.n > 40 || !view_all_in(type, CC_ATEXT))
		return;
	if (view_is_nocase(type, "utf-8"))
		address = xtext;
	else if (!report_xtext_decode(xtext, b->arena, &address))
		return;
	add_field(b, "Original-Recipient",
	    arena_printf(b->arena, "%.*s; %.*s", VIEW_ARG(type), VIEW_ARG(address_of(address, b->arena))));
}

/* ---- the parts ---- */

/* A list in an address's place would be read as several; who is meant stands in the envelope. */
static void
add_to(struct buffer *b, struct view to)
{
	size_t at = view_find_last(to, '@');
	struct view local = at == VIEW_NONE ? to : view_sub(to, 0, at), domain = at == VIEW_NONE ? to : view_from(to, at + 1);

	if (to.n <= ADDRESS_MAX && view_all_in(local, CC_ATEXT | CC_DOT) &&
	    view_all_in(domain, CC_LDH | CC_DOT | CC_UNDERSCORE))
		buffer_addf(b, "To: <%.*s>\r\n", VIEW_ARG(to));
	else
		buffer_add_cstr(b, "To: undisclosed-recipients:;\r\n");
}

static void
add_header(struct buffer *b, const struct dsn *dsn)
{
	size_t at = view_find_last(dsn->from, '@');

	buffer_addf(b, "From: Mail Delivery System <%.*s>\r\n", VIEW_ARG(dsn->from));
	add_to(b, dsn->to);
	buffer_add_cstr(b, "Subject: Your message was refused for some of its recipients\r\n");
	buffer_addf(b, "Date: %.*s\r\n", VIEW_ARG(report_date(dsn->now, b->arena)));
	buffer_addf(b, "Message-ID: <%.*s.notice%.*s>\r\n", VIEW_ARG(dsn->unique),
	    VIEW_ARG(at == VIEW_NONE ? VIEW_LIT("@localhost") : view_from(dsn->from, at)));
	buffer_add_cstr(b, "Auto-Submitted: auto-replied\r\n"
			   "MIME-Version: 1.0\r\n"
			   "Content-Type: multipart/report; report-type=delivery-status;\r\n");
	buffer_addf(b, "\tboundary=\"%.*s\"\r\n\r\n", VIEW_ARG(dsn->unique));
}

static void
begin_part(struct buffer *b, const struct dsn *dsn, const char *type, const char *description)
{
	buffer_addf(b, "--%.*s\r\nContent-Description: %s\r\nContent-Type: %s\r\n", VIEW_ARG(dsn->unique), description, type);
}

static void
add_words(struct buffer *b, const struct dsn *dsn)
{
	size_t named = dsn->n < DSN_RECIPIENTS_MAX ? dsn->n : DSN_RECIPIENTS_MAX;

	begin_part(b, dsn, "text/plain; charset=us-ascii", "Notice");
	buffer_addf(b, "\r\nThis is the mail filter of %.*s.\r\n\r\n", VIEW_ARG(report_clean(dsn->reporter, b->arena)));
	buffer_add_cstr(b, "Your message was refused for the recipients below, and for them alone:\r\n"
			   "please do not send it to the others again.\r\n\r\n");
	for (size_t i = 0; i < named; i++) {
		struct view address = address_of(dsn->rcpt[i].address, b->arena);
		buffer_addf(b, "<%.*s>:\r\n    ", VIEW_ARG(address));
		report_fold(b, 4, "    ", report_clean(dsn->rcpt[i].reply, b->arena));
	}
	if (named < dsn->n)
		buffer_addf(b, "and %zu more\r\n", dsn->n - named);
	if (dsn->queue_id.n > 0)
		buffer_addf(b, "\r\nHere it is known as %.*s.\r\n", VIEW_ARG(report_clean(dsn->queue_id, b->arena)));
	buffer_add_cstr(b, "\r\n");
}

/* delivery-status-content = per-message-fields 1*( CRLF per-recipient-fields )     RFC 3464 2.1 */
static void
add_status(struct buffer *b, const struct dsn *dsn)
{
	struct view keyword, xtext, envid;

	begin_part(b, dsn, "message/delivery-status", "Delivery status");
	buffer_add_cstr(b, "\r\n");
	add_field(b, "Reporting-MTA",
	    arena_printf(b->arena, "dns; %.*s", VIEW_ARG(report_clean(dsn->reporter, b->arena))));
	if (view_split(dsn->envid, '=', &keyword, &xtext) && report_xtext_decode(xtext, b->arena, &envid) &&
	    envid.n <= ADDRESS_MAX)
		add_field(b, "Original-Envelope-Id", report_clean(envid, b->arena));
	add_field(b, "Arrival-Date", report_date(dsn->arrived, b->arena));
	for (size_t i = 0; i < dsn->n && i < DSN_RECIPIENTS_MAX; i++) {
		const struct dsn_recipient *r = &dsn->rcpt[i];
		buffer_add_cstr(b, "\r\n");
		add_original(b, r->orcpt);
		add_address(b, "Final-Recipient", r->address);
		add_field(b, "Action", VIEW_LIT("failed"));
		add_field(b, "Status", report_clean(r->enhanced, b->arena));
		add_field(b, "Diagnostic-Code",
		    arena_printf(b->arena, "smtp; %.*s", VIEW_ARG(report_clean(r->reply, b->arena))));
	}
	buffer_add_cstr(b, "\r\n");
}

/* ---- the header that goes back ---- */

/* Whole fields from the top down. */
static struct view
fields_of(const struct header *h, struct arena *arena)
{
	struct buffer b = buffer_in(arena);

	for (size_t i = 0; i < h->n; i++) {
		const struct header_field *f = &h->field[i];
		if (b.n + f->name.n + f->value.n + strlen(":\r\n") > DSN_HEADER_OCTETS_MAX)
			break;
		buffer_add(&b, f->name);
		buffer_add_char(&b, ':');
		buffer_add(&b, f->value);
		buffer_add_cstr(&b, "\r\n");
	}
	return buffer_view(&b);
}

/* Lines of visible ASCII that every MTA leaves alone. */
static bool
is_plain(struct view text)
{
	struct cursor c = cursor_over(text);

	while (!cursor_end(&c)) { /* ends: each turn takes a line or returns */
		struct view line = cursor_take(&c, CC_VCHAR | CC_WSP);
		if (line.n > PLAIN_LINE_MAX || !cursor_text(&c, VIEW_LIT("\r\n")))
			return false;
	}
	return true;
}

/* RFC 6522 4: quoted-printable where the fields are not plain. */
static void
add_returned(struct buffer *b, const struct dsn *dsn)
{
	struct view fields = fields_of(dsn->header, b->arena);
	bool plain = is_plain(fields);

	begin_part(b, dsn, "text/rfc822-headers", "Header of your message");
	buffer_add_cstr(b, plain ? "\r\n" : "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
	if (plain)
		buffer_add(b, fields);
	else
		report_quoted_printable(b, fields);
	buffer_addf(b, "\r\n--%.*s--\r\n", VIEW_ARG(dsn->unique));
}

struct view
report_dsn(const struct dsn *dsn, struct arena *arena)
{
	struct buffer b = buffer_in(arena);

	add_header(&b, dsn);
	add_words(&b, dsn);
	add_status(&b, dsn);
	add_returned(&b, dsn);
	return buffer_view(&b);
}
