#!/bin/sh
# Fails when making the generated files again changes one, or when go.mod and
# go.sum are not what "go mod tidy" would write. What else is changed in the
# work tree does not matter.
set -eu
cd "$(dirname "$0")/.."

before=$(mktemp) after=$(mktemp)
trap 'rm -f "$before" "$after"' EXIT
sums() { git ls-files -z --cached --others --exclude-standard | xargs -0 sha256sum 2>/dev/null || :; }

sums >"$before"
scripts/generate.sh
sums >"$after"
failed=
if ! diff "$before" "$after" >/dev/null; then
	echo "verify: these generated files were not up to date; they are now. Look at them and commit them:" >&2
	sort "$before" "$after" | uniq -u | cut -c67- | sort -u | sed 's/^/  /' >&2
	failed=yes
fi
for module in . tools; do
	if ! (cd "$module" && go mod tidy -diff >"$after" 2>&1); then
		grep -v '^go: downloading' "$after" | head -n 40 >&2
		echo "verify: $module/go.mod or go.sum is not tidy; run: (cd $module && go mod tidy)" >&2
		failed=yes
	fi
done
[ -z "$failed" ] || exit 1
echo "verify: everything generated is up to date, go.mod and go.sum are tidy"
