# The parts of `make test` that run side by side, a process each: each imports and collects its own tests only. What
# waits for other programs comes first, what works all the time after: so neither core is ever idle for long.
# .ci/tests calls this and says PYTHON (it runs the checkout), WHEEL (it has Sealgate from its wheel alone), WORK (a
# folder to be in that is not the checkout: what the wheel lacks is not found there) and ARGS.
ROOT := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))/..)
JOURNEYS := $(wildcard $(ROOT)/tests/journeys/test_*.py)
FAULTS := $(filter-out %/test_kill.py,$(wildcard $(ROOT)/tests/journeys/faults/test_*.py))
BROWSER := $(shell grep -l 'mark\.browser' $(JOURNEYS))
UNITS := $(filter-out %/__pycache__,$(wildcard $(ROOT)/tests/unit/*))
named = $(filter $(foreach name,$(2),%/test_$(name).py),$(1))

# Each list gets two or three parts of about the same length; a new file falls to the last of them.
faults-points := $(call named,$(FAULTS),named_points)
faults := $(filter-out $(faults-points),$(FAULTS))
browser-boxes := $(call named,$(BROWSER),box_life portal_pages)
browser := $(filter-out $(browser-boxes),$(BROWSER))
journeys-mail := $(call named,$(JOURNEYS),by_mx demo no_plaintext never_in_the_clear postfix)
journeys := $(filter-out $(BROWSER) $(journeys-mail),$(JOURNEYS))
contracts-store := $(ROOT)/tests/contracts/store
contracts := $(wildcard $(ROOT)/tests/contracts/test_*.py)
talks := $(ROOT)/tests/dialogues $(ROOT)/tests/messages
units-policy := $(ROOT)/tests/unit/policy
units-gateway := $(ROOT)/tests/unit/gateway
units-rules := $(ROOT)/tests/unit/rules
units := $(filter-out $(units-policy) $(units-gateway) $(units-rules),$(UNITS))

REAL := browser browser-boxes faults journeys faults-points journeys-mail
FAST := contracts-store units-policy units-gateway units units-rules contracts talks

.PHONY: all $(REAL) $(FAST)
all: $(REAL) $(FAST)

PYTEST := -m pytest -q --rootdir "$(ROOT)" -c "$(ROOT)/pyproject.toml" -o "cache_dir=$(ROOT)/.pytest_cache" -m "not soak"
$(REAL):
	@echo "== $@"
	@cd "$(ROOT)" && "$(PYTHON)" $(PYTEST) $($@) $(ARGS)
$(FAST):
	@echo "== $@"
	@cd "$(WORK)" && "$(WHEEL)" $(PYTEST) $($@) $(ARGS)
