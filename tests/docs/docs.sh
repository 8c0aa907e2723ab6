#!/bin/sh
# The sample file and the manual name every setting, with its preset and what is allowed, and no other.
# Run in the build folder; needs srcdir, ASSAYD and ASSAYCTL in the environment.
set -u
top=${srcdir:-.}/../..
failed=0
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

compare() { # WHAT WANTED FOUND
	if ! [ -s "$2" ]; then
		echo "$1: nothing to compare with"
		failed=$((failed + 1))
	elif ! diff -u "$2" "$3" >"$work/diff"; then
		echo "$1 differs (- the rows, + the text):"
		cat "$work/diff"
		failed=$((failed + 1))
	else
		echo "$1: $(wc -l <"$2") names agree"
	fi
}

./print_rows >"$work/rows" || exit 1
sort "$work/rows" >"$work/sorted"

# The sample: groups as they are, each setting on one commented line, "#name = preset;".
cut -f 1,2 "$work/sorted" >"$work/wanted"
awk '
/^[a-z0-9]+: \{$/ { group = $0; sub(/:.*/, "", group) }
/^\};$/ { group = "" }
/^\t?#[a-z0-9-]+ = .*;$/ {
	line = $0; sub(/^\t?#/, "", line); sub(/;$/, "", line)
	name = line; sub(/ = .*/, "", name)
	value = line; sub(/^[^=]* = /, "", value)
	print group "." name "\t" value
}' "$top/etc/assay.conf" | sort >"$work/found"
compare etc/assay.conf "$work/wanted" "$work/found"

# What is allowed ends the comment above it.
cut -f 1,3 "$work/sorted" >"$work/wanted"
awk -F '\t' '
FNR == NR { allowed[$1] = toupper(substr($2, 1, 1)) substr($2, 2) "."; next }
/^[a-z0-9]+: \{$/ { group = $0; sub(/:.*/, "", group) }
/^\};$/ { group = "" }
/^\t?# / { line = $0; sub(/^\t?# /, "", line); said = said " " line; next }
/^\t?#[a-z0-9-]+ = .*;$/ {
	name = $0; sub(/^\t?#/, "", name); sub(/ = .*/, "", name); name = group "." name
	want = allowed[name]
	end = substr(said, length(said) - length(want) + 1)
	print name "\t" (end == want ? tolower(substr(want, 1, 1)) substr(want, 2, length(want) - 2) : said)
}
{ said = "" }
' "$work/wanted" "$top/etc/assay.conf" | sort >"$work/found"
compare "etc/assay.conf, what is allowed," "$work/wanted" "$work/found"

# The sample is a good file as it is, and with every setting switched on.
sed 's/^\(	\{0,1\}\)#\([a-z0-9-]* = .*;\)$/\1\2/' "$top/etc/assay.conf" >"$work/all.conf"
# assayd -n looks for the users too when root runs it, and there need be no "assay" here.
users='s/^#\{0,1\}user = .*/user = "nobody";/; s/^#\{0,1\}group = .*/group = "nogroup";/'
sed "$users" "$top/etc/assay.conf" >"$work/as-it-is.conf"
sed -i "$users" "$work/all.conf"
for file in "$work/as-it-is.conf" "$work/all.conf"; do
	"$ASSAYD" -n -c "$file" >"$work/said" 2>&1 || { cat "$work/said"; failed=$((failed + 1)); }
done

# The manual: ".Ss GROUP" (or "top level"), ".It Ic NAME", then a line "ALLOWED; preset VALUE."
awk -F '\t' '{ print $1 "\t" $3 "; preset " $2 "." }' "$work/sorted" >"$work/wanted"
awk '
/^\.Ss / { group = $2; if (group == "Top") group = "" }
/^\.It Ic / { name = $3; getline line; print group "." name "\t" line }
' "$top/man/assay.conf.5" | sort >"$work/found"
compare man/assay.conf.5 "$work/wanted" "$work/found"

# The options of assayctl: what --help tells, a section of each command or of all, ".It Fl -NAME".
for name in $("$ASSAYCTL" --help | awk '/^  [a-z]/ { print $1 }'); do
	"$ASSAYCTL" "$name" --help | awk -v c="$name" '/^  --/ && $1 != "--help" { print c, $1 }'
