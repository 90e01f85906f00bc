# make demo   the radon analysis from nothing: environment, toolchain, report
# make test   the whole test suite; make lint: ruff and mypy
# make notebooks   run the notebooks and write them back; draw README's pictures
# make bench  this package beside its peers: CASES=radon,us CONTENDERS=marginal,pymc
#             COLD=radon REPEATS=3 LIMIT=600 WARMUP=1000 DRAWS=1000 OUT=build/benchmarks
# PYTHON chooses the interpreter (3.11 or newer), VENV where its environment goes.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

CASES ?= all
CONTENDERS ?= all
COLD ?= radon
REPEATS ?= 3
LIMIT ?= 600
WARMUP ?= 1000
DRAWS ?= 1000
OUT ?= build/benchmarks

.PHONY: demo test test-fast test-notebooks notebooks bench lint clean

demo: $(VENV)/installed
	$(BIN)/hierstan demo --out radon-report --force

test: lint
	$(BIN)/python -m pytest

test-fast: $(VENV)/installed-dev
	$(BIN)/python -m pytest -m "not stan and not slow"

test-notebooks: $(VENV)/installed-dev
	$(BIN)/python -m pytest -m notebooks

notebooks: $(VENV)/installed-dev
	$(BIN)/python notebooks/execute.py
	$(BIN)/python notebooks/pictures.py

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/installed-dev
	PYTHONPATH=tests $(BIN)/python -m benchmarks --cases "$(CASES)" \
	  --contenders "$(CONTENDERS)" --cold "$(COLD)" --repeats "$(REPEATS)" \
	  --limit "$(LIMIT)" --warmup "$(WARMUP)" --draws "$(DRAWS)" --out "$(OUT)"

clean:
	rm -rf $(VENV) radon-report

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "hierstan needs Python 3.11 or newer; name one with make PYTHON=python3.12" >&2; \
	  exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --disable-pip-version-check --editable .
	@touch $@

$(VENV)/installed-dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/installed
