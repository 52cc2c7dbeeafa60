# make run     build everything and serve it with demo accounts
# make test    everything that must hold before a change is merged
# make help    the rest
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
# One step after the other: each uses all cores by itself, and the sandbox tests want a machine that is not busier than needed.
.NOTPARALLEL:
.DEFAULT_GOAL := help

PORT ?= 8000
MINUTES ?= 10
SEEDS ?= 100
# Postgres never runs as root and must reach its files, which it cannot below a home directory like /root.
DATA ?= $(if $(filter 0,$(shell id -u)),/var/lib/practicum,data)

# Where scripts/setup puts a Node that is newer than the system's.
export PATH := $(CURDIR)/.cache/bin:$(PATH)

PRACTICUM := target/debug/practicum
TOOLS := .cache/tools/bin
# A step's output goes to the terminal and to a file that `summary` reads.
RECORD = 2>&1 | tee .cache/test/$@.log
# The first exercise of each section.
ONE_PER_SECTION = $(shell awk '/^section *=/ && !seen[$$3]++ { split(FILENAME, path, "/"); print path[2] }' exercises/*/exercise.toml)

.PHONY: help run test bench bench-sandbox bench-explore bench-simulation fuzz kernel-test soak fmt clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 15

run: setup-run build runtime ## serve on 127.0.0.1 with demo accounts (PORT=8000, DATA=directory)
	$(PRACTICUM) serve --demo --data $(DATA) --exercises exercises --listen 127.0.0.1:$(PORT)

test: setup-test check-format check-containers web-test build runtime check-api lint rust-test exercises-test grader-rights-test browser-test amqp-referee-test summary ## run every check and every test

bench: setup-bench runtime web/dist/index.html bench-sandbox bench-explore bench-simulation ## compare gradings, sandboxes and schedules with what else there is; cost of simulated runs and of each exercise
	cargo build --workspace --release --locked
	scripts/bench/compare.py
	scripts/bench/exercises.py

bench-sandbox: setup-bench ## compare sandboxes with bare processes, unshare and bubblewrap
	cargo bench --workspace --bench sandbox --locked

# The scheduler is loaded by the programs under it, so that cargo does not know that the benchmark needs it.
bench-explore: setup-bench ## compare the exploration of schedules with frontrun and with stress; PROGRAMS="abba counter" or parts
	cargo build --workspace --release --locked
	cargo bench --workspace --bench explore --locked -- $(PROGRAMS)

bench-simulation: setup-bench runtime ## tell what simulated runs cost
	cargo bench --workspace --bench clusters --locked

# In .cache what is found stays for the next time; what is in grader/fuzz/corpus is what every search begins with, and
# what the tests `framing`, `answers` and `anything` read. `cargo fuzz cmin` makes a corpus small again.
fuzz: setup-fuzz ## look for bytes that break what reads from a sandbox, or a simulated machine (MINUTES=10 for each)
	for target in submission examiner explorer world disk guest; do \
	  mkdir -p .cache/fuzz/$$target; \
	  RUSTC_BOOTSTRAP=1 .cache/fuzz/bin/cargo-fuzz fuzz run --fuzz-dir grader/fuzz --target-dir target/fuzz $$target \
	    .cache/fuzz/$$target grader/fuzz/corpus/$$target -- -max_total_time=$$(($(MINUTES) * 60)) -rss_limit_mb=2048 \
	    -timeout=20 -dict=grader/fuzz/words.dict -print_final_stats=1; \
	done

kernel-test: setup-run build runtime ## try the sandbox under Debian's own kernel, emulated, with control groups of version 2 alone
	cargo test --workspace --locked --no-run
	scripts/on-debian-kernel $(PRACTICUM) doctor
	scripts/on-debian-kernel $(PRACTICUM) check $(ONE_PER_SECTION)
	scripts/on-debian-kernel cargo test --offline --locked --workspace --test alike --test sandbox

soak: setup-run build runtime ## accept every exercise thoroughly, with every core busy; simulate with many seeds (SEEDS=100); explore the zoo of schedules
	$(PRACTICUM) check --thorough
	$(PRACTICUM) check --seeds $(SEEDS) $(notdir $(wildcard exercises/sim-*))
	cargo test --workspace --locked --test schedules -- --ignored --nocapture --test-threads=1

fmt: ## format the Rust code
	cargo fmt --all
	cargo fmt --manifest-path grader/fuzz/Cargo.toml

clean: ## remove what was built and downloaded, but no data
	cargo clean
	rm -rf .cache web/dist web/node_modules

.PHONY: setup-run setup-test setup-bench setup-fuzz
setup-run setup-test setup-bench setup-fuzz: setup-%:
	@scripts/setup $*
	@rm -rf .cache/test && mkdir -p .cache/test

.PHONY: build runtime
build: web/dist/index.html
	cargo build --workspace --locked

# The Python of the simulated lane; made anew only when what it is made from has changed.
runtime:
	scripts/runtime

web/node_modules/.installed: web/package.json web/package-lock.json
	cd web && npm ci --ignore-scripts --no-audit --no-fund
	touch $@

web/dist/index.html: web/node_modules/.installed $(shell find web -type f -not -path 'web/node_modules/*' -not -path 'web/dist/*' -not -path 'web/e2e/*' -not -path 'web/test-results/*' 2>/dev/null)
	cd web && npm run build
	touch $@

# With --keep-going a step does not run when what it needs could not be made.
rust-test exercises-test grader-rights-test browser-test amqp-referee-test check-api: build
rust-test exercises-test browser-test: runtime
lint: web/dist/index.html

.PHONY: check-format check-containers web-test check-api lint rust-test exercises-test grader-rights-test browser-test amqp-referee-test summary
check-format:
	cargo fmt --all --check
	cargo fmt --manifest-path grader/fuzz/Cargo.toml --check

check-containers:
	$(TOOLS)/shellcheck scripts/setup scripts/runtime scripts/on-debian-kernel .ci/run deploy/entrypoint deploy/database-roles
	$(TOOLS)/hadolint Dockerfile
	$(TOOLS)/docker-compose --file docker-compose.yml config --quiet

web-test: export NO_COLOR := 1
web-test: web/node_modules/.installed
	cd web && npm run check
	npm --prefix web run test $(RECORD)

# The web app is typed by the API document that is kept beside it; it must be the one that this server prints.
check-api:
	$(PRACTICUM) openapi | diff --unified web/openapi.json -

lint:
	cargo clippy --workspace --all-targets --locked -- -D warnings

rust-test:
	$(PRACTICUM) with-postgres -- cargo test --workspace --locked --no-fail-fast $(RECORD)

exercises-test:
	$(PRACTICUM) check $(RECORD)
	$(PRACTICUM) check --thorough $(ONE_PER_SECTION) 2>&1 | tee --append .cache/test/$@.log

# What compose grants a grader is enough for its sandbox, and so are an ordinary user's rights. Only root can take rights
# away from a process.
grader-rights-test:
ifeq ($(shell id -u),0)
	scripts/as-grader $(PRACTICUM) doctor
	scripts/as-user $(PRACTICUM) doctor
else
	@echo "not tried, for it takes root: is what docker-compose.yml grants a grader enough?"
endif

browser-test: export NO_COLOR := 1
browser-test:
	scripts/with-server npm --prefix web run e2e $(RECORD)

# The broker of AMQP suites answers like RabbitMQ, which comes from the distribution into .cache and is not installed.
amqp-referee-test:
	/usr/bin/python3 -B scripts/referee/compare.py $(RECORD)

# What each runner said in the end, and what it had against whatever failed, in one place.
summary:
	@for step in web-test rust-test exercises-test browser-test amqp-referee-test; do \
	  printf '\n%s\n' "$$step"; \
	  grep -ashE '^ *(Running |Doc-tests |test result:|Test Files |Tests )|^[a-z]+-[0-9]{2}-[a-z-]+ |^test .* FAILED| panicked at | must fail \{| but fails \{|replay: practicum|conversations held|programs compared|no differences|NOT COMPARED' .cache/test/$$step.log || true; \
	done
