#include "spf/spf_libspf2.h"

#include "base/clock.h"
#include "base/cursor.h"
#include "base/mem.h"

#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <spf2/spf.h>

/* Names that an MX or PTR answer gave: their addresses belong to that term and are not terms of their own. */
struct given_name {
	struct given_name *next;
	struct view name;
};

/* One run of the library; reached from its callbacks through the hook of the resolver. */
struct run {
	struct spf_eval *e;
	SPF_dns_server_t resolver;
	SPF_request_t *request;
	bool first;		    /* the next TXT is that of the domain itself */
	bool has_record;	    /* it was handed over: "none" means that it does not parse */
	struct given_name *given;
	int64_t waited_ms;
	bool stopped;		    /* a guard or limit has decided: e->error and the problem say how */
	struct view explain_name;   /* what exp= expands to; empty: none */
	struct view explain_domain; /* %{d} in its text */
};

/* --- guards ------------------------------------------------------------------------------------ */

static void
stop(struct run *run, enum auth_result error, const char *why)
{
	if (run->stopped)
		return;
	run->stopped = true;
	(void)spf_eval_error(run->e, error, "%s", why);
}

/* No term has more than SPF2_MACRO_MAX octets within macros. */
static bool
macros_bounded(struct view record)
{
	struct cursor c = cursor_over(record);
	size_t octets = 0;

	while (!cursor_end(&c)) { /* ends: each turn takes an octet or a macro */
		if (cursor_char(&c, ' '))
			octets = 0;
		else if (cursor_peek(&c) == '%') {
			octets += cursor_until(&c, '}').n + 1;
			(void)cursor_char(&c, '}');
		} else
			(void)cursor_take_n(&c, 1);
		if (octets > SPF2_MACRO_MAX)
			return false;
	}
	return true;
}

static bool
all_plain(struct view text)
{
	struct cursor c = cursor_over(text);

	do /* ends: each turn takes a run; the last ends at the end or at what is not plain */
		(void)cursor_take(&c, CC_VCHAR);
	while (cursor_char(&c, ' '));
	return cursor_end(&c);
}

static bool
record_may_pass(struct run *run, struct view record)
{
	if (record.n > SPF2_RECORD_MAX)
		stop(run, AUTH_PERMERROR, "a record too long for libspf2");
	else if (!all_plain(record))
		stop(run, AUTH_PERMERROR, "a record that is not visible ASCII");
	else if (!macros_bounded(record))
		stop(run, AUTH_PERMERROR, "a term with too many macros for libspf2");
	return !run->stopped;
}

/* --- counting ---------------------------------------------------------------------------------- */

static bool
was_given(const struct run *run, struct view name)
{
	const struct given_name *g = run->given;

	while (g != NULL && !view_eq_nocase(g->name, name))
		g = g->next;
	return g != NULL;
}

static void
remember(struct run *run, struct view name)
{
	struct given_name *g = ARENA_NEW(run->e->arena, struct given_name);

	g->name = name;
	g->next = run->given;
	run->given = g;
}

/* RFC 7208 4.6.4, where the library asks.  True: this question is one of a new term. */
static bool
count_term(struct run *run, struct view name, enum dns_type type)
{
	struct spf_result *r = run->e->result;

	if (run->first && type == DNS_TXT) {
		run->first = false;
		return false;
	}
	if ((type == DNS_A || type == DNS_AAAA) && was_given(run, name))
		return false;
	if (r->lookups == run->e->lookups_max)
		stop(run, AUTH_PERMERROR, "more terms that need DNS lookups than allowed");
	else
		r->lookups++;
	return true;
}

/* --- DNS for the library ----------------------------------------------------------------------- */

static const struct dns_answer *
wait_for(struct run *run, struct view name, enum dns_type type)
{
	int64_t start = clock_mono_ms(&clock_system);
	const struct dns_answer *answer = dns_get(run->e->dns, name, type);

	run->waited_ms += clock_mono_ms(&clock_system) - start;
	if (run->waited_ms >= run->e->in->conf->wait * 1000)
		stop(run, AUTH_TEMPERROR, "the time for SPF is up");
	run->e->result->secure &= answer->secure;
	return answer;
}

