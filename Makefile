# Cairn. `make` or `make help` lists what there is.
# `make demo` and `make test` set up everything by themselves on Debian, Ubuntu and macOS.

SHELL := /bin/bash

# A Python with pyarrow, DuckDB, polars and pandas, which tests read Cairn's files with.
export CAIRN_VENV ?= $(CURDIR)/.venv
# How many crashes `make crash` causes.
CAIRN_CRASH_RUNS ?= 200
# How long `make fuzz` feeds each fuzz target, in seconds.
CAIRN_FUZZ_SECONDS ?= 60

.DEFAULT_GOAL := help
.PHONY: help setup venv build release lint format test docs demo crash fuzz bench clean

help: ## List the targets.
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile

setup: ## Install what is missing: system libraries (apt-get or Homebrew); check the Swift toolchain.
	@Scripts/setup.sh

venv: setup ## Make .venv with the Python packages that tests compare with.
	@Scripts/venv.sh

build: setup ## Build everything for debugging, tests too.
	swift build --build-tests

release: setup ## Build the command for use: .build/release/cairn.
	swift build -c release --product cairn

lint: setup ## Check the format of all Swift sources; any finding is an error.
	@Scripts/lint.sh

format: setup ## Format all Swift sources in place.
	@Scripts/lint.sh --fix

test: setup venv lint build ## Lint, build, run all tests, then those of the examples. Half an hour from a clean clone on 2 cores.
	@Scripts/test.sh
	@Scripts/examples.sh
	@"$$CAIRN_VENV/bin/python" -m unittest discover -s Tests/Standins

docs: setup ## Build the documentation of the Parquet library: .build/docs/Parquet.
	@Scripts/docs.sh

demo: release ## Generate, load, crash at 60 %, resume, verify: see Cairn work.
	.build/release/cairn demo

crash: setup ## Kill loads at fault points and random moments: CAIRN_CRASH_RUNS=200 of them.
	CAIRN_CRASH_RUNS=$(CAIRN_CRASH_RUNS) swift test --filter Crash

fuzz: setup ## Fuzz the parser and the Parquet reader, CAIRN_FUZZ_SECONDS=60 each.
	CAIRN_FUZZ_SECONDS=$(CAIRN_FUZZ_SECONDS) Scripts/fuzz-parser.sh
	CAIRN_FUZZ_SECONDS=$(CAIRN_FUZZ_SECONDS) Scripts/fuzz-parquet.sh

bench: release ## Measure speed and memory beside other tools: ONLY=convert,load… ROUNDS=5.
	swift build -c release --product batch-program
	swift build -c release --product connector-program
	@Scripts/setup.sh bench
	@Scripts/venv.sh bench
	swift build -c release --product CairnBench
	"$$CAIRN_VENV/bin/python" Scripts/bench/bench.py $(if $(ONLY),--only $(ONLY)) $(if $(ROUNDS),--rounds $(ROUNDS))

clean: ## Remove what make made: builds, .venv, bench-data.
	rm -rf .build .build-examples .build-examples-alone Scripts/bench/parquet-bench/.build .venv bench-data
