#include "srs/srs_secrets.h"

#include "base/cursor.h"
#include "base/mem.h"
#include "crypt/private_file.h"

#include <stdatomic.h>
#include <string.h>

struct srs_secrets {
	atomic_uint refs;
	size_t octets; /* of the text behind the struct */
	size_t n;
	struct view secret[SRS_SECRETS_MAX];
	char text[];
};

static bool
add_secret(struct srs_secrets *s, struct view line, struct err *err)
{
	struct view secret = line;

	while (view_ends(secret, VIEW_LIT("\r"))) /* ends: each turn takes an octet off */
		secret.n--;
	if (view_trim(secret).n == 0)
		return true;
	if (s->n == SRS_SECRETS_MAX)
		return err_perm(err, "more than %d secrets", SRS_SECRETS_MAX);
	if (secret.n > SRS_SECRET_OCTETS_MAX)
		return err_perm(err, "a secret of more than %d octets", SRS_SECRET_OCTETS_MAX);
	s->secret[s->n++] = secret;
	return true;
}

static bool
split_lines(struct srs_secrets *s, struct err *err)
{
	struct cursor c = cursor_over((struct view){ s->text, s->octets });

	if (view_find(cursor_rest(&c), '\0') != VIEW_NONE)
		return err_perm(err, "a NUL in it");
	do { /* ends: each turn takes a line */
		if (!add_secret(s, cursor_until(&c, '\n'), err))
			return false;
	} while (cursor_char(&c, '\n'));
	return s->n > 0 || err_perm(err, "no secret in it; openssl rand -base64 24 prints a good one");
}

/* @UNSAFE: copies into the room behind the struct, which was made for exactly that */
struct srs_secrets *
srs_secrets_from_text(struct view text, struct err *err)
{
	if (text.n > SRS_SECRETS_FILE_MAX) {
		err_perm(err, "longer than %d octets", SRS_SECRETS_FILE_MAX);
		return NULL;
	}
	struct srs_secrets *s = mem_zero(sizeof(*s) + text.n);
	atomic_init(&s->refs, 1);
	s->octets = text.n;
	if (text.n > 0)
		memcpy(s->text, text.p, text.n);
	if (!split_lines(s, err)) {
		srs_secrets_unref(s);
		return NULL;
	}
	return s;
}

struct srs_secrets *
srs_secrets_load(const char *path, struct err *err)
{
	struct srs_secrets *s = NULL;
	struct view text;

	if (!private_file_read(path, SRS_SECRETS_FILE_MAX, &text, err))
		return NULL;
	s = srs_secrets_from_text(text, err);
	private_file_wipe(text);
	if (s == NULL)
		err_in(err, "%s", path);
	return s;
}

struct srs_secrets *
srs_secrets_ref(struct srs_secrets *secrets)
{
	atomic_fetch_add_explicit(&secrets->refs, 1, memory_order_relaxed);
	return secrets;
}

void
srs_secrets_unref(struct srs_secrets *secrets)
{
	if (secrets == NULL || atomic_fetch_sub_explicit(&secrets->refs, 1, memory_order_acq_rel) != 1)
		return;
	mem_wipe(secrets->text, secrets->octets);
	mem_free(secrets);
}

size_t
srs_secrets_n(const struct srs_secrets *secrets)
{
	return secrets->n;
}

struct view
srs_secret(const struct srs_secrets *secrets, size_t i)
{
	return secrets->secret[i];
}
