#include "milter/outbox.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rate.h"

#include <errno.h>
#include <string.h>

#define TRY_MS 60000	    /* for one dialogue; a milter of the server (we are one) may wait for DNS */
#define PAUSE_MS 1000	    /* after the first try; then twice as long each time: some dozen tries in an hour */
#define PAUSE_MAX_MS 600000
#define LOOK_MS 60000	    /* how long the thread sleeps at most */
#define HOUR_MS 3600000

struct item {
	struct item *next;
	struct arena *arena; /* holds the item, and what it points to */
	struct outbox_mail mail;
	size_t octets;
	unsigned tries;
	int64_t due_ms, give_up_at_ms, pause_ms;
	bool under_way; /* the thread has it, and nobody else may free it */
};

struct outbox {
	struct lock lock; /* never held while a server is spoken to or a line is logged */
	struct signal changed;
	struct item *oldest, *newest; /* guarded by lock, like all below */
	size_t mails, octets;
	int64_t away_until_ms; /* the server was not there */
	int64_t away_pause_ms;
	bool closing; /* all are due, and tried once */
	bool ending;
	bool started;
	outbox_send *send;
	void *ctx;
	pthread_t thread;
	struct rate *rate; /* has its own lock */
};

/* ---- the queue; the lock is held ---- */

static struct item *
new_item(const struct outbox_mail *mail, int64_t now_ms)
{
	struct arena *arena = arena_new();
	struct item *item = ARENA_NEW(arena, struct item);

	*item = (struct item){ .arena = arena, .mail = *mail, .due_ms = now_ms, .pause_ms = PAUSE_MS };
	item->mail.mail.helo = arena_copy(arena, mail->mail.helo);
	item->mail.mail.to = arena_copy(arena, mail->mail.to);
	item->mail.mail.text = arena_copy(arena, mail->mail.text);
	item->mail.id = arena_copy(arena, mail->id);
	item->mail.about = arena_copy(arena, mail->about);
	item->give_up_at_ms = now_ms + mail->give_up_ms;
	item->octets = arena_used(arena);
	return item;
}

static void
append(struct outbox *o, struct item *item)
{
	item->next = NULL;
	if (o->newest == NULL)
		o->oldest = item;
	else
		o->newest->next = item;
	o->newest = item;
	o->mails++;
	o->octets += item->octets;
}

static void
take_out(struct outbox *o, struct item *item)
{
	struct item *before = NULL, *i = o->oldest;

	while (i != item) {
		before = i;
		i = i->next;
	}
	if (before == NULL)
		o->oldest = item->next;
	else
		before->next = item->next;
	if (o->newest == item)
		o->newest = before;
	o->mails--;
	o->octets -= item->octets;
}

/* The next that is to be tried, the oldest of several; NULL: none, and *wake_ms says when to look again. */
static struct item *
next_due(const struct outbox *o, int64_t now_ms, int64_t *wake_ms)
{
	*wake_ms = now_ms + LOOK_MS;
	for (struct item *i = o->oldest; i != NULL; i = i->next) {
		int64_t due = i->due_ms > o->away_until_ms ? i->due_ms : o->away_until_ms;
		if (due > i->give_up_at_ms)
			due = i->give_up_at_ms; /* to be logged */
		if (due <= now_ms)
			return i;
		if (due < *wake_ms)
			*wake_ms = due;
	}
	return NULL;
}

/* ---- the thread ---- */

static void
say(const struct item *item, enum log_level level, const char *status, const char *why)
{
	struct buffer b = buffer_in(item->arena);

	buffer_addf(&b, "%.*s: event=notice status=%s %.*s tries=%u", VIEW_ARG(item->mail.id), status,
	    VIEW_ARG(item->mail.about), item->tries);
	if (why != NULL) {
		buffer_add_cstr(&b, " why=");
		buffer_add_quoted(&b, view_of(why), ERR_TEXT_MAX);
	}
	if (level == LOG_LEVEL_WARNING)
		log_warning("%.*s", VIEW_ARG(buffer_view(&b)));
	else
		log_info("%.*s", VIEW_ARG(buffer_view(&b)));
}

static int64_t
doubled(int64_t pause_ms)
{
	return pause_ms * 2 < PAUSE_MAX_MS ? pause_ms * 2 : PAUSE_MAX_MS;
}

static void
remember_server(struct outbox *o, bool reached, int64_t now_ms)
{
	o->away_until_ms = reached || o->closing ? 0 : now_ms + o->away_pause_ms;
	o->away_pause_ms = reached ? PAUSE_MS : doubled(o->away_pause_ms);
}

/* What becomes of it after a try; the lock is held.  True: nothing more, it is out of the queue. */
static bool
settle(struct outbox *o, struct item *item, bool again, int64_t now_ms)
{
	item->under_way = false;
	item->due_ms = now_ms + item->pause_ms;
	item->pause_ms = doubled(item->pause_ms);
	if (again && !o->closing && item->due_ms < item->give_up_at_ms)
		return false;
	take_out(o, item);
	return true;
}

/* Without the lock.  Nobody else frees the item: outbox_free waits for our end. */
static void
try(struct outbox *o, struct item *item)
{
	struct err err;
	bool reached;
	bool sent = o->send(o->ctx, &item->mail.mail, TRY_MS, &reached, &err);
	int64_t now = clock_mono_ms(&clock_system);

	lock_take(&o->lock);
	remember_server(o, reached, now);
	bool over = settle(o, item, !sent && err.kind == ERR_TEMP, now);
	lock_drop(&o->lock);
	if (sent)
		say(item, LOG_LEVEL_INFO, "sent", NULL);
	else
		say(item, over ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, over ? "lost" : "later", err.text);
	if (over)
		arena_free(item->arena);
}

