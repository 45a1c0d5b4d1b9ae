# agio: `make` alone lists the targets.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
HOT    := $(shell $(PYTHON) agio/hot_paths.py 2>/dev/null)
SECONDS ?=
WORKERS ?= 3
UV     ?= uv

PACKAGES := vocabulary fix_specs objects gateway matching marketdata accounts trading agio
CHECKED  := $(PACKAGES) deploy tests setup.py $(wildcard bench)

.DEFAULT_GOAL := help
.PHONY: help environment build demo test test-uncompiled bench conformance cloud package fuzz attacks planted bounded campaign readers takeovers lint format lock clean

help: ## List the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

environment: build ## Make .venv with the pinned dependencies and the compiled hot paths

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo "agio needs Python 3.11 or newer; $(PYTHON) is: $$($(PYTHON) --version 2>&1)."; \
	    echo "Name another one: make PYTHON=/path/to/python3.11 environment"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.dependencies: requirements-dev.txt | $(BIN)/python
	$(BIN)/python -m pip install --require-hashes -r requirements-dev.txt
	@touch $@

$(VENV)/.installed: pyproject.toml setup.py $(VENV)/.dependencies
	AGIO_UNCOMPILED=1 $(BIN)/python -m pip install --no-deps --no-build-isolation --editable .
	@touch $@

# A hot path that has changed is compiled again before anything runs it.
$(VENV)/.compiled: $(HOT) agio/hot_paths.py setup.py $(VENV)/.installed
	$(BIN)/python setup.py --quiet build_ext --inplace --parallel 2
	@touch $@

build: $(VENV)/.compiled ## Compile the hot paths that have changed

demo: build ## Run the venue with strategies trading on it (SECONDS=30 to end by itself)
	$(BIN)/agio demo $(if $(SECONDS),--seconds $(SECONDS))

# Much of the tests' time is spent waiting, so there are more workers than cores. A module may be
# split among them, each with module fixtures of its own; to see one alone: pytest tests/...
PYTEST := $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal

test: build ## Run every test, then the core's again uncompiled (WORKERS=3 at a time)
	$(PYTEST)
	@$(MAKE) --no-print-directory test-uncompiled

test-uncompiled: build
	AGIO_UNCOMPILED=1 $(PYTEST) -m core

bench: build ## Measure engine, FIX, settlement and feed; print a table and save it as JSON
	$(BIN)/python -m bench

$(VENV)/.conformance: requirements-conformance.txt $(VENV)/.dependencies
	@echo "Compiling QuickFIX; this takes some minutes."
	$(BIN)/python -m pip install --require-hashes --no-build-isolation -r requirements-conformance.txt
	@touch $@

# A directory of QuickFIX-style scenario definitions and their player, where there is one.
conformance: export AGIO_FIX_SCENARIOS ?= $(wildcard ../shared)
conformance: build $(VENV)/.conformance ## QuickFIX as the client, and the FIX scenarios
	$(BIN)/python -m pytest -m conformance
	$(BIN)/python -m pytest tests/gateway/fix/test_dialogues.py

$(VENV)/.cloud: requirements-cloud.txt $(VENV)/.dependencies
	@echo "Installing what templates are made and checked with: half a gigabyte."
	$(BIN)/python -m pip install --require-hashes -r requirements-cloud.txt
	@touch $@

cloud: build $(VENV)/.cloud ## Render and check what a cluster and a cloud would be given
	$(BIN)/python -m pytest -m cloud tests/deploy

package: build ## Build the distributions, install one elsewhere, and run a venue from it
	$(BIN)/python -m pytest -m package tests/test_package.py

fuzz: build ## Feed the parsers garbage for a minute each
	AGIO_FUZZ_SECONDS=60 $(BIN)/python -m pytest tests/fuzz --timeout 0

attacks: build ## Guess and measure ten thousand times at the FIX door
	AGIO_ATTACKS=10000 $(BIN)/python -m pytest tests/gateway/edge/test_fix_attacks.py --timeout 0

planted: build ## Plant bugs in the engine, and see whether the tests find each
	$(BIN)/python -m tests.planted_bugs

bounded: build ## End a million orders at once, and look at the records that it takes
	$(BIN)/python -m tests.matching.bounded_campaign 1000000

campaign: build ## Kill execution instances and gateways for some minutes
	AGIO_CAMPAIGN_KILLS=30 $(BIN)/python -m pytest tests/trading/execution/edge/test_killed_instances.py --timeout 0

readers: build ## Kill readers of histories, publisher and feeds fifty times, with their stores away for a minute
	AGIO_CAMPAIGN_KILLS=50 $(BIN)/python -m pytest --timeout 0 \
		tests/marketdata/edge/test_readers_killed.py tests/gateway/edge/test_feeds_killed.py

takeovers: build ## Kill the leading alpha generator fifty times, and look for lost decisions
	AGIO_ALPHA_KILLS=50 $(BIN)/python -m pytest tests/trading/alpha/edge/test_takeover.py -s --timeout 0

lint: build ## Check style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(CHECKED)
	$(BIN)/lint-imports

format: build ## Put every file into the house format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

COMPILE := $(UV) pip compile --quiet --universal --generate-hashes --python-version 3.11

lock: ## Pin the dependencies anew (needs uv)
	$(COMPILE) pyproject.toml -o requirements.txt
	$(COMPILE) pyproject.toml --extra dev -c requirements.txt -o requirements-dev.txt
	$(COMPILE) requirements-conformance.in -c requirements-dev.txt -o requirements-conformance.txt
	$(COMPILE) requirements-cloud.in -c requirements-dev.txt -o requirements-cloud.txt

clean: ## Remove what the build made; the venue's data stays
	rm -rf $(VENV) build *.egg-info
	find $(PACKAGES) -name '*.so' -delete
