#include "daemon/map_log.h"

#include "base/buffer.h"
#include "base/log.h"

#define SHOWN_KEY 320
#define SHOWN_WHY 256

bool
map_log_may(struct map_log *log, int64_t now_ms)
{
	if (log->said == 0 || now_ms - log->since_ms >= MAP_LOG_WINDOW_MS) {
		if (log->left_out > 0)
			log_notice("event=srs-map left-out=%llu", (unsigned long long)log->left_out);
		*log = (struct map_log){ .since_ms = now_ms };
	}
	if (log->said == MAP_LOG_LINES) {
		log->left_out++;
		return false;
	}
	log->said++;
	return true;
}

/* An address of our SRS domain that is none of ours: somebody tries, or a bounce comes too late. */
static bool
is_refusal(const struct srs_result *result)
{
	return result->outcome == SRS_MALFORMED || result->outcome == SRS_FORGED || result->outcome == SRS_EXPIRED ||
	    result->outcome == SRS_UNKNOWN;
}

static enum log_level
level_of(const struct srs_result *result)
{
	return result->outcome == SRS_TEMP ? LOG_LEVEL_WARNING : is_refusal(result) ? LOG_LEVEL_NOTICE : LOG_LEVEL_DEBUG;
}

static void
add_address(struct buffer *b, const char *name, struct view address)
{
	struct buffer shown = buffer_in(b->arena);

	buffer_add_char(&shown, '<');
	buffer_add(&shown, address);
	buffer_add_char(&shown, '>');
	buffer_addf(b, " %s=", name);
	buffer_add_quoted(b, buffer_view(&shown), SHOWN_KEY);
}

void
map_log_answer(struct map_log *log, int64_t now_ms, enum socketmap_map map, struct view request,
    const struct srs_result *result)
{
	enum log_level level = map == SOCKETMAP_NONE ? LOG_LEVEL_DEBUG : level_of(result);
	struct view name, key;

	if (!log_wants(level) || (level != LOG_LEVEL_DEBUG && !map_log_may(log, now_ms)))
		return;
	struct arena *arena = arena_new();
	struct buffer b = buffer_in(arena);
	view_split(request, ' ', &name, &key);
	buffer_add_cstr(&b, "event=srs-map map=");
	buffer_add_quoted(&b, name, SHOWN_KEY);
	buffer_addf(&b, " status=%s", map == SOCKETMAP_NONE ? "no-map" : name_of(srs_outcome_names, (int)result->outcome));
	add_address(&b, "address", key);
	if (map != SOCKETMAP_NONE && result->address.n > 0)
		add_address(&b, "result", result->address);
	if (map != SOCKETMAP_NONE && result->why.n > 0) {
		buffer_add_cstr(&b, " why=");
		buffer_add_quoted(&b, result->why, SHOWN_WHY);
	}
	buffer_add_char(&b, '\0');
	if (level == LOG_LEVEL_WARNING)
		log_warning("%s", b.p);
	else if (level == LOG_LEVEL_NOTICE)
		log_notice("%s", b.p);
	else
		log_debug("%s", b.p);
	arena_free(arena);
}

void
map_log_closed(struct map_log *log, int64_t now_ms, const char *why)
{
	if (map_log_may(log, now_ms))
		log_notice("event=srs-map closed=\"%s\"", why);
}
