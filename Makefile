# What there is to do: `make demo`, `make test`; `make help` lists the rest.

CC ?= gcc
CXX ?= g++
CARGO ?= cargo
PYTHON ?= python3

WARNINGS = -Wall -Wextra -pedantic -Werror
CFLAGS_TESTS = -std=c11 -g -O1 $(WARNINGS) -Iinclude
SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer

release = target/release
bin = target/c_tests
venv = target/venv
# What a program links beside the static library.
system_libraries = -lpthread -ldl -lm

version = $(shell sed -n 's/^version = "\(.*\)"$$/\1/p' Cargo.toml | head -n 1)

programs = $(filter-out planted allocation_failure,$(basename $(notdir $(wildcard c_tests/*.c))))
headers = $(wildcard include/astensor/*.h c_tests/*.h)

processors = $(shell getconf _NPROCESSORS_ONLN)

# Sanitizers are an unstable option, which the stable compiler takes when it is told to.
host = $(shell rustc -vV 2>/dev/null | sed -n 's/^host: //p')
sanitized_library = target/sanitized/$(host)/release/libastensor.a
# Whole-program optimisation takes long, and finds no bugs.
quick = CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
raced_library = target/raced/$(host)/release/libastensor.a

.PHONY: help build demo test test-rust test-headers test-exports test-c test-sanitized test-valgrind test-raced test-models \
    test-python test-bindings-python test-cpp test-docs test-ffi test-peers test-site docs abi race sweep bench fuzz lint header clean tools tools-cxx

help:
	@echo "make demo          build the library and run the examples"
	@echo "make test          run all tests"
	@echo "make build         build the library: $(release)/libastensor.so and .a"
	@echo "make install       install it below PREFIX ($(PREFIX)); make uninstall removes it again"
	@echo "make dist          pack the sources as target/astensor-VERSION.tar.gz"
	@echo "make bench         measure speed beside NumPy, memcpy and, where it is installed, torch"
	@echo "make lint          format, clippy, documentation: warnings are errors"
	@echo "make test-peers    hand tensors to Arrow, JAX, ONNX Runtime and Ray (downloads several hundred megabytes)"
	@echo "make docs          the documentation site: target/site/html/index.html"
	@echo "make abi           compare the interface with that of the last tagged version"
	@echo "make header        generate include/astensor/astensor.h anew"
	@echo "make race          loans under ThreadSanitizer, at length (minutes)"
	@echo "make sweep         convert all 2^32 float32 values to every small format (minutes)"
	@echo "make fuzz          search for descriptors that are judged wrongly (until interrupted; needs cargo-fuzz)"
	@echo "make clean         remove everything that was built"

# What the commands below need beyond Rust, a C compiler and make is installed, or asked for in one sentence.
tools:
	@command -v $(CARGO) >/dev/null || { echo "Rust is missing: install it with rustup."; exit 1; }
	@command -v $(CC) >/dev/null || { echo "A C compiler is missing: install gcc, or set CC."; exit 1; }

tools-cxx:
	@sh tests/need.sh g++ $(CXX) --version

build: tools
	$(CARGO) build --release --quiet
	@ln -sf libastensor.so $(release)/libastensor.so.0
	@touch $(release)/built

$(venv)/ready: tests/python/requirements.txt
	@sh tests/need.sh python3-venv $(PYTHON) -c 'import venv, ensurepip'
	$(PYTHON) -m venv $(venv)
	$(venv)/bin/python -m pip --disable-pip-version-check install --quiet -r $<
	touch $@

demo: build $(venv)/ready $(bin)/camera_ring $(bin)/mixed_precision
	@mkdir -p $(bin)
	$(CC) -std=c11 -O2 $(WARNINGS) -Iinclude examples/digits.c -o $(bin)/digits -L$(release) -lastensor \
	    -Wl,-rpath,'$(CURDIR)/$(release)'
	@echo
	@$(bin)/digits examples/data/digits.npy
	@echo
	@$(bin)/camera_ring
	@echo
	@$(bin)/mixed_precision examples/data/digits.npy
	@echo
	@$(venv)/bin/python examples/numpy_share.py $(release)/libastensor.so

# Those that keep one processor busy for long come first. Of each target all that it says is shown when it has ended.
tests = test-rust test-sanitized test-models test-valgrind test-raced test-c test-cpp test-headers test-install test-docs \
    test-bindings-python test-python test-ffi test-site test-exports
side_by_side = $(if $(filter -j%,$(MAKEFLAGS)),,-j $(processors)) $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

test:
	@$(MAKE) --no-print-directory $(side_by_side) $(tests)
	@echo "all tests passed"

# make's own flags would have rustdoc look for a job server that it cannot reach.
test-rust: tools
	MAKEFLAGS= $(CARGO) test --quiet

test-headers: tools tools-cxx
	@sh tests/header_compiles.sh

test-exports: build
	@sh tests/exports.sh $(release)/libastensor.so

# Plain, against the shared library that is shipped.
$(bin)/%: c_tests/%.c $(headers) | build
	@mkdir -p $(bin)
	$(CC) $(CFLAGS_TESTS) $< -o $@ -L$(release) -lastensor -lpthread -Wl,-rpath,'$(CURDIR)/$(release)'

$(bin)/cplusplus: c_tests/cplusplus.cpp $(headers) | build tools-cxx
	@mkdir -p $(bin)
	$(CXX) -std=c++17 -g $(WARNINGS) -Iinclude $< -o $@ -L$(release) -lastensor -Wl,-rpath,'$(CURDIR)/$(release)'

plain = $(addprefix $(bin)/,$(programs) allocation_failure cplusplus)

levels = scalar baseline avx2 avx512

$(bin)/camera_ring: examples/camera_ring.c $(headers) | build
	@mkdir -p $(bin)
	$(CC) -std=c11 -O2 $(WARNINGS) -Iinclude $< -o $@ -L$(release) -lastensor -lpthread -Wl,-rpath,'$(CURDIR)/$(release)'

$(bin)/mixed_precision: examples/mixed_precision.c $(headers) | build
	@mkdir -p $(bin)
	$(CC) -std=c11 -O2 $(WARNINGS) -Iinclude $< -o $@ -L$(release) -lastensor -lm -Wl,-rpath,'$(CURDIR)/$(release)'

$(bin)/camera_ring.raced: examples/camera_ring.c tests/thread_sanitizer_names.c $(headers) $(raced_library)
	@mkdir -p $(bin)
	$(CC) $(CFLAGS_TESTS) -fno-builtin -fsanitize=thread $< tests/thread_sanitizer_names.c -o $@ $(raced_library) $(system_libraries)

test-c: build $(plain) $(bin)/camera_ring $(bin)/mixed_precision
	@sh tests/each.sh '"$$1" examples/data/digits.npy' $(bin)/camera_ring $(bin)/mixed_precision
	@sh tests/each.sh '"$$1"' $(plain)
	@sh tests/each.sh 'ASTENSOR_LEVEL=$${1%:*} $(bin)/$${1#*:}' \
	    $(foreach level,$(levels),$(addprefix $(level):,conversions copy_into layouts)) $(addprefix baseline:,planes permutations) $(addprefix avx2:,planes permutations)
	@sh tests/each.sh 'ASTENSOR_CACHE=$${1%:*} $(bin)/$${1#*:}' \
	    $(foreach cache,near far,$(addprefix $(cache):,conversions copy_into permutations planes))

# Instrumented, with the library instrumented too and its own checks on. The planted bug is in the library's own read.
$(sanitized_library): tools
	$(quick) RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=address -Cdebug-assertions=on -Coverflow-checks=on" \
	    $(CARGO) rustc --release --quiet --lib --crate-type staticlib --target $(host) --target-dir target/sanitized

$(bin)/%.sanitized: c_tests/%.c $(headers) $(sanitized_library)
	@mkdir -p $(bin)
	$(CC) $(CFLAGS_TESTS) -O0 $(SANITIZE) $< -o $@ $(sanitized_library) $(system_libraries)

sanitized = $(addsuffix .sanitized,$(addprefix $(bin)/,$(programs)))

test-sanitized: $(sanitized_library) $(sanitized) $(bin)/planted.sanitized
	@if $(bin)/planted.sanitized >$(bin)/planted.log 2>&1; then \
	    echo "the planted read past the end went unseen: the library is not instrumented"; exit 1; fi
	@grep -q 'AddressSanitizer: heap-buffer-overflow' $(bin)/planted.log && grep -q '#[01].*astensor.*convert' $(bin)/planted.log \
	    || { cat $(bin)/planted.log; echo "the planted bug was not reported where it is"; exit 1; }
	@if $(bin)/planted.sanitized leak >$(bin)/planted.log 2>&1; then echo "the planted leak went unseen"; exit 1; fi
	@grep -q 'LeakSanitizer: detected memory leaks' $(bin)/planted.log \
	    || { cat $(bin)/planted.log; echo "the planted leak was not reported"; exit 1; }
	@sh tests/each.sh 'ASAN_OPTIONS=allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1 "$$1" tiny' $(sanitized)
	@sh tests/each.sh 'ASTENSOR_CACHE=near "$$1" tiny' $(bin)/conversions.sanitized $(bin)/copy_into.sanitized

test-valgrind: build $(plain)
	@sh tests/need.sh valgrind valgrind --version
	@sh tests/each.sh 'valgrind --quiet --leak-check=full --errors-for-leak-kinds=definite,indirect,possible \
	    --error-exitcode=99 "$$1" tiny' $(filter-out $(bin)/allocation_failure,$(plain))

# Instrumented for races, library and program. The planted one is found in the library's own writes.
$(raced_library): tools
	$(quick) RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer" \
	    $(CARGO) rustc --release --quiet --lib --crate-type staticlib --target $(host) --target-dir target/raced

$(bin)/%.raced: c_tests/%.c tests/thread_sanitizer_names.c $(headers) $(raced_library)
	@mkdir -p $(bin)
	$(CC) $(CFLAGS_TESTS) -fno-builtin -fsanitize=thread $< tests/thread_sanitizer_names.c -o $@ $(raced_library) $(system_libraries)

raced = $(addprefix $(bin)/,$(addsuffix .raced,loans_threads lifetimes_threads gradients_threads threads))

test-raced: $(raced_library) $(raced) $(bin)/planted.raced $(bin)/camera_ring.raced
	@if $(bin)/planted.raced race >$(bin)/planted.raced.log 2>&1; then echo "the planted race went unseen"; exit 1; fi
	@grep -q 'ThreadSanitizer: data race' $(bin)/planted.raced.log && grep -q '#[1-4].*astensor.*copy' $(bin)/planted.raced.log \
	    || { cat $(bin)/planted.raced.log; echo "the planted race was not reported where it is"; exit 1; }
	@sh tests/each.sh '"$$1" tiny' $(filter-out %/loans_threads.raced,$(raced)) $(bin)/camera_ring.raced
	@sh tests/each.sh '"$$1" 3000' $(bin)/loans_threads.raced

# The whole of it: eight threads, each 100000 times everything.
race: $(raced_library) $(bin)/loans_threads.raced
	$(bin)/loans_threads.raced 100000

# What threads can do to each other, in every order.
test-models: tools
	RUSTFLAGS="--cfg loom" $(CARGO) test --quiet --lib --target-dir target/models models

test-python: build $(venv)/ready
	@for script in $(filter-out tests/python/abi.py,$(wildcard tests/python/*.py)); do echo "$$script"; \
	    $(venv)/bin/python $$script $(release)/libastensor.so || exit 1; done
	@$(venv)/bin/python examples/numpy_share.py $(release)/libastensor.so >$(bin)/numpy_share.log \
	    || { cat $(bin)/numpy_share.log; exit 1; }

test-cpp: build tools-cxx $(sanitized_library)
	@sh tests/need.sh clang clang++ --version
	@sh tests/cpp.sh $(release) $(sanitized_library)
	@mkdir -p $(bin)
	$(CXX) -std=c++17 -O1 $(WARNINGS) -Iinclude examples/cpp_tour.cpp -o $(bin)/cpp_tour -L$(release) -lastensor \
	    -Wl,-rpath,'$(CURDIR)/$(release)'
	@$(bin)/cpp_tour examples/data/digits.npy >$(bin)/cpp_tour.log || { cat $(bin)/cpp_tour.log; exit 1; }

# The package as users get it: built and installed by pip, tested away from its sources.
$(venv)/bindings: build $(venv)/ready $(shell find bindings/python/src bindings/python/package bindings/python/setup.py)
	$(venv)/bin/python -m pip --disable-pip-version-check install --quiet --force-reinstall --no-deps ./bindings/python
	@touch $@

test-bindings-python: $(venv)/bindings
	@$(venv)/bin/python -c 'import jax' 2>/dev/null || echo "JAX is not installed: its tests are skipped ($(venv)/bin/pip install jax)"
	@$(venv)/bin/python -m pytest -q -p no:cacheprovider bindings/python/tests
	@sh tests/python_sdist.sh $(CURDIR)/$(venv)/bin/python

test-docs: build tools-cxx $(venv)/bindings
	@DOC_PYTHON=$(CURDIR)/$(venv)/bin/python $(PYTHON) tests/doc_examples.py $(release) README.md bindings/python/README.md \
	    $(wildcard docs/*.md include/astensor/*.hpp include/astensor/cpp/*.hpp) packaging/astensor.3.in
	@$(PYTHON) tests/errors_page.py include/astensor/astensor.h docs/errors.md

# Warnings are errors. The examples lie beside the pages, which link to them.
docs:
	@sh tests/need.sh doxygen doxygen --version
	@rm -rf target/site && mkdir -p target/site
	@VERSION=$(version) doxygen docs/Doxyfile
	@cp -r examples target/site/examples

test-site: docs
	@$(PYTHON) tests/site_links.py target/site/html abi/symbols.txt

abi: tools
	@sh tests/abi.sh

test-ffi: build
	@sh tests/ffi.sh $(release)

# Not part of `make test`: it downloads several hundred megabytes. PEERS=torch tries PyTorch too, which is larger.
test-peers: build
	@PEERS="$(PEERS)" sh tests/peers.sh $(release) $(PYTHON)

sweep: build
	@mkdir -p $(bin)
	$(CC) $(CFLAGS_TESTS) -O2 c_tests/conversions.c -o $(bin)/sweep -L$(release) -lastensor -Wl,-rpath,'$(CURDIR)/$(release)'
	$(bin)/sweep sweep

bench: build $(venv)/bindings
	@mkdir -p $(bin)
	$(CC) -std=c11 -O2 $(WARNINGS) -Iinclude benches/latency.c -o $(bin)/latency -L$(release) -lastensor \
	    -Wl,-rpath,'$(CURDIR)/$(release)'
	@$(bin)/latency
	@$(venv)/bin/python benches/python_latency.py
	$(CARGO) bench --quiet --bench kernels
	@$(venv)/bin/python benches/compare.py $(release)/libastensor.so --plot target/transposed.svg

fuzz: tools
	@$(CARGO) fuzz --version >/dev/null 2>&1 || { echo "cargo-fuzz is missing: cargo install cargo-fuzz"; exit 1; }
	@mkdir -p target/fuzz-corpus
	$(CARGO) +nightly fuzz run descriptors target/fuzz-corpus fuzz/corpus/descriptors

lint: tools
	$(CARGO) fmt --check
	$(CARGO) clippy --quiet --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --quiet --no-deps --document-private-items

header: tools
	ASTENSOR_BLESS=1 $(CARGO) test --quiet --test header

include packaging/install.mk

clean:
	rm -rf target fuzz/target fuzz/artifacts
