#!/bin/sh
# assayctl conf and explain: what they print, and their exit status.
set -u
failed=0
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
mkdir "$work/domains"
echo "policy: { directory = \"$work/domains\"; recipients = \"split\"; };" >"$work/assay.conf"
echo 'policy: { directory = ""; };' >"$work/none.conf"
cat >"$work/domains/a.conf" <<'END'
domains = "a.test";
incoming: { rules = (
	{ name = "signed"; when = { dkim_aligned = "pass"; }; do = "accept"; },
	{ name = "spoofed"; when = { dmarc = "reject"; }; do = "reject"; }
); shadow = ( { name = "all"; do = "discard"; } ); };
END
cat >"$work/domains/early.conf" <<'END'
domains = "early.test";
incoming: { rules = ( { name = "spf"; when = { spf = "fail"; }; do = "reject"; } ); };
END
cat >"$work/domains/wait.conf" <<'END'
domains = "wait.test";
incoming: { rules = ( { name = "dns"; when = { spf = "temperror"; }; do = "defer"; },
	{ name = "mark"; when = { spf = "temperror"; }; do = "tag"; } ); };
END
cat >"$work/dns" <<'END'
away.example		TIMEOUT
bank.example		TXT "v=spf1 ip4:192.0.2.9 -all"
_dmarc.bank.example	TXT "v=DMARC1; p=reject"
END
printf 'From: ceo@bank.example\nSubject: hi\n\nhello\n' >"$work/message"

# STATUS WANTED... -- ARGUMENT...: the exit status, and lines that must be in what it says (fixed strings).
expect() {
	status=$1
	shift
	: >"$work/wanted"
	while [ "$1" != -- ]; do
		printf '%s\n' "$1" >>"$work/wanted"
		shift
	done
	shift
	"$ASSAYCTL" "$@" >"$work/said" 2>&1
	got=$?
	[ "$got" = "$status" ] || { echo "assayctl $*: status $got, wanted $status"; cat "$work/said"; failed=$((failed + 1)); }
	while IFS= read -r line; do
		grep -qF -e "$line" "$work/said" || { echo "assayctl $*: no \"$line\" in"; cat "$work/said"; failed=$((failed + 1)); }
	done <"$work/wanted"
}

explain() { # STATUS WANTED... -- RCPT...
	status=$1
	shift
	wanted=$*
	rcpts=
	for word in ${wanted##*-- }; do rcpts="$rcpts --rcpt $word"; done
	# shellcheck disable=SC2086 # words on purpose
	"$ASSAYCTL" explain "$work/message" --config "$work/assay.conf" --fake-dns "$work/dns" --ip 198.51.100.7 \
		--helo x.test --from ceo@bank.example $rcpts >"$work/said" 2>&1
	got=$?
	[ "$got" = "$status" ] || { echo "explain $wanted: status $got, wanted $status"; cat "$work/said"; failed=$((failed + 1)); }
	while [ "$1" != -- ]; do
		grep -qF -e "$1" "$work/said" || { echo "explain: no \"$1\" in"; cat "$work/said"; failed=$((failed + 1)); }
		shift
	done
}

expect 0 "3 policy files in force, 0 with mistakes" -- conf check --config "$work/assay.conf"
expect 0 "$work/domains/a.conf:4: spoofed: reject" "shadow all: discard" "built-in: accept" -- \
	conf show u@a.test --config "$work/assay.conf"
expect 2 "show wants an address" -- conf show "a b" --config "$work/assay.conf"
expect 0 "0 names change" -- conf diff --config "$work/assay.conf" --before "$work/assay.conf"
expect 1 "3 names change" "early.test" -- conf diff --config "$work/assay.conf" --before "$work/none.conf"
expect 2 "wants check, show" -- conf sow

explain 1 "rule          signed ($work/domains/a.conf:3) accept: does not hold" \
	"rule          spoofed ($work/domains/a.conf:4) reject: decides" "shadow rule   all" \
	"550 5.7.26 Refused under the DMARC policy of bank.example [assay:EXPLAIN:spoofed]" -- u@a.test
explain 1 "RCPT            <v@early.test>  550 5.7.23" -- v@early.test
explain 0 "edit            delete-rcpt <u@a.test>" "end of DATA     250 ok" -- u@a.test w@open.test

for hours in 0 47 48; do
	set -- 0 "rule          dns ($work/domains/wait.conf:2) defer: holds, but defer-hours are over" "decides" "overdue=dns"
	[ "$hours" = 48 ] || set -- 1 "451 4.7.1"
	expect "$@" -- explain "$work/message" --config "$work/assay.conf" --fake-dns "$work/dns" --ip 198.51.100.7 \
		--from a@away.example --rcpt u@wait.test --deferred "$hours"
done
expect 2 "--deferred wants a number of hours" -- explain "$work/message" --config "$work/assay.conf" --fake-dns "$work/dns" \
	--rcpt u@wait.test --deferred long

for rcpt in u@a.test v@early.test; do
	"$ASSAYCTL" explain "$work/message" --json --config "$work/assay.conf" --fake-dns "$work/dns" --ip 198.51.100.7 \
		--from ceo@bank.example --rcpt "$rcpt" >"$work/said"
	if command -v python3 >/dev/null && ! python3 -m json.tool "$work/said" >/dev/null; then
		echo "explain --json: not JSON"
		failed=$((failed + 1))
	fi
done

echo 'domains = "b.test"; incoming: { mod = "monitor"; };' >"$work/domains/b.conf"
expect 1 "$work/domains/b.conf:1: incoming: mod is not one of" "did you mean mode?" "3 policy files in force, 1 with mistakes" -- \
	conf check --config "$work/assay.conf"
[ "$failed" -eq 0 ] && echo "assayctl conf, explain: as wanted"
[ "$failed" -eq 0 ]