/* Octets at rr->rr[i], at least n; false: no memory. */
static bool
make_room(SPF_dns_rr_t *rr, int i, size_t n)
{
	return SPF_dns_rr_buf_realloc(rr, i, n < sizeof(SPF_dns_rr_data_t) ? sizeof(SPF_dns_rr_data_t) : n) ==
	    SPF_E_SUCCESS;
}

static void
add_text(SPF_dns_rr_t *rr, struct view text)
{
	int i = rr->num_rr;

	if (!make_room(rr, i, text.n + 1))
		return;
	char *to = rr->rr[i]->txt;
	memcpy(to, text.p, text.n);
	to[text.n] = '\0';
	rr->num_rr++;
}

static void
add_address(SPF_dns_rr_t *rr, const struct ip *ip)
{
	int i = rr->num_rr;

	if (!make_room(rr, i, sizeof(SPF_dns_rr_data_t)))
		return;
	memcpy(rr->rr[i], ip->octet, ip->family == 4 ? sizeof(struct in_addr) : sizeof(struct in6_addr));
	rr->num_rr++;
}

/* Only names that look like names, for the library builds strings of them. */
static void
add_name(struct run *run, SPF_dns_rr_t *rr, struct view name)
{
	if (!dns_name_ok(name) || !view_all_in(name, CC_VCHAR))
		return;
	remember(run, name);
	add_text(rr, name);
}

static void
add_records(struct run *run, SPF_dns_rr_t *rr, enum dns_type type, const struct dns_answer *answer)
{
	for (size_t i = 0; i < answer->n && !run->stopped; i++) {
		if (type == DNS_TXT && spf_record_is(answer->txt[i]) && record_may_pass(run, answer->txt[i]))
			add_text(rr, answer->txt[i]);
		else if (type == DNS_A || type == DNS_AAAA)
			add_address(rr, &answer->addr[i]);
		else if (type == DNS_MX)
			add_name(run, rr, answer->mx[i].name);
		else if (type == DNS_PTR)
			add_name(run, rr, answer->name[i]);
	}
}

static bool
known_type(ns_type wire, enum dns_type *type)
{
	*type = (enum dns_type)wire;
	return wire == ns_t_a || wire == ns_t_aaaa || wire == ns_t_mx || wire == ns_t_ptr || wire == ns_t_txt;
}

static int
herrno_of(const struct dns_answer *answer)
{
	switch (answer->outcome) {
	case DNS_DATA:
		return NETDB_SUCCESS;
	case DNS_NODATA:
		return NO_DATA;
	case DNS_NXDOMAIN:
		return HOST_NOT_FOUND;
	default:
		return TRY_AGAIN;
	}
}

/* The answer, put into rr. */
static void
fill(struct run *run, SPF_dns_rr_t *rr, struct view name, enum dns_type type)
{
	bool term = count_term(run, name, type);

	if (run->stopped)
		return;
	const struct dns_answer *answer = wait_for(run, name, type);
	bool is_void = answer->outcome == DNS_NODATA || answer->outcome == DNS_NXDOMAIN;
	if (term && is_void && spf_eval_void(run->e, name) == SPF_STEP_ERROR)
		run->stopped = true;
	if (type == DNS_MX && answer->n > 10)
		stop(run, AUTH_PERMERROR, "more than 10 MX records");
	add_records(run, rr, type, answer);
	run->has_record |= type == DNS_TXT && rr->num_rr > 0;
	rr->herrno = rr->num_rr == 0 && answer->outcome == DNS_DATA ? NO_DATA : herrno_of(answer);
}

