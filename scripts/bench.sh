#!/bin/sh
# Runs benchmarks, without the race detector and one package at a time, so that
# they do not slow each other down. BENCH is a pattern, PKG the packages.
set -eu
cd "$(dirname "$0")/.."
exec go test -run '^$' -bench "${BENCH:-.}" -benchmem -p 1 -timeout 60m ${PKG:-./...}
