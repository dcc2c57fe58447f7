# SPDX-License-Identifier: Apache-2.0
# The front door: each target installs what it needs (.ci/setup), builds what it needs (CMake and
# Ninja in build/), and runs one command. What is built how stands in the CMakeLists.txt files.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

BITLOOM := build/bitloom

# ---- variables: from the command line only, so that no environment changes a result. A target
# refuses those that it does not take, since it would silently run something else. ----------------
OPTIONS_sim := LAYER BITS MODE GROUP TOKENS DTYPE CONFIG SEED BACKEND WEIGHTS ACTS OUT CHECK DUMP
OPTIONS_wave := $(OPTIONS_sim) FROM TO
OPTIONS_cosim := N SEED
OPTIONS_fuzz := SECONDS
TAKERS := sim wave cosim fuzz
KNOWN := $(OPTIONS_wave) N SECONDS
GIVEN := $(foreach v,$(.VARIABLES),$(if $(findstring command line,$(origin $v)),$v))
UNKNOWN := $(filter-out $(KNOWN),$(GIVEN))
ifneq ($(UNKNOWN),)
  $(error $(shell .ci/variables "$(KNOWN)" $(UNKNOWN) 2>&1))
endif

GOALS := $(or $(MAKECMDGOALS),$(.DEFAULT_GOAL))
takers = $(strip $(foreach t,$(TAKERS),$(if $(filter $1,$(OPTIONS_$t)),$t)))
refuse = $(error make: error BL-USE-usage: $1: found target $2; expected one of $(call takers,$1))
$(foreach g,$(GOALS),$(foreach v,$(filter-out $(OPTIONS_$g),$(GIVEN)),$(call refuse,$v,$g)))

ifneq ($(filter-out 0 1,$(if $(filter DUMP,$(GIVEN)),$(value DUMP))),)
  $(error make: error BL-USE-usage: DUMP: found $(value DUMP); expected 0 or 1)
endif

lower = $(shell echo $1 | tr A-Z a-z)
quote = '$(subst ','\'',$1)'
# LAYER=x becomes --layer 'x', for those of the given variables that $1 names. Three options have
# longer names than their variables.
name_GROUP := group-size
name_DTYPE := out-dtype
name_N := layers
options = $(foreach v,$(filter-out DUMP,$(filter $(GIVEN),$1)),$(call option,$v)) $(dump)
option = --$(or $(name_$1),$(call lower,$1)) $(call quote,$(value $1))
dump = $(if $(filter DUMP,$(GIVEN)),$(if $(filter 1,$(value DUMP)),--dump))

# ---- the build: configured once, from then on Ninja calls CMake itself. Tests, and what only they
# need, are left out until `make test` asks for them. ---------------------------------------------
define build
@test -f build/build.ninja || cmake --preset default
@ninja -C build $(if $(wildcard $(BITLOOM)),--quiet) $1
endef

.PHONY: help setup build sim wave list test lint format bench campaign cosim coverage fuzz \
  gpu-check gpu-bench docs clean

