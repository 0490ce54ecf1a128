# Everything runs in .venv, which the first target that needs it makes. `make` alone lists the targets.
.DEFAULT_GOAL := help
PYTHON ?= python3
TORCH ?= torch==2.13.0
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

evals: $(READY) ## score the recorded model outputs with all evals, and gate them
	$(BIN)/pytest evals/

test: $(READY) ## the project's own tests
	$(BIN)/pytest tests/ -n auto --dist loadfile --no-loadscope-reorder

lint: $(READY) ## ruff and mypy
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

docs: $(READY) ## build the documentation's site into site/, strictly and without a network
	$(BIN)/python .ci/docs

bench: $(READY) ## measure speed, as ratios in one run
	$(BIN)/python -m benchmarks

record: $(READY) ## make the calls that no recording holds (needs TOUCHSTONE_CODER_GGUF for the coder models)
	$(BIN)/pytest evals/ --calls record --run-config recorded

train: $(VENV)/.train ## add what fine-tuning here needs, trackers included; pip's own settings say where torch comes from

ray: $(VENV)/.ray ## add what running on a Ray cluster needs (docs/machines.md); its tests are left out without

$(VENV)/.ray: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[ray]'
	touch $@

# The job's file is made anew, and git tells what differs from the one that is kept: its adapter's hash, its losses, its time.
JOB := smollm2-135m-instruct-rows2700
tune: $(VENV)/.train ## train a job of tuning/sweeps/assistant.yaml anew, the best by default
	rm -f tuning/jobs/assistant/$(JOB).json tuning/jobs/assistant/$(JOB).losses.jsonl
	$(BIN)/touchstone tune submit assistant --job $(JOB)
	$(BIN)/touchstone tune wait assistant --job $(JOB)

setup: $(READY) ## make .venv with everything in it

$(READY): pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	command -v uv >/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	PATH="$(CURDIR)/$(BIN):$$PATH" uv pip install --quiet --python $(BIN)/python --require-hashes --no-deps -r requirements.lock
	PATH="$(CURDIR)/$(BIN):$$PATH" uv pip install --quiet --python $(BIN)/python --no-deps -e .
	touch $(READY)

# Not in the lock: which build of torch fits is the machine's to say (PIP_FIND_LINKS, an index of torch's, a wheel).
$(VENV)/.train: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(TORCH)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[train,track]'
	touch $@

lock: $(READY) ## choose newer versions of everything, and write them down with their hashes
	PATH="$(CURDIR)/$(BIN):$$PATH" .ci/lock > requirements.lock.new && mv requirements.lock.new requirements.lock

clean: ## remove .venv and everything that can be made again
	rm -rf $(VENV) .touchstone .pytest_cache .mypy_cache .ruff_cache

.PHONY: help evals test lint docs bench record train ray tune setup lock clean
