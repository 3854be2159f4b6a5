# make          format, lint and types checked, then all tests but those with real phones
# make test     the same, then those of the compiled daemon, and with real phones, a browser and others
# make test-opensips OPENSIPS_BIN=... OPENSIPS_MODULES=...   tests with real phones at a real OpenSIPS
# make demo     real SIP calls on this machine: started, held, transferred and ended
# make run      the daemon with three demo phones, until Ctrl-C (ARGS=... for other options)
# make bench    how fast it is
# make capacity how many calls the embedded back end carries, by SIPp
# make soak MINUTES=10         commands and faults of every kind for so long: nothing may grow
# make loss     1,500 calls, and the commands on as many, while a tenth of all messages is lost
# make fuzz MINUTES=5          the parsers, with bytes that are guided by coverage
# make properties MINUTES=5    the Hypothesis tests, for so long
# make crash ROUNDS=200   kill -9 at random moments, so often on each back end, and compare
# make format   lay out the sources
# make man      write the manual pages anew, from what --help says
# make install  the environment in .venv; PYTHON=... chooses the interpreter
# make clean    remove all of that

PYTHON ?=
ARGS ?=
MINUTES ?= 5
RUNS ?= 1
ROUNDS ?= 20
SEED ?= 0
VENV := .venv
BIN := $(VENV)/bin

# Runs pytest with a folder for temporary files that is gone afterwards.
PYTEST := folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT INT TERM && \
    $(BIN)/pytest -q --basetemp="$$folder/t"

USER_STAMP := $(VENV)/installed
TEST_STAMP := $(VENV)/installed-test
NODE_STAMP := $(VENV)/installed-node
COMPILED := build/compiled

.NOTPARALLEL:
.PHONY: check test test-opensips demo run bench crash fuzz properties capacity loss format man install clean static \
    fast-tests compiled-tests live-tests program-tests test-opensips-if-there phones programs

check: static fast-tests

test: check compiled-tests program-tests test-opensips-if-there live-tests

# Every part says how long it took: pytest in the line above its summary, for which it has PART.
static: $(TEST_STAMP)
	@began=$$(date +%s); \
	    $(BIN)/ruff format --quiet --check . || { echo "make format lays these out" >&2; exit 1; }; \
	    $(BIN)/ruff check --quiet . && $(BIN)/mypy --no-error-summary && \
	    echo "static: $$(($$(date +%s) - began)) s"

# With the coverage gate: pyproject.toml names the rooms of which every branch has to be run.
fast-tests: $(TEST_STAMP)
	@export PART='fast tests' && \
	    $(PYTEST) -n auto -m "not live and not opensips and not programs" --cov --cov-report=term-missing:skip-covered

# What pip installs is compiled, and what is tested above is not: the same from outside once more.
compiled-tests: $(TEST_STAMP) $(COMPILED)/made
	@export PART='compiled' PYTHONPATH='$(abspath $(COMPILED))' && $(PYTEST) -n 4 -o pythonpath='$(COMPILED) .' \
	    tests/test_setup.py tests/call_api/backends/opensips tests/call_api/sip tests/call_api/transports \
	    tests/contract tests/invariants tests/opensips tests/wire

$(COMPILED)/made: setup.py pyproject.toml $(shell find call_api call_api_client call_cmd -name '*.py')
	@echo "compiling call-api into $(COMPILED)" >&2
	@rm -rf build && $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
	    --target $(COMPILED) . && touch $@

# They wait for phones more than they compute, so four at a time on whatever machine.
live-tests: $(TEST_STAMP) phones
	@export PART='live sipp' && $(PYTEST) -rs -n 4 -m "live and sipp"
	@export PART='live baresip' && $(PYTEST) -rs -n 4 -m "live and baresip and not sipp"
	@export PART='live pjsip' && $(PYTEST) -n 4 -m "live and not baresip and not sipp"

# What pip does not bring comes by apt, if it is not there and this may install it.
phones:
	@scripts/install-programs baresip:baresip-core sipp:sip-tester

programs:
	@scripts/install-programs chromium:chromium chromedriver:chromium-driver jq:jq node:nodejs npm:npm

# Clients in other languages, a browser, scripts.
program-tests: $(TEST_STAMP) programs $(NODE_STAMP)
	@export PART='programs' && $(PYTEST) -rs -n 2 -m programs tests/interop tests/examples

