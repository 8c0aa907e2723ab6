/*
 * Verifies and seals what it reads, for the scripts beside it: netstrings in, netstrings out.
 *
 *	arc_driver key		(nothing)					-> PEM, text of a key record
 *	arc_driver verify	zone, now, message, ...				-> result, instances, oldest-pass,
 *										   Exim's, domains, reason; ...
 *	arc_driver seal		zone, now, PEM, domain, selector, fields,
 *				"what follows i=N;", "suite" or "", message, ...	-> the fields, or "", why; ...
 */
#include "base/base64.h"
#include "base/buffer.h"
#include "base/cursor.h"
#include "rig.h"
#include "support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct cursor input;

static void
end(const char *why)
{
	fprintf(stderr, "arc_driver: %s\n", why);
	exit(1);
}

static struct view
next(void)
{
	uint64_t n;

	if (!cursor_u64(&input, SIZE_MAX / 2, &n) || !cursor_char(&input, ':'))
		end("not a netstring");
	struct view v = cursor_take_n(&input, n);
	if (v.n != n || !cursor_char(&input, ','))
		end("a netstring that is cut");
	return v;
}

static int64_t
next_number(void)
{
	uint64_t n;

	if (!view_to_u64(next(), INT64_MAX, &n))
		end("not a number");
	return (int64_t)n;
}

static void
put(struct view v)
{
	printf("%zu:", v.n);
	if (v.n > 0)
		fwrite(v.p, 1, v.n, stdout);
	putchar(',');
}

static struct view
join(struct arena *arena, const struct arc_result *r)
{
	struct buffer b = buffer_in(arena);

	for (size_t i = 0; i < r->domains_n; i++) {
		if (i > 0)
			buffer_add_char(&b, ':');
		buffer_add(&b, r->domains[i]);
	}
	return buffer_view(&b);
}

static void
verify_one(void)
{
	struct rig rig;
	struct rig_message m;
	struct err err;

	rig_open(&rig, next());
	rig.now = next_number();
	if (!rig_verify(&rig, next(), &m, &err))
		end(err.text);
	put(view_of(name_of(auth_result_names, m.chain.result)));
	put(arena_printf(rig.arena, "%u", m.chain.instances));
	put(arena_printf(rig.arena, "%u", m.chain.oldest_pass));
	put(arena_printf(rig.arena, "%u", m.chain.oldest_pass_exim));
	put(join(rig.arena, &m.chain));
	put(m.chain.reason);
	rig_close(&rig);
}

/* "a:b:c", as h= has it */
static void
split_names(struct rig *rig, struct view list, struct arc_seal_conf *conf)
{
	struct view *names = ARENA_ARRAY(rig->arena, list.n + 1, struct view), name;

	conf->sign = names;
	while (list.n > 0) {
		view_split(list, ':', &name, &list);
		names[conf->signs++] = name;
	}
	if (conf->signs == 0)
		conf->sign = NULL;
}

static void
seal_one(void)
{
	struct rig rig;
	struct rig_message m;
	struct err err;
	struct arc_seal_key key = { .not_before = 0 };
	struct arc_seal_conf conf = { .key = &key, .keys = 1, .timestamps = true, .rsa_bits_min = 1024 };
	struct arc_seal seal;

	rig_open(&rig, next());
	rig.now = next_number();
	key.key = private_key_from_pem(next(), &err);
	if (key.key == NULL)
		end(err.text);
	conf.domain = next();
	key.selector = next();
	split_names(&rig, next(), &conf);
	struct arc_seal_input in = { .conf = &conf, .header = &m.header, .chain = &m.chain, .authres = next(),
		.now = rig.now, .again = true };
	conf.form = view_is(next(), "suite") ? ARC_FORM_SUITE : ARC_FORM_RFC;
	if (!rig_verify(&rig, next(), &m, &err))
		end(err.text);
	in.body = m.relaxed;
	if (arc_seal(&in, rig.arena, &seal, &err)) {
		put(rig_sealed_text(&rig, &seal, VIEW_EMPTY));
		put(VIEW_EMPTY);
	} else {
		put(VIEW_EMPTY);
		put(view_of(err.text));
	}
	private_key_unref(key.key);
	rig_close(&rig);
}

static void
make_key(void)
{
	struct arena *arena = arena_new();
	struct err err;

	if (!crypt_open(&err))
		end(err.text);
	struct private_key *key = private_key_new(KEY_RSA, 2048, &err);
	if (key == NULL)
		end(err.text);
	put(private_key_pem(key, arena));
	struct view p = base64_encode(private_key_public(key, arena), arena);
	put(arena_printf(arena, "v=DKIM1; k=rsa; p=%.*s", VIEW_ARG(p)));
	private_key_unref(key);
	arena_free(arena);
	crypt_close();
}

int
main(int argc, char **argv)
{
	struct view all;

	if (argc != 2)
		end("usage: arc_driver key|verify|seal");
	if (strcmp(argv[1], "key") == 0) {
		make_key();
		return 0;
	}
	all = read_file("/dev/stdin");
	input = cursor_over(all);
	while (!cursor_end(&input))
		if (strcmp(argv[1], "seal") == 0)
			seal_one();
		else
			verify_one();
	free((void *)all.p);
	return 0;
}
