/*
 * SRS in Postfix: its canonical maps, and what they are applied to.
 */
#include "cli/doctor.h"

/* postsrsd 1 listens on two TCP ports; others of its kind have "srs" in their names. */
static bool
is_srs_map(struct view map)
{
	if (view_starts(map, VIEW_LIT("socketmap:")))
		return view_ends(map, VIEW_LIT(":forward")) || view_ends(map, VIEW_LIT(":reverse"));
	return doctor_contains(map, "srs") || view_ends(map, VIEW_LIT(":10001")) || view_ends(map, VIEW_LIT(":10002"));
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

/* How Postfix's cleanup should name the first address of srs.listen; empty: not at all. */
static struct view
name_of_maps(const struct doctor *d)
{
	const struct postconf_service *service = doctor_cleanup(d);
	const struct srs_conf *srs = &d->settings->srs;
	struct listen_address ours;

	if (service == NULL || srs->listen.n == 0 || !listen_address_parse(srs->listen.item[0], &ours, NULL))
		return VIEW_EMPTY;
	return doctor_name_for(d, service, &ours);
}

/* The lines of main.cf for both maps, or for the way back alone. */
static struct view
maps_advice(const struct doctor *d, bool forward)
{
	struct view name = name_of_maps(d);
	struct view back = ADVICE(d, "in main.cf: recipient_canonical_maps = socketmap:%.*s:reverse\n"
		"in main.cf: recipient_canonical_classes = envelope_recipient\npostfix reload", VIEW_ARG(name));

	if (name.n == 0)
		return ADVICE(d, "set srs.listen, below the queue, where a chrooted cleanup can reach it");
	if (!forward)
		return back;
	return ADVICE(d, "in main.cf: sender_canonical_maps = socketmap:%.*s:forward\n"
		"in main.cf: sender_canonical_classes = envelope_sender\n%.*s", VIEW_ARG(name), VIEW_ARG(back));
}

/* Who rewrites, and who restores: one of milter and map each, and not nobody. */
static void
look_at_division(struct doctor *d, bool forward, bool reverse)
{
	const struct srs_conf *srs = &d->settings->srs;
	bool by_milter = srs->enable && srs->milter;

	if (by_milter && forward)
		doctor_problem(d, ADVICE(d, "postconf -e sender_canonical_maps=\npostfix reload"),
		    "srs.milter is on, and sender_canonical_maps rewrites senders too: every sender, also of mail that stays here");
	if (by_milter && srs->restore == SRS_RESTORE_MILTER && reverse)
		doctor_warn(d, ADVICE(d, "in %s: srs: { restore = \"map\"; }; it serves bounces that Postfix makes itself too", d->config),
		    "recipients are restored twice: by the milter (srs.restore) and by recipient_canonical_maps");
	if (by_milter && srs->restore == SRS_RESTORE_MAP && !reverse)
		doctor_problem(d, maps_advice(d, false), "srs.restore is \"map\", but main.cf has no map that restores recipients");
	if (forward && !reverse)
		doctor_warn(d, maps_advice(d, false),
		    "senders are rewritten, but no map restores the recipients of bounces that Postfix makes itself");
	if (srs->enable && !by_milter && srs->listen.n > 0 && !forward && !reverse)
		doctor_warn(d, maps_advice(d, true), "srs.listen is set, but main.cf asks no SRS map");
}

void
doctor_srs_maps(struct doctor *d)
{
	size_t before = d->lines;

	if (d->postfix == NULL)
		return;
	bool forward = doctor_srs_map(d, "sender_canonical_maps").n > 0;
	bool reverse = doctor_srs_map(d, "recipient_canonical_maps").n > 0;
	if (forward)
		look_at_classes(d, "sender_canonical_classes", "envelope_sender");
	if (reverse)
		look_at_classes(d, "recipient_canonical_classes", "envelope_recipient");
	if (doctor_srs_map(d, "canonical_maps").n > 0)
		doctor_problem(d, ADVICE(d, "postconf -e canonical_maps=\npostfix reload\nand sender_canonical_maps for forward, "
			"recipient_canonical_maps for reverse"),
		    "canonical_maps holds an SRS map: it is asked for senders, recipients and header fields alike");
	look_at_division(d, forward, reverse);
	if (d->lines == before)
		doctor_ok(d, forward || reverse ? "Postfix asks SRS maps for the envelope only" : "Postfix has no SRS maps, and wants none");
}
