# The menu. Each target installs what it needs (Debian with Rust) and nothing when all is there.

export PATH := $(PATH):$(or $(CARGO_HOME),$(HOME)/.cargo)/bin
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run test lint bench crash soak fuzz fmt

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Build and start a server for development; ARGS='--listen …' hands flags on
	@xtask/need build
	cargo run --release --package kluis -- dev $(ARGS)

test: ## Run every test, with short crash and soak runs; ARGS='-E …' hands flags to nextest
	@xtask/need build nextest postgres databases strace clients
	cargo xtask test $(ARGS)
	cargo test --workspace --doc --quiet

lint: ## Check formatting, lints, documentation, dependencies and licences
	@xtask/need build rustfmt clippy deny
	cargo xtask lint

bench: ## Measure the server beside a reference server; ARGS='…' hands flags on
	@xtask/need build
	cargo build --release --package kluis && cargo build --release --package kluis-bench
	$(TARGET_DIR)/release/kluis-bench run --kluis $(TARGET_DIR)/release/kluis $(ARGS)

crash: ## Kill the server under load, KLUIS_CRASH_ROUNDS (200) times
	@xtask/need build nextest postgres strace
	KLUIS_CRASH_ROUNDS=$${KLUIS_CRASH_ROUNDS:-200} cargo xtask test -E 'package(kluis-tests) & test(crash)' --no-capture

soak: ## Keep the server under load for KLUIS_SOAK_SECONDS (3600)
	@xtask/need build nextest postgres
	KLUIS_SOAK_SECONDS=$${KLUIS_SOAK_SECONDS:-3600} cargo xtask test -E 'package(kluis-tests) & test(soak)' --no-capture

fuzz: ## Ask every documented operation, KLUIS_FUZZ_CASES (2000) times per group, from KLUIS_FUZZ_SEED on
	@xtask/need build nextest postgres clients
	KLUIS_FUZZ_CASES=$${KLUIS_FUZZ_CASES:-2000} cargo xtask test -E 'package(kluis-tests) & test(fuzz)' --no-capture

fmt: ## Format the code
	@xtask/need rustfmt
	cargo fmt --all
