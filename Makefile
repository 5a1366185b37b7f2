# make run   build, import the sample data once, serve GraphiQL on 127.0.0.1:8080
# make test  all that CI checks
# The other targets are parts of these; CONTRIBUTING.md says when to use them.

GO ?= go
# Flags for `violentutf serve` of make run: make run FLAGS='--listen 127.0.0.1:9000'
FLAGS ?=

# What is compiled or embedded into the program. The list is kept in bin/sources, so that a file
# that was removed rebuilds the program as well.
SOURCES = find . -type d \( -name node_modules -o -name testdata -o -path ./bin -o -path ./app_data -o -path ./.git \) -prune -o -type f \
	\( -name '*.go' ! -name '*_test.go' -o -name '*.sql' -o -name '*.graphqls' -o -path './web/bundle/*' -o -path './web/src/examples/*' \
	-o -path ./go.mod -o -path ./go.sum \) -print
FILES := $(shell mkdir -p bin && $(SOURCES) | sort >bin/sources.new && \
	if cmp -s bin/sources.new bin/sources; then rm bin/sources.new; else mv bin/sources.new bin/sources; fi; cat bin/sources)

.NOTPARALLEL:
.PHONY: build run test bench e2e toolchain format vet staticcheck vulnerabilities generated tidy race faults browser bundle clean

build: bin/violentutf

# The version is asked for here, not made a prerequisite: a commit that changes no source links nothing anew.
bin/violentutf: bin/sources $(FILES)
	@$(MAKE) --no-print-directory toolchain
	@echo 'building bin/violentutf (the first build takes a few minutes: it fetches and compiles its libraries)'
	@version=$$(git describe --tags --always --dirty 2>/dev/null || echo development); \
	$(GO) build -buildvcs=false -ldflags "-X main.Version=$$version" -o $@.new ./cmd/violentutf && mv $@.new $@

run: bin/violentutf
	@exec bin/violentutf serve --dev --sample $(FLAGS)

test: toolchain format vet staticcheck vulnerabilities generated tidy browser race faults bundle
	@echo 'make test: all passed'

# Go 1.26 (any Go from 1.21 on fetches it by itself, unless GOTOOLCHAIN forbids) and a C compiler with
# the C++ library that DuckDB is linked with.
toolchain:
	@if ! command -v $(GO) >/dev/null 2>&1; then \
		echo 'Go is missing: version 1.26 or newer is needed.' >&2; \
		echo '  Debian, Ubuntu: sudo apt-get install golang-go   (older than 1.21? then from https://go.dev/dl)' >&2; \
		echo '  Fedora:         sudo dnf install golang' >&2; \
		echo '  macOS:          brew install go                  (or from https://go.dev/dl)' >&2; \
		exit 1; \
	fi
	@found=$$($(GO) env GOVERSION 2>&1); minor=$$(echo "$$found" | sed -n 's/.*go1\.\([0-9][0-9]*\).*/\1/p' | head -n 1); \
	if [ "$${minor:-0}" -lt 26 ]; then \
		echo "Go 1.26 or newer is needed, and here is: $$found" >&2; \
		echo '  Get it from https://go.dev/dl; or let Go 1.21 or newer fetch it: go env -w GOTOOLCHAIN=auto' >&2; \
		exit 1; \
	fi
	@library=-lstdc++; [ "$$(uname -s)" = Darwin ] && library=-lc++; mkdir -p bin; \
	if ! echo 'int main(void) { return 0; }' | $$($(GO) env CC) -x c - -o bin/.toolchain $$library 2>/dev/null; then \
		echo 'A C compiler with the C++ library is missing: DuckDB and SQLite are linked with it.' >&2; \
		echo '  Debian, Ubuntu: sudo apt-get install gcc g++' >&2; \
		echo '  Fedora:         sudo dnf install gcc gcc-c++ libstdc++-devel' >&2; \
		echo '  macOS:          xcode-select --install' >&2; \
		exit 1; \
	fi; rm -f bin/.toolchain
	@if [ "$$($(GO) env CGO_ENABLED)" != 1 ]; then \
		echo 'Go is told to use no C compiler: unset CGO_ENABLED, or set it to 1.' >&2; \
		exit 1; \
	fi

