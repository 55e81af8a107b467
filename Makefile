# attrax: `make` lists what can be asked for.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup build test lint clean demo evaluate requirements

TRACKER ?= DAT
REPETITIONS ?= 1

vot := PATH="$(CURDIR)/out/bin:$$PATH" out/bin/attrax-vot

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## (.*)/  make \1	\2/' | expand -t 22
	@echo
	@echo 'make evaluate takes DATASET=DIR [TRACKER=DAT] [REPETITIONS=1] [SEQUENCES=a,b] [WORKSPACE=DIR] [REFERENCE=DIR].'

setup: ## Install what building and testing need (once; about 5.5 GB in ~/.cache/attrax)
	@scripts/setup

build: setup ## Build the release binary: out/bin/attrax
	@scripts/build

test: build ## Run every test
	@scripts/test

lint: setup ## Check style: rustfmt, clippy, rustdoc, ruff
	@scripts/lint

demo: build ## Render a small dataset and run the VOT toolkit on it: out/demo
	@$(vot) demo out/demo --tracker $(TRACKER)

evaluate: build ## Run the VOT-2016 baseline experiment on a folder of sequences
	@test -n "$(DATASET)" || { echo 'usage: make evaluate DATASET=DIR [TRACKER=DAT] [REPETITIONS=1]' \
	    '[SEQUENCES=a,b] [WORKSPACE=DIR] [REFERENCE=DIR]' >&2; exit 2; }
	@$(vot) evaluate "$(DATASET)" --tracker $(TRACKER) --repetitions $(REPETITIONS) \
	    $(if $(SEQUENCES),--sequences $(SEQUENCES)) $(if $(WORKSPACE),--workspace "$(WORKSPACE)") \
	    $(if $(REFERENCE),--reference "$(REFERENCE)")

requirements: ## Pin evaluation/requirements.in anew (needs uv)
	@scripts/requirements

clean: ## Remove what was made in this clone (the cache outside it stays)
	rm -rf out target .cargo/config.toml vendor/libtrax .pytest_cache .ruff_cache
	find evaluation -name __pycache__ -type d -prune -exec rm -rf {} +
