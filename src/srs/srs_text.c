#include "srs/srs_text.h"

#include "base/buffer.h"
#include "base/cursor.h"

struct view
srs_hashed_libsrs2(const struct srs_fields *f, bool quoted, struct arena *arena)
{
	struct buffer b = buffer_in(arena);

	buffer_add(&b, f->stamp);
	buffer_add(&b, f->host);
	/* Without quoted pairs: an MTA on the way may have written the same local part with others. */
	buffer_add(&b, quoted ? srs_unquoted(f->user, arena) : f->user);
	return buffer_view(&b);
}

struct view
srs_hashed_exim(const struct srs_fields *f, struct arena *arena)
{
	return srs_address(f->user, !view_all_in(f->user, CC_ATEXT | CC_DOT), f->host, arena);
}
