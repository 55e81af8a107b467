# attrax: `make` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup build test test-cluster lint clean demo wheel evaluate vot2016 report verify requirements fuzz parity \
    compare ablation bench docs gpu picture

TRACKER ?= DAT
REPETITIONS ?= 1
SEEDS ?= 5
JOBS ?= 1

vot := PATH="$(CURDIR)/out/bin:$$PATH" out/bin/attrax-vot

help: ## This list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):[^#]*## (.*)/  make \1	\2/' | expand -t 22
	@echo
	@echo 'make evaluate takes DATASET=DIR [TRACKER=DAT] [REPETITIONS=1] [SEQUENCES=a,b] [WORKSPACE=DIR]'
	@echo '[REFERENCE=DIR]; make vot2016 the same, and JOBS=N, with 15 repetitions by default.'
	@echo 'make ablation takes [LAMBDAS=0,1,3,5,8] and [WORKSPACE=DIR] too.'

setup: ## Install the dependencies of building and testing (once; 2.3 GB in ~/.cache/attrax) [CUDA=1: 5.8 GB]
	@CUDA=$(CUDA) scripts/setup

build: setup ## Build the release binary: out/bin/attrax
	@scripts/build

test: build ## Run every test
	@scripts/test

test-cluster: setup ## Run the tests on a local Slurm cluster (Debian: slurm-wlm, munge; as root)
	@scripts/test-cluster

fuzz: setup ## Fuzz the crate trax under sanitizers [SECONDS=600 for each of eight targets]
	@crates/trax/fuzz/run $(or $(SECONDS),600)

lint: setup ## Check style, types and licences: rustfmt, clippy, rustdoc, ruff, mypy, cargo-deny (if installed)
	@scripts/lint

wheel: build ## Make the Python wheels: dist/attrax_vot-*.whl, and dist/attrax-*.whl with the tracker
	@scripts/wheel

demo: build ## Render a small dataset and run the VOT toolkit on it: out/demo
	@$(vot) demo out/demo --tracker $(TRACKER)

evaluate: build ## Run the VOT-2016 baseline experiment on a folder of sequences
	@test -n "$(DATASET)" || { echo 'usage: make evaluate DATASET=DIR [TRACKER=DAT] [REPETITIONS=1]' \
	    '[SEQUENCES=a,b] [WORKSPACE=DIR] [REFERENCE=DIR]' >&2; exit 2; }
	@$(vot) evaluate "$(DATASET)" --tracker $(TRACKER) --repetitions $(REPETITIONS) \
	    $(if $(SEQUENCES),--sequences $(SEQUENCES)) $(if $(WORKSPACE),--workspace "$(WORKSPACE)") \
	    $(if $(REFERENCE),--reference "$(REFERENCE)")

vot2016: build ## The whole VOT-2016 experiment, in parallel, with a report
	@$(vot) init $(or $(WORKSPACE),out/vot2016) $(if $(DATASET),--dataset "$(DATASET)") --experiments baseline
	@$(vot) run $(or $(WORKSPACE),out/vot2016) $(TRACKER) --jobs $(JOBS) $(if $(SEQUENCES),--sequences $(SEQUENCES)) \
	    $(if $(filter command line,$(origin REPETITIONS)),--repetitions $(REPETITIONS))
	@$(vot) report $(or $(WORKSPACE),out/vot2016) $(if $(REFERENCE),--reference "$(REFERENCE)")

report: setup ## Page, table and summary.json about a workspace: WORKSPACE=DIR [REFERENCE=DIR]
	@$(vot) report $(or $(WORKSPACE),out/vot2016) $(if $(REFERENCE),--reference "$(REFERENCE)")

compare: build ## Compare arms of the tracker: DATASET=DIR ARMS=FILE [SEQUENCES=a,b] [SEEDS=3] [JOBS=2]
	@test -n "$(DATASET)" -a -n "$(ARMS)" || { echo 'usage: make compare DATASET=DIR ARMS=evaluation/arms/procedure.toml' \
	    '[SEQUENCES=a,b] [SEEDS=3] [JOBS=2] [WORKSPACE=DIR]' >&2; exit 2; }
	@$(vot) compare $(or $(WORKSPACE),out/compare) --dataset "$(DATASET)" --arms "$(ARMS)" \
	    $(if $(SEQUENCES),--sequences $(SEQUENCES)) \
	    $(if $(filter command line,$(origin SEEDS)),--seeds $(SEEDS)) \
	    $(if $(filter command line,$(origin JOBS)),--jobs $(JOBS))

ablation: build ## The paper's tables: DATASET=DIR [SEQUENCES=a,b] [SEEDS=2] [JOBS=2] [VARIANTS=all]
	@test -n "$(DATASET)" || { echo 'usage: make ablation DATASET=DIR [SEQUENCES=a,b] [SEEDS=2] [JOBS=2]' \
	    '[VARIANTS=lambda|attention|form|box|all] [LAMBDAS=0,1,3,5,8] [WORKSPACE=DIR]' >&2; exit 2; }
	@$(vot) ablation $(or $(WORKSPACE),out/ablation) --dataset "$(DATASET)" --tracker $(TRACKER) \
	    $(if $(SEQUENCES),--sequences $(SEQUENCES)) $(if $(VARIANTS),--variants $(VARIANTS)) \
	    $(if $(LAMBDAS),--lambdas $(LAMBDAS)) \
	    $(if $(filter command line,$(origin SEEDS)),--seeds $(SEEDS)) \
	    $(if $(filter command line,$(origin JOBS)),--jobs $(JOBS))

verify: build ## Check that an evaluation works on this machine
	@$(vot) verify --tracker $(TRACKER)

requirements: ## Pin the Python packages again; pinned versions stay [UPGRADE=1: newest versions; UPGRADE=NAME: of one package]
	@UPGRADE=$(UPGRADE) scripts/requirements

parity: setup ## Compare every quantity with the separate oracle program: SEEDS=5 random cases
	@ATTRAX_PARITY_SEEDS=$(SEEDS) cargo test --release --locked --test attrax parity -- --nocapture

bench: build ## Measure everything next to the plain tracker, and rewrite docs/performance.md [FRAMES=20] [SEQUENCES=a,b] [DATASET=DIR]
	@FRAMES=$(FRAMES) SEQUENCES="$(SEQUENCES)" DATASET="$(DATASET)" scripts/bench

docs: build ## Check every page, make them a site (out/book) and make the documentation of the crates
	@scripts/docs

gpu: build ## Run the measurements on an NVIDIA device: out/gpu [DATASET=DIR] [DEVICE=cuda:0]
	@DEVICE=$(DEVICE) DATASET="$(DATASET)" scripts/gpu

picture: build ## Make the animation in README again: docs/maps.webp [SEQUENCE=twins]
	@scripts/picture

clean: ## Remove the build output of this clone (evaluation results and the cache outside the clone stay)
	rm -rf dist out/bin out/book out/test out/demo target .cargo/config.toml vendor/libtrax .pytest_cache .ruff_cache
	find evaluation tests -name __pycache__ -type d -prune -exec rm -rf {} +
