# Two commands do everything on a bare machine with Python >= 3.11 (venv, pip) and make:
#   make run    install, then a gateway with a demo account on 127.0.0.1:8080
#   make test   install, then every test

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# One more than cores: tests wait for something a third of their time.
WORKERS ?= 3
# Each worker has a stretch of its own, so that what the tests of a file share is made once; who is done early helps out.
SIDE_BY_SIDE = -n $(WORKERS) --dist worksteal
# A private index or mirror is the user's own pip configuration; nothing here names one.
PIP := $(BIN)/python -m pip --disable-pip-version-check

# So that no start compiles anything, also where the environment forbids Python to keep what it has compiled.
COMPILE = $(BIN)/python -m compileall -q src

.PHONY: install run test test-slow check bench screenshots pictures audit lock vendor clean

install: $(STAMP)

$(STAMP): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Yizhan needs Python 3.11 or newer, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV) ..."
	@$(PIP) install --quiet --require-hashes --requirement requirements/dev.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@$(COMPILE)
	@touch $@

run: install
	@exec $(BIN)/yizhan serve --demo

test: install
	@$(COMPILE)
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) -m "not slow"

# YIZHAN_TEST_ROUNDS of the crash laboratory (200), YIZHAN_TEST_NODE_KILLS (100) and YIZHAN_TEST_SERVER_KILLS (10) of the
# one for several nodes, YIZHAN_TEST_KILLS (20), YIZHAN_TEST_FUZZ_S, YIZHAN_TEST_OVERLOAD_S (60),
# YIZHAN_TEST_MOVE_MESSAGES (100000) from SQLite to PostgreSQL, YIZHAN_TEST_API_EXAMPLES (4) for each path of the admin API;
# YIZHAN_TEST_SEED draws other ones, YIZHAN_LAB_ROUND=N plays one round again.
test-slow: install
	@$(COMPILE)
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) -m "slow and not alone" -s
	$(BIN)/python -m pytest -m "slow and alone" -s

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .

# The whole table of docs/performance.md, written anew: make bench BENCH="--full --write"; "--help" tells the rest.
bench: install
	$(BIN)/python -m bench $(BENCH)

# Every page of the console, wide and narrow, into build/screenshots (needs Debian's chromium).
screenshots: install
	cd tests && ../$(BIN)/python -m browser.screenshots ../build/screenshots

# Renew the pictures that the READMEs show.
pictures: install
	cd tests && ../$(BIN)/python -m browser.screenshots --shown ../docs/screenshots

# Known holes in what the gateway installs. pip-audit goes into the project's own folder; it asks the advisory service of
# PyPI, and what could not be asked counts as a failure: only exit status 0 means "audited, nothing known".
audit: install
	@test -d $(VENV)/audit/pip_audit || $(PIP) install --quiet --require-hashes --requirement requirements/audit.txt --target $(VENV)/audit
	@PYTHONPATH=$(VENV)/audit $(BIN)/python -m pip_audit --strict --disable-pip --require-hashes --progress-spinner off \
		--timeout 15 --requirement requirements/base.txt || { \
		echo "make audit: FAILED: a hole is listed above, or the advisory service could not be reached; nothing was proved safe" >&2; exit 1; }

# Renew the pinned requirements; uv goes into the project's own folder.
lock: install
	$(PIP) install --quiet --target $(VENV)/uv uv
	$(VENV)/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml --output-file requirements/base.txt
	$(VENV)/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --group dev pyproject.toml --constraint requirements/base.txt --output-file requirements/dev.txt
	$(VENV)/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --extra otel --extra postgres --group build pyproject.toml --constraint requirements/base.txt --output-file requirements/image.txt
	$(VENV)/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --group audit --output-file requirements/audit.txt

# Renew what the console has from npm (src/yizhan/console/static/vendor); npm's packages go beside the tests' own.
NPM := tests/peers/node_modules
VENDOR := src/yizhan/console/static/vendor
vendor:
	npm ci --prefix tests/peers --ignore-scripts --no-audit --no-fund --loglevel=error
	cp $(NPM)/htmx.org/dist/htmx.min.js $(VENDOR)/htmx.min.js
	cp $(NPM)/htmx-ext-sse/dist/sse.min.js $(VENDOR)/htmx-sse.min.js
	cp $(NPM)/uplot/dist/uPlot.iife.min.js $(VENDOR)/uplot.min.js
	cp $(NPM)/uplot/dist/uPlot.min.css $(VENDOR)/uplot.min.css

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
