#ifndef ASSAY_BASE_RATE_H
#define ASSAY_BASE_RATE_H

#include "base/view.h"

/*
 * rate - how often each of many may do something, in memory that never grows.
 * One key gets `most` turns at once, then one each window/most; after a quiet window it has all of them again, so
 * within any one window it gets less than twice `most`.  With very many keys the quietest are forgotten, and begin
 * anew.  Thread-safe.
 */
struct rate;

struct rate *rate_new(size_t keys); /* about so many; 24 octets each */
void rate_free(struct rate *rate);  /* NULL is fine */

/*
 * May the key have a turn now?  True: it is counted.  A refusal is not.  Case does not matter.  most 0: never; most
 * and window_ms may differ from call to call, as settings do after a reload.  now_ms: clock_mono_ms.
 */
bool rate_take(struct rate *rate, struct view key, int64_t most, int64_t window_ms, int64_t now_ms);
/* Would rate_take say true?  Nothing is counted. */
bool rate_has_room(struct rate *rate, struct view key, int64_t most, int64_t window_ms, int64_t now_ms);

#endif
