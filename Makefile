# The commands of this project. `make` alone lists them.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.PHONY: help deps build release plugin create enable disable push all deb conformance test unit simulate fuzz soak rolling-upgrade matrix bench demo readme lint format clean

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

help: ## list these commands
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 24

deps: ## install what is missing (Debian 12 or later; needs root only if something is missing)
	@rig/install

build: deps ## build the plugin and its tests (debug)
	$(SWIFT_BUILD)

release: deps ## build the plugin for use: optimised, with Swift's runtime linked in
	$(RELEASE_BUILD) --product rbd-plugin
	$(RELEASE_BUILD) --product rbd-plugin-kernel
	@! grep -q RBD_PLUGIN_KILL_POINTS "$(RELEASE_PROGRAMS)/rbd-plugin" \
		|| { echo "release: fault injection has got into a release build" >&2; exit 1; }
	@folder="$(RELEASE_PROGRAMS)"; rm -rf "$$folder/linked"; packaging/linked "$$folder/rbd-plugin" "$$folder/linked"
	@echo "built $(RELEASE_PROGRAMS)/rbd-plugin"

plugin: release ## make the managed plugin: plugin/config.json and plugin/rootfs; PLUGIN_RELEASE=forky has Ceph 20's libraries
	packaging/plugin plugin "$(RELEASE_PROGRAMS)/rbd-plugin"
	@packaging/report plugin

create: plugin ## give the managed plugin to this host's Docker as PLUGIN:TAG (wetopi/rbd and git's version)
	docker plugin rm $(PLUGIN):$(TAG) 2>/dev/null || true
	docker plugin create $(PLUGIN):$(TAG) plugin

enable: ## enable PLUGIN:TAG in Docker; before that, set its settings: docker plugin set PLUGIN:TAG …
	docker plugin enable $(PLUGIN):$(TAG)

disable: ## disable PLUGIN:TAG in Docker, even while volumes exist
	docker plugin disable --force $(PLUGIN):$(TAG)

push: create ## push the managed plugin to the registry that PLUGIN names
	docker plugin push $(PLUGIN):$(TAG)

all: create ## the same as create

deb: release ## make a Debian package with a systemd unit, for hosts that run the plugin without Docker's plugin system
	packaging/make-deb "$(RELEASE_PROGRAMS)/rbd-plugin" rbd-plugin.deb

conformance: ## test any volume plugin with the calls that Docker makes: SOCKET=/run/docker/plugins/….sock OPTIONS='pool=rbd size=32'
	@[ -n "$(SOCKET)" ] || { echo "make conformance SOCKET=/run/docker/plugins/….sock OPTIONS='pool=rbd size=32'" >&2; exit 2; }
	swift build --product plugin-conformance
	@"$(DEBUG_PROGRAMS)/plugin-conformance" "$(SOCKET)" $(OPTIONS)

test: build ## run all tests, on a real Ceph and etcd that it brings up (needs root); FILTER=Name runs some of them
	$(if $(FILTER),,$(SIMULATE_BUILD))
	@rig/test "$(DEBUG_PROGRAMS)/rbd-pluginPackageTests.xctest" \
		$(if $(FILTER),'$(FILTER)',--all "$(RELEASE_PROGRAMS)/rbd-plugin-simulate")

unit: ## run the tests that need no Ceph, no etcd and no root: seconds, once they are built
	$(SWIFT_BUILD)
	@rig/unit "$(DEBUG_PROGRAMS)/rbd-pluginPackageTests.xctest"

bench: release ## time each call against the usual tools and against the least possible work (needs root)
	$(RELEASE_BUILD) --product rbd-plugin-bench
	@folder="$(RELEASE_PROGRAMS)"; \
	if [ "$${BENCH_VM:-}" = 1 ]; then rig/vm/bench "$$folder/rbd-plugin" "$$folder/rbd-plugin-bench"; \
	else \
		export RIG_OSD_BYTES=274877906944 RBD_PLUGIN_EXECUTABLE="$$folder/rbd-plugin"; \
		[ "$${BENCH_WIRE:-}" = 1 ] || rig/with "$$folder/rbd-plugin-bench"; \
		BENCH_JSON="$${BENCH_JSON:+$${BENCH_JSON%.json}-wire.json}" BENCH_SVG="$${BENCH_SVG:+$${BENCH_SVG%.svg}-wire.svg}" \
			rig/wire "$$folder/rbd-plugin-bench"; \
	fi

simulate: deps ## simulate a million histories that no other commit has run; SIM_FIRST and SIM_HISTORIES choose others
	$(SIMULATE_BUILD)
	@"$(RELEASE_PROGRAMS)/rbd-plugin-simulate" "$${SIM_FIRST:-@$$(git rev-parse HEAD)}" "$${SIM_HISTORIES:-1000000}"

fuzz: build ## feed the plugin's parsers random input for FUZZ_SECONDS (600); an input that breaks one goes into Tests/FuzzCorpus
	@"$(DEBUG_PROGRAMS)/rbd-plugin-fuzz" "$${FUZZ_SECONDS:-600}" $(TARGETS)

soak: build simulate fuzz ## run the long tests: a million histories, ten minutes of fuzzing, 200 random kills, a rolling upgrade, more with krbd (needs root)
	@released="$$(rig/released)"; RBD_PLUGIN_RELEASED="$$released/rbd-plugin" RANDOM_KILLS=$${RANDOM_KILLS:-200} \
		rig/test "$(DEBUG_PROGRAMS)/rbd-pluginPackageTests.xctest" \
		'RandomKillTests|KernelDriver(Soak)?Tests|CraftedFilesystemSoakTests|RollingUpgradeTests'

rolling-upgrade: build ## run this version and the last released one as two nodes of one cluster (needs root)
	@released="$$(rig/released)"; RBD_PLUGIN_RELEASED="$$released/rbd-plugin" \
		rig/test "$(DEBUG_PROGRAMS)/rbd-pluginPackageTests.xctest" RollingUpgradeTests

matrix: build ## run the main job over releases of Ceph, etcd, libcurl and Docker, and print a table (needs root, downloads); MATRIX='sid …' runs some
	@rig/matrix "$(DEBUG_PROGRAMS)/rbd-pluginPackageTests.xctest" $(MATRIX)

demo: deps ## show a volume's life and a take-over on a real Ceph and etcd, call by call (needs root)
	$(DEMO_BUILD)
	@rig/demo "$(DEBUG_PROGRAMS)/rbd-plugin"

readme: deps ## run the demo, and write its take-over into README.md (needs root)
	$(DEMO_BUILD)
	@rig/readme "$(DEBUG_PROGRAMS)/rbd-plugin"

lint: deps ## check formatting, shell scripts, module arrows and warnings
	@swift format lint --strict --recursive $(SWIFT_SOURCES) || { echo "lint: 'make format' mends most of these" >&2; exit 1; }
	@shellcheck $(SCRIPTS) || { echo "lint: each SC number above has a page: https://www.shellcheck.net/wiki/SCnnnn" >&2; exit 1; }
	@$(LINT_BUILD) --explicit-target-dependency-import-check error || { echo "lint: the build is strict here: warnings are errors, and a module may import only what Package.swift lets it depend on" >&2; exit 1; }
	@echo "lint: clean"

format: ## format the Swift sources in place
	swift format --in-place --recursive $(SWIFT_SOURCES)

clean: ## remove what was built
	rm -rf .build .build-lint plugin rbd-plugin.deb
