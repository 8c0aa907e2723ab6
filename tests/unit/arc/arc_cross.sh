#!/bin/sh
# Our seals before other people's validators, and theirs before ours: dkimpy (python3-dkim) and Mail::DKIM
# (libmail-dkim-perl), each when it is there.
set -u
srcdir=${srcdir:-.}
python=${PYTHON3:-/usr/bin/python3}
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$srcdir
export PYTHONDONTWRITEBYTECODE PYTHONPATH
failed=0
if ! "$python" -c 'import dkim' 2>/dev/null; then
	echo "skipped: python3-dkim not found"
	exit 77
fi
"$python" "$srcdir/arc_cross.py" || failed=1
if perl -MMail::DKIM::ARC::Verifier -e 1 2>/dev/null; then
	folder=$(mktemp -d) || exit 1
	"$python" "$srcdir/arc_cross.py" --perl "$folder" && perl "$srcdir/arc_cross.pl" "$folder" || failed=1
	rm -rf "$folder"
else
	echo "skipped: Mail::DKIM (libmail-dkim-perl) not found"
fi
exit $failed
