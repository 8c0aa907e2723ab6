#!/bin/sh
# Imports a history file of ours with OpenDMARC's own opendmarc-import into a real MariaDB and reads the rows back.
# Needs (Debian): opendmarc, mariadb-server.  What is elsewhere can be named: OPENDMARC_IMPORT, OPENDMARC_SCHEMA, MARIADBD,
# MARIADB_INSTALL_DB, MARIADB, and MARIADB_BASEDIR.  Usage: history-import.sh ./history_sample
set -u
sample=$1
PATH=$PATH:/usr/sbin:/sbin
: "${OPENDMARC_IMPORT:=opendmarc-import}" "${MARIADBD:=mariadbd}" "${MARIADB_INSTALL_DB:=mariadb-install-db}" "${MARIADB:=mariadb}"
: "${OPENDMARC_SCHEMA:=/usr/share/dbconfig-common/data/opendmarc/install/mysql}"
for tool in "$OPENDMARC_IMPORT" "$MARIADBD" "$MARIADB_INSTALL_DB" "$MARIADB"; do
	command -v "$tool" >/dev/null || { echo "skipped: $tool not found (Debian: opendmarc, mariadb-server)"; exit 77; }
done
[ -r "$OPENDMARC_SCHEMA" ] || { echo "skipped: $OPENDMARC_SCHEMA not found (Debian: opendmarc)"; exit 77; }

dir=$(mktemp -d) || exit 1
server=
cleanup() {
	[ -z "$server" ] || { kill "$server"; wait "$server"; } 2>/dev/null
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM
user=$(id -un)
base=${MARIADB_BASEDIR:+--basedir=$MARIADB_BASEDIR}
# shellcheck disable=SC2086
"$MARIADB_INSTALL_DB" --no-defaults $base --datadir="$dir/data" --user="$user" --skip-test-db >"$dir/install.log" 2>&1 ||
	{ tail -n 20 "$dir/install.log"; exit 1; }
# No privileges and no network: only this socket, only while the test runs.
# shellcheck disable=SC2086
"$MARIADBD" --no-defaults $base --datadir="$dir/data" --user="$user" --socket="$dir/socket" --skip-grant-tables --skip-networking \
	--pid-file="$dir/pid" --sql-mode=STRICT_TRANS_TABLES >"$dir/server.log" 2>&1 &
server=$!
sql() { "$MARIADB" --no-defaults --socket="$dir/socket" -N -B "$@"; }
tries=0
until sql -e 'SELECT 1' >/dev/null 2>&1; do
	tries=$((tries + 1))
	[ $tries -lt 60 ] || { echo "the server does not answer"; tail -n 20 "$dir/server.log"; exit 1; }
	sleep 0.5
done
sql <"$OPENDMARC_SCHEMA" || exit 1

"$sample" "$dir/history" || exit 1
MYSQL_UNIX_PORT=$dir/socket "$OPENDMARC_IMPORT" --dbhost=localhost --input="$dir/history" >"$dir/import.log" 2>&1
rc=$?
if [ $rc -ne 0 ] || [ -s "$dir/import.log" ]; then
	echo "opendmarc-import ended with $rc and said:"
	cat "$dir/import.log" "$dir/history"
	exit 1
fi

sql opendmarc >"$dir/got" <<'SQL'
SELECT 'message', jobid, reporters.name, UNIX_TIMESTAMP(date), policy, disp, ipaddr.addr, e.name, f.name, p.name, spf, align_dkim, align_spf, sigcount, arc, arc_policy
  FROM messages JOIN reporters ON reporter = reporters.id JOIN ipaddr ON ip = ipaddr.id JOIN domains e ON env_domain = e.id
  JOIN domains f ON from_domain = f.id JOIN domains p ON policy_domain = p.id ORDER BY messages.id;
SELECT 'signature', jobid, domains.name, COALESCE(selectors.name, '-'), pass, error FROM signatures JOIN messages ON message = messages.id
  JOIN domains ON signatures.domain = domains.id LEFT JOIN selectors ON selector = selectors.id ORDER BY signatures.id;
SELECT 'request', domains.name, repuri, adkim, aspf, policy, spolicy, pct FROM requests JOIN domains ON domain = domains.id ORDER BY domains.name;
SELECT 'seal', jobid, s.instance, domains.name, selectors.name, arc_client_addr FROM arcseals s JOIN messages ON message = messages.id
  JOIN domains ON s.domain = domains.id JOIN selectors ON s.selector = selectors.id
  JOIN arcauthresults a ON a.message = s.message AND a.instance = s.instance ORDER BY s.instance;
SQL
tr '\t' ' ' <"$dir/got" >"$dir/got.txt"
cat >"$dir/want.txt" <<'WANT'
message JOB1 mx.example.net 1795000000 15 2 192.0.2.7 bounce.example.com example.com example.com 0 4 4 2 6 1
message JOB2 mx.example.net 1795000001 16 0 2001:db8::7 evil.example a.example.org example.org 2 5 5 0 6 1
message JOB3 mx.example.net 1795000002 17 2 192.0.2.7 unknown example.net example.net 6 5 5 1 0 0
message JOB?4';?DROP?TABLE?messages;?-- mx.example.net 1795000003 18 2 192.0.2.7 list.example example.net example.net 6 5 5 1 6 1
signature JOB1 example.com sel1 0 0
signature JOB1 other.example sel1 7 0
signature JOB3 example.net s 5 1
signature JOB?4';?DROP?TABLE?messages;?-- list.example s?e'l 0 0
request a.example.org  114 115 110 114 100
request example.com mailto:a@example.com,mailto:b@example.com 115 114 114 113 100
request example.net  114 114 113 0 100
seal JOB3 1 list.example arc1 192.0.2.9
seal JOB3 2 forward.example arc2 
WANT
diff -u "$dir/want.txt" "$dir/got.txt" || { echo "history import: the rows are not those that were written"; exit 1; }
echo "history import: $(wc -l <"$dir/got.txt") rows as written"
