# make repro         rebuild everything that is out of date: data, networks, metrics, report
# make test          lint, type checks and all fast tests: minutes; before each commit
# make test-all      the same and all slow tests: 25 to 45 minutes
# make test-changed  the fast tests that run code changed since the last call
# make coverage      fast and slow tests, with the branches of src/ that they do not run
# make bench         time an epoch by Fathom, Keras' fit, PyTorch and scikit-learn: half an hour
# make docs          the documentation site: site/index.html
# Every target installs .venv first. GPU=1 also installs TensorFlow's CUDA libraries (Linux), RAY=1
# Ray for searches and trainings on a cluster, S3=1 DVC's support for remotes on S3 (automatic if
# .dvc/config has such a remote), DB=1 what reads PostgreSQL, MySQL and DuckDB.

VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Container images often set it. Each stage would then compile TensorFlow's and Keras' modules again,
# which takes 15 seconds.
unexport PYTHONDONTWRITEBYTECODE

# The first Python of a supported version; PYTHON=... chooses another.
SUPPORTED := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c "$(SUPPORTED)" 2>/dev/null && echo $$p && break; done)

# Python compiles a module at its first import; pip would compile all 300 MB.
PIP := $(BIN)/python -m pip --disable-pip-version-check install --no-compile --quiet --require-hashes
S3 ?= $(shell grep -ls 's3://' .dvc/config .dvc/config.local)
COMPILE := uv pip compile --universal --python-version 3.11 --fork-strategy fewest \
	--generate-hashes --no-header --quiet
LOCK := $(COMPILE) pyproject.toml

# The command runs the code in the working folder. An editable install would run this folder's code
# also in the copies of the project where DVC runs experiments.
define COMMAND
#!/bin/sh
test -f src/fathom/__main__.py || { echo "fathom: there is no Fathom project in $$PWD: start it in the project's folder" >&2; exit 1; }
PYTHONPATH=src exec "$$(dirname "$$0")/python" -m fathom "$$@"
endef
export COMMAND

# Python runs these lines at its start. In a project's folder, for example in a notebook's kernel,
# `import fathom` finds the code of this folder; and what Python starts, such as a stage by
# `.venv/bin/dvc repro`, finds this Python first.
define HOOK
import os, sys; os.path.isfile("src/fathom/__init__.py") and sys.path.append(os.path.abspath("src"))
import os, sys; os.path.isfile("src/fathom/__init__.py") and os.environ.update(PATH=os.path.dirname(sys.executable) + os.pathsep + os.environ.get("PATH", os.defpath))
endef
export HOOK
PACKAGES = $$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')

.PHONY: repro test test-fast test-all test-slow test-changed durations coverage bench bench-repro bench-scale bench-search bench-tables bench-fit figures docs setup setup-dev setup-bench setup-docs lint lock clean

# If DVC has a default remote, outputs in it are pulled instead of built: docs/team.md.
repro: setup
	@exec fathom repro

# one process per core
PYTEST := pytest --numprocesses=logical --maxprocesses=4
# an idle process takes over tests from a busy one; or tests of a file run in one process, which makes
# what they share once
FAST := $(PYTEST) --dist=worksteal -m "not slow"
SLOW := $(PYTEST) --dist=loadfile --no-loadscope-reorder -m slow

# mypy uses one core, which the tests do not use all the time
test: setup-dev
	$(MAKE) --no-print-directory --jobs=2 lint test-fast

test-fast: setup-dev
	$(FAST)

test-all: test test-slow

# killed processes, Ray, S3, a browser, `dvc repro` in clones, large tables
test-slow: setup-dev
	$(SLOW)

# the first call runs all of them and records which code each test runs
test-changed: setup-dev
	$(FAST) --testmon --testmon-forceselect

# records durations, by which tests/schedule.py sorts the tests
durations: setup-dev
	$(FAST) --store-durations
	$(SLOW) --store-durations

coverage: setup-dev
	$(PYTEST) --dist=loadfile --no-loadscope-reorder --cov --cov-report=term:skip-covered

bench: setup-bench
	python bench/epochs.py

# compare our metrics with published ones, in a table of docs/comparing.md: an hour from nothing
figures: setup
	PYTHONPATH=src python bench/figures.py

