# `make test` is the one test command: it installs what is missing and runs everything.
# On a fresh Debian machine it needs Go, Node.js and npm.

GO   ?= go
TOOL  = $(GO) tool -modfile=tools/go.mod
CHAT  = examples/chat

.PHONY: test lint generated go ts browser chromium nginx redis generate npm-pack picture fuzz bench bench-scale bench-latency \
	soak bench-failover agreement clean

test: lint generated go ts browser
	@echo "everything passed"

# Formatting, vet and the linters of .golangci.yml; a reason stands beside each exception there.
lint:
	$(TOOL) golangci-lint run ./...
	cd internal/interop && $(GO) tool -modfile=../../tools/go.mod golangci-lint run ./...
	cd bench && $(GO) tool -modfile=../tools/go.mod golangci-lint run ./...

# What is generated and committed is what the sources say now.
generated: node_modules/.installed
	$(GO) run ./cmd/chgen check $(CHAT)/chat.yaml
	$(GO) run ./cmd/chgen check internal/peer/peer.yaml
	$(GO) run ./cmd/chgen check bench/bench.yaml
	$(GO) run ./cmd/chgen check internal/soak/soak.yaml
	cd $(CHAT) && $(GO) tool -modfile=../../tools/go.mod esbuild web/app.ts --bundle --format=esm --target=es2022 --log-level=warning \
		| diff -q - web/dist/app.js \
		|| { echo "$(CHAT)/web/dist/app.js is stale: run 'make generate'" >&2; exit 1; }

go: node_modules/.installed nginx redis
	$(GO) test -race ./...
	$(GO) test -race -tags chgen_portable ./runtime/internal/engine ./runtime/channel # what systems without epoll get
	cd internal/natstest && $(GO) test -race ./...
	cd internal/interop && $(GO) test ./... # a client of others, which has races of its own
	$(GO) test -count=1 -run Allocate ./runtime/channel # counted, which -race would spoil
	cd bench && $(GO) build -o /dev/null . && $(GO) vet ./...
	$(GO) test ./schema/compat # every edit of the proof; under -race a sample of them

ts: node_modules/.installed
	npm run --silent typecheck
	npm run --silent test:ts
	npm run --silent test:asyncapi

# The chat as people use it: two pages in Chromium, the official phoenix client, and three chats over one Redis.
browser: node_modules/.installed chromium redis
	npm run --silent test:browser

# The TypeScript runtime as an npm package, into the current directory.
npm-pack: node_modules/.installed
	npm pack ./runtime/ts

generate:
	$(GO) generate ./...

# The README's picture, from the running example.
picture: node_modules/.installed chromium
	PICTURE=$(CURDIR)/docs/chat.png npm run --silent test:browser -- -t 'as the README shows it'

node_modules/.installed: package-lock.json
	npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

chromium:
	@command -v chromium >/dev/null || { \
		if [ "$$(id -u)" = 0 ]; then apt-get update -q && apt-get install -qy --no-install-recommends chromium; \
		else echo "make test needs Chromium: sudo apt-get install chromium" >&2; exit 1; fi; }

nginx:
	@command -v nginx >/dev/null || test -x /usr/sbin/nginx || { \
		if [ "$$(id -u)" = 0 ]; then apt-get update -q && apt-get install -qy --no-install-recommends nginx; \
		else echo "make test needs nginx: sudo apt-get install nginx" >&2; exit 1; fi; }

redis:
	@command -v redis-server >/dev/null || { \
		if [ "$$(id -u)" = 0 ]; then apt-get update -q && apt-get install -qy --no-install-recommends redis-server; \
		else echo "make test needs Redis: sudo apt-get install redis-server" >&2; exit 1; fi; }

# chgen beside its peers, into bench/RESULTS.md: about seven minutes, on a machine that does nothing else.
bench: bench/node/node_modules redis
	cd bench && $(GO) run . -out RESULTS.md

# How cost grows with subscribers, topics, messages, nodes and members, into docs/scale.md: about five minutes.
bench-scale: redis
	cd bench && $(GO) run . -scale -out ../docs/scale.md

bench/node/node_modules: bench/node/package-lock.json
	npm ci --prefix bench/node --ignore-scripts --no-audit --no-fund
	@touch $@

# What stalled and hostile clients do to the latency of the others; about eight minutes, on a machine that does nothing else.
bench-latency:
	$(GO) test -run '^$$' -bench Latency -benchtime 1x -timeout 30m ./internal/hostile

# Services of several processes under faults, for as long as one likes: make soak SOAK=30m SEED=7 NODES=3 FOLLOWERS=60
SOAK ?= 5m
soak: redis
	SOAK=$(SOAK) $(GO) test -count=1 -timeout=0 -v -run='^TestSoak$$' ./internal/soak

# 10,000 clients on three nodes, of which one is killed.
bench-failover: redis
	$(GO) test -run='^$$' -bench='^BenchmarkFailover$$' -benchtime=1x ./internal/soak

# How long each fuzz target runs. Go may end a run whose time is up with "context deadline exceeded", although nothing was
# found: what it finds it names as a failing input.
FUZZTIME ?= 1m
fuzz:
	@log=$$(mktemp); trap 'rm -f "$$log"' EXIT; \
	for target in $$(grep -rlE '^func Fuzz' --include='*_test.go' . | grep -v node_modules | xargs -n1 dirname | sort -u); do \
		for name in $$(grep -hoE '^func Fuzz[A-Za-z0-9_]+' $$target/*_test.go | cut -c6-); do \
			echo "$$target $$name"; \
			$(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1s ./$$target >"$$log" 2>&1 \
				|| { grep -q 'context deadline exceeded' "$$log" && ! grep -q 'Failing input' "$$log"; } \
				|| { cat "$$log"; exit 1; }; \
			grep 'elapsed' "$$log" | tail -1; \
		done; done

# Go and TypeScript on as many payloads as one likes: make agreement AGREEMENT_COUNT=1000000 SEED=7
AGREEMENT_COUNT ?= 1000000
agreement: SEED := $(or $(SEED),$(shell date +%s))
agreement: node_modules/.installed
	@echo "SEED=$(SEED)"
	$(GO) test -count=1 -timeout=0 -run='^TestGoAndTypeScriptAgree$$' ./templates/typescript \
		-agreement=$(AGREEMENT_COUNT) -seed=$(SEED)

clean:
	rm -rf node_modules