done | sort >"$work/wanted"
for name in "" $("$ASSAYCTL" --help | awk '/^  [a-z]/ { print $1 }'); do
	"$ASSAYCTL" $name --help
done | awk 'length > 79 && !/default: \// { print; bad = 1 } END { exit bad }' || {
	echo "help of assayctl: wider than a screen"
	failed=$((failed + 1))
}
awk '
/^\.Ss assayctl / { n = split($3, command) }
/^\.Ss Options of / { n = split("check spf dmarc explain", command) }
/^\.Sh / { n = 0 }
/^\.It Fl -/ { for (i = 1; i <= n; i++) print command[i], "-" $3 }
' "$top/man/assayctl.1" | sort >"$work/found"
compare man/assayctl.1 "$work/wanted" "$work/found"

# The log: each key of the lines about messages and recipients, and each event.
{
	cat "$top"/src/milter/session_log*.c | grep -o '" [a-z_]*=' | sed 's/^" //' | grep -xv 'open=\|unsaid=\|answer=\|stopping='
	grep -ho 'event=[a-z-]\{1,\}' "$top"/src/milter/*.c "$top"/src/daemon/*.c
} | sort -u >"$work/wanted"
sed -n 's/^\.It Li \(event=[a-z-]*\).*/\1/p; s/^\.It Li \([a-z_]*=\).*/\1/p' "$top/man/assayd.8" "$top/man/assay.policy.5" |
	sort -u >"$work/found"
compare "the log in man/assayd.8 and man/assay.policy.5" "$work/wanted" "$work/found"

# The sample policies are good files as they are.
mkdir "$work/domains" && cp "$top"/etc/domains/*.conf "$work/domains/"
printf 'user = "nobody"; group = "nogroup";\npolicy: { directory = "%s"; };\n' "$work/domains" >"$work/policy.conf"
"$ASSAYD" -n -c "$work/policy.conf" >"$work/said" 2>&1 || failed=$((failed + 1))
if ! grep -q "no mistakes" "$work/said" || [ "$(wc -l <"$work/said")" -ne 1 ]; then
	cat "$work/said"
	failed=$((failed + 1))
fi

# Settings for SRS that stand in comments of contrib/ are good ones; secrets and tables would be the site's.
echo "a: b" >"$work/aliases"
echo secret >"$work/secrets" && chmod 600 "$work/secrets"
for file in contrib/postfix/main-srs.cf contrib/sendmail/assay-srs.mc; do
	sed -n 's/^\(dnl \)\{0,1\}#	\(srs: {\|       \)/\2/p' "$top/$file" |
		sed "1i user = \"nobody\"; group = \"nogroup\";
			s|enable = true;|enable = true; secrets = \"$work/secrets\";|; s|/etc/mail/aliases|$work/aliases|" >"$work/srs.conf"
	"$ASSAYD" -n -c "$work/srs.conf" >"$work/said" 2>&1 || failed=$((failed + 1))
	if ! grep -q '^srs: {.*secrets' "$work/srs.conf" || ! grep -q "no mistakes" "$work/said"; then
		echo "$file:"
		cat "$work/srs.conf" "$work/said"
		failed=$((failed + 1))
	fi
done

# Sendmail's line is the same wherever it is shown.
sed -n '/^INPUT_MAIL_FILTER/s/dnl$//p' "$top/contrib/sendmail/assay.mc" >"$work/wanted"
for file in README.md man/assayd.8; do
	sed -n 's/^ *\(INPUT_MAIL_FILTER\)/\1/p' "$top/$file" >"$work/found"
	compare "$file" "$work/wanted" "$work/found"
done

for page in assayctl.1 assayd.8 assay.conf.5 assay.policy.5; do
	if ! command -v mandoc >/dev/null; then
		echo "$page: not linted: mandoc not found"
	elif ! mandoc -T lint -W warning "$top/man/$page" >"$work/lint"; then
		cat "$work/lint"
		failed=$((failed + 1))
	fi
done
[ "$failed" -eq 0 ]