static void
let_expire(struct outbox *o, struct item *item)
{
	lock_take(&o->lock);
	take_out(o, item);
	lock_drop(&o->lock);
	say(item, LOG_LEVEL_WARNING, "lost", "its time is over");
	arena_free(item->arena);
}

static void *
run(void *arg)
{
	struct outbox *o = arg;
	int64_t wake_ms;

	lock_take(&o->lock);
	while (!o->ending) {
		int64_t now = clock_mono_ms(&clock_system);
		struct item *item = next_due(o, now, &wake_ms);
		if (item == NULL) {
			signal_wait(&o->changed, &o->lock, wake_ms);
			continue;
		}
		bool late = item->tries > 0 && now >= item->give_up_at_ms;
		item->under_way = true;
		item->tries += !late;
		lock_drop(&o->lock);
		if (late)
			let_expire(o, item);
		else
			try(o, item);
		lock_take(&o->lock);
		signal_all(&o->changed);
	}
	lock_drop(&o->lock);
	return NULL;
}

/* ---- for everybody ---- */

struct outbox *
outbox_new(void)
{
	struct outbox *o = mem_zero(sizeof(*o));

	lock_init(&o->lock);
	signal_init(&o->changed);
	o->away_pause_ms = PAUSE_MS;
	o->rate = rate_new(OUTBOX_DOMAINS_MAX);
	return o;
}

bool
outbox_start(struct outbox *outbox, outbox_send *send, void *ctx, struct err *err)
{
	outbox->send = send;
	outbox->ctx = ctx;
	int problem = pthread_create(&outbox->thread, NULL, run, outbox);

	outbox->started = problem == 0;
	return outbox->started || err_temp(err, "thread: %s", strerrordesc_np(problem));
}

void
outbox_free(struct outbox *outbox)
{
	if (outbox == NULL)
		return;
	lock_take(&outbox->lock);
	outbox->ending = true;
	signal_all(&outbox->changed);
	lock_drop(&outbox->lock);
	if (outbox->started)
		pthread_join(outbox->thread, NULL);
	while (outbox->oldest != NULL) {
		struct item *item = outbox->oldest;
		take_out(outbox, item);
		arena_free(item->arena);
	}
	rate_free(outbox->rate);
	signal_destroy(&outbox->changed);
	lock_destroy(&outbox->lock);
	mem_free(outbox);
}

enum outbox_outcome
outbox_post(struct outbox *outbox, const struct outbox_mail *mail, struct view domain, int64_t per_hour, int64_t now_ms)
{
	if (!rate_take(outbox->rate, domain, per_hour, HOUR_MS, now_ms))
		return OUTBOX_RATE;
	struct item *item = new_item(mail, clock_mono_ms(&clock_system));
	lock_take(&outbox->lock);
	bool room = outbox->mails < OUTBOX_MAILS_MAX && outbox->octets + item->octets <= OUTBOX_OCTETS_MAX;
	if (room) {
		append(outbox, item);
		signal_all(&outbox->changed);
	}
	lock_drop(&outbox->lock);
	if (!room)
		arena_free(item->arena);
	return room ? OUTBOX_TAKEN : OUTBOX_FULL;
}

size_t
outbox_fresh(struct outbox *outbox)
{
	size_t n = 0;

	lock_take(&outbox->lock);
	for (const struct item *i = outbox->oldest; i != NULL; i = i->next)
		n += i->tries == 0 || i->under_way;
	lock_drop(&outbox->lock);
	return n;
}

/* What is left, in words: it may not be touched without the lock, nor logged with it. */
static struct view
last_words(const struct item *item, struct arena *arena)
{
	return arena_printf(arena, "%.*s: event=notice status=lost %.*s tries=%u why=\"we stop\"", VIEW_ARG(item->mail.id),
	    VIEW_ARG(item->mail.about), item->tries);
}

void
outbox_close(struct outbox *outbox, int64_t until_ms)
{
	struct arena *arena = arena_new();
	struct view *line;
	size_t n = 0;

	lock_take(&outbox->lock);
	outbox->closing = true;
	outbox->away_until_ms = 0;
	for (struct item *i = outbox->oldest; i != NULL; i = i->next)
		i->due_ms = 0;
	signal_all(&outbox->changed);
	while (outbox->started && outbox->mails > 0 && signal_wait(&outbox->changed, &outbox->lock, until_ms))
		;
	line = ARENA_ARRAY(arena, outbox->mails, struct view);
	for (const struct item *i = outbox->oldest; i != NULL; i = i->next)
		line[n++] = last_words(i, arena);
	lock_drop(&outbox->lock);
	for (size_t i = 0; i < n; i++)
		log_warning("%.*s", VIEW_ARG(line[i]));
	arena_free(arena);
}

bool
outbox_take(struct outbox *outbox, struct arena *arena, struct outbox_mail *mail)
{
	lock_take(&outbox->lock);
	struct item *item = outbox->oldest;
	if (item != NULL)
		take_out(outbox, item);
	lock_drop(&outbox->lock);
	if (item == NULL)
		return false;
	*mail = item->mail;
	mail->mail.to = arena_copy(arena, mail->mail.to);
	mail->mail.text = arena_copy(arena, mail->mail.text);
	mail->mail.helo = arena_copy(arena, mail->mail.helo);
	mail->id = arena_copy(arena, mail->id);
	mail->about = arena_copy(arena, mail->about);
	arena_free(item->arena);
	return true;
}