# time fathom repro from nothing, and its trainings as plain Keras scripts
bench-repro: setup
	python bench/repro.py

# time fathom search, and the same trials by scikit-learn and Keras Tuner
bench-search: setup-bench
	python bench/search.py

# compare networks with gradient boosting on tables, those of FOLDER and embedded ones: docs/tables.md
bench-tables: setup-bench
	python bench/tables.py $(if $(FOLDER),--folder "$(FOLDER)")

# fathom fit and CatBoost, five minutes each on two tables
bench-fit: setup-bench
	python bench/fit.py

# time and memory of every stage, and of pandas, on 2 and 20 million rows
bench-scale: setup
	python bench/large.py

# strict: a broken link or an unknown page is an error
docs: setup-docs
	NO_MKDOCS_2_WARNING=1 mkdocs build --quiet

setup: $(VENV)/command .dvc/plots.html $(if $(GPU),$(VENV)/installed-gpu) $(if $(RAY),$(VENV)/installed-ray) \
	$(if $(S3),$(VENV)/installed-s3) $(if $(DB),$(VENV)/installed-db)

setup-dev: $(VENV)/installed-dev

setup-bench: $(VENV)/installed-bench

setup-docs: $(VENV)/installed-docs

lint: setup-dev
	ruff check
	ruff format --check
	mypy

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Fathom needs Python 3.11, 3.12 or 3.13 with venv; none is on PATH" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@$(PIP) -r requirements-pip.txt || echo "pip stays as it is: it will take a minute longer" >&2

$(VENV)/installed: requirements.txt | $(BIN)/python
	$(PIP) -r requirements.txt
	@touch $@

$(VENV)/command: Makefile $(VENV)/installed
	@echo "$$COMMAND" >$(BIN)/fathom
	@chmod +x $(BIN)/fathom
	@echo "$$HOOK" >"$(PACKAGES)/fathom.pth"
	@touch $@

.dvc/plots.html: src/fathom/experiments/plots_page.py | $(VENV)/command
	@PYTHONPATH=src $(BIN)/python -m fathom.experiments.plots_page

$(VENV)/installed-gpu: requirements-gpu.txt | $(BIN)/python
	$(PIP) -r requirements-gpu.txt
	@touch $@

$(VENV)/installed-ray: requirements-ray.txt | $(BIN)/python
	$(PIP) -r requirements-ray.txt
	@touch $@

$(VENV)/installed-s3: requirements-s3.txt | $(BIN)/python
	$(PIP) -r requirements-s3.txt
	@touch $@

$(VENV)/installed-db: requirements-db.txt | $(BIN)/python
	$(PIP) -r requirements-db.txt
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed | $(VENV)/command
	$(PIP) -r requirements-dev.txt
	@touch $@

$(VENV)/installed-bench: requirements-bench.txt $(VENV)/installed | $(VENV)/command
	$(PIP) -r requirements-bench.txt
	@touch $@

$(VENV)/installed-docs: requirements-docs.txt $(VENV)/installed | $(VENV)/command
	$(PIP) -r requirements-docs.txt
	@touch $@

# pin the newest versions of all packages in pyproject.toml
lock: setup-dev
	$(LOCK) --upgrade -o requirements.txt
	$(LOCK) --upgrade -c requirements.txt --extra dev -o requirements-dev.txt
	$(LOCK) --upgrade -c requirements.txt --extra docs -o requirements-docs.txt
	$(COMPILE) --upgrade -c requirements.txt --group pyproject.toml:serve -o requirements-serve.txt
	$(COMPILE) --upgrade --group pyproject.toml:install -o requirements-pip.txt
	$(LOCK) --upgrade -c requirements.txt --extra gpu -o requirements-gpu.txt
	$(LOCK) --upgrade -c requirements.txt --extra bench -o requirements-bench.txt
	$(LOCK) --upgrade -c requirements.txt --extra ray -o requirements-ray.txt
	$(LOCK) --upgrade -c requirements.txt --extra s3 -o requirements-s3.txt
	$(LOCK) --upgrade -c requirements.txt --extra db -o requirements-db.txt

clean:
	rm -rf $(VENV)
