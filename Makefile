# Everything from a fresh clone: `make demo` searches, `make test` checks.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Many tests wait, so there are more workers than cores. The longest files are first (tests/conftest.py).
EVERYDAY := $(BIN)/pytest -n 3 --dist worksteal -m 'not extended'
# Files that start servers and clusters stay whole, two at a time.
EVERYTHING := $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: demo test test-all everyday everything types lint clean

# A real search on the embedded digits: needs no data, and no network once it is installed.
demo: $(VENV)/installed
	$(BIN)/nas search --dataset digits --budget 3000 --trials 12 --study demo

# The everyday tests. Types are checked beside them, because that takes a minute of one core.
test: lint
	$(MAKE) --no-print-directory -j 2 types everyday

# These, and those that need Ray, MariaDB, Redis, S3 or a browser, or take long.
test-all: lint
	$(MAKE) --no-print-directory -j 2 types everything

everyday: $(VENV)/installed
	$(EVERYDAY)

everything: $(VENV)/installed
	$(EVERYTHING)

types: $(VENV)/installed
	$(BIN)/mypy

lint: $(VENV)/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

$(VENV)/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "nas needs Python 3.11 or newer, and $(PYTHON) is older: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "Installing into $(VENV): PyTorch with CUDA is several GB to download"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@

# Studies are kept: they are under studies/.
clean:
	rm -rf $(VENV)
