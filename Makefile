# Bengi. `make help` lists what there is.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help run run-standard run-scale test check static quick audit parts parts-of-modes openapi fuzz fuzz-api bugs crash fmt screenshots bench soak lock clean ready ready-dev

PY := .venv/bin/python
JOBS ?= 2
STATIC_ENV := DJANGO_SETTINGS_MODULE=bengi.settings.test
DOCUMENT = $(STATIC_ENV) $(PY) manage.py spectacular --validate --fail-on-warn --format openapi-json --file docs/openapi.json
BOOTSTRAP = python=$$(PYTHON="$(PYTHON)" sh scripts/find-python.sh) && "$$python" scripts/bootstrap.py
UV = $(firstword $(shell command -v uv) .venv/bin/uv)
LOCK = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

run: ready ## Start Bengi on http://127.0.0.1:8000 (options: ARGS="--feed replay ...")
	@exec $(PY) manage.py run $(ARGS)

run-standard: ready parts-of-modes ## Start the standard mode: PostgreSQL, Redis, web, engines, feed (ARGS="--shards 2")
	@exec $(PY) -m scripts.supervisor standard $(ARGS)

run-scale: ready parts-of-modes ## Start the scale-out mode: the same, with Kafka's stand-in between
	@exec $(PY) -m scripts.supervisor scale $(ARGS)

test: ready-dev static parts ## Everything: static checks and all tests, browser included
	@$(PY) -m pytest -n $(JOBS) $(ARGS)

check: ready-dev static quick ## Static checks and the quick tests, before every push

static: ready-dev
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	.venv/bin/lint-imports --no-logo
	$(STATIC_ENV) $(PY) manage.py makemigrations --check --dry-run
	.venv/bin/djlint --lint --quiet .
	$(PY) scripts/linters.py

quick: ready-dev
	@$(PY) -m pytest -n $(JOBS) -m "not slow and not browser and not real_parts" $(ARGS)

audit: ready-dev ## Ask whether weaknesses of the locked packages are known (asks the network)
	.venv/bin/pip-audit --disable-pip --require-hashes -r requirements.txt
	.venv/bin/pip-audit --disable-pip --require-hashes -r requirements-dev.txt
	npm audit --omit=dev --audit-level=high

parts: ready-dev
	@$(PY) scripts/parts.py install

parts-of-modes: ready
	@$(PY) scripts/parts.py install postgresql redis

openapi: ready-dev ## Write docs/openapi.json anew from what the views declare
	$(DOCUMENT)
	BENGI_EXAMPLES=write $(PY) -m pytest -q tests/contract/test_examples.py
	$(DOCUMENT)

fuzz: ready-dev ## Walk the state machine against its model (walks: N=5000)
	@FUZZ_EXAMPLES=$(or $(N),2000) $(PY) -m pytest -n $(JOBS) -s tests/state/test_state_machine.py $(ARGS)

fuzz-api: ready-dev ## Ask every operation of the API for sense and nonsense (N=200 times of each)
	@FUZZ_API_EXAMPLES=$(or $(N),100) $(PY) -m pytest -s tests/contract/test_fuzz.py $(ARGS)

bugs: ready-dev ## Plant every bug that the walks must find, one after the other
	@PLANTED_BUGS=all $(PY) -m pytest -n $(JOBS) tests/state/test_planted_state.py $(ARGS)

crash: ready-dev parts ## Kill brokers, databases and every process of the scale-out mode (N=200 M=3)
	@CRASH_ROUNDS=$(or $(N),200) MATRIX_ROUNDS=$(or $(M),3) $(PY) -m pytest -s tests/test_crash.py tests/test_crash_matrix.py -k "again or overtaken" $(ARGS)

fmt: ready-dev ## Format the code and mend what can be mended by machine
	$(PY) -m ruff check --fix --exit-zero .
	$(PY) -m ruff format .

screenshots: ready-dev parts ## Draw the pictures in docs/screenshots, as every test run does
	@BENGI_SCREENSHOTS=docs/screenshots $(PY) -m pytest tests/browser/test_screenshots.py $(ARGS)

bench: ready-dev parts-of-modes ## Print the benchmark table
	@$(PY) -m benchmarks $(ARGS)

soak: ready-dev parts-of-modes ## Trade for ten minutes at half of what the standard mode carries (M=10)
	@SOAK_MINUTES=$(or $(M),10) $(PY) -m benchmarks soak

lock: ready-dev ## Compile the requirement files again from their .in files
	@test -x "$(UV)" || $(PY) -m pip install --quiet uv
	$(LOCK) -o requirements.txt requirements.in
	$(LOCK) -o requirements-dev.txt requirements-dev.in
	$(LOCK) -o requirements-node.txt requirements-node.in

clean: ## Remove what was installed and built; local data in var/ stays
	rm -rf .venv node_modules staticfiles .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

ready:
	@$(BOOTSTRAP)

ready-dev:
	@$(BOOTSTRAP) --dev
