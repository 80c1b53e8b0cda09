# The everyday commands. Needs make and python3-venv (Python 3.11 or later); everything else is set up here.
PYTHON ?= $(shell .ci/python)
VENV := .venv
BIN := $(VENV)/bin
SETUP := $(VENV)/.set-up
PACKAGES := gateway policy rules portal delivery keys

.PHONY: help demo test check check-style bench bench-backlog bench-detect bench-loop bench-portal bench-scan soak screenshots generate system-packages clean

help:            ## what can be made
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/'

$(SETUP): pyproject.toml .ci/constraints.txt
	@.ci/setup "$(PYTHON)" "$(VENV)"
	@touch $(SETUP)

demo: $(SETUP)   ## run everything on this machine, with sample mail (Ctrl-C ends it)
	@$(BIN)/sealgate demo $(DEMO)

# A process for each folder of unit tests, longest first: each imports and collects its own tests only. One more at a
# time than there are cores: a third of its time a test of the portal waits for a thread.
UNITS := $(addprefix units-,$(filter-out __pycache__,$(notdir $(wildcard tests/unit/*))))
LONGEST := units-gateway check-style units-portal units-rules
AT_ONCE := $(shell echo $$(($$(nproc) + 1)))
check: $(SETUP)  ## format, lint, types, imports, unit tests with coverage
	@rm -f .coverage .coverage.*
	@$(MAKE) --no-print-directory --jobs=$(AT_ONCE) --keep-going --output-sync $(LONGEST) $(filter-out $(LONGEST),$(UNITS))
	@$(BIN)/coverage combine -q
	@$(BIN)/coverage report --skip-covered --fail-under=80

check-style: $(SETUP)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/lint-imports
	@$(BIN)/mypy

# What a unit test writes need not survive: memory serves as well as a disk. Fewer examples find most faults.
# Compiled modules are kept whatever the environment says: each process reads them.
$(UNITS): export TMPDIR := $(shell .ci/scratch)
$(UNITS): export SEALGATE_SEARCH := brief
$(UNITS): export PYTHONDONTWRITEBYTECODE :=
$(UNITS): units-%: $(SETUP)
	@COVERAGE_FILE=.coverage.$* $(BIN)/python -m pytest -q -m "not slow and not soak" tests/unit/$* --cov --cov-report= $(ARGS)

test: $(SETUP) system-packages  ## all tests, with real Postfix, PostgreSQL and Chromium; those of Python alone on the built wheel
	@.ci/tests "$(VENV)" $(ARGS)

system-packages: $(SETUP)
	@.ci/system-packages "$(VENV)"
	@.ci/exim "$(VENV)"

soak: $(SETUP) system-packages  ## the long runs at full numbers, a night: faults, kills, fuzzing; goes on where it was stopped; ARGS=--list
	@.ci/soak "$(VENV)" $(ARGS)

bench: $(SETUP)  ## speed and memory, as ratios taken in one run
	@$(BIN)/python bench/gateway.py $(ARGS)

bench-detect: $(SETUP)  ## what is found and wrongly found, and how fast, beside Presidio; fetches both it and mail
	@$(BIN)/python bench/detect.py $(ARGS)

bench-backlog: $(SETUP)  ## what a long queue costs, and how fast it goes out after an outage
	@$(BIN)/python bench/backlog.py $(ARGS)

bench-loop: $(SETUP)  ## how long large and hostile mail holds a running gateway's event loop
	@$(BIN)/python bench/loop.py $(ARGS)

bench-portal: $(SETUP)  ## guests at once with large documents: pages, first bytes, memory
	@$(BIN)/python bench/portal.py $(ARGS)

bench-scan: $(SETUP)  ## what reading and scanning cost: no network, no peers
	@$(BIN)/python bench/scan.py $(ARGS)

screenshots: $(SETUP) system-packages  ## the portal's pages, wide and narrow, light and dark
	@SEALGATE_SCREENSHOTS=docs/pictures $(BIN)/python -m pytest -q -m browser tests/journeys

generate: $(SETUP)  ## write again what is generated: config.example.yaml, docs/detectors.md, catalogues
	@.ci/generate "$(VENV)"

clean:           ## take away what was set up here
	@rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .soak
