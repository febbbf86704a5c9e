# Strongroom. `make` lists what can be made.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
JOBS ?= 2
SECONDS ?= 600

.PHONY: help install develop demo up down servers test test-unit check format generate faults fuzz bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(VENV)/installed ## put the command at .venv/bin/strongroom

develop: $(VENV)/developed ## install, with what the tests need

demo: $(VENV)/installed ## a genome file all the way, in one process, on this machine
	@bash tests/stack/need.sh sftp openssh-client
	@$(BIN)/strongroom demo

servers: $(VENV)/developed ## install RabbitMQ, PostgreSQL, MinIO and Ceph radosgw for the tests
	@bash tests/stack/install.sh

up: servers ## start the real stack: all servers, one process per service
	@$(BIN)/python -m tests.stack.node up

down: ## stop the real stack
	@$(BIN)/python -m tests.stack.node down

test: servers ## the whole suite, on real servers
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile tests

test-unit: $(VENV)/developed ## the tests that need no server
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile tests/unit

check: $(VENV)/developed ## format, lint, types, generated files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python docs/generate.py --check

format: $(VENV)/developed ## format and mend what can be mended by itself
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

generate: $(VENV)/developed ## make the generated pages anew
	$(BIN)/python docs/generate.py

faults: servers ## the fault tests at full length, and the page of what they found
	rm -f build/faults.json
	FAULTS=all $(BIN)/python -m pytest -n $(JOBS) --dist loadfile tests/faults tests/integration/outbox/test_broken_networks.py
	$(BIN)/python docs/faults.py

fuzz: $(VENV)/developed ## fuzz headers, segments and messages for SECONDS (600)
	FUZZ_SECONDS=$(SECONDS) $(BIN)/python -m pytest -n $(JOBS) tests/fuzz

bench: servers ## measure, print ratios, and write docs/explanation/performance.md
	$(BIN)/python -m tests.benchmarks
	$(BIN)/python -m tests.benchmarks.page

clean: ## remove what was built and installed here
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

# ---- the environment; both lock files hold versions and hashes

$(VENV)/bin/uv: requirements/uv.txt
	@bash tests/stack/need.sh --python $(PYTHON)
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

$(VENV)/installed: $(VENV)/bin/uv requirements/runtime.txt pyproject.toml
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements/runtime.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/developed: $(VENV)/installed requirements/dev.txt
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements/dev.txt
	@touch $@

.PHONY: lock
lock: $(VENV)/bin/uv ## resolve the dependencies anew
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml --extra build -o requirements/runtime.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml --extra build --extra dev -o requirements/dev.txt
	@# only if it differs: the environment is made anew when this file changes
	grep -A 40 '^uv==' requirements/dev.txt | sed '/^[a-z].*==/{1!Q}' | cmp -s - requirements/uv.txt || \
	    grep -A 40 '^uv==' requirements/dev.txt | sed '/^[a-z].*==/{1!Q}' > requirements/uv.txt
