#!/bin/sh
# The public RFC 7208 suite through the native engine; then where libspf2 differs, against what is known.
set -u
dir=${srcdir:-.}
suite=${ASSAY_SUITES:-$dir/../../../../shared/suites}/rfc7208-tests.yml
if [ ! -r "$suite" ]; then
	echo "skipped: suites not found"
	exit 77
fi
if ! python3=$(command -v /usr/bin/python3 || command -v python3) || ! "$python3" -c 'import yaml' 2>/dev/null; then
	echo "skipped: python3 with yaml not found"
	exit 77
fi
text=$(mktemp) && found=$(mktemp) || exit 1
trap 'rm -f "$text" "$found"' EXIT
"$python3" "$dir/suite_to_text.py" "$suite" >"$text" || exit 1
./spf_suite native 203 22 <"$text" || exit 1
./spf_suite compare <"$text" >"$found" || exit 1
# A change here is a change of one of the engines: look at it, then take it into the file.
diff -u "$dir/engines.expected" "$found" || exit 1
echo "libspf2: differs in $(wc -l <"$found") cases, all known"