help:
	@echo 'bitloom: the RTL model and simulator of an any-precision LLM inference accelerator'
	@echo
	@echo '  make sim LAYER=llama7b.q_proj BITS=2   run a layer through the RTL and check every bit'
	@echo '  make wave LAYER=... BITS=... FROM= TO= the same with a waveform of these cycles'
	@echo '  make list                              models, layers and configurations'
	@echo '  make build                             build the bitloom command'
	@echo '  make test                              set up, build and run all tests'
	@echo '  make lint                              formatting, clang-tidy, Verilator warnings'
	@echo '  make format                            format all C++ sources'
	@echo '  make bench                             LLaMA-7B, both modes, against the bounds'
	@echo '  make campaign                          LLaMA-7B and LLaMA-3-8B at every precision'
	@echo '  make cosim N=2000                      random layers on many configurations, resumable'
	@echo '  make coverage                          lines of rtl/ that no test runs, half an hour'
	@echo '  make fuzz SECONDS=60                   every loader with made-up inputs, so long each'
	@echo '  make gpu-check                         the CUDA kernels on a GPU (nvcc and CMake only)'
	@echo '  make gpu-bench                         their times against cuBLAS and copies'
	@echo '  make docs                              write the generated tables of docs/'
	@echo '  make setup                             install the packages of all targets'
	@echo '  make clean                             remove build/'
	@echo
	@echo 'Variables of sim and wave, on the command line:'
	@echo '  LAYER    layer name, as make list prints it    WEIGHTS  checkpoint of any format'
	@echo '  BITS     precision, 1 .. 8                     ACTS     safetensors file with x'
	@echo '  MODE     bcq or codebook                       TOKENS   tokens of synthetic activations'
	@echo '  GROUP    columns: 32, 64, 128, 256 or row      DTYPE    outputs: f32 or f16'
	@echo '  CONFIG   configuration name or .json file      OUT      run directory'
	@echo '  SEED     seed of synthetic data                DUMP     1: write weights, x and y'
	@echo '  BACKEND  golden, cpu, cuda or rtl              CHECK    backends to compare, or none'
	@echo '  FROM, TO cycles of a waveform (wave only)'
	@echo 'and of cosim: N, the number of layers, and SEED; of fuzz: SECONDS a loader.'

setup:
	@.ci/setup all

build:
	@.ci/setup build
	$(call build,bitloom)

sim:
	@.ci/setup sim
	$(call build,bitloom)
	@$(BITLOOM) sim $(call options,$(OPTIONS_$@))

wave:
	@.ci/setup wave
	$(call build,bitloom)
	@$(BITLOOM) wave $(call options,$(OPTIONS_$@))

list:
	@.ci/setup list
	$(call build,bitloom)
	@$(BITLOOM) list

test:
	@.ci/setup test
	@cmake --preset test
	@ninja -C build
	@ctest --test-dir build --output-on-failure --parallel $$(nproc)

lint:
	@.ci/setup lint
	@cmake --preset test > /dev/null
	@ninja -C build --quiet bitloom_generated
	@tests/repo/lint.sh build

format:
	@.ci/setup format
	@git ls-files '*.cpp' '*.hpp' '*.cu' '*.cuh' | xargs clang-format -i

bench campaign:
	@.ci/setup $@
	$(call build,bitloom)
	@tests/campaign/campaign.sh $@ $(BITLOOM) docs/measurements/$@.md

cosim:
	@.ci/setup cosim
	@cmake --preset test > /dev/null
	@ninja -C build $(if $(wildcard build/tests/cosim/bl_cosim),--quiet) bl_cosim
	@build/tests/cosim/bl_cosim $(call options,$(OPTIONS_cosim)) --record docs/measurements/cosim.md

coverage:
	@.ci/setup coverage
	@tests/coverage/coverage.sh build/coverage docs/measurements/coverage.md

fuzz:
	@.ci/setup fuzz
	@test -f build/fuzz/build.ninja || \
	  cmake -S tests/fuzz -B build/fuzz -G Ninja -DCMAKE_CXX_COMPILER=clang++
	@ninja -C build/fuzz
	@tests/fuzz/fuzz.sh build/fuzz $(call quote,$(or $(value SECONDS),60)) docs/measurements/fuzz.md

gpu-check:
	@cmake -S kernels -B build/gpu
	@cmake --build build/gpu --parallel --target gpu_check
	@build/gpu/gpu_check --records tests/golden/gpu
	@kernels/check/sanitize.sh build/gpu/gpu_check

gpu-bench:
	@cmake -S kernels -B build/gpu
	@cmake --build build/gpu --parallel --target gpu_bench
	@build/gpu/gpu_bench --records tests/golden/gpu/bench --table docs/measurements/gpu-bench.md

docs:
	@.ci/setup docs
	$(call build,bl_generate)
	@build/sw/config/bl_generate --source sw/config --docs docs

clean:
	@rm -rf build
