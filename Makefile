# demo · test · check · bench · fuzz: each does its own set-up. Nothing is installed outside this folder, except Debian
# packages that tests need (only where this user may install them).
SHELL := /bin/bash
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$p; break; fi; done)
BIN := .venv/bin
# Whole files side by side: their fixtures are made once, and ports that are fixed (the demo's) are used by one file.
PARALLEL := -n auto --maxprocesses 4 --dist loadfile
DEBIAN := mosquitto mosquitto-clients openssl gcc libc6-dev libmodbus-dev mbpoll $(if $(shell command -v npm),,nodejs npm)

.PHONY: demo test check bench fuzz clean

demo: .venv/run.done
	@$(BIN)/fieldgate demo

test: .venv/dev.done .venv-sdk/done debian tests/node/node_modules/.done
	$(BIN)/python -m pytest $(PARALLEL)
	@PARALLEL="$(PARALLEL)" tests/on_other_python.sh

check: .venv/dev.done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.house

bench: .venv/dev.done
	$(BIN)/python -m tests.bench

# Broken plants, and damaged answers on each framing of Modbus, 20,000 of each; N=... for more.
fuzz: .venv/dev.done
	$(BIN)/python -m tests.fuzz.mapping $(N)
	$(BIN)/python -m tests.fuzz.modbus $(N)

clean:
	rm -rf .venv .venv-* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Fieldgate needs Python 3.11 or newer: apt-get install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { test -w /usr/bin && apt-get update -qq && apt-get install -y -qq python3-venv; } || { echo "Python's venv module is missing: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/run.done: requirements/run.lock pyproject.toml | .venv/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.venv/dev.done: requirements/dev.lock pyproject.toml | .venv/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@ .venv/run.done

# Microsoft's device SDK pins an old paho: it is a judge in the tests only, in an environment of its own.
.venv-sdk/done: requirements/sdk.lock requirements/build.lock | .venv/bin/python
	$(PYTHON) -m venv .venv-sdk
	.venv-sdk/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/build.lock
	.venv-sdk/bin/pip install --quiet --disable-pip-version-check --require-hashes --no-build-isolation -r requirements/sdk.lock
	@touch $@

# Foreign judges that are written for Node: Microsoft's parser of DTDL, the engine of the editors' YAML support, Modbus.
tests/node/node_modules/.done: tests/node/package-lock.json | debian
	@if command -v npm >/dev/null; then cd tests/node && npm ci --loglevel=error --no-fund --no-audit && touch node_modules/.done; \
	else echo "npm is not installed, tests with foreign judges are left out: apt-get install nodejs npm"; fi

# Foreign judges from Debian; where they cannot be installed, their tests are skipped with one line that names them.
.PHONY: debian
debian:
	@missing=$$(for p in $(DEBIAN); do dpkg -s $$p >/dev/null 2>&1 || echo $$p; done); \
	if [ -n "$$missing" ] && [ "$$(id -u)" = 0 ]; then \
	  echo "installing $$missing"; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null || true; \
	fi