/* The library's resolver: never NULL but without memory.  Once stopped, all is TRY_AGAIN, which ends it soonest. */
static SPF_dns_rr_t *
lookup(SPF_dns_server_t *server, const char *domain, ns_type wire, int should_cache)
{
	struct run *run = server->hook;
	enum dns_type type;
	SPF_dns_rr_t *rr = SPF_dns_rr_new_init(server, domain, wire, 0, TRY_AGAIN);

	(void)should_cache;
	if (rr == NULL)
		return NULL;
	if (!known_type(wire, &type))
		rr->herrno = HOST_NOT_FOUND; /* type SPF is no more: RFC 7208 3.1 */
	else if (!run->stopped)
		fill(run, rr, arena_copy(run->e->arena, view_of(domain)), type);
	if (run->stopped) {
		rr->num_rr = 0;
		rr->herrno = TRY_AGAIN;
	}
	return rr;
}

/* It would fetch the explanation: we keep the name and do it better. */
static SPF_errcode_t
take_explanation(SPF_server_t *server, const char *domain, char **buf, size_t *room)
{
	struct run *run = server->resolver->hook;

	(void)buf, (void)room;
	run->explain_name = arena_copy(run->e->arena, view_of(domain));
	run->explain_domain = arena_copy(run->e->arena, view_of(run->request->cur_dom));
	return SPF_E_DNS_ERROR;
}

/* --- its words in ours ------------------------------------------------------------------------- */

static bool
result_of(SPF_result_t theirs, enum auth_result *ours)
{
	switch (theirs) {
	case SPF_RESULT_NEUTRAL:
		*ours = AUTH_NEUTRAL;
		return true;
	case SPF_RESULT_PASS:
		*ours = AUTH_PASS;
		return true;
	case SPF_RESULT_FAIL:
		*ours = AUTH_FAIL;
		return true;
	case SPF_RESULT_SOFTFAIL:
		*ours = AUTH_SOFTFAIL;
		return true;
	case SPF_RESULT_NONE:
		*ours = AUTH_NONE;
		return true;
	case SPF_RESULT_TEMPERROR:
		*ours = AUTH_TEMPERROR;
		return true;
	case SPF_RESULT_PERMERROR:
		*ours = AUTH_PERMERROR;
		return true;
	default:
		return false;
	}
}

/*
 * The library leaves "(invalid)", or a kind result, beside an error code.  An error is never none or neutral:
 * a failed lookup is temperror, all else permerror.
 */
static enum auth_result
judge(const struct run *run, SPF_result_t theirs, SPF_errcode_t code)
{
	enum auth_result ours = AUTH_PERMERROR;
	bool valid = result_of(theirs, &ours);
	bool kind = !valid || ours == AUTH_NONE || ours == AUTH_NEUTRAL;

	if (code == SPF_E_NOT_SPF && kind)
		return run->has_record ? AUTH_PERMERROR : AUTH_NONE;
	if (code == SPF_E_DNS_ERROR && kind)
		return AUTH_TEMPERROR;
	if (!valid || (kind && code != SPF_E_SUCCESS && code != SPF_E_MECH_AFTER_ALL))
		return AUTH_PERMERROR;
	return ours;
}

/* The first error it recorded says more than its code. */
static const char *
problem_words(SPF_response_t *response, SPF_errcode_t code)
{
	for (int i = 0; response != NULL && i < SPF_response_messages(response); i++)
		if (SPF_error_errorp(SPF_response_message(response, i)) != 0)
			return SPF_strerror(SPF_error_code(SPF_response_message(response, i)));
	return SPF_strerror(code);
}

static void
take_result(struct run *run, SPF_response_t *response, SPF_errcode_t code)
{
	struct spf_result *r = run->e->result;

	if (run->stopped) {
		r->result = run->e->error;
		return;
	}
	if (response != NULL && code == SPF_E_SUCCESS)
		code = SPF_response_errcode(response);
	r->result = judge(run, response == NULL ? SPF_RESULT_INVALID : SPF_response_result(response), code);
	if (r->result == AUTH_TEMPERROR || r->result == AUTH_PERMERROR)
		(void)spf_eval_error(run->e, r->result, "libspf2: %s", problem_words(response, code));
	else if (response != NULL && SPF_response_reason(response) == SPF_REASON_DEFAULT)
		r->mechanism = VIEW_LIT("default");
	else if (response != NULL && SPF_response_reason(response) == SPF_REASON_LOCALHOST)
		r->mechanism = VIEW_LIT("localhost"); /* it lets its own host pass for everybody */
}

