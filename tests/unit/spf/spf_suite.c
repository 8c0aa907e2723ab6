/*
 * The public RFC 7208 suite, as suite_to_text.py writes it, from stdin.
 *	spf_suite ENGINE CASES EXPLANATIONS	fails unless so many were run and all were right
 *	spf_suite compare			each case where the engines differ, and which one the suite supports
 */
#include "base/buffer.h"
#include "base/mem.h"
#include "dns/dns_conf.h"
#include "spf/spf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct spf_case {
	struct view name, helo, host, mailfrom, explanation, results;
	bool explained;
};

struct tally {
	int run, right, explanations, explanations_right;
};

struct suite {
	struct arena *arena; /* of the scenario */
	struct buffer zone;
	struct dns *dns;
	struct view scenario;
	struct spf_case now;
	struct spf_conf conf;
	struct tally tally;
};

/* One case through one engine. */
static const struct spf_result *
judge(const struct suite *s, enum spf_engine engine, struct arena *arena)
{
	struct spf_conf *conf = ARENA_NEW(arena, struct spf_conf);
	struct spf_input in = { .conf = conf, .helo = s->now.helo, .receiver = VIEW_LIT("receiver.example") };
	size_t at = view_find_last(s->now.mailfrom, '@');

	*conf = s->conf;
	conf->engine = engine;
	if (!ip_parse(s->now.host, &in.client))
		mem_fatal("a host that is no address");
	in.now = 1000000000;
	if (at != VIEW_NONE) {
		in.mail_local = view_sub(s->now.mailfrom, 0, at);
		in.mail_domain = view_from(s->now.mailfrom, at + 1);
	}
	struct dns_task *task = dns_task_new(s->dns, arena, (struct dns_budget){ 200, 10000 });
	return spf_join(spf_begin(&in, SPF_MAILFROM, task, arena));
}

static bool
is_among(struct view word, struct view list)
{
	struct view one, rest = list;
	bool more;

	do {
		more = view_split(rest, ' ', &one, &rest);
		if (one.n > 0 && view_eq(one, word))
			return true;
	} while (more);
	return false;
}

static struct view
result_word(const struct spf_result *r)
{
	return view_of(name_of(auth_result_names, (int)r->result));
}

static bool
supports(const struct suite *s, const struct spf_result *r)
{
	return is_among(result_word(r), s->now.results);
}

static void
run_case(struct suite *s, enum spf_engine engine)
{
	struct arena *arena = arena_new();
	const struct spf_result *r = judge(s, engine, arena);
	struct view wanted = view_is(s->now.explanation, "DEFAULT") ? VIEW_EMPTY : s->now.explanation;
	bool right = supports(s, r);

	s->tally.run++;
	s->tally.right += right;
	if (!right)
		printf("WRONG %.*s: %.*s, the suite wants %.*s (%.*s)\n", VIEW_ARG(s->now.name),
		    VIEW_ARG(result_word(r)), VIEW_ARG(s->now.results), VIEW_ARG(r->problem));
	if (s->now.explained) {
		bool same = view_eq(r->explanation, wanted);
		s->tally.explanations++;
		s->tally.explanations_right += same;
		if (!same)
			printf("WRONG %.*s: explanation \"%.*s\", the suite wants \"%.*s\"\n", VIEW_ARG(s->now.name),
			    VIEW_ARG(r->explanation), VIEW_ARG(wanted));
	}
	arena_free(arena);
}

static void
compare_case(struct suite *s)
{
	struct arena *arena = arena_new();
	const struct spf_result *native = judge(s, SPF_NATIVE, arena), *old = judge(s, SPF_LIBSPF2, arena);

	s->tally.run++;
	if (native->result != old->result)
		printf("%.*s: native %.*s, libspf2 %.*s; the suite supports %s\n", VIEW_ARG(s->now.name),
		    VIEW_ARG(result_word(native)), VIEW_ARG(result_word(old)),
		    supports(s, native) ? supports(s, old) ? "both" : "native" :
		    supports(s, old)	? "libspf2" :
					  "neither");
	arena_free(arena);
}

static void
end_scenario(struct suite *s)
{
	dns_close(s->dns);
	s->dns = NULL;
	arena_reset(s->arena);
	s->zone = buffer_in(s->arena);
}

static void
run(struct suite *s, const char *mode)
{
	struct err err;

	if (s->dns == NULL && (s->dns = dns_open_fake(buffer_view(&s->zone), &err)) == NULL) {
		printf("%s\n%.*s", err.text, VIEW_ARG(buffer_view(&s->zone)));
		exit(1);
	}
	if (strcmp(mode, "compare") == 0)
		compare_case(s);
	else
		run_case(s, strcmp(mode, "native") == 0 ? SPF_NATIVE : SPF_LIBSPF2);
	s->now = (struct spf_case){ 0 };
}

static void
take_line(struct suite *s, struct view line, const char *mode)
{
	struct view key, value;

	(void)view_split(line, ' ', &key, &value);
	if (view_is(key, "scenario"))
		end_scenario(s);
	value = arena_copy(s->arena, value);
	if (view_is(key, "zone")) {
		buffer_add(&s->zone, value);
		buffer_add_char(&s->zone, '\n');
	} else if (view_is(key, "case"))
		s->now.name = value;
	else if (view_is(key, "helo"))
		s->now.helo = value;
	else if (view_is(key, "host"))
		s->now.host = value;
	else if (view_is(key, "mailfrom"))
		s->now.mailfrom = value;
	else if (view_is(key, "result"))
		s->now.results = value;
	else if (view_is(key, "explanation")) {
		s->now.explanation = value;
		s->now.explained = true;
	} else if (view_is(key, "run"))
		run(s, mode);
}

int
main(int argc, char **argv)
{
	struct suite s = { .arena = arena_new() };
	struct arena *presets = arena_new();
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	if (argc < 2)
		return 2;
	conf_section_presets(&spf_section, &s.conf, presets);
	s.zone = buffer_in(s.arena);
	while ((n = getline(&line, &room, stdin)) >= 0)
		take_line(&s, (struct view){ line, (size_t)n - (n > 0 && line[n - 1] == '\n') }, argv[1]);
	free(line);
	end_scenario(&s);
	arena_free(s.arena);
	arena_free(presets);
	if (argc < 4)
		return s.tally.run == 0;
	printf("%s: %d run, %d right; %d explanations, %d right\n", argv[1], s.tally.run, s.tally.right,
	    s.tally.explanations, s.tally.explanations_right);
	return s.tally.run != atoi(argv[2]) || s.tally.right != s.tally.run || s.tally.explanations != atoi(argv[3]) ||
	    s.tally.explanations_right != s.tally.explanations;
}
