# Two commands do everything on a fresh Debian with Swift: `make demo` and `make test`.
SHELL := /bin/bash
PACKAGES := libzmq3-dev libsqlite3-dev libopenblas-dev libxxhash-dev zlib1g-dev libzstd-dev libarchive-dev libisal-dev pkg-config
DEEPFM := .build/release/deepfm
# Names are exported for the stacks that SIGQUIT prints.
RELEASE := -c release -Xswiftc -enable-testing -Xlinker --export-dynamic
EXAMPLE := --package-path Examples/ClusterTest --scratch-path .build
MUTANTS := -Xswiftc -DMUTANTS --scratch-path .build-mutants
SOURCES := Package.swift Sources Tests Benchmarks Examples
LIVES ?= 50000
KILLS ?= 150
CRASHES ?= 300

.PHONY: help demo test example soak mutants build library bench against format lint clean setup

help: ## print this
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: build ## train DeepFM-D on a localhost cluster, with data made on the spot
	@rm -rf demo && mkdir -p demo
	$(DEEPFM) synthesize --rows 500000 --out demo/train.txt
	$(DEEPFM) synthesize --rows 60000 --seed 2 --out demo/valid.txt
	$(DEEPFM) train --train demo/train.txt --valid demo/valid.txt --batch 1024 --epochs 3 --run-dir demo/run

# The example goes first, so that what the test runner says of all our own tests is said last.
test: example ## build and run all tests
	Scripts/progress swift build $(RELEASE) --build-tests
	Scripts/watched 600 swift test $(RELEASE) --skip-build

# In our own build directory and with our own versions of packages, so that nothing is built twice.
example: setup ## build and run the test of the example package, which uses this one as a library
	@if [ -e Package.resolved ]; then cp Package.resolved Examples/ClusterTest/; fi
	Scripts/progress swift build $(RELEASE) $(EXAMPLE) --build-tests
	Scripts/watched 300 swift test $(RELEASE) $(EXAMPLE) --skip-build

soak: setup ## live 50,000 simulated lives, kill 300 real processes, crash at 300 writes of files, and write and read 5 GB (LIVES, KILLS each, CRASHES)
	Scripts/progress swift build $(RELEASE) --build-tests
	LIVES=$(LIVES) Scripts/watched 600 swift test $(RELEASE) --skip-build --filter SimulationTests
	KILLS=$(KILLS) Scripts/watched 600 swift test $(RELEASE) --skip-build --filter ChaosTests
	GIGABYTES=5 Scripts/watched 600 swift test $(RELEASE) --skip-build --filter LargeTableTests
	CRASHES=$(CRASHES) Scripts/watched 600 swift test $(RELEASE) --skip-build --filter CrashTests

mutants: setup ## plant faults in the cores, and fail for each that the simulator does not find
	Scripts/progress swift build $(RELEASE) $(MUTANTS) --build-tests
	swift test $(RELEASE) $(MUTANTS) --skip-build --filter MutantTests

build: setup ## build the tool, .build/release/deepfm
	Scripts/progress swift build $(RELEASE) --product deepfm

library: setup ## build libdeepfm-predict.so, for programs in C (Sources/Predictor/deepfm.h)
	Scripts/progress swift build $(RELEASE) --product deepfm-predict

bench: setup ## measure, and print ratios against bounds measured in the same run
	Scripts/progress swift build $(RELEASE)
	.build/release/benchmarks

against: build ## compare the speed with that of COMMIT, in five interleaved runs
	Scripts/against $(COMMIT)

format: ## rewrite the sources in the project's format
	swift format format --in-place --parallel --recursive $(SOURCES)

lint: ## fail where sources are not in the project's format, import what they must not, or are too long
	swift format lint --strict --parallel --recursive $(SOURCES)
	Scripts/imports

clean: ## remove what was built, and the demo
	rm -rf .build .build-mutants demo

setup: ## install the Debian packages that are missing
	@missing=$$(for package in $(PACKAGES); do \
	    dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q 'ok installed' || echo $$package; done); \
	if [ -n "$$missing" ]; then \
	  echo "installing:" $$missing; \
	  if [ "$$(id -u)" = 0 ]; then sudo=; elif command -v sudo >/dev/null; then sudo=sudo; \
	  else echo "These Debian packages are missing, and neither root nor sudo is here to install them:" $$missing >&2; exit 1; fi; \
	  export DEBIAN_FRONTEND=noninteractive; \
	  { $$sudo apt-get update -qq && $$sudo apt-get install -y -qq --no-install-recommends $$missing >/dev/null; } || \
	  { echo "apt-get could not install:" $$missing >&2; exit 1; }; \
	fi; \
	command -v swift >/dev/null || { echo "Swift 6.2 or later is missing: see https://www.swift.org/install" >&2; exit 1; }
