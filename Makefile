# A thin face over plain commands; CONTRIBUTING.md gives each of them.
PYTHON ?= python3
PORT ?= 8000
DATA ?= var/demo
WORKERS ?= 1
JOBS ?= 2
ENV := .venv
BIN := $(ENV)/bin
BUILT_FROM := pyproject.toml package.json package-lock.json $(wildcard build_backend/*.py)

.PHONY: setup demo serve test check format bench soak browser clean help

help:
	@echo "make demo    install and serve both apps with sample data (PORT=8000 DATA=var/demo)"
	@echo "make serve   serve a data folder (PORT, DATA, WORKERS)"
	@echo "make test    install what the tests need and run them"
	@echo "make check   linter, formatter, types, import order, layout"
	@echo "make bench   compare with the hand-written application; writes var/bench.json"
	@echo "make soak    the long campaigns in full"

# --- environment: each stamp is newer than what it was made from, so a second call is free ---

$(ENV)/python.stamp:
	@$(PYTHON) -c 'import sys; sys.exit("Dacheng needs Python 3.11 or newer: make PYTHON=python3.12 …" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(ENV)
	@touch $@

$(ENV)/run.stamp: $(ENV)/python.stamp $(BUILT_FROM)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(ENV)/test.stamp: $(ENV)/python.stamp $(BUILT_FROM)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	$(BIN)/python build_backend/browser_libraries.py --axe
	@touch $(ENV)/run.stamp $@

setup: $(ENV)/run.stamp

# --- use ---

demo: setup
	$(BIN)/dacheng demo --data $(DATA) --port $(PORT)

serve: setup
	$(BIN)/dacheng serve --data $(DATA) --port $(PORT) --workers $(WORKERS)

# --- work on it ---

browser:
	@sh tests/support/install_browser.sh

test: $(ENV)/test.stamp browser
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal

check: $(ENV)/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/layout

format: $(ENV)/test.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(ENV)/test.stamp
	@sh benchmarks/install_wrk.sh
	$(BIN)/python -m benchmarks.run --out var/bench.json

soak: $(ENV)/test.stamp browser
	DACHENG_SOAK=1 $(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m soak --junitxml var/soak.xml

clean:
	rm -rf $(ENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
