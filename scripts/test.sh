#!/bin/sh
# Runs tests with the race detector: all, or those of the packages and flags
# that it is given.
set -eu
cd "$(dirname "$0")/.."
scripts/need.sh
scripts/clients.sh
[ $# -gt 0 ] || set -- ./...
exec go test -race -timeout 30m "$@"
