# `make demo` and `make test` are all that a fresh machine with Python 3.11 or later needs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow coverage check backtest bench bench-quick bench-profile soak lock clean tools bench-tools

help:  ## Show what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1	\2/' | expand -t 22

$(READY): constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "timbres-monitor needs Python 3.11 or later; $$($(PYTHON) --version) is too old: make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ echo "cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY)  ## Simulator and monitor together, nothing to configure; Ctrl-C stops
	$(BIN)/timbres-monitor demo

test: $(READY) tools  ## The tests, against a real Prometheus too; a few minutes
	$(BIN)/pytest -n 3 --dist loadfile -m "not slow"

test-slow: $(READY) tools  ## The long ones: crash loops, kills, broken rules, alerts from end to end
	$(BIN)/pytest -n 2 --dist loadfile -m slow

coverage: $(READY) tools  ## The lines that no test reaches within its own process
	$(BIN)/pytest -n 3 --dist loadfile -m "not slow" --cov --cov-report=term:skip-covered

check: $(READY)  ## ruff, mypy --strict, import-linter, and that the dashboards are as generated
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m grafana.generate --check

backtest: $(READY)  ## How the forecast would have done, on generated issuers, beside PromQL (minutes)
	$(BIN)/python -m backtest

bench: $(READY) bench-tools  ## What it costs, beside a floor and what others take (half an hour; quiet machine)
	$(BIN)/python -m bench full

bench-quick: $(READY) bench-tools  ## The main ratios, at small sizes (two minutes)
	$(BIN)/python -m bench quick

bench-profile: $(READY) bench-tools  ## Where the time of a poll and of a scrape goes
	$(BIN)/python -m bench.profile

soak: $(READY) bench-tools  ## 100,000 RFCs under Prometheus for ten minutes, and for a simulated hour
	$(BIN)/python -m bench soak

tools: bench-tools
	@sh tests/tools.sh

bench-tools:
	@sh bench/tools.sh

lock: $(READY)  ## Pin again what pyproject.toml allows (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --all-extras --generate-hashes \
		--no-emit-index-url --custom-compile-command "make lock" pyproject.toml -o constraints.txt

clean:  ## Remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage
