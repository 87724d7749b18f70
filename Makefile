# Everything from a bare machine with Python 3.11 and make. `make` alone lists what there is.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
PORT ?= 8000
WORKERS ?= 2
ARGS ?=
CMD ?= help
RUN := .venv/bin/python
BESIDE := $(RUN) -m config.embedded exec

# What a production server would say, for `manage.py check --deploy`.
PRODUCTION := SECRET_KEY=$$($(RUN) -c 'import secrets; print(secrets.token_urlsafe(50))') REGULARS_HTTPS=1 \
	REGULARS_DEMO=0 ALLOWED_HOSTS=regulars.example

TEMPLATES := find . -name '.?*' -prune -o -path '*/templates/*' -name '*.html'

.PHONY: help install demo demo-reset test check check-code check-django bench translations shell manage

help: ## List what can be made
	@echo "Regulars 熟客. What can be made:"
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/\1\t\2/p' Makefile | while IFS=$$'\t' read -r name words; do \
		printf '  make %-13s %s\n' "$$name" "$$words"; done

install: ## Create .venv and install what requirements.lock names (the others do it by themselves)
	@PYTHON=$(PYTHON) .ci/install

demo: install ## Start a whole shop on this machine, on port 8000 or PORT=…; Ctrl-C stops it
	@exec $(RUN) manage.py demo --port $(PORT)

demo-reset: install ## Remove the demo's data; the next start makes new ones
	@$(RUN) -m config.embedded reset

test: install ## Run the tests beside a real PostgreSQL and Valkey; ARGS="-k tiers" picks some
	@$(RUN) -m pytest -n $(WORKERS) $(ARGS)

check: install check-code ## Lint, format, types, floors and rooms, templates, migrations, settings, API, known holes
	@$(BESIDE) -- $(MAKE) check-django
	@.ci/audit

check-code:
	@echo "ruff check";          $(RUN) -m ruff check .
	@echo "ruff format --check"; $(RUN) -m ruff format --check .
	@echo "mypy";                $(RUN) -m mypy .
	@echo "lint-imports";        .venv/bin/lint-imports
	@echo "djade --check";       $(TEMPLATES) -print0 | xargs -0 -r .venv/bin/djade --target-version 5.2 --check

check-django:
	@echo "makemigrations --check"; $(RUN) manage.py makemigrations --check --dry-run
	@echo "check --deploy";         $(PRODUCTION) $(RUN) manage.py check --deploy --fail-level WARNING
	@echo "spectacular";            $(RUN) manage.py spectacular --validate --fail-on-warn --file /dev/null

bench: install ## Measure, beside servers of its own (minutes)
	@$(BESIDE) -- $(RUN) -m tests.bench $(ARGS)

translations: install ## Collect the words to translate and compile the translated ones
	@$(RUN) manage.py translations $(ARGS)

shell: install ## A Python shell beside the demo's data, whether the demo runs or not
	@$(BESIDE) --demo -- $(RUN) manage.py shell

manage: install ## A command of manage.py beside the demo's data: make manage CMD="showmigrations"
	@$(BESIDE) --demo -- $(RUN) manage.py $(CMD)
