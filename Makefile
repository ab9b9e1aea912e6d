# Everything from a fresh clone: `make demo` searches, `make test` checks.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint clean

# A real search on the embedded digits: needs no data and no network once it is installed.
demo: $(VENV)/installed
	$(BIN)/nas search --dataset digits --budget 3000 --trials 12 --study ./demo
	@echo "Now try: $(BIN)/nas show ./demo"

# Two files at a time, in the order of tests/conftest.py: many wait for processes, servers and silence.
test: lint
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: $(VENV)/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

$(VENV)/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "nas needs Python 3.11 or newer, and $(PYTHON) is older: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) demo
