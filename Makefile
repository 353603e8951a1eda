# `make demo` and `make test` set everything up in .venv first; Python, g++, make and perl are all they need.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
HOUSE := build/house

# The models that are not ours to ship; tests that want them say so when they skip.
export TFL2HW_MODELS ?= $(abspath ../shared/models)

PYTEST_FLAGS ?= -n auto --dist loadfile

.PHONY: help setup demo test test-long lint docs format types imports house clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup: $(READY) ## make .venv with everything: simulation, bitstreams, tests

$(READY): pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "error: $(PYTHON) is not on PATH: tfl2hw needs Python 3.10 to 3.13; name one with PYTHON=..." >&2; exit 2; }
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; (3, 10) <= v <= (3, 13) or sys.exit("error: tfl2hw needs Python 3.10 to 3.13, and $(PYTHON) is %d.%d: name another one with PYTHON=..." % v)'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "error: $(PYTHON) has no venv module: install it (on Debian: apt-get install python3-venv)" >&2; exit 2; }
	@for tool in g++ perl; do command -v $$tool >/dev/null || { echo "error: $$tool is not on PATH: simulation needs g++, make and perl" >&2; exit 2; }; done
	@echo "setting up $(VENV) (a minute, and downloads)"
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install -qq --upgrade "pip>=25"
	$(BIN)/python -m pip install -qq --editable ".[sim,build,dev]"
	@touch $(READY)

demo: $(READY) ## digits on the iCEBreaker: simulate bit-exactly, then build the bitstream
	@BIN=$(BIN) sh examples/digits/demo.sh

test: $(READY) ## the fast suite
	$(BIN)/python -m pytest $(PYTEST_FLAGS)

test-long: $(READY) ## everything: whole models, place and route
	$(BIN)/python -m pytest $(PYTEST_FLAGS) -m "long or not long"

lint: $(READY) house ## ruff, mypy --strict and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@$(MAKE) --no-print-directory types imports

docs: house ## the documentation site in build/site; a warning is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict

format: $(READY) ## let ruff rewrite what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Type checkers and import-linter look for packages on disk, where `tfl2hw.sim` is not in `tfl2hw/`: they
# run on a copy that setuptools lays out as an installation would be.
house: $(READY)
	@rm -rf $(HOUSE)
	@$(BIN)/python -c 'import setuptools; setuptools.setup()' -q build_py --build-lib $(HOUSE)

types: house
	cd $(HOUSE) && $(CURDIR)/$(BIN)/mypy --config-file $(CURDIR)/pyproject.toml --cache-dir $(CURDIR)/.mypy_cache

imports: house
	cd $(HOUSE) && $(CURDIR)/$(BIN)/lint-imports --config $(CURDIR)/pyproject.toml --no-cache

clean: ## remove what was built, .venv too
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
