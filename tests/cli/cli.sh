#!/bin/sh
# assayctl as a user meets it.  Needs srcdir and ASSAYCTL in the environment; messages are signed by python3-dkim.
if ! /usr/bin/python3 -c 'import dkim, nacl' 2>/dev/null; then
	echo "skipped: python3-dkim not found"
	exit 77
fi
PYTHONDONTWRITEBYTECODE=1 exec /usr/bin/python3 "${srcdir:-.}/cli.py" "$ASSAYCTL"
