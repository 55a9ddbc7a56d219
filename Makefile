# Two commands do everything on a fresh Debian with Swift: `make demo` and `make test`.
SHELL := /bin/bash
PACKAGES := libzmq3-dev libsqlite3-dev libopenblas-dev libxxhash-dev zlib1g-dev libzstd-dev libisal-dev pkg-config
DEEPFM := .build/release/deepfm
RELEASE := -c release
# Tests look into modules; a build that lets them is another than the plain one, and lies beside it.
TESTING := $(RELEASE) -Xswiftc -enable-testing --scratch-path .build/testing
SOURCES := Package.swift Sources Tests Benchmarks

.PHONY: demo test build bench format lint clean setup

demo: build ## train DeepFM-D on a localhost cluster, with data made on the spot
	@rm -rf demo && mkdir -p demo
	$(DEEPFM) synthesize --rows 500000 --out demo/train.txt
	$(DEEPFM) synthesize --rows 60000 --seed 2 --out demo/valid.txt
	$(DEEPFM) train --train demo/train.txt --valid demo/valid.txt --batch 1024 --epochs 3 --run-dir demo/run

test: setup ## build and run all tests
	swift build $(TESTING) --build-tests
	swift test $(TESTING) --skip-build

build: setup
	swift build $(RELEASE) --product deepfm

bench: setup ## measure, and print ratios against bounds measured in the same run
	swift build $(RELEASE)
	.build/release/benchmarks

format: ## rewrite the sources in the project's format
	swift format format --in-place --parallel --recursive $(SOURCES)

lint: ## fail where the sources are not in the project's format
	swift format lint --strict --parallel --recursive $(SOURCES)

clean:
	rm -rf .build demo

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
