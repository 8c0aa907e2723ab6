/*
 * The keys that seal: does DNS have their public halves.
 */
#include "arc/arc_seal_conf.h"
#include "base/base64.h"
#include "cli/doctor.h"
#include "crypt/key.h"
#include "crypt/rsa_der.h"
#include "mail/tag_list.h"
#include "sig/key_record.h"

#include <errno.h>
#include <unistd.h>

/* Both are RSA keys with the same two numbers, whichever of the two forms of DER (RFC 8017, RFC 5280) they have. */
static bool
same_rsa(struct view a, struct view b)
{
	struct rsa_der x, y;

	return rsa_der_parse(a, &x, NULL) && rsa_der_parse(b, &y, NULL) && view_eq(x.modulus, y.modulus) &&
	    view_eq(x.exponent, y.exponent);
}

/* p= of a key record in octets; false: there is none. */
static bool
published_key(struct view record, struct arena *arena, struct view *octets)
{
	struct tag_list tags;
	const struct tag *p = tag_list_parse(record, &tags, NULL) ? tag_list_find(&tags, "p") : NULL;

	return p != NULL && base64_decode(p->value, arena, octets, NULL);
}

/* The line of a zone, as assayctl keygen prints it. */
static struct view
record_advice(const struct doctor *d, struct view name, struct view public)
{
	return ADVICE(d, "publish %.*s. TXT \"v=DKIM1; k=rsa; p=%.*s\" (in strings of at most 255)", VIEW_ARG(name),
	    VIEW_ARG(base64_encode(public, d->arena)));
}

static void
compare_record(struct doctor *d, struct view name, struct view txt, struct view public, const char *path)
{
	struct key_record record;
	struct view octets;
	struct err err;
	bool is_key;

	if (!key_record_parse(txt, NULL, d->arena, &record, &is_key, &err))
		doctor_problem(d, record_advice(d, name, public), "%.*s: %s", VIEW_ARG(name), err.text);
	else if (record.revoked)
		doctor_problem(d, record_advice(d, name, public), "%.*s: p= is empty: the key is revoked", VIEW_ARG(name));
	else if (!published_key(txt, d->arena, &octets) || !same_rsa(octets, public))
		doctor_problem(d, record_advice(d, name, public), "%.*s: p= differs from the key in %s", VIEW_ARG(name), path);
	else if (record.testing)
		doctor_warn(d, ADVICE(d, "take t=y out of the record"), "%.*s fits %s, but t=y says that it is only a test", VIEW_ARG(name),
		    path);
	else
		doctor_ok(d, "%.*s fits the key in %s", VIEW_ARG(name), path);
}

static void
look_at_record(struct doctor *d, struct view name, struct view public, const char *path)
{
	const struct dns_answer *txt = dns_get(d->task, name, DNS_TXT);

	if (txt->outcome == DNS_TEMP)
		doctor_skip(d, "%.*s: no answer (%s)", VIEW_ARG(name), txt->why);
	else if (txt->n == 0)
		doctor_problem(d, record_advice(d, name, public), "%.*s is not found: nobody can verify what the key in %s signs",
		    VIEW_ARG(name), path);
	else if (txt->n > 1)
		doctor_problem(d, ADVICE(d, "leave one of them"), "%.*s has %zu records: which of them others take is open", VIEW_ARG(name),
		    txt->n);
	else
		compare_record(d, name, txt->txt[0], public, path);
}

static void
look_at_place(struct doctor *d, const struct seal_key_place *place, struct view domain)
{
	const char *path = arena_cstr(d->arena, place->path);
	struct view name = arena_printf(d->arena, "%.*s._domainkey.%.*s", VIEW_ARG(place->selector), VIEW_ARG(domain));
	struct err err;

	if (access(path, R_OK) != 0 && errno == EACCES) {
		doctor_skip(d, "%s: we may not read it: run as root", path);
		return;
	}
	struct private_key *key = private_key_load(path, &err);
	if (key == NULL) {
		doctor_problem(d, ADVICE(d, "assayctl keygen makes one; owner root, group of the worker, mode 0640"), "%s", err.text);
		return;
	}
	if (private_key_type(key) == KEY_RSA)
		look_at_record(d, name, private_key_public(key, d->arena), path);
	else
		doctor_problem(d, ADVICE(d, "assayctl keygen --type rsa"), "%s: ARC is sealed with RSA keys only", path);
	private_key_unref(key);
}

/* ---- all keys ---- */

static void
each_of(struct doctor *d, struct view domain, const struct conf_list *keys, doctor_key_look *look)
{
	struct seal_key_place place;

	for (size_t i = 0; i < keys->n; i++)
		if (seal_key_parse(keys->item[i], &place, NULL))
			look(d, domain, &place);
}

void
doctor_each_key(struct doctor *d, doctor_key_look *look)
{
	const struct seal_conf *site = &d->settings->seal;
	const struct policy_seal *own;

	if (site->enable)
		each_of(d, site->domain, &site->keys, look);
	for (size_t i = 0; (own = policy_seal_nth(d->settings->policies, i)) != NULL; i++)
		each_of(d, own->domain, &own->keys, look);
}

static void
look_at_key(struct doctor *d, struct view domain, const struct seal_key_place *place)
{
	struct view ascii;

	if (doctor_ascii(d, domain, &ascii))
		look_at_place(d, place, ascii);
}

void
doctor_keys(struct doctor *d)
{
	size_t before = d->lines;

	if (doctor_no_dns(d))
		return;
	doctor_each_key(d, look_at_key);
	if (d->lines == before)
		doctor_skip(d, "nothing is sealed: seal.enable is off, and no policy file has keys");
}
