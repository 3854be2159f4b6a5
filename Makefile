# make          format, lint and types checked, then all tests but those with real phones
# make test     the same, then the tests with real phones
# make demo     real SIP calls on this machine: started, held, transferred and ended
# make run      the daemon with three demo phones, until Ctrl-C (ARGS=... for other options)
# make bench    how fast it is
# make format   lay out the sources
# make install  the environment in .venv; PYTHON=... chooses the interpreter
# make clean    remove all of that

PYTHON ?=
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed

.PHONY: check test demo run bench format install clean static fast-tests live-tests

check: static fast-tests

test: check live-tests

static: $(STAMP)
	@$(BIN)/ruff format --quiet --check . || { echo "make format lays these out" >&2; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary

# With the coverage gate: pyproject.toml names the rooms of which every branch has to be run.
fast-tests: $(STAMP)
	@$(BIN)/pytest -q -n auto -m "not live" --cov --cov-report=term-missing:skip-covered

# They wait for phones more than they compute, so four at a time on whatever machine.
live-tests: $(STAMP)
	@$(BIN)/pytest -q -n 4 -m live

demo: $(STAMP)
	@$(BIN)/python examples/demo/demo.py $(ARGS)

run: $(STAMP)
	@exec $(BIN)/call-api $(or $(ARGS),--demo)

bench: $(STAMP)
	@$(BIN)/python -m bench $(ARGS)

format: $(STAMP)
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --quiet --fix .

install: $(STAMP)

$(STAMP): pyproject.toml
	@PYTHON='$(PYTHON)' scripts/make-venv $(VENV)
	@touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .coverage .coverage.* .mypy_cache .ruff_cache \
	    .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
