# Every target sets up what it needs: python3 (3.11 or later), pip and make are enough.
# Another interpreter: make test PYTHON=python3.13

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PYTEST_ARGS ?=

PYTHON_VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null)

# The version is part of the name so that another PYTHON gets a new environment.
ENVIRONMENT := $(VENV)/.python-$(PYTHON_VERSION)
READY := $(VENV)/.installed

# Tests that search a part of the way in the suite, and all of it in a soak.
SEARCHES := tests/bugs/test_corpus.py tests/model tests/pytest_durable/schedules tests/pytest_durable/endpoint/wire \
	tests/pytest_durable/endpoint/test_in_process.py

.DEFAULT_GOAL := help
.PHONY: help setup demo test soak lint format types docs bench parity differential record-migration aws-cli check clean

help:
	@echo 'make demo    run the examples and print the timeline of each durable test'
	@echo 'make test    run the whole test suite'
	@echo 'make check   test, lint, types and docs'
	@echo 'make soak    random workflows against a model, for minutes'
	@echo 'make bench | parity | differential      speed, names and behaviour beside AWS'"'"'s packages'
	@echo 'make record-migration                   record executions under AWS'"'"'s SDK anew'
	@echo 'make aws-cli                            install the AWS CLI for the tests that call it'
	@echo 'make lint | format | types | docs | setup | clean'

$(ENVIRONMENT):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo '"$(PYTHON)" is not Python 3.11 or later; name one that is: make PYTHON=...' >&2; exit 1; }
	@# Some systems ship venv without ensurepip; there the system's pip installs the new one's.
	$(PYTHON) -m venv --clear $(VENV) || { \
		$(PYTHON) -m venv --clear --without-pip $(VENV) \
		&& $(PYTHON) -m pip --python $(BIN)/python install --quiet pip; }
	@touch $@

$(READY): $(ENVIRONMENT) pyproject.toml durable_sdk/pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ./durable_sdk -e '.[dev]'
	@touch $@

setup: $(READY)

demo: $(READY)
	$(BIN)/python -m pytest examples/ -p no:cacheprovider --durable-timeline -q $(PYTEST_ARGS)

# loadgroup keeps tests that share an expensive fixture on one worker.
test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadgroup $(PYTEST_ARGS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(READY)
	$(BIN)/mypy --strict durable_sdk pytest_durable tests/durable_sdk/typing
	$(BIN)/pyright --pythonpath $(BIN)/python

docs: $(READY)
	$(BIN)/sphinx-build -E -W -n --keep-going -q -d build/doctrees docs build/docs

bench: $(READY)
	$(BIN)/python benchmarks/run.py

# Takes minutes: each case of the corpus a thousand times, the whole of each search that the suite makes a part
# of, thousands of workflows with fresh chance, and ten thousand plans of faults and orders, each run three
# times; then a hundred deaths of sandboxes, and forty of the server.
soak: $(READY)
	SOAK_RUNS=1000 $(BIN)/python -m pytest -n 2 -q -k many_runs tests/pytest_durable/simulator/test_determinism.py
	SOAK_RUNS=1 $(BIN)/python -m pytest -n 2 --dist loadgroup -q $(SEARCHES)
	cd tests && $(abspath $(BIN))/python -m model.soak
	cd tests && PYTHONPATH=.. $(abspath $(BIN))/python -m plans.replayed 10000
	cd tests && $(abspath $(BIN))/python -m kills 100 40

differential: $(READY)
	$(BIN)/python tests/differential/run.py

# The tests of the local endpoint call it. It pins another botocore than boto3's, hence another environment.
aws-cli: build/aws-cli/bin/aws

build/aws-cli/bin/aws: $(READY)
	$(BIN)/python -m venv build/aws-cli || { \
		$(BIN)/python -m venv --clear --without-pip build/aws-cli \
		&& $(BIN)/python -m pip --python build/aws-cli/bin/python install --quiet pip; }
	build/aws-cli/bin/python -m pip install --quiet --disable-pip-version-check awscli

record-migration: $(READY)
	$(BIN)/python tests/migration/record.py

# Needs the network: AWS's packages are installed from the index, into build/.
parity: $(READY)
	$(BIN)/python tests/parity/compare.py

check: test lint types docs

clean:
	rm -rf build $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis
