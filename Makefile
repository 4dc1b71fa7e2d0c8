# `make demo`, `make test`, `make run`, `make web`: each makes .venv and installs what it needs, once.
# A stamp file remembers what has been installed; a changed pyproject.toml installs again.

SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Two workers for each core, eight at most: many tests wait for a browser, a database or a clock, but each worker
# may hold PyTorch, a browser and a PostgreSQL of its own.
# Idle workers take tests from busy ones; a module's tests mostly stay together.  Each worker and each program that
# a test starts imports the libraries anew: without their kept bytecode that alone takes minutes.
WORKERS := $(shell n=$$((2 * $$(getconf _NPROCESSORS_ONLN))); echo $$((n < 8 ? n : 8)))
PYTEST := env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal

.PHONY: help demo run web test test-long test-root roles lint types docs supply lock sbom bench messages clean

help:
	@echo "make demo    show the whole line without a camera (2 minutes)"
	@echo "make run     admin site and daemon on this computer's webcam"
	@echo "make web     the admin site alone"
	@echo "make test    lint, types, documentation and tests (installs PyTorch)"
	@echo "make test-long    the tests that take long, and more examples for properties"
	@echo "make roles   the table of every route by every role, and docs/roles.md"
	@echo "make supply  weak code, and packages with known weaknesses"
	@echo "make lock    requirements.lock anew: the base install with hashes"
	@echo "make sbom    build/sbom.json: what the base install consists of (CycloneDX)"
	@echo "make docs    the documentation into build/site, to be read without the internet"
	@echo "make bench   frames per second and the time of each stage"

demo: $(VENV)/.demo
	$(BIN)/python manage.py demo

run: $(VENV)/.base
	$(BIN)/python manage.py init
	$(BIN)/python manage.py run

web: $(VENV)/.base
	$(BIN)/python manage.py init
	$(BIN)/python manage.py web

test: lint types docs supply
	$(PYTEST)

test-long: $(VENV)/.test
	$(PYTEST) -m "long or hypothesis" --hypothesis-profile=long

# Those that need root or a network namespace; elsewhere they skip.  `pytest -m root --collect-only` lists them.
test-root: $(VENV)/.test
	$(PYTEST) -m root

# The table of every route by every role, and docs/roles.md, anew.  Read the difference before you commit it.
roles: $(VENV)/.test
	WRITE_ROLES=1 $(BIN)/python -m pytest --quiet tests/security/test_roles.py -m "long or not long" \
		-k "every_role_as_the_table_says or page_of_roles"

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.test
	$(BIN)/mypy

# NO_MKDOCS_2_WARNING hides an advertisement that Material prints at each build.
docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

# Medium findings and worse fail; ruff's S rules, which are the same checks, look at the rest.  Without the internet the
# packages cannot be checked; that is said, and does not fail.
supply: $(VENV)/.test
	$(BIN)/bandit --quiet --recursive --severity-level medium attendance manage.py
	@found=$$(timeout 120 $(BIN)/pip-audit --requirement requirements.lock --no-deps --disable-pip \
		--progress-spinner off --timeout 10 2>&1); code=$$?; \
	if grep -qE "known vulnerabilit(y|ies) in|Found [1-9]" <<<"$$found"; then echo "$$found"; exit 1; \
	elif [ $$code -ne 0 ]; then echo "packages: not checked, since the service of advisories does not answer (offline?)"; \
	elif grep -q "could not be audited" <<<"$$found"; then \
		echo "packages: $$(grep -c 'could not be audited' <<<"$$found") not checked, since the service does not know them"; \
	else echo "packages: none with a known weakness"; fi

# The index is named by neither file, so that whoever installs takes their own.
lock: $(VENV)/.test
	mkdir -p build
	@{ echo "# The base install, pinned with hashes: pip install --require-hashes -r requirements.lock"; \
	echo "# Made by \`make lock\` with Python 3.11; not edited by hand."; } > build/lock.new
	$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-header --no-annotate --upgrade \
		--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --output-file build/lock.body pyproject.toml
	cat build/lock.new build/lock.body > requirements.lock
	rm build/lock.new build/lock.body

sbom: $(VENV)/.test
	mkdir -p build
	$(BIN)/cyclonedx-py requirements requirements.lock --output-reproducible --output-format JSON --output-file build/sbom.json

bench: $(VENV)/.test
	$(BIN)/python manage.py bench

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "error: Python 3.11 or newer is needed; name one with: make PYTHON=python3.11"; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.base: pyproject.toml | $(BIN)/python
	@echo "installing the base packages into $(VENV) ..."
	$(PIP) --editable .
	@touch $@

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	@echo "installing the base packages and the demo's into $(VENV) ..."
	$(PIP) --editable '.[demo]'
	@touch $@ $(VENV)/.base

$(VENV)/.test: pyproject.toml | $(BIN)/python
	@echo "installing everything that the tests need into $(VENV); PyTorch takes a while ..."
	$(PIP) --editable '.[train,test,supply,demo,docs,openvino]'
	@touch $@ $(VENV)/.base $(VENV)/.demo $(VENV)/.docs

$(VENV)/.docs: pyproject.toml | $(BIN)/python
	@echo "installing what builds the documentation into $(VENV) ..."
	$(PIP) --editable '.[docs]'
	@touch $@ $(VENV)/.base

# The texts of pages and kiosk as a gettext template, for translators.  An error marks its own text.
MARKS = _ N_ Phrase UserError BadShift Busy EnrolRefused ProviderFault WeightsError WrongMasterKey \
	DatabaseError DatabaseFull DatabaseLocked DatabaseReadOnly DatabaseReplaced DatabaseUnreachable WrongFields
messages: $(VENV)/.base
	mkdir -p build
	$(BIN)/pybabel extract --mapping pyproject.toml $(MARKS:%=--keyword %) --output build/messages.pot .

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
