#!/bin/sh
# The public ARC test suites, when they and python3-yaml are there.  ASSAY_SUITES names their folder.
set -u
srcdir=${srcdir:-.}
suites=${ASSAY_SUITES:-${top_srcdir:-$srcdir/../../..}/../shared/suites}
python=${PYTHON3:-/usr/bin/python3}
if ! [ -f "$suites/arc-validation-tests.yml" ] || ! [ -f "$suites/arc-sign-tests.yml" ]; then
	echo "skipped: suites not found"
	exit 77
fi
if ! "$python" -c 'import yaml' 2>/dev/null; then
	echo "skipped: python3-yaml not found"
	exit 77
fi
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$srcdir exec "$python" "$srcdir/arc_suites.py" "$suites"
