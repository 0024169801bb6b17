# Everything sets itself up: `make demo` and `make test` need only Python >= 3.11 and make.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

# No index addresses in a lock: wherever the wheels come from, their hashes decide.
UV      ?= uv
COMPILE := $(UV) pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q

# The extension's checks need npm; without it they say so, and in CI they fail.
in_extension = @if command -v npm >/dev/null; then cd extension && \
	{ [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --silent; } && $(1); \
	else echo "npm is missing: the extension is left out" >&2; [ "$$CI" != true ]; fi

.DEFAULT_GOAL := help
.PHONY: help demo test check extension run bench lock clean format

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Telltale needs Python 3.11 or newer; set PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(STAMP) ## do the main job through the running service, then keep serving (ONCE=1: exit instead)
	$(BIN)/telltale demo $(if $(ONCE),--once) $(if $(DEMO_JSON),--json-file "$(DEMO_JSON)")

test: $(STAMP) ## run the tests, the extension's too where npm is there
	$(call in_extension,npm test --silent)
	$(BIN)/pytest

check: $(STAMP) ## lint, types and import arrows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(call in_extension,npm run --silent check)

extension: ## build the browser extension into extension/dist (SERVICE=https://… builds the address in)
	$(call in_extension,npm run --silent build -- $(if $(SERVICE),--service "$(SERVICE)"))

run: $(STAMP) ## serve the product on SQLite and local files
	$(BIN)/telltale serve

bench: $(STAMP) ## run the quick benchmarks
	$(BIN)/python -m benchmarks --quick

format: $(STAMP) ## put the code into the house format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: ## renew both locks: for working on it, and for running it (needs uv)
	$(COMPILE) --extra dev -o requirements.lock
	$(COMPILE) -o requirements-runtime.lock

clean: ## remove the environment and caches (never your data)
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
