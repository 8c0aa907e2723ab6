/*
 * assayctl keygen - a private key in a file, its public half as a line for a zone.
 * Sources: RFC 6376 3.6.1 (record), RFC 8463 4 (Ed25519), RFC 1035 5.1 (strings of at most 255 octets).
 */
#include "base/base64.h"
#include "base/buffer.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "crypt/key.h"
#include "dns/dns.h"
#include "mail/domain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ZONE_STRING_MAX 250

struct wish {
	struct view domain, selector, type, bits, out;
};

/* selector._domainkey.domain. IN TXT ( "v=DKIM1; ..." "..." ) */
static struct view
zone_line(const struct wish *w, const struct private_key *key, struct view domain, struct arena *arena)
{
	struct buffer text = buffer_in(arena), line = buffer_in(arena);

	buffer_addf(&text, "v=DKIM1; k=%s; p=", private_key_type(key) == KEY_RSA ? "rsa" : "ed25519");
	buffer_add(&text, base64_encode(private_key_public(key, arena), arena));
	struct view record = buffer_view(&text);
	buffer_addf(&line, "%.*s._domainkey.%.*s. IN TXT (", VIEW_ARG(w->selector), VIEW_ARG(domain));
	for (size_t at = 0; at < record.n; at += ZONE_STRING_MAX) {
		buffer_add_cstr(&line, "\n\t\"");
		buffer_add(&line, view_sub(record, at, ZONE_STRING_MAX));
		buffer_add_char(&line, '"');
	}
	buffer_add_cstr(&line, " )\n");
	return buffer_view(&line);
}

/* Mode 0600 and never over a file that is there: a key may be in use. */
static bool
write_key(const char *path, struct view pem, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return err_perm(err, "%s: %s", path, errno == EEXIST ? "is there already; choose another name" : strerror(errno));
	for (size_t at = 0; at < pem.n;) { /* ends: each turn writes at least one octet or returns */
		ssize_t n = write(fd, pem.p + at, pem.n - at);
		if (n <= 0 && errno != EINTR) {
			err_temp(err, "%s: %s", path, strerror(errno));
			close(fd);
			unlink(path);
			return false;
		}
		at += n > 0 ? (size_t)n : 0;
	}
	if (fsync(fd) != 0 || close(fd) != 0)
		return err_temp(err, "%s: %s", path, strerror(errno));
	return true;
}

static struct private_key *
make_key(const struct cli_command *self, const struct wish *w, struct err *err)
{
	uint64_t bits = 2048;
	bool ed25519 = view_is(w->type, "ed25519");

	if (!ed25519 && w->type.n > 0 && !view_is(w->type, "rsa"))
		cli_usage(self, "--type is rsa or ed25519, not \"%.*s\"", VIEW_ARG(w->type));
	else if (ed25519 && w->bits.n > 0)
		cli_usage(self, "--bits is for RSA keys; every Ed25519 key has 256");
	else if (w->bits.n > 0 && (!view_to_u64(w->bits, 4096, &bits) || bits < 2048 || bits % 8 != 0))
		cli_usage(self, "--bits is 2048 to 4096 (shorter keys are refused by those who verify, longer ones do not fit DNS)");
	else
		return private_key_new(ed25519 ? KEY_ED25519 : KEY_RSA, ed25519 ? 256 : (int)bits, err);
	err->text[0] = '\0'; /* said already */
	return NULL;
}

static int
make_and_write(const struct cli_command *self, const struct wish *w, struct view domain, struct arena *arena)
{
	struct err err;
	struct private_key *key = make_key(self, w, &err);

	if (key == NULL) {
		if (err.text[0] != '\0')
			fprintf(stderr, "assayctl keygen: %s\n", err.text);
		return CLI_USAGE;
	}
	struct view path = w->out.n > 0 ? w->out :
	    arena_printf(arena, "%.*s.%.*s.pem", VIEW_ARG(w->selector), VIEW_ARG(domain));
	struct view pem = private_key_pem(key, arena);
	bool ok = write_key(arena_cstr(arena, path), pem, &err);
	mem_wipe((void *)pem.p, pem.n);
	if (ok) {
		struct view line = zone_line(w, key, domain, arena);
		fprintf(stderr, "private key: %.*s (mode 0600); this goes into the zone of %.*s:\n", VIEW_ARG(path),
		    VIEW_ARG(domain));
		printf("%.*s", VIEW_ARG(line));
	} else {
		fprintf(stderr, "assayctl keygen: %s\n", err.text);
	}
	private_key_unref(key);
	return ok ? CLI_OK : CLI_USAGE;
}

int
cli_keygen(const struct cli_command *self, struct cli_list words, struct arena *arena)
{
	struct wish w = { 0 };
	const struct cli_option options[] = {
		{ .name = "domain", .value_name = "DOMAIN", .help = "the d= of the signatures", .value = &w.domain },
		{ .name = "selector", .value_name = "NAME", .help = "the s= of the signatures", .value = &w.selector },
		{ .name = "type", .value_name = "TYPE", .help = "rsa (default) or ed25519 (DKIM only, not for ARC)",
		    .value = &w.type },
		{ .name = "bits", .value_name = "N", .help = "of an RSA key: 2048 (default) to 4096", .value = &w.bits },
		{ .name = "out", .value_name = "FILE", .help = "the private key (default: SELECTOR.DOMAIN.pem)",
		    .value = &w.out },
	};
	size_t n = sizeof(options) / sizeof(options[0]);
	struct cli_list arguments;
	int status;
	struct view domain;
	struct err err;

	if (!cli_options(self, options, n, words, &arguments, arena, &status))
		return status;
	if (arguments.n > 0)
		return cli_usage(self, "what is \"%.*s\"?", VIEW_ARG(arguments.item[0]));
	if (w.domain.n == 0 || w.selector.n == 0)
		return cli_usage(self, "--domain and --selector are needed");
	if (!domain_to_ascii(w.domain, arena, &domain, &err) || !domain_is_fqdn(domain))
		return cli_usage(self, "\"%.*s\" is not a domain", VIEW_ARG(w.domain));
	if (!domain_is_fqdn(arena_printf(arena, "%.*s.example", VIEW_ARG(w.selector))) ||
	    !dns_name_ok(arena_printf(arena, "%.*s._domainkey.%.*s", VIEW_ARG(w.selector), VIEW_ARG(domain))))
		return cli_usage(self, "\"%.*s\" cannot be a selector", VIEW_ARG(w.selector));
	return make_and_write(self, &w, domain, arena);
}