# Generated files keep the form in which their generator writes them.
format:
	@echo '== gofumpt'
	@files=$$(find . -type d \( -name node_modules -o -path ./.git -o -path ./bin \) -prune -o -type f -name '*.go' -print | \
		while read -r file; do head -n 20 "$$file" | grep -q '^// Code generated .* DO NOT EDIT\.$$' || echo "$$file"; done); \
	unformatted=$$($(GO) tool gofumpt -d $$files) || { echo "$$unformatted"; exit 1; }; \
	if [ -n "$$unformatted" ]; then echo "$$unformatted"; echo 'not formatted: go tool gofumpt -w FILE' >&2; exit 1; fi

vet:
	@echo '== go vet'
	@$(GO) vet ./...
	@if [ -d bench ]; then $(GO) vet -tags bench ./bench/...; fi

staticcheck:
	@echo '== staticcheck'
	@$(GO) tool staticcheck ./...

# Without the vulnerability database nothing can be said: that is told, and is no failure.
vulnerabilities:
	@echo '== govulncheck'
	@if found=$$($(GO) tool govulncheck ./... 2>&1); then echo "$$found"; \
	elif echo "$$found" | grep -q 'fetching vulnerabilities'; then \
		echo "$$found" >&2; \
		echo 'govulncheck: NOT CHECKED: the vulnerability database cannot be reached from here (GOVULNDB names another)' >&2; \
	else echo "$$found" >&2; exit 1; fi

# Generates in a copy, so that nothing of the tree is touched and changes not yet committed count as they are.
generated:
	@echo '== go generate changes nothing'
	@dir=$$(mktemp -d) || exit 1; trap 'rm -rf "$$dir"' EXIT; mkdir "$$dir/copy"; \
	record() { git -c core.autocrlf=false -c advice.addEmbeddedRepo=false --git-dir="$$dir/git" "$$@"; }; \
	git init -q --bare "$$dir/git" && record --work-tree=. add -A && before=$$(record write-tree) && \
	record --work-tree="$$dir/copy" checkout-index -a && (cd "$$dir/copy" && $(GO) generate ./...) && \
	(cd "$$dir/copy" && record --work-tree=. add -A) && \
	if ! record --no-pager diff --cached --stat --patch --exit-code "$$before"; then \
		echo 'generated files are not what their source generates: go generate ./... and commit' >&2; exit 1; \
	fi

tidy:
	@echo '== go.mod and go.sum are tidy'
	@$(GO) mod tidy -diff

race:
	@echo '== go test -race ./...'
	@$(GO) test -race -timeout 25m ./...

# What go test -race leaves out: each mutation failing at each of its steps.
faults:
	@echo '== mutations that fail'
	@$(GO) test -timeout 25m -run AMutationThat ./server

# The browser test drives Chromium with what web/package-lock.json pins.
browser: web/node_modules/.package-lock.json

web/node_modules/.package-lock.json: web/package-lock.json
	@if command -v npm >/dev/null 2>&1; then echo '== npm ci'; cd web && npm ci --no-audit --no-fund && touch node_modules/.package-lock.json; \
	elif [ "$$CI" = true ]; then echo 'npm is missing' >&2; exit 1; \
	else echo 'no npm here: the browser test will be skipped, and the bundle not rebuilt' >&2; fi

bundle:
	@echo '== web/bundle is what its source builds'
	@sh web/verify.sh

e2e: toolchain browser
	$(GO) test -count=1 -v -run TestBrowser ./cmd/...

# Minutes, on a quiet machine; docs/performance.md holds the figures.
bench: toolchain
	$(GO) test -tags bench -run Figures -count=1 -v -timeout 30m ./bench/...

# Leaves app_data alone: that is somebody's data.
clean:
	rm -rf bin web/node_modules web/dist
