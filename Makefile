# `make demo` and `make test` do everything on a machine that has Python 3.11 or newer and nothing else.
SHELL := /bin/bash
PYTHON := $(shell for p in python3.13 python3.12 python3.11 python3; do \
	command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
UV_VERSION := 0.13.9
# A uv on the PATH serves; else one is installed from PyPI into .tools, for this project alone.
UV := $(or $(shell command -v uv),.tools/bin/uv)
RUN := $(UV) run --frozen
export UV_PYTHON := $(PYTHON)
export NO_MKDOCS_2_WARNING := 1
# Bytecode is kept, whatever the shell says: tests start some hundred processes, each two to three times as fast with it.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test check format bench wheel proof docs clean environment

help: ## show what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

demo: .tools/ready ## the gateway on real ticks, with simulated providers: http://127.0.0.1:8090
	@$(UV) sync --frozen --inexact --no-default-groups --quiet
	@.venv/bin/firmquote demo $(ARGS)

# Tests wait far more than they work: four workers keep two cores busy.
test: environment ## the whole suite
	$(RUN) pytest -n 4 --dist loadfile --no-loadscope-reorder -m "not proof" $(ARGS)

check: environment ## format, lint, types, import contracts, documents
	$(UV) lock --check --quiet
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) mypy
	$(RUN) lint-imports
	$(RUN) mkdocs build --strict # with --quiet it would not count its warnings

format: environment ## write the code as the checks want it
	$(RUN) ruff format .
	$(RUN) ruff check --fix .
	$(RUN) python docs/generate.py

bench: environment ## every benchmark; each prints one JSON line
	@for file in bench/pipeline.py bench/peers.py bench/http_client.py bench/http_server.py bench/cadence.py bench/decision.py bench/memory.py; do $(RUN) python $$file || exit 1; done

proof: environment ## the long campaigns
	$(RUN) pytest -m proof $(ARGS)

wheel: environment ## dist/firmquote-*.whl
	$(RUN) python -m build --outdir dist

docs: environment ## the site in site/
	$(RUN) mkdocs build --strict

clean: ## forget what was built
	rm -rf .venv .tools dist site .mypy_cache .ruff_cache .import_linter_cache .hypothesis

environment: .tools/ready
	@$(UV) sync --frozen --quiet

.tools/ready:
	@test -n "$(PYTHON)" || { echo "Firmquote needs Python 3.11 or newer: none of python3.13, python3.12, python3.11, python3 is that."; exit 1; }
	@mkdir -p .tools
	@command -v uv >/dev/null || { \
		$(PYTHON) -m venv .tools && .tools/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION); } \
		|| { echo "uv could not be installed. Install the venv module of your Python (Debian: apt-get install python3-venv)."; exit 1; }
	@touch $@
