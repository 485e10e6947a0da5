# One target a job. The jobs themselves are in scripts/, one file each.
.DEFAULT_GOAL := help
.PHONY: help run build test lint verify generate bench e2e fuzz
MAKEFLAGS += --no-print-directory

# The version that "guildhall version" prints: git's, when there is a git.
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null)

help: ## print this list
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile

run: build ## build and start everything on embedded defaults, data in ./guildhall-data
	@exec bin/guildhall serve $(ARGS)

build: ## write bin/guildhall, one static file
	@CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.stamped=$(VERSION)" -o bin/guildhall ./cmd/guildhall

test: ## install what the tests need and run them all, with the race detector
	@scripts/test.sh $(ARGS)

lint: ## run the pinned linter; its first build takes minutes
	@scripts/lint.sh $(ARGS)

generate: ## make again everything that is generated
	@scripts/generate.sh

verify: ## fail when something generated, or go.mod, is not up to date
	@scripts/verify.sh

bench: ## run the benchmarks (BENCH=pattern PKG=./bench/...)
	@scripts/bench.sh

e2e: ## run the whole flows in Chromium and with real clients
	@scripts/test.sh ./e2e/...

fuzz: ## run each fuzz target for a minute (FUZZTIME=10s FUZZ=pattern)
	@scripts/fuzz.sh
