#!/bin/sh
# Plays every harness over its seeds.  Needs HARNESSES and srcdir in the environment; run in the build folder.
set -u
passed=0 failed=0
for harness in $HARNESSES; do
	seeds=${srcdir:-.}/seeds/${harness#fuzz_}
	if ! [ -d "$seeds" ]; then
		echo "$harness: no seeds in $seeds"
		failed=$((failed + 1))
	elif ./"$harness" $( [ -n "${FUZZ_RUNS:-}" ] && echo "-runs=$FUZZ_RUNS" ) "$seeds" >"$harness.out" 2>&1; then
		passed=$((passed + 1))
	else
		echo "$harness failed:"
		tail -n 40 "$harness.out"
		failed=$((failed + 1))
	fi
	rm -f "$harness.out"
done
echo "fuzz seeds: $passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
