# make demo      scan the sample organisation: no account, no network
# make test      lint, types, layers and the quick tests
# make test-all  the above, the slow tests, those that need more programs, and every supported Python
# make lock      write requirements.lock again; make lock LOCK=--upgrade takes newer versions

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := test

VENV := .venv
BIN := $(VENV)/bin
PYTHONS ?= 3.11 3.12 3.13
# Any value: a test that is skipped must be on tests/allowed-skips.txt.
STRICT ?=
MORE := slow or needs_terraform or needs_chromium or needs_poppler or needs_java or needs_checkov
PYTEST = -m pytest -n 2 $(if $(STRICT),--strict-skips)

.PHONY: demo test test-all lint types layers quick more pythons libraries extras lock
.SECONDARY:

demo: $(VENV)/.installed libraries
	$(BIN)/tierwall demo $(ARGS)

test: lint types layers quick

test-all: STRICT = 1
test-all: test more pythons

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed
	$(BIN)/mypy --strict scanner

layers: $(VENV)/.installed
	$(BIN)/lint-imports

quick: $(VENV)/.installed libraries
	$(BIN)/python $(PYTEST) -m "not ($(MORE) or soak)"

more: $(VENV)/.installed libraries extras
	TIERWALL_TERRAFORM_MIRROR=$$(tools/terraform-mirror) $(BIN)/python $(PYTEST) -m "($(MORE)) and not soak"

pythons: $(VENV)/.installed
	@own=$$($(BIN)/python -c 'import sys; print("{}.{}".format(*sys.version_info))'); \
	for version in $(PYTHONS); do \
	  if [ $$version != $$own ]; then $(MAKE) --no-print-directory quick-$$version STRICT=$(STRICT); fi; \
	done

quick-%: $(VENV)-%/.installed libraries
	$(VENV)-$*/bin/python $(PYTEST) -m "not ($(MORE) or soak)"

libraries: $(VENV)/.installed
	@tools/weasyprint-libraries $(BIN)/python

extras: $(VENV)-checkov/.installed
	@tools/extras

# Checkov pins old libraries, so it has an environment of its own beside ours, where `tierwall gate` finds it.
$(VENV)-checkov/.installed: tools/checkov tools/checkov.lock
	@tools/checkov $(VENV)-checkov
	@touch $@

lock:
	tools/lock $(LOCK)

$(VENV)/.installed: requirements.lock pyproject.toml tools/venv
	@tools/venv $(VENV)
	@touch $@

$(VENV)-%/.installed: requirements.lock pyproject.toml tools/venv
	@tools/venv $(VENV)-$* $*
	@touch $@

.PHONY: documents tables
documents tables: $(VENV)/.installed  ## write the pages of docs/ that are made from the code anew
	$(BIN)/python tools/documents

.PHONY: soak
soak: $(VENV)/.installed libraries  ## scans killed at many random moments: long, run by hand
	$(BIN)/python $(PYTEST) -m soak
