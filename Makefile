PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BENCH_FILES ?= .bench
HARLEQUIN := .bench/harlequin

# Where Python may not keep its bytecode, every start compiles the program anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo demo-postgres test lint fix bench screenshots snapshots keys clean help

help:
	@echo "make demo         open the sample conversations"
	@echo "make demo-postgres  the same on a PostgreSQL server, which is started for it and stopped at the end"
	@echo "make test         linters, types, import contracts and tests; ARGS=... chooses tests"
	@echo "make lint         the checks without the tests"
	@echo "make fix          let ruff repair what it can"
	@echo "make bench        the explorer on large files and the session class, beside budgets and other programs"
	@echo "make screenshots  make screenshots/*.svg from the running app"
	@echo "make snapshots    accept the snapshots that the tests compare with"
	@echo "make keys         write the README's table of keys from the commands"
	@echo "make clean        remove what the commands above made"

$(VENV)/run: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "convo-tui needs Python 3.11 or newer; name one: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/dev: $(VENV)/run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(VENV)/run
	@$(BIN)/convo-tui --demo

# The server is the one of the tests, and ends with the explorer.
demo-postgres: $(VENV)/dev
	@$(BIN)/python -m tests.postgres_server $(BIN)/convo-tui --demo --session trip-to-lisbon

# Tests of terminals and processes often wait: four at a time keep two cores busy. The checks run beside them, on one core at a
# time, and print what they found after the tests.
test: $(VENV)/dev
	@$(MAKE) --no-print-directory lint > $(VENV)/lint.log 2>&1 & checks=$$!; \
		$(BIN)/pytest -n 4 --dist worksteal $(ARGS); tests=$$?; \
		wait $$checks; checks=$$?; cat $(VENV)/lint.log; exit $$((tests + checks))

lint: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

fix: $(VENV)/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# A SQL client to compare with. It pins another Textual, so it gets an environment of its own.
$(VENV)/harlequin: $(VENV)/dev
	$(PYTHON) -m venv $(HARLEQUIN)
	$(HARLEQUIN)/bin/python -m pip install --quiet --disable-pip-version-check 'harlequin>=2.17,<3' \
		&& touch $@ || echo "harlequin: not installed"

bench: $(VENV)/dev $(VENV)/harlequin
	$(BIN)/python -m tests.bench --folder $(BENCH_FILES) --harlequin $(HARLEQUIN)/bin/harlequin $(BENCH)

screenshots: $(VENV)/dev
	$(BIN)/python -m screenshots.make

snapshots: $(VENV)/dev
	$(BIN)/pytest -n 2 --snapshot-update tests/explorer tests/screens tests/widgets

keys: $(VENV)/dev
	$(BIN)/python -m tui.commands README.md

clean:
	rm -rf $(VENV) .bench .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
