#include "conf/suggest.h"

#include <string.h>

static char
folded(char c)
{
	return c == '_' ? '-' : ascii_lower(c);
}

static unsigned
least(unsigned a, unsigned b, unsigned c)
{
	unsigned ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Optimal string alignment distance; both at most SUGGEST_LETTERS_MAX letters. */
static unsigned
distance(struct view a, struct view b)
{
	unsigned d[SUGGEST_LETTERS_MAX + 1][SUGGEST_LETTERS_MAX + 1];

	for (unsigned i = 0; i <= a.n; i++)
		d[i][0] = i;
	for (unsigned j = 0; j <= b.n; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= a.n; i++)
		for (size_t j = 1; j <= b.n; j++) {
			bool same = folded(a.p[i - 1]) == folded(b.p[j - 1]);
			d[i][j] = least(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + !same);
			if (i > 1 && j > 1 && folded(a.p[i - 1]) == folded(b.p[j - 2]) &&
			    folded(a.p[i - 2]) == folded(b.p[j - 1]) && d[i - 2][j - 2] + 1 < d[i][j])
				d[i][j] = d[i - 2][j - 2] + 1;
		}
	return d[a.n][b.n];
}

struct suggest
suggest_for(struct view given)
{
	return (struct suggest){ given, NULL, (unsigned)(given.n / 3 + 1) };
}

void
suggest_word(struct suggest *s, const char *word)
{
	struct view w = view_of(word);

	if (w.n == 0 || w.n > SUGGEST_LETTERS_MAX || s->given.n > SUGGEST_LETTERS_MAX)
		return;
	unsigned found = distance(s->given, w);
	if (found < s->distance) {
		s->best = word;
		s->distance = found;
	}
}