# The proxy itself and the folder of its modules; RUNS=20 runs every test so often.
test-opensips: $(TEST_STAMP)
	@: $(or $(OPENSIPS_BIN),$(error say OPENSIPS_BIN=...)) \
	    $(or $(OPENSIPS_MODULES),$(error say OPENSIPS_MODULES=...))
	@export OPENSIPS_BIN='$(OPENSIPS_BIN)' OPENSIPS_MODULES='$(OPENSIPS_MODULES)' \
	    OPENSIPS_RUNS='$(RUNS)' PART='live opensips' && $(PYTEST) -n 3 --dist loadfile -m opensips tests/opensips_live

test-opensips-if-there:
ifneq ($(and $(OPENSIPS_BIN),$(OPENSIPS_MODULES)),)
	@$(MAKE) --no-print-directory test-opensips
else
	@echo "left out: the tests at a real OpenSIPS, for want of OPENSIPS_BIN and OPENSIPS_MODULES"
endif

demo: $(USER_STAMP)
	@$(BIN)/python examples/demo/demo.py $(ARGS)

run: $(USER_STAMP)
	@exec $(BIN)/call-api $(or $(ARGS),--demo)

# All of it, for a quarter of an hour; ARGS instead are those of the embedded back end's part alone.
bench: export PYTHONPATH := $(abspath $(COMPILED))
bench: $(USER_STAMP) $(COMPILED)/made
ifneq ($(ARGS),)
	@$(BIN)/python -m bench $(ARGS)
else
	@for dialect in v1 v2; do $(BIN)/python -m bench.cells --dialect $$dialect || exit; done
	@$(BIN)/python -m bench.cells --rounds 1 --stand-in "--delay 0.005 --reorder"
	@for calls in missing fail never; do \
	    $(BIN)/python -m bench.cells --rounds 1 --calls $$calls --cells CallHold:1:64 || exit; done
	@$(BIN)/python -m bench
	@$(BIN)/python -m bench.idle
	@$(BIN)/python -m bench.cold
	@$(BIN)/python -m bench.growth --svg docs/growth.svg
endif

capacity: $(USER_STAMP) phones
	@$(BIN)/python -m bench.capacity $(or $(ARGS),--limit --concurrent 100 1000 10000)

.PHONY: soak
soak: $(TEST_STAMP)
	@$(BIN)/python -m tests.soak --minutes $(MINUTES) $(ARGS)

loss: $(TEST_STAMP) phones
	@$(BIN)/python -m bench.loss $(ARGS)
	@export LOSSY_CALLS=1500 && $(PYTEST) tests/invariants/test_commands_over_a_bad_network.py

fuzz: $(TEST_STAMP)
	@$(BIN)/python -c 'import atheris' 2>/dev/null || $(BIN)/python -m pip install --quiet \
	    --disable-pip-version-check --editable '.[fuzz]'
	@$(BIN)/python -m tests.fuzz --minutes $(MINUTES) $(ARGS)

properties: $(TEST_STAMP)
	@scripts/try-properties $(MINUTES) $(VENV)

crash: $(TEST_STAMP)
	@$(BIN)/python -m tests.faults.crash opensips $(ROUNDS) $(SEED)
	@$(BIN)/python -m tests.faults.crash embedded $(ROUNDS) $(SEED)

format: $(TEST_STAMP)
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --quiet --fix .

man: $(TEST_STAMP)
	@$(BIN)/python scripts/man_pages.py

install: $(TEST_STAMP)

# What runs needs less than what is tested.
$(USER_STAMP): pyproject.toml
	@PYTHON='$(PYTHON)' scripts/make-venv $(VENV) fast
	@touch $@

$(TEST_STAMP): pyproject.toml
	@PYTHON='$(PYTHON)' scripts/make-venv $(VENV) test,fast
	@touch $(USER_STAMP) $@

# Without npm or its registry the tests say what they leave out.
$(NODE_STAMP): tests/interop/package.json $(TEST_STAMP)
	@mkdir -p $(VENV)/node && cp $< $(VENV)/node/ && \
	    if npm install --prefix $(VENV)/node --no-package-lock --no-audit --no-fund --silent; \
	    then touch $@; else echo "could not install the packages of $<" >&2; fi

clean:
	rm -rf $(VENV) build dist *.egg-info .coverage .coverage.* .mypy_cache .ruff_cache \
	    .pytest_cache .hypothesis .fuzz
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
