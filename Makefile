# The Pulumi stack that `make up` brings up.
STACK ?= local
# The Python that makes .venv; empty: python3, or a newer one where python3 is too old.
PYTHON ?=
# Of `make lock`: `LOCK_FLAGS=--upgrade` moves every pin to the newest.
LOCK_FLAGS ?=
# Of `make audit`: a clone of PyPA's advisory-database; empty: the package index is asked.
ADVISORIES ?=

STATE = "$${CELERY_FLEET_STATE:-.state}"
CACHE = $${CELERY_FLEET_CACHE:-$${XDG_CACHE_HOME:-$$HOME/.cache}/celery-fleet}

COMPILE = .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header $(LOCK_FLAGS)

.DEFAULT_GOAL := help
.PHONY: help up rehearse down test chaos test-newest check clean schema policy workflows lock audit sbom secrets venv tools

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: venv ## provision STACK (default: local) on this machine and run real tasks through it
	@.venv/bin/fleet up --stack $(STACK)

rehearse: venv ## run STACK=prod or staging from `up` to `destroy` against stand-ins of AWS
	@.venv/bin/fleet rehearse --stack $(STACK)

down: ## stop everything that `make up` started; its state stays
	@if [ -d $(STATE) ]; then PYTHON="$(PYTHON)" .ci/venv && .venv/bin/fleet down; \
	else echo "nothing runs: there is no $(STATE)"; fi

test: check ## every test: `check`, the engine, the rehearsal
	@.ci/suite

chaos: tools ## inject faults under load into the fleet, and into stock Celery; an hour and more
	.venv/bin/python -m chaos
	.venv/bin/python -m chaos.cluster
	.venv/bin/python -m chaos.previews

test-newest: venv ## fast worker tests on the newest Celery, kombu, redis-py, billiard; may fail
	-@.ci/newest

check: venv ## lint, types and fast tests; three minutes on 2 cores
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/zizmor --quiet --offline --strict-collection .github
	.venv/bin/shellcheck .ci/*
	.venv/bin/pytest --quiet --numprocesses auto -m "not engine and not rehearsal"

clean: down ## down, and remove state, .venv and the tool cache
	rm -rf $(STATE) .venv policy/.venv
	rm -rf "$(CACHE)/tools" "$(CACHE)/go" "$(CACHE)/lock" "$(CACHE)/image"

schema: venv ## renew infra/schema.json, by which editors check stack files
	.venv/bin/python -m infra.schema

policy: venv ## give the policy pack its environment, for `pulumi preview --policy-pack policy`
	@PYTHON="$(PYTHON)" .ci/policy-venv

workflows: venv ## check the workflows of CI by actionlint, which the first run builds (a minute)
	@linter="$$(.venv/bin/python -m rehearsal.toolchain.workflows)" && \
		PATH="$(CURDIR)/.venv/bin:$$PATH" "$$linter" && echo "the workflows are well"

lock: venv ## renew the lock files from pyproject.toml
	$(COMPILE) pyproject.toml --extra dev --output-file requirements.txt
	$(COMPILE) worker_image/requirements.in --constraint requirements.txt \
		--output-file worker_image/requirements.txt
	$(COMPILE) worker_image/requirements-gpu.in --constraint worker_image/requirements.txt \
		--output-file worker_image/requirements-gpu.txt
	$(COMPILE) policy/requirements.in --output-file policy/requirements.txt

audit: venv ## known vulnerabilities of every lock file; needs a network, or ADVISORIES
	@.venv/bin/python -m supply.audit $(ADVISORIES)

sbom: venv ## write what product, policy pack and worker image are made of, into sbom/
	@.venv/bin/python -m supply.sbom sbom

secrets: venv ## look for secrets in every file that git knows or would add
	@.venv/bin/python -m supply.scan

venv:
	@PYTHON="$(PYTHON)" .ci/venv

tools: venv
	@.venv/bin/python -m rehearsal.toolchain
