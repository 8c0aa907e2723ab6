#include "milter/notices.h"

#include "base/cursor.h"
#include "mail/address.h"
#include "milter/listen_address.h"

static const struct name_row by_names[] = { { "smtp", NOTICES_BY_SMTP }, { "sendmail", NOTICES_BY_SENDMAIL }, { NULL, 0 } };

static bool
check_command(const void *field, struct err *err)
{
	const struct conf_list *command = field;

	return view_starts(command->item[0], VIEW_LIT("/")) || err_perm(err, "wants a path that begins with \"/\" first");
}

static bool
check_server(const void *field, struct err *err)
{
	const struct view *server = field;
	struct listen_address address;

	if (!listen_address_parse(*server, &address, err))
		return false;
	return address.kind != LISTEN_UNIX || err_perm(err, "wants inet:PORT@ADDRESS or inet6:PORT@ADDRESS: the MTA's SMTP port");
}

static bool
check_from(const void *field, struct err *err)
{
	const struct view *from = field;
	struct arena *arena = arena_new();
	struct mail_path path;
	bool ok = from->n == 0 || (from->n <= 320 && mail_path_parse(*from, arena, &path, err) &&
	    view_eq(path.text, *from) && view_all_in(path.local, CC_ATEXT | CC_DOT) &&
	    view_all_in(path.domain, CC_LDH | CC_DOT));

	arena_free(arena);
	return ok || err_perm(err, "wants an address: \"postmaster@example.org\"");
}

static const struct conf_item notices_rows[] = {
	/*        struct        name         field      default, min, max, unit or check */
	CONF_BOOL(notices_conf, "enable",    enable,    false),
	CONF_ENUM(notices_conf, "by",	     by,	NOTICES_BY_SMTP, by_names),
	CONF_LIST(notices_conf, "command",   command,	"/usr/sbin/sendmail -i -f <> --", 1, 20, check_command),
	CONF_TEXT(notices_conf, "server",    server,    "inet:25@127.0.0.1", check_server),
	CONF_TEXT(notices_conf, "from",	     from,	"", check_from),
	/* What one domain's senders can make us send to it, if its signature is replayed or its hosts are misused. */
	CONF_INT (notices_conf, "per-hour",  per_hour,  30, 1, 100000, "notices"),
	/* They live in memory alone: an MTA that is away for longer has other troubles. */
	CONF_INT (notices_conf, "give-up",   give_up,	3600, 0, 86400, "seconds"),
};
const struct conf_section notices_section = CONF_SECTION("notices", notices_conf, notices_rows, NULL);
