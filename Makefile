# The commands of this project. `make` alone lists them.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.PHONY: help deps build release plugin create enable disable push all deb conformance test unit simulate fuzz soak bench demo readme lint format clean

# One set of flags for building and for testing: other flags would build everything a second time.
SWIFT_BUILD := swift build --build-tests

RELEASE_BUILD = RBD_PLUGIN_VERSION=$(VERSION) swift build --configuration release --static-swift-stdlib

DEMO_BUILD := swift build --product rbd-plugin && swift build --product rbd-plugin-kernel

SIMULATE_BUILD := swift build --configuration release --product rbd-plugin-simulate

# Where the programs are: asked when they have been built.
DEBUG_PROGRAMS = $$(swift build --show-bin-path)
RELEASE_PROGRAMS = $$(swift build --configuration release --show-bin-path)

# Under CI all builds are strict (Package.swift), so lint shares the folder with the tests. Elsewhere strictness is
# lint's alone, and a folder of its own keeps the two from rebuilding each other's work.
LINT_BUILD := RBD_PLUGIN_STRICT=1 $(SWIFT_BUILD) $(if $(CI),,--scratch-path .build-lint)

# What `docker plugin` is to know it as. A registry's address goes in front: PLUGIN=registry.example:5000/wetopi/rbd.
PLUGIN ?= wetopi/rbd
VERSION := $(shell packaging/version)
TAG ?= $(VERSION)

SCRIPTS := $(shell find rig packaging .ci -type f \( -name '*.bash' -o -perm -u=x \) | sort)
SWIFT_SOURCES := Package.swift Sources Tests Benchmarks

help: ## this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18

deps: ## install what is missing (Debian 12 or later; needs root only if something is missing)
	@rig/install

build: deps ## build the plugin and its tests (debug)
	$(SWIFT_BUILD)

release: deps ## build the plugin for use: optimised, Swift's runtime linked in
	$(RELEASE_BUILD) --product rbd-plugin
	$(RELEASE_BUILD) --product rbd-plugin-kernel
	@! grep -q RBD_PLUGIN_KILL_POINTS "$(RELEASE_PROGRAMS)/rbd-plugin" \
		|| { echo "release: fault injection has got into a release build" >&2; exit 1; }
	@folder="$(RELEASE_PROGRAMS)"; rm -rf "$$folder/linked"; packaging/linked "$$folder/rbd-plugin" "$$folder/linked"
	@echo "built $(RELEASE_PROGRAMS)/rbd-plugin"

plugin: release ## make the managed plugin: plugin/config.json and plugin/rootfs
	packaging/plugin plugin "$(RELEASE_PROGRAMS)/rbd-plugin"
	@packaging/report plugin

create: plugin ## give it to this host's Docker as PLUGIN:TAG (wetopi/rbd and git's version)
	docker plugin rm $(PLUGIN):$(TAG) 2>/dev/null || true
	docker plugin create $(PLUGIN):$(TAG) plugin

enable: ## docker plugin enable PLUGIN:TAG; settings go before: docker plugin set PLUGIN:TAG …
	docker plugin enable $(PLUGIN):$(TAG)

disable: ## docker plugin disable PLUGIN:TAG, also while volumes exist
	docker plugin disable --force $(PLUGIN):$(TAG)

push: create ## send it to the registry that PLUGIN names
	docker plugin push $(PLUGIN):$(TAG)

all: create ## the same as create

deb: release ## make a Debian package of it, with a systemd unit: for hosts that run it without Docker's plugin system
	packaging/make-deb "$(RELEASE_PROGRAMS)/rbd-plugin" rbd-plugin.deb

conformance: ## do to any plugin what Docker does: SOCKET=/run/docker/plugins/….sock OPTIONS='pool=rbd size=32'
	@[ -n "$(SOCKET)" ] || { echo "make conformance SOCKET=/run/docker/plugins/….sock OPTIONS='pool=rbd size=32'" >&2; exit 2; }
	swift build --product plugin-conformance
	@"$(DEBUG_PROGRAMS)/plugin-conformance" "$(SOCKET)" $(OPTIONS)

test: build ## all tests, on a real Ceph and etcd brought up for them (needs root); FILTER=Name for some of them
	$(if $(FILTER),,$(SIMULATE_BUILD))
	@rig/test "$(DEBUG_PROGRAMS)/rbd-pluginPackageTests.xctest" \
		$(if $(FILTER),'$(FILTER)',--all "$(RELEASE_PROGRAMS)/rbd-plugin-simulate")

unit: ## the tests that need no Ceph, no etcd and no root: seconds, once they are built
	$(SWIFT_BUILD)
	@rig/unit "$(DEBUG_PROGRAMS)/rbd-pluginPackageTests.xctest"

bench: release ## time each call against the usual tools and against the least that can be done (needs root)
	$(RELEASE_BUILD) --product rbd-plugin-bench
	@folder="$(RELEASE_PROGRAMS)"; \
	if [ "$${BENCH_VM:-}" = 1 ]; then rig/vm/bench "$$folder/rbd-plugin" "$$folder/rbd-plugin-bench"; \
	else RIG_OSD_BYTES=274877906944 RBD_PLUGIN_EXECUTABLE="$$folder/rbd-plugin" rig/with "$$folder/rbd-plugin-bench"; fi

simulate: deps ## a million histories that no other commit has run, by an optimised program; SIM_FIRST, SIM_HISTORIES
	$(SIMULATE_BUILD)
	@"$(RELEASE_PROGRAMS)/rbd-plugin-simulate" "$${SIM_FIRST:-@$$(git rev-parse HEAD)}" "$${SIM_HISTORIES:-1000000}"

fuzz: build ## give the plugin's readers what nobody would write, for FUZZ_SECONDS (600); what breaks one goes into Tests/FuzzCorpus
	@"$(DEBUG_PROGRAMS)/rbd-plugin-fuzz" "$${FUZZ_SECONDS:-600}" $(TARGETS)

soak: build simulate fuzz ## what takes longer than anybody waits: a million histories, ten minutes of fuzzing, 200 random kills, more with krbd (needs root)
	@RANDOM_KILLS=$${RANDOM_KILLS:-200} \
		rig/test "$(DEBUG_PROGRAMS)/rbd-pluginPackageTests.xctest" 'RandomKillTests|KernelDriver(Soak)?Tests|CraftedFilesystemSoakTests'

demo: deps ## the main job and a take-over on a real Ceph and etcd, each call and its effect shown (needs root)
	$(DEMO_BUILD)
	@rig/demo "$(DEBUG_PROGRAMS)/rbd-plugin"

readme: deps ## write the take-over of the demo into README.md, as it runs here (needs root)
	$(DEMO_BUILD)
	@rig/readme "$(DEBUG_PROGRAMS)/rbd-plugin"

lint: deps ## formatting, shell scripts, module arrows, and no warnings
	@swift format lint --strict --recursive $(SWIFT_SOURCES) || { echo "lint: 'make format' mends most of these" >&2; exit 1; }
	@shellcheck $(SCRIPTS) || { echo "lint: each SC number above has a page: https://www.shellcheck.net/wiki/SCnnnn" >&2; exit 1; }
	@$(LINT_BUILD) --explicit-target-dependency-import-check error || { echo "lint: the build is strict here: warnings are errors, and a module may import only what Package.swift lets it depend on" >&2; exit 1; }
	@echo "lint: clean"

format: ## format the Swift sources in place
	swift format --in-place --recursive $(SWIFT_SOURCES)

clean: ## remove what was built
	rm -rf .build .build-lint plugin rbd-plugin.deb
