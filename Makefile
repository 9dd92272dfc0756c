# make repro  rebuilds everything that is not up to date: data, networks, figures, report
# make test   lint, types and tests
# Both set up .venv first. GPU=1 installs TensorFlow's CUDA libraries too (Linux).

VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

# The first Python of a fitting version; PYTHON=... takes another.
FITS := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c "$(FITS)" 2>/dev/null && echo $$p && break; done)

PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --require-hashes
REQUIREMENTS := requirements.txt $(if $(GPU),requirements-gpu.txt)
LOCK := uv pip compile pyproject.toml --universal --python-version 3.11 --fork-strategy fewest \
	--generate-hashes --no-header --quiet

# The command, of the project in the working folder: no editable install, which would lead
# experiments of DVC, run in copies of the project, back to this one.
define COMMAND
#!/bin/sh
test -f src/fathom/__main__.py || { echo "fathom: there is no Fathom project in $$PWD: start it in the project's folder" >&2; exit 1; }
PYTHONPATH=src exec "$$(dirname "$$0")/python" -m fathom "$$@"
endef
export COMMAND

.PHONY: repro test setup setup-dev lint lock clean

repro: setup
	dvc repro

test: setup-dev lint
	pytest

setup: $(VENV)/installed$(if $(GPU),-gpu)

setup-dev: $(VENV)/installed-dev

lint: setup-dev
	ruff check
	ruff format --check
	mypy

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Fathom needs Python 3.11, 3.12 or 3.13 with venv; none is on PATH" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: requirements.txt | $(BIN)/python
	$(PIP) -r requirements.txt
	@echo "$$COMMAND" >$(BIN)/fathom
	@chmod +x $(BIN)/fathom
	@touch $@

$(VENV)/installed-gpu: requirements-gpu.txt | $(BIN)/python
	$(PIP) -r requirements-gpu.txt
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed
	$(PIP) -r requirements-dev.txt
	@touch $@

# Pins the newest versions of everything in pyproject.toml.
lock: setup-dev
	$(LOCK) --upgrade -o requirements.txt
	$(LOCK) --upgrade -c requirements.txt --extra dev -o requirements-dev.txt
	$(LOCK) --upgrade -c requirements.txt --extra gpu -o requirements-gpu.txt

clean:
	rm -rf $(VENV)
