#include "milter/settings.h"

#include "base/clock.h"

/* settings_keys - the private keys that the settings and the policy files name. */

struct opening {
	struct settings *s;
	const struct settings *before;
	struct seal_ring *ring;
	void (*say)(void *ctx, const char *text);
	void *ctx;
};

static void __attribute__((format(printf, 2, 3)))
tell(const struct opening *o, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	o->say(o->ctx, arena_vprintf(o->s->arena, fmt, ap).p);
	va_end(ap);
}

/* Keys that are for later need not be a mistake, but nothing is sealed until then. */
static void
warn_of_idle_keys(const struct opening *o, const struct arc_seal_conf *sealing, const char *where, const char *name)
{
	for (size_t i = 0; i < sealing->keys; i++)
		if (sealing->key[i].not_before <= clock_wall(&clock_system))
			return;
	if (sealing->keys > 0)
		tell(o, "%s: warning: %s: no key's day has come", where, name);
}

/* ---- of policy files ---- */

/* What sealed for that domain before; NULL: nothing did. */
static const struct arc_seal_conf *
sealing_before(const struct settings *before, const struct policy_seal *seal)
{
	const struct policy_seal *old;

	for (size_t i = 0; before != NULL && (old = policy_seal_nth(before->policies, i)) != NULL; i++)
		if (view_eq(old->domain, seal->domain) && before->file_sealing[i].keys > 0)
			return &before->file_sealing[i];
	return NULL;
}

static void
open_one(struct opening *o, const struct policy_seal *seal, struct arc_seal_conf *out)
{
	struct settings *s = o->s;
	struct seal_conf conf = s->seal;
	struct err err;

	conf.enable = true;
	conf.domain = seal->domain;
	conf.keys = seal->keys;
	if (!s->assess.arc.enable)
		err_perm(&err, "needs arc.enable: cv= says how the chain was found");
	else if (arc_seal_conf_open(&conf, o->ring, out, &err)) {
		warn_of_idle_keys(o, out, seal->keys.where, "seal-keys");
		return;
	}
	s->key_mistakes++;
	tell(o, "%s: seal-keys: %s", seal->keys.where, err.text);
	const struct arc_seal_conf *old = s->assess.arc.enable ? sealing_before(o->before, seal) : NULL;
	if (old != NULL && arc_seal_conf_keep(&conf, old, s->arena, out, &err)) {
		tell(o, "%s: warning: seal-keys: %.*s is sealed with the keys as they were before", seal->keys.where,
		    VIEW_ARG(seal->domain));
		return;
	}
	*out = (struct arc_seal_conf){ .domain = seal->domain };
	tell(o, "%s: warning: seal-keys: nothing is sealed as %.*s", seal->keys.where, VIEW_ARG(seal->domain));
}

static void
open_files_keys(struct opening *o)
{
	struct settings *s = o->s;
	const struct policy_seal *seal;
	size_t n = 0;

	while (policy_seal_nth(s->policies, n) != NULL)
		n++;
	s->file_sealing = ARENA_ARRAY(s->arena, n, struct arc_seal_conf);
	s->key_mistakes = 0;
	for (size_t i = 0; (seal = policy_seal_nth(s->policies, i)) != NULL; i++)
		open_one(o, seal, &s->file_sealing[i]);
	s->file_sealings = n;
}

/* ---- all ---- */

bool
settings_open_keys(struct settings *s, const struct settings *before, void (*say)(void *ctx, const char *text), void *ctx)
{
	struct opening o = { s, before, seal_ring_new(s->arena), say, ctx };
	struct err err;

	if (!arc_seal_conf_open(&s->seal, o.ring, &s->sealing, &err)) {
		tell(&o, "%s: seal.keys: %s", s->seal.keys.where, err.text);
		return false;
	}
	warn_of_idle_keys(&o, &s->sealing, s->seal.keys.where, "seal.keys");
	open_files_keys(&o);
	return true;
}

void
settings_open_file_keys(struct settings *s, const struct settings *before, void (*say)(void *ctx, const char *text),
    void *ctx)
{
	struct opening o = { s, before, seal_ring_new(s->arena), say, ctx };

	open_files_keys(&o);
}
