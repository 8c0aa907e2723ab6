#include "arc/arc_sign.h"

#include "base/cursor.h"

/*
 * RFC 6376 5.4.1 without what MTAs add or change behind us, and DKIM-Signature (RFC 8617 4.1.2).  Only From has its
 * "+": every addition breaks the signature there and nowhere else does a second field deceive a reader more.
 */
const struct view arc_sign_preset[] = {
	VIEW_LIT("From+"),
	VIEW_LIT("Sender"),
	VIEW_LIT("Reply-To"),
	VIEW_LIT("To"),
	VIEW_LIT("Cc"),
	VIEW_LIT("Subject"),
	VIEW_LIT("Date"),
	VIEW_LIT("Message-ID"),
	VIEW_LIT("In-Reply-To"),
	VIEW_LIT("References"),
	VIEW_LIT("MIME-Version"),
	VIEW_LIT("Content-Type"),
	VIEW_LIT("Content-Transfer-Encoding"),
	VIEW_LIT("List-Id"),
	VIEW_LIT("List-Help"),
	VIEW_LIT("List-Unsubscribe"),
	VIEW_LIT("List-Unsubscribe-Post"),
	VIEW_LIT("List-Subscribe"),
	VIEW_LIT("List-Post"),
	VIEW_LIT("List-Owner"),
	VIEW_LIT("List-Archive"),
	VIEW_LIT("DKIM-Signature"),
};
const size_t arc_sign_presets = sizeof(arc_sign_preset) / sizeof(arc_sign_preset[0]);

/* Traces, which every hop adds to or removes (RFC 6376 5.4, RFC 8617 4.1.2), and what MTAs drop at delivery. */
static const char *const never_signed[] = {
	"Return-Path",
	"Received",
	"Received-SPF",
	"Authentication-Results",
	"X-Received",
	"X-SPF-Guess",
	"Delivered-To",
	"X-Original-To",
	"Bcc",
	"Resent-Bcc",
	"Content-Length",
	"Status",
	"X-Status",
};

static bool
signs_field(struct view name)
{
	for (size_t i = 0; i < sizeof(never_signed) / sizeof(never_signed[0]); i++)
		if (view_is_nocase(name, never_signed[i]))
			return false;
	return !view_eq_nocase(view_sub(name, 0, 4), VIEW_LIT("ARC-"));
}

/* "From+": the name, and whether it has the "+". */
static struct view
plain_name(struct view name, bool *once_more)
{
	*once_more = view_ends(name, VIEW_LIT("+"));
	return view_sub(name, 0, name.n - (*once_more ? 1 : 0));
}

bool
arc_sign_name_ok(struct view name, struct err *err)
{
	bool once_more;
	struct view plain = plain_name(name, &once_more);

	/* RFC 5322 lets more into names; ":" and ";" would break h=, and nobody has seen the others. */
	if (plain.n == 0 || !view_all_in(plain, CC_LDH | CC_UNDERSCORE))
		return err_perm(err, "not the name of a header field");
	return signs_field(plain) || err_perm(err, "%.*s must not be signed", VIEW_ARG(plain));
}

bool
arc_sign_names(const struct arc_seal_conf *conf, const struct header *header, struct arena *arena, struct view **names,
    size_t *n, struct err *err)
{
	const struct view *sign = conf->sign == NULL ? arc_sign_preset : conf->sign;
	size_t signs = conf->sign == NULL ? arc_sign_presets : conf->signs;

	*names = ARENA_ARRAY(arena, ARC_SIGNED_MAX, struct view);
	*n = 0;
	for (size_t i = 0; i < signs; i++) {
		bool once_more;
		struct view name = plain_name(sign[i], &once_more);
		if (!arc_sign_name_ok(sign[i], NULL))
			continue;
		size_t times = header_count(header, name);
		times += once_more && times > 0 ? 1 : 0;
		if (times > ARC_SIGNED_MAX - *n)
			return err_perm(err, "more than %d fields to sign", ARC_SIGNED_MAX);
		while (times-- > 0)
			(*names)[(*n)++] = name;
	}
	return true;
}
