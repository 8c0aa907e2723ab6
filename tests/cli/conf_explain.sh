#!/bin/sh
# assayctl conf and explain: what they print, and their exit status.
set -u
failed=0
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
mkdir "$work/domains"
echo "pid-file = \"$work/pid\"; policy: { directory = \"$work/domains\"; recipients = \"split\"; };" >"$work/assay.conf"
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
expect 0 "0 settings change, 0 names change" -- conf diff --config "$work/assay.conf" --before "$work/assay.conf"
expect 1 "3 settings change, 3 names change" "policy.recipients: \"class\" -> \"split\"" "early.test" -- conf diff --config "$work/assay.conf" --before "$work/none.conf"
expect 2 "no assayd runs with pid file" -- conf diff --config "$work/assay.conf"
expect 2 "wants check, show" -- conf sow

explain 1 "rule          signed ($work/domains/a.conf:3) accept: does not hold" \
	"rule          spoofed ($work/domains/a.conf:4) reject: decides" "shadow rule   all" \
	"550 5.7.26 Refused under the DMARC policy of bank.example [assay:EXPLAIN:spoofed]" -- u@a.test
explain 1 "RCPT            <v@early.test>  550 5.7.23" -- v@early.test
explain 0 "edit            delete-rcpt <u@a.test>" "end of DATA     250 ok" -- u@a.test w@open.test

# Each fact, and how it came about.
explain 1 "spf             fail: domain of ceo@bank.example does not designate 198.51.100.7" "matched by -all" \
	'bank.example: "v=spf1 ip4:192.0.2.9 -all" -> fail' "dkim            none" "from_domain     bank.example" \
	"dmarc           reject: " "record at _dmarc.bank.example, found by tree walk" "p=reject" \
	"_dmarc.bank.example  data" "spf fail for bank.example: alignment" "  verdict       reject, by spoofed" -- u@a.test

# The envelope from the log: of the line, of a file by queue id; options go before it.
logged='2026-11-22T17:00:01+01:00 mx assayd[9]: 4F2x: client=mail.x.test[198.51.100.7] helo=x.test from=<ceo@bank.example> rcpts=2'
logged="$logged verdict=reject rule=spoofed to=<u@a.test>,+1"
printf 'Nov 1 mx x: A: client=a[192.0.2.9] helo=x from=<> rcpts=1 to=<w@open.test>\n%s\nmore\n' "$logged" >"$work/log"
world="--config $work/assay.conf --fake-dns $work/dns"
# shellcheck disable=SC2086 # words on purpose
{
expect 1 "client          mail.x.test[198.51.100.7], helo x.test" "time            1795363201" "1 more are not in the line" \
	"RCPT            <u@a.test>  250 ok" "[assay:4F2x:spoofed]" -- explain "$work/message" $world --log "$logged"
expect 1 "[assay:4F2x:spoofed]" -- explain "$work/message" $world --log-file "$work/log" --id 4F2x
expect 0 "client          [192.0.2.9], helo x" "RCPT            <w@open.test>  250 ok" "spf             pass" -- \
	explain "$work/message" $world --log "$logged" --ip 192.0.2.9 --helo x --rcpt w@open.test --time 1795360000
expect 2 "no line of assayd for nobody" -- explain "$work/message" $world --log-file "$work/log" --id nobody
expect 2 "--log-file wants --id" -- explain "$work/message" $world --log-file "$work/log"
expect 2 "not both" -- explain "$work/message" $world --log-file "$work/log" --id A --log "$logged"
expect 2 "--id is of use with" -- explain "$work/message" $world --id A --rcpt u@a.test
expect 2 "from standard input both" -- explain - $world --log -
expect 2 "no line of assayd about a message" -- explain "$work/message" $world --log "Nov 1 mx postfix: A: to=<b>"
expect 2 "at least one --rcpt" -- explain "$work/message" $world --log "A: client=a[192.0.2.9] helo=x from=<> rcpts=0"
}
printf '%s\n' "$logged" | "$ASSAYCTL" explain "$work/message" --config "$work/assay.conf" --fake-dns "$work/dns" --log - \
	>"$work/said" 2>&1
grep -qF "[assay:4F2x:spoofed]" "$work/said" || { echo "explain --log -:"; cat "$work/said"; failed=$((failed + 1)); }

# Plain in a pipe, colours on a terminal, but for NO_COLOR.
esc=$(printf '\033')
cat >"$work/terminal.py" <<'END'
import os, subprocess, sys
master, slave = os.openpty()
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=slave)
os.close(slave)
try:
    while data := os.read(master, 4096):
        sys.stdout.buffer.write(data)
except OSError:  # the other end is closed
    pass
child.wait()
END
on_terminal() { # what it printed there
	python3 "$work/terminal.py" "$ASSAYCTL" explain "$work/message" --config "$work/assay.conf" --fake-dns "$work/dns" \
		--ip 198.51.100.7 --from ceo@bank.example --rcpt u@a.test
}
explain 1 "dmarc" -- u@a.test
grep -q "$esc" "$work/said" && { echo "explain: colours in a pipe"; failed=$((failed + 1)); }
if command -v python3 >/dev/null; then
	(unset NO_COLOR; on_terminal) | grep -q "$esc\[31m" || { echo "explain: no colours on a terminal"; failed=$((failed + 1)); }
	NO_COLOR=1 on_terminal | grep -q "$esc" && { echo "explain: colours against NO_COLOR"; failed=$((failed + 1)); }
fi

# What a recipient does not want looked at is not shown as if it were.
cat >"$work/domains/nodmarc.conf" <<'END'
domains = "nodmarc.test";
incoming: { dmarc-disable-verify = true; rules = ( { name = "spoofed"; when = { dmarc = "reject"; }; do = "reject"; } ); };
END
explain 0 "spoofed ($work/domains/nodmarc.conf:2) reject: does not hold" "  verdict       accept, by built-in" -- u@nodmarc.test
rm "$work/domains/nodmarc.conf"

# The seal, when the keys may be read; said when not.
cat >"$work/domains/seal.conf" <<END
domains = "seal.test";
outgoing: { seal-domain = "seal.test"; seal-keys = "s1:$work/key"; };
END
expect 0 "" -- keygen --domain seal.test --selector s1 --out "$work/key"
explain 0 "edit            insert ARC-Seal: i=1; a=rsa-sha256; cv=none; d=seal.test; s=s1" "seal=yes:i=1,d=seal.test,s=s1" -- u@seal.test
rm "$work/key"
explain 0 "seal            not all of it can be shown: $work/domains/seal.conf:2: seal-keys: $work/key: No such file" \
	"seal=no" -- u@seal.test
rm "$work/domains/seal.conf"

for hours in 0 47 48; do
	set -- 0 "rule          dns ($work/domains/wait.conf:2) defer: holds, but defer-hours are over" "decides" "overdue=dns"
	[ "$hours" = 48 ] || set -- 1 "451 4.7.1"
	expect "$@" -- explain "$work/message" --config "$work/assay.conf" --fake-dns "$work/dns" --ip 198.51.100.7 \
		--from a@away.example --rcpt u@wait.test --deferred "$hours"
done
expect 2 "--deferred wants a number of hours" -- explain "$work/message" --config "$work/assay.conf" --fake-dns "$work/dns" \
	--rcpt u@wait.test --deferred long

for rcpt in u@a.test v@early.test w@open.test; do
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
