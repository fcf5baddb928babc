# Two commands matter: `make demo` (a baseline on real data) and `make test` (everything CI runs).
# Both set themselves up from nothing but python3 with venv and pip. JOBS says how many tests run at once.

PYTHON ?= python3
VENV   ?= .venv
JOBS   ?= 2
BIN    := $(VENV)/bin
SETUP  := pyproject.toml constraints.txt

export MLFLOW_DISABLE_TELEMETRY := true

.PHONY: demo test lint style types docs mutation clean

# The demo needs neither torch nor the developers' tools.
demo: $(VENV)/.installed
	$(BIN)/cblcast train experiments/sme_baselines/turin.yaml --register sme-baseline --alias champion
	$(BIN)/cblcast score --model models:/sme-baseline@champion --data data/samples/turin.parquet \
		--events experiments/sme_baselines/events.csv --out models/turin_baseline.parquet
	$(BIN)/cblcast compare sme_baselines_turin

# Lines that no test runs are printed at the end. slipcover is loaded before pytest could rewrite its assertions; it has none.
# A file of tests stays with one process, so that what its tests share is made once; the long ones lie in front.
test: $(VENV)/.installed-dev
	$(MAKE) --no-print-directory --jobs=$(JOBS) types style $(VENV)/.bytecode
	$(BIN)/python -m slipcover -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder \
		-W "ignore:Module already imported so cannot be rewritten"

lint: $(VENV)/.installed-dev
	$(MAKE) --no-print-directory --jobs=$(JOBS) types style

style: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.installed-dev
	$(BIN)/mypy

# The site, into site/: a broken link, anchor or docstring is an error.
docs: $(VENV)/.installed-dev
	$(BIN)/mkdocs build --quiet

# Changes the core by a slip at a time and counts how many the tests notice: tests/mutation/README.md. Takes a while.
mutation: $(VENV)/.installed-dev
	$(BIN)/python tests/mutation/run.py

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# A stamp is newer than what it was made from, so a second call installs nothing.
$(VENV)/.installed: $(SETUP) | $(BIN)/python
	$(BIN)/python -m pip install --quiet -c constraints.txt -e .
	touch $@

$(VENV)/.installed-dev: $(SETUP) | $(BIN)/python
	$(BIN)/python -m pip install --quiet --no-compile -c constraints.txt -e ".[dev,docs,neural,scale,sizing,excel,database]"
	touch $(VENV)/.installed $@

# Beside the linters, where pip would make it alone; that of other people's tests is made by nobody.
$(VENV)/.bytecode: $(VENV)/.installed-dev
	-$(BIN)/python -m compileall -qq -x '/tests?/|/torch/testing/' $(VENV)/lib
	touch $@

clean:
	rm -rf $(VENV) dist build site .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .benchmarks
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
