#!/bin/sh
# Runs each fuzz target for FUZZTIME (a minute); FUZZ is a pattern for names.
set -eu
cd "$(dirname "$0")/.."
found=0 failed=
for file in $(find . -name '*_test.go' | sort); do
	for target in $(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$file" | grep -E "${FUZZ:-.}" || :); do
		found=$((found + 1))
		echo "== $target in $(dirname "$file")"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-1m}" -fuzzminimizetime 5s "$(dirname "$file")" || failed="$failed $target"
	done
done
[ -z "$failed" ] || { echo "fuzz: failed:$failed; the inputs are in testdata/fuzz of their packages" >&2; exit 1; }
[ "$found" -gt 0 ] || { echo "fuzz: no target matches ${FUZZ:-.}" >&2; exit 1; }
echo "fuzz: $found targets, nothing found"
