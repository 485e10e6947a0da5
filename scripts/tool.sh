#!/bin/sh
# Prints the path of a tool in the version that tools/go.mod pins, and builds it
# when it is not there yet: scripts/tool.sh golangci-lint
set -eu
cd "$(dirname "$0")/../tools"
case $1 in
golangci-lint) module=github.com/golangci/golangci-lint/v2 package=$module/cmd/golangci-lint ;;
templ) module=github.com/a-h/templ package=$module/cmd/templ ;;
zlint) module=github.com/zmap/zlint/v3 package=$module/cmd/zlint ;;
*) echo "scripts/tool.sh: no tool $1 is pinned" >&2 && exit 2 ;;
esac
# A linter must be built by the Go that the code is for.
binary=${PWD%/tools}/bin/tools/$1-$(go list -m -f '{{.Version}}' "$module")-$(go env GOVERSION)
if [ ! -x "$binary" ]; then
	mkdir -p "$(dirname "$binary")"
	echo "building $(basename "$binary"), once" >&2
	go build -o "$binary.$$" "$package"
	mv "$binary.$$" "$binary"
fi
echo "$binary"
