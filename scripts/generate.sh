#!/bin/sh
# Makes everything that is generated and committed: Go of the templates, then
# what "go:generate" lines say.
set -eu
cd "$(dirname "$0")/.."
templ=$(scripts/tool.sh templ)
"$templ" generate -log-level error
go generate ./...
