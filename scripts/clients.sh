#!/bin/sh
# Installs the OpenID Connect clients that have to get on with our provider, as
# e2e/clients/package-lock.json pins them; nothing when they are there already.
# Where it cannot, it says so and lets the tests fail.
set -u
cd "$(dirname "$0")/../e2e/clients" || exit 2
cmp -s package-lock.json node_modules/pinned.json && exit 0
say() { echo "scripts/clients.sh: $*" >&2; }
command -v npm >/dev/null || { say "npm is missing: apt-get install -y npm"; exit 0; }
log=$(mktemp)
if npm ci --ignore-scripts --no-audit --no-fund >"$log" 2>&1; then
	cp package-lock.json node_modules/pinned.json
	rm -f "$log"
else
	tail -n 5 "$log" >&2
	say "could not install (all of it is in $log); by hand: cd e2e/clients && npm ci --ignore-scripts"
fi