static void
explain(struct run *run)
{
	struct spf_eval *e = run->e;
	struct view name = run->explain_name;

	if (e->result->result != AUTH_FAIL || name.n == 0)
		return;
	const struct dns_answer *answer = dns_get(e->dns, name, DNS_TXT);
	if (answer->outcome != DNS_DATA || answer->n != 1)
		return;
	e->scratch = buffer_in(e->arena);
	e->values.domain = run->explain_domain;
	while (spf_macro_wants_p(answer->txt[0]) && !spf_term_validated(e, run->explain_domain, &e->values.validated))
		(void)dns_wait(e->dns, e->pending); /* ends: each turn one question has its answer */
	if (spf_explain_expand(answer->txt[0], &e->values, &e->scratch, NULL))
		e->result->explanation = spf_clean_explanation(buffer_view(&e->scratch), e->arena);
}

/* --- the run ------------------------------------------------------------------------------------ */

/* HELO before the sender: the library fills in a null sender from it, and %{h} needs it. */
static SPF_errcode_t
set_identity(struct run *run, SPF_server_t *server)
{
	struct spf_eval *e = run->e;
	SPF_request_t *request = run->request;
	struct in_addr v4;
	struct in6_addr v6;
	SPF_errcode_t code;

	memcpy(&v4, e->in->client.octet, sizeof(v4));
	memcpy(&v6, e->in->client.octet, sizeof(v6));
	code = e->in->client.family == 4 ? SPF_request_set_ipv4(request, v4) : SPF_request_set_ipv6(request, v6);
	if (code == SPF_E_SUCCESS)
		code = SPF_server_set_rec_dom(server,
		    arena_cstr(e->arena, e->values.receiver.n > 0 ? e->values.receiver : VIEW_LIT("unknown")));
	if (code == SPF_E_SUCCESS && e->values.helo.n > 0)
		code = SPF_request_set_helo_dom(request, arena_cstr(e->arena, e->values.helo));
	if (code == SPF_E_SUCCESS && SPF_request_set_env_from(request, arena_cstr(e->arena, e->values.sender)) != 0)
		code = SPF_E_INTERNAL_ERROR;
	return code;
}

static void
query(struct run *run, SPF_server_t *server, enum spf_identity identity)
{
	struct spf_eval *e = run->e;
	SPF_response_t *response = NULL;
	SPF_errcode_t code = set_identity(run, server);

	if (code == SPF_E_SUCCESS && identity == SPF_GUESS) {
		run->first = false;
		run->has_record = true;
		code = SPF_request_query_fallback(run->request, &response,
		    arena_cstr(e->arena, e->in->conf->guess_record));
	} else if (code == SPF_E_SUCCESS) {
		code = SPF_request_query_mailfrom(run->request, &response);
	}
	take_result(run, response, code);
	if (response != NULL)
		SPF_response_free(response);
	explain(run);
}

static bool
text_may_pass(struct view text)
{
	return text.n <= SPF2_NAME_MAX && all_plain(text);
}

void
spf_libspf2_run(struct spf_eval *e, enum spf_identity identity)
{
	struct run run = { .e = e, .first = true };

	e->result->secure = true;
	if (!text_may_pass(e->values.helo) || !text_may_pass(e->values.local) || !text_may_pass(e->values.receiver)) {
		e->result->result = AUTH_PERMERROR;
		(void)spf_eval_error(e, AUTH_PERMERROR, "a sender or HELO that libspf2 must not see");
		return;
	}
	run.resolver = (SPF_dns_server_t){
		.lookup = lookup, .get_exp = take_explanation, .name = "assay", .hook = &run
	};
	SPF_server_t *server = SPF_server_new_dns(&run.resolver, 0);
	if (server == NULL)
		mem_fatal("libspf2: no memory");
	(void)SPF_server_set_max_dns_mech(server, (int)e->lookups_max);
	run.request = SPF_request_new(server);
	if (run.request == NULL)
		mem_fatal("libspf2: no memory");
	query(&run, server, identity);
	SPF_request_free(run.request);
	SPF_server_free(server);
}
