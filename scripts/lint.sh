#!/bin/sh
# Runs the pinned linter over everything, or over what it is given.
set -eu
cd "$(dirname "$0")/.."
linter=$(scripts/tool.sh golangci-lint)
[ $# -gt 0 ] || set -- ./...
exec "$linter" run --allow-parallel-runners "$@"
