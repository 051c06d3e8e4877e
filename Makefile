# All targets work on a bare machine with Python 3.11 or later. test-cluster and cluster also need
# Go 1.26 and, for nodes, root on Debian; they build or install everything else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTEST := $(BIN)/python -m pytest --numprocesses auto --no-loadscope-reorder
# The folders that have tests of programs. Each process of pytest takes seconds to collect the others.
PROGRAMS := $(addprefix tests/,cluster images loading store storage_bench cli)
# Python keeps the bytecode of the checkout. Otherwise each process compiles all that it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test programs test-cluster cluster cluster-down soak soak-facts bench bench-startup bench-store docs docs-check manifests lock fmt clean

help:            ## show the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

# uv installs in seconds what takes pip a minute. pip does it where uv can't: where uv does not run, or
# where only pip is configured to reach a package index.
$(READY): requirements-dev.lock requirements-uv.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "modelcache needs Python 3.11 or later")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --only-binary :all: --require-hashes --requirement requirements-uv.lock \
	  && $(BIN)/uv pip install --quiet --python $(VENV) --require-hashes --requirement requirements-dev.lock \
	  || $(BIN)/python -m pip install --quiet --require-hashes --requirement requirements-dev.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY)   ## send the article's Deployments through the webhook and show the pods
	$(BIN)/python -m tests.demo

test: $(READY)   ## lint, types, and every test that needs Python alone: a few minutes
	$(PYTEST) -m "not programs" --ignore=tests/cluster

programs: $(READY) ## what test-cluster needs: compiles Kubernetes and builds images, once
	$(BIN)/python -m tests.kubernetes build
	$(BIN)/python -m tests.images build

test-cluster: programs ## real API servers, pods on nodes, images
	$(PYTEST) -m programs $(PROGRAMS)

cluster: $(READY) ## start a cluster with one node and the webhook, and leave it running
	$(BIN)/python -m tests.kubernetes up

cluster-down:    ## end that cluster
	$(BIN)/python -m tests.kubernetes down

soak: $(READY)   ## an hour of reviews on a cluster, with certificates renewed each minute: does anything grow?
	$(BIN)/python -m tests.kubernetes.soak

soak-facts: $(READY) ## an hour of reviews while a large cluster changes: does anything grow?
	$(BIN)/python -m benchmarks.facts --minutes 60 --outage 120

bench: $(READY)  ## measure reviews, and compare with a webhook written in the usual way
	$(BIN)/python -m benchmarks.run

bench-startup: $(READY) ## measure how soon pods serve, and compare with pods that download
	$(BIN)/python -m benchmarks.startup

bench-store: $(READY) ## measure copy, load and verify, and compare with cp, rsync, hf download and sha256sum
	$(BIN)/python -m benchmarks.store

manifests: $(READY) ## write the kustomize base, deploy/*.yaml, from deploy/chart
	$(BIN)/python -m tests.kubernetes.manifests

# Everything is resolved once, for requirements-dev.lock. The other lock files are parts of it, so that
# the tested versions are the shipped ones.
lock: $(READY)   ## write the lock files again
	$(BIN)/python -m piptools compile --quiet --generate-hashes --strip-extras --allow-unsafe \
	  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header --no-annotate \
	  --extra dev --extra bench --extra s3 --extra gs \
	  --output-file requirements-dev.lock pyproject.toml
	$(BIN)/python -m piptools compile --quiet --generate-hashes --strip-extras --allow-unsafe \
	  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header --no-annotate \
	  --constraint requirements-dev.lock --output-file requirements.lock pyproject.toml
	$(BIN)/python -m piptools compile --quiet --generate-hashes --strip-extras --allow-unsafe \
	  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header --no-annotate \
	  --extra s3 --constraint requirements-dev.lock \
	  --output-file requirements-s3.lock pyproject.toml
	$(BIN)/python -m piptools compile --quiet --generate-hashes --strip-extras --allow-unsafe \
	  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header --no-annotate \
	  --extra gs --constraint requirements-dev.lock \
	  --output-file requirements-gs.lock pyproject.toml
	$(BIN)/python -m piptools compile --quiet --generate-hashes --strip-extras --allow-unsafe \
	  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header --no-annotate \
	  --build-deps-for wheel --only-build-deps --constraint requirements-dev.lock \
	  --output-file requirements-build.lock pyproject.toml
	echo cyclonedx-bom | $(BIN)/python -m piptools compile --quiet --generate-hashes --strip-extras \
	  --allow-unsafe --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header \
	  --no-annotate --constraint requirements-build.lock --output-file requirements-sbom.lock -
	echo uv | $(BIN)/python -m piptools compile --quiet --generate-hashes --strip-extras \
	  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header --no-annotate \
	  --output-file requirements-uv.lock -

docs: $(READY)   ## build the site of the documents in .site/html
	$(BIN)/python -m tests.docs.site

docs-check: $(READY) ## open every page of that site in headless Chromium
	$(BIN)/python -m tests.docs.browser

fmt: $(READY)    ## format, and fix lint that can be fixed
	$(BIN)/ruff format . && $(BIN)/ruff check --fix .

clean:           ## remove the environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .bench .site
