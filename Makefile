PYTHON ?= python3
BIN := .venv/bin

# Whoever keeps no bytecode, as containers often say, would have each process that a test starts compile the project anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help venv demo test soak up bench pictures lint lock clean

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 12

# A changed lock makes a new .venv; a changed project file only installs the project again. A half-made one leaves no stamp.
.venv/.locked: requirements.lock
	$(PYTHON) -c 'import sys; sys.exit("wfgov needs Python 3.11 or newer: make PYTHON=/path/to/python3.11") if sys.version_info < (3, 11) else None'
	rm -rf .venv
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	touch $@

.venv/.stamp: .venv/.locked pyproject.toml requirements.in
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

venv: .venv/.stamp ## .venv with everything, from the hashed lock

demo: venv ## the whole path once, on two samples
	$(BIN)/wfgov demo

up: venv ## Dagster with everything of ours, served on this machine
	$(BIN)/wfgov up

lint: venv ## ruff, mypy, import-linter
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --num-workers 2
	$(BIN)/lint-imports

# In the order of the folders: files of few, long tests would else all come last, and one of the two would wait.
test: lint ## the gates, then every test at small size
	WFGOV_TEST_SIZE=small $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

soak: venv ## every test at the sizes of the promises; WFGOV_TEST_SEED repeats a run
	WFGOV_TEST_SIZE=soak $(BIN)/python -m pytest --timeout=7200

bench: venv ## derivation against plain pandas + networkx; diffs against deepdiff; flows and publishes
	$(BIN)/python -m tests.bench

pictures: venv ## the pictures of the docs, from a real browser
	$(BIN)/python -m tests.pictures

lock: ## resolve requirements*.in into requirements.lock
	rm -rf .lock && $(PYTHON) -m venv .lock
	.lock/bin/python -m pip install --quiet --disable-pip-version-check uv
	.lock/bin/uv pip compile --quiet --universal --python-version 3.11 --upgrade --generate-hashes --no-strip-extras \
		--no-header --no-emit-index-url --no-emit-find-links requirements.in requirements-dev.in -o requirements.lock
	rm -rf .lock

clean: ## remove what make made; state in .wfgov stays
	rm -rf .venv .lock .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis wfgov.egg-info
