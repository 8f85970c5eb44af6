# Everything runs in .venv, built from the lock files; PYTHON may name another interpreter (3.11 or newer).
PYTHON ?= python3
BIN := .venv/bin
PRODUCT := .venv/.product
DEVELOPMENT := .venv/.development
# The lock files are complete: nothing is left to resolve.
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --no-deps

.PHONY: demo test test-whole test-parts test-ways lint format lock extras-forecast extras-deep clean system-packages bench-collector bench-scan bench-rca bench-discovery bench-collection bench-detection bench-quiet bench-speed bench-fleet verify-long

## Try it: sets itself up, starts the embedded stack and a simulated fleet, scans it and writes a report.
demo: system-packages $(PRODUCT)
	$(BIN)/fleetscope demo

## Everything that must hold: linter, types, import contracts, tests against real servers.
## Most of a test's time is waiting for servers: two lanes side by side take little more than half as long as one.
test: system-packages lint
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target test-whole test-parts test-ways

## The product as its users run it.
test-whole: $(DEVELOPMENT)
	$(BIN)/pytest tests/e2e --ignore=tests/e2e/four_ways

## Each part by itself.
test-parts: $(DEVELOPMENT)
	$(BIN)/pytest --ignore=tests/e2e

## The four ways in which users run it, in an installation of their own; the last, in the lane that is free first.
test-ways: $(DEVELOPMENT)
	$(BIN)/pytest tests/e2e/four_ways

lint: $(DEVELOPMENT)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(DEVELOPMENT)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

## Figures, as tables; with JSON=file also as JSON.
bench-collector bench-scan bench-rca bench-discovery bench-collection bench-quiet bench-speed bench-fleet: bench-%: $(DEVELOPMENT)
	$(BIN)/python -m benchmarks.$*

## Quality of detection on labelled data (../shared/data), and the plots of docs/detection-quality.md. VUS-PR is also
## computed by the package that defined it.
bench-detection: requirements/measuring.lock $(DEVELOPMENT)
	@$(INSTALL) --require-hashes -r requirements/measuring.lock
	$(BIN)/python -m benchmarks.detection --reference --plots docs

## Every simulated fault found, and no more false findings than promised, over 50 days of quiet clusters (10 minutes).
verify-long: $(DEVELOPMENT)
	$(BIN)/python -m benchmarks.verify_long

## Detectors with heavy packages of their own (docs/detectors.md); extras-deep takes PyTorch's CPU build from where pip
## is pointed to.
extras-forecast extras-deep: extras-%: requirements/%.lock $(PRODUCT)
	$(INSTALL) --require-hashes -r $<

## Resolve the lock files anew (needs uv in .venv: .venv/bin/pip install uv). The last one needs an index that has
## PyTorch's CPU builds: UV_EXTRA_INDEX_URL, or UV_FIND_LINKS for a directory.
LOCK := $(BIN)/uv pip compile -q --generate-hashes --python-version 3.11 --no-emit-index-url --no-emit-find-links --no-header --no-strip-extras
lock:
	$(LOCK) pyproject.toml -o requirements/product.lock
	$(LOCK) pyproject.toml --group dev -c requirements/product.lock -o requirements/development.lock
	$(LOCK) pyproject.toml --group forecast -c requirements/development.lock -o requirements/forecast.lock
	$(LOCK) pyproject.toml --group deep -c requirements/development.lock -o requirements/deep.lock

system-packages:
	@$(PYTHON) deployments/system_packages.py

$(PRODUCT): requirements/product.lock pyproject.toml | system-packages
	@echo "Installing fleetscope and what it needs from requirements/product.lock into .venv (a minute or two) …"
	@$(PYTHON) -m venv .venv
	@$(INSTALL) --require-hashes -r requirements/product.lock
	@$(INSTALL) --no-build-isolation -e .
	@touch $@

$(DEVELOPMENT): requirements/development.lock $(PRODUCT)
	@echo "Installing the tools for tests from requirements/development.lock …"
	@$(INSTALL) --require-hashes -r requirements/development.lock
	@touch $@

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
