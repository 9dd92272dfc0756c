# make repro         rebuilds everything that is not up to date: data, networks, figures, report
# make test          lint, types and every fast test: minutes; before each commit
# make test-all      the same, and every slow test: half an hour
# make test-changed  the fast tests that an edit since the last call can touch
# make coverage      which branches of src/ the tests run
# make bench         an epoch by Fathom, Keras' fit, PyTorch and scikit-learn: half an hour
# All set up .venv first. GPU=1 installs TensorFlow's CUDA libraries too (Linux), RAY=1 what a search
# or a training on a Ray cluster needs, S3=1 what a remote of DVC on S3 needs (of itself where
# .dvc/config has one).

VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Images for containers often set it. Each stage and each test's program would then compile
# TensorFlow's and Keras' modules anew, for 15 seconds.
unexport PYTHONDONTWRITEBYTECODE

# The first Python of a fitting version; PYTHON=... takes another.
FITS := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c "$(FITS)" 2>/dev/null && echo $$p && break; done)

# Python compiles modules when they are first imported: pip would compile 300 MB of others, too.
PIP := $(BIN)/python -m pip --disable-pip-version-check install --no-compile --quiet --require-hashes
S3 ?= $(shell grep -ls 's3://' .dvc/config .dvc/config.local)
LOCK := uv pip compile pyproject.toml --universal --python-version 3.11 --fork-strategy fewest \
	--generate-hashes --no-header --quiet

# The command runs the code in the working folder. An editable install would run this folder's code
# in the copies of the project in which DVC runs experiments.
define COMMAND
#!/bin/sh
test -f src/fathom/__main__.py || { echo "fathom: there is no Fathom project in $$PWD: start it in the project's folder" >&2; exit 1; }
PYTHONPATH=src exec "$$(dirname "$$0")/python" -m fathom "$$@"
endef
export COMMAND

# A line that Python runs when it starts: in a project's folder, such as in a notebook's kernel,
# `import fathom` finds the code in this folder.
HOOK := import os, sys; os.path.isfile("src/fathom/__init__.py") and sys.path.append(os.path.abspath("src"))
export HOOK
PACKAGES = $$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')

.PHONY: repro test test-all test-slow test-changed durations coverage bench bench-repro bench-scale bench-search figures setup setup-dev setup-bench lint lock clean

# A killed DVC may leave its lock file empty, at which the next one would stop. With a default remote
# what it has is pulled, not built: docs/team.md.
repro: setup
	@find .dvc/tmp -name rwlock -empty -delete 2>/dev/null || true
	@if remote=$$(dvc remote default 2>/dev/null); then \
		echo "dvc repro --pull: with what the remote $$remote has (without it: dvc repro)"; \
		exec dvc repro --pull; \
	fi; \
	echo "dvc repro"; \
	exec dvc repro

# a process a core; one that ends early takes over tests from another
PYTEST := pytest --numprocesses=logical --maxprocesses=4 --dist=worksteal

test: setup-dev lint
	$(PYTEST) -m "not slow"

test-all: test test-slow

# kills, Ray, S3, a browser, `dvc repro` in clones, large tables
test-slow: setup-dev
	$(PYTEST) -m slow

# the first call runs all of them, to learn which code each one runs
test-changed: setup-dev
	pytest --testmon --testmon-forceselect -m "not slow"

# what tests/schedule.py sorts by
durations: setup-dev
	$(PYTEST) --store-durations

coverage: setup-dev
	$(PYTEST) --cov --cov-report=term:skip-covered

bench: setup-bench
	python bench/epochs.py

# our figures beside published ones, into README.md: an hour from nothing
figures: setup
	PYTHONPATH=src python bench/figures.py

# dvc repro from nothing, beside its trainings as plain Keras scripts
bench-repro: setup
	python bench/repro.py

# fathom search, beside the same trials by scikit-learn and by Keras Tuner
bench-search: setup-bench
	python bench/search.py

# every stage on 2 and 20 million rows, and pandas on the same
bench-scale: setup
	python bench/large.py

setup: $(VENV)/command $(if $(GPU),$(VENV)/installed-gpu) $(if $(RAY),$(VENV)/installed-ray) \
	$(if $(S3),$(VENV)/installed-s3)

setup-dev: $(VENV)/installed-dev

setup-bench: $(VENV)/installed-bench

lint: setup-dev
	ruff check
	ruff format --check
	mypy

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Fathom needs Python 3.11, 3.12 or 3.13 with venv; none is on PATH" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: requirements.txt | $(BIN)/python
	$(PIP) -r requirements.txt
	@touch $@

$(VENV)/command: Makefile $(VENV)/installed
	@echo "$$COMMAND" >$(BIN)/fathom
	@chmod +x $(BIN)/fathom
	@echo "$$HOOK" >"$(PACKAGES)/fathom.pth"
	@touch $@

$(VENV)/installed-gpu: requirements-gpu.txt | $(BIN)/python
	$(PIP) -r requirements-gpu.txt
	@touch $@

$(VENV)/installed-ray: requirements-ray.txt | $(BIN)/python
	$(PIP) -r requirements-ray.txt
	@touch $@

$(VENV)/installed-s3: requirements-s3.txt | $(BIN)/python
	$(PIP) -r requirements-s3.txt
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed | $(VENV)/command
	$(PIP) -r requirements-dev.txt
	@touch $@

$(VENV)/installed-bench: requirements-bench.txt $(VENV)/installed | $(VENV)/command
	$(PIP) -r requirements-bench.txt
	@touch $@

# Pins the newest versions of everything in pyproject.toml.
lock: setup-dev
	$(LOCK) --upgrade -o requirements.txt
	$(LOCK) --upgrade -c requirements.txt --extra dev -o requirements-dev.txt
	$(LOCK) --upgrade -c requirements.txt --extra gpu -o requirements-gpu.txt
	$(LOCK) --upgrade -c requirements.txt --extra bench -o requirements-bench.txt
	$(LOCK) --upgrade -c requirements.txt --extra ray -o requirements-ray.txt
	$(LOCK) --upgrade -c requirements.txt --extra s3 -o requirements-s3.txt

clean:
	rm -rf $(VENV)
