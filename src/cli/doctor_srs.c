/*
 * SRS in Postfix: its canonical maps, and what they are applied to.
 */
#include "cli/doctor.h"

static bool
contains_nocase(struct view text, struct view part)
{
	for (size_t i = 0; i + part.n <= text.n; i++)
		if (view_eq_nocase(view_sub(text, i, part.n), part))
			return true;
	return false;
}

/* postsrsd 1 listens on two TCP ports; others of its kind have "srs" in their names. */
static bool
is_srs_map(struct view map)
{
	if (view_starts(map, VIEW_LIT("socketmap:")))
		return view_ends(map, VIEW_LIT(":forward")) || view_ends(map, VIEW_LIT(":reverse"));
	return contains_nocase(map, VIEW_LIT("srs")) || view_ends(map, VIEW_LIT(":10001")) || view_ends(map, VIEW_LIT(":10002"));
}

struct view
doctor_srs_map(const struct doctor *d, const char *setting)
{
	struct view list = postconf_get(d->postfix, NULL, setting), word;

	while (postconf_word(&list, &word)) /* ends: each turn takes a word */
		if (is_srs_map(word))
			return word;
	return VIEW_EMPTY;
}

static void
look_at_classes(struct doctor *d, const char *classes, const char *wanted)
{
	struct view list = postconf_get(d->postfix, NULL, classes), word;
	bool other = false, has = false;

	while (postconf_word(&list, &word)) { /* ends: each turn takes a word */
		has |= view_is(word, wanted);
		other |= !view_is(word, wanted);
	}
	if (other || !has)
		doctor_problem(d, ADVICE(d, "postconf -e %s=%s\npostfix reload", classes, wanted),
		    "%s = %.*s: only the envelope may be rewritten; header fields are signed", classes,
		    VIEW_ARG(doctor_clean(d, postconf_get(d->postfix, NULL, classes))));
}

const struct postconf_service *
doctor_cleanup(const struct doctor *d)
{
	for (size_t i = 0; i < d->postfix->services; i++)
		if (view_is(d->postfix->service[i].command, "cleanup"))
			return &d->postfix->service[i];
	return NULL;
}

/* srs.listen is there for nobody. */
static void
say_unasked(struct doctor *d)
{
	const struct postconf_service *service = doctor_cleanup(d);
	struct listen_address ours;
	struct view name = VIEW_EMPTY;

	if (service != NULL && listen_address_parse(d->settings->srs.listen.item[0], &ours, NULL))
		name = doctor_name_for(d, service, &ours);
	if (name.n == 0)
		doctor_warn(d, ADVICE(d, "let srs.listen lie below the queue, where a chrooted cleanup can reach it"),
		    "srs.listen is set, but main.cf asks no SRS map");
	else
		doctor_warn(d, ADVICE(d, "in main.cf: sender_canonical_maps = socketmap:%.*s:forward\n"
			"in main.cf: sender_canonical_classes = envelope_sender\n"
			"in main.cf: recipient_canonical_maps = socketmap:%.*s:reverse\n"
			"in main.cf: recipient_canonical_classes = envelope_recipient\npostfix reload", VIEW_ARG(name), VIEW_ARG(name)),
		    "srs.listen is set, but main.cf asks no SRS map");
}

void
doctor_srs_maps(struct doctor *d)
{
	static const struct {
		const char *maps, *classes, *wanted;
	} rows[] = {
		{ "sender_canonical_maps", "sender_canonical_classes", "envelope_sender" },
		{ "recipient_canonical_maps", "recipient_canonical_classes", "envelope_recipient" },
	};
	size_t before = d->lines, maps = 0;

	if (d->postfix == NULL)
		return;
	for (size_t i = 0; i < 2; i++)
		if (doctor_srs_map(d, rows[i].maps).n > 0 && ++maps)
			look_at_classes(d, rows[i].classes, rows[i].wanted);
	if (doctor_srs_map(d, "canonical_maps").n > 0 && ++maps)
		doctor_problem(d, ADVICE(d, "postconf -e canonical_maps=\nand sender_canonical_maps for forward, "
			"recipient_canonical_maps for reverse"),
		    "canonical_maps holds an SRS map: it is asked for senders, recipients and header fields alike");
	if (doctor_srs_map(d, "sender_canonical_maps").n > 0 && doctor_srs_map(d, "recipient_canonical_maps").n == 0)
		doctor_warn(d, ADVICE(d, "recipient_canonical_maps = socketmap:...:reverse in main.cf"),
		    "senders are rewritten, but no map restores the recipients of bounces that Postfix makes itself");
	if (maps == 0 && d->settings->srs.enable && d->settings->srs.listen.n > 0)
		say_unasked(d);
	else if (maps == 0)
		doctor_ok(d, "Postfix has no SRS maps");
	else if (d->lines == before)
		doctor_ok(d, "Postfix rewrites by map, and the envelope only");
}
