#include "report/report_text.h"

#include "base/cursor.h"

#include <time.h>

#define COLUMNS 76
#define WORD_MAX 900 /* octets: with what stands before it a line stays below 998 */

struct view
report_date(int64_t seconds, struct arena *arena)
{
	static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov",
		"Dec" };
	time_t when = (time_t)seconds;
	struct tm tm;

	if (gmtime_r(&when, &tm) == NULL)
		return VIEW_LIT("Thu, 01 Jan 1970 00:00:00 +0000");
	return arena_printf(arena, "%s, %02d %s %04d %02d:%02d:%02d +0000", days[tm.tm_wday], tm.tm_mday,
	    months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

struct view
report_clean(struct view text, struct arena *arena)
{
	struct buffer b = buffer_in(arena);

	for (size_t i = 0; i < text.n; i++)
		buffer_add_char(&b, text.p[i] == ' ' || char_in(text.p[i], CC_VCHAR) ? text.p[i] : '?');
	return buffer_view(&b);
}

/* The next character of well-formed UTF-8. */
static uint32_t
take_character(struct cursor *c)
{
	uint32_t first = (unsigned char)cursor_take_n(c, 1).p[0];
	size_t more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
	uint32_t character = first & (0x3fU >> more);

	for (size_t i = 0; i < more; i++)
		character = character << 6 | ((unsigned char)cursor_take_n(c, 1).p[0] & 0x3fU);
	return character;
}

struct view
report_address(struct view address, struct arena *arena)
{
	struct buffer b = buffer_in(arena);
	struct cursor c = cursor_over(address);

	if (view_is_ascii(address) || !view_is_utf8(address))
		return report_clean(address, arena);
	while (!cursor_end(&c)) { /* ends: each turn takes a run or a character */
		struct view run = cursor_take(&c, CC_VCHAR | CC_CTL | CC_WSP);
		buffer_add(&b, report_clean(run, arena));
		if (!cursor_end(&c))
			buffer_addf(&b, "\\x{%X}", take_character(&c));
	}
	return buffer_view(&b);
}

void
report_fold(struct buffer *b, size_t column, const char *indent, struct view text)
{
	struct cursor c = cursor_over(view_trim(text));
	bool first = true;

	while (!cursor_end(&c)) { /* ends: each turn takes a word, or a space */
		bool space = cursor_char(&c, ' ');
		size_t from = cursor_offset(&c);
		cursor_until(&c, ' ');
		struct view word = cursor_since(&c, from);
		if (word.n > WORD_MAX) {
			cursor_back(&c, from + WORD_MAX);
			word = view_sub(word, 0, WORD_MAX);
		}
		if (!first && column + 1 + word.n > COLUMNS) {
			buffer_addf(b, "\r\n%s", indent);
			column = 0;
		} else if (space) {
			buffer_add_char(b, ' ');
			column++;
		}
		buffer_add(b, word);
		column += word.n;
		first = false;
	}
	buffer_add_cstr(b, "\r\n");
}

static int
hex_digit(int c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* xtext = *( xchar / hexchar ); hexchar = "+" 2(%x30-39 / %x41-46)        RFC 3461 4 */
bool
report_xtext_decode(struct view xtext, struct arena *arena, struct view *text)
{
	struct buffer b = buffer_in(arena);

	for (size_t i = 0; i < xtext.n; i++) {
		if (xtext.p[i] == '=' || !char_in(xtext.p[i], CC_VCHAR))
			return false;
		if (xtext.p[i] != '+') {
			buffer_add_char(&b, xtext.p[i]);
			continue;
		}
		int high = i + 2 < xtext.n ? hex_digit(xtext.p[i + 1]) : -1;
		int low = high >= 0 ? hex_digit(xtext.p[i + 2]) : -1;
		if (low < 0)
			return false;
		buffer_add_char(&b, (char)(high << 4 | low));
		i += 2;
	}
	*text = buffer_view(&b);
	return true;
}

static bool
is_plain_in_qp(char c, bool last)
{
	return (char_in(c, CC_VCHAR) && c != '=') || (char_in(c, CC_WSP) && !last);
}

void
report_quoted_printable(struct buffer *b, struct view text)
{
	size_t column = 0;

	for (size_t i = 0; i < text.n; i++) {
		if (view_starts(view_from(text, i), VIEW_LIT("\r\n"))) {
			buffer_add_cstr(b, "\r\n");
			column = 0;
			i++;
			continue;
		}
		bool plain = is_plain_in_qp(text.p[i], view_starts(view_from(text, i + 1), VIEW_LIT("\r\n")));
		size_t width = plain ? 1 : 3;
		if (column + width > COLUMNS - 1) { /* one is for the "=" of a soft break */
			buffer_add_cstr(b, "=\r\n");
			column = 0;
		}
		if (plain)
			buffer_add_char(b, text.p[i]);
		else
			buffer_addf(b, "=%02X", (unsigned char)text.p[i]);
		column += width;
	}
}
