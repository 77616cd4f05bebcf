# The two commands a newcomer needs are `make demo` and `make test`.

PREFIX ?= /usr/local
DESTDIR ?=
BENCH_PEERS ?= 0
TOOLS = imwa-avg imwa-dist imwa-ckpt imwa-train imwa-run
# Where everything is built.
SCRATCH ?= .build
RELEASE = $(SCRATCH)/release
# Where `make dependencies` says how to link libhdf5.
export PKG_CONFIG_PATH := $(CURDIR)/$(SCRATCH)/pkgconfig:$(PKG_CONFIG_PATH)
VENV = $(SCRATCH)/venv
SWIFT_BUILD = swift build --scratch-path $(SCRATCH)
# Nothing is loaded when a tool starts, so that one file can be copied to another machine.
AS_RELEASE = -c release --static-swift-stdlib -Xswiftc -static-executable -Xswiftc -use-ld=lld -Xlinker --strip-all

.PHONY: all build test test-fixtures test-client test-tool test-integration demo bench fuzz \
        install completions man format lint dependencies clean

all: build

# Debian's packages that a build or a test needs and that are not there yet.
dependencies:
	@scripts/install-dependencies.sh $(SCRATCH)

build: dependencies
	$(SWIFT_BUILD) $(AS_RELEASE)
	@scripts/check-standalone.sh $(RELEASE)

demo: build
	@scripts/demo-run.sh $(RELEASE)
	@scripts/demo.sh $(RELEASE)

# Everything that must hold before a change lands.
test: dependencies test-fixtures
	swift test --scratch-path $(SCRATCH)
	$(MAKE) test-tool test-client

# The committed fixtures are what their maker makes.
test-fixtures:
	python3 fixtures/make_fixtures.py --check

# The release tool against exact integer arithmetic, with random checkpoints.
test-tool: build
	python3 Tests/Oracle/check_tool.py --tool $(RELEASE)/imwa-avg
	python3 Tests/Oracle/check_hints.py --tools $(RELEASE)
	python3 Tests/Oracle/fuzz_hdf5.py --tool $(RELEASE)/imwa-avg --runs 2000
	python3 Tests/Oracle/check_kills.py --tool $(RELEASE)/imwa-run --kills 60
	python3 Tests/Oracle/check_kills.py --tool $(RELEASE)/imwa-run --kills 60 --episodes 4 --builtin
	python3 Tests/Oracle/check_full_disks.py --tool $(RELEASE)/imwa-run --disks 10
	python3 Tests/Oracle/check_runs.py --tool $(RELEASE)/imwa-run

# Another package that depends on the library, and the README's five lines.
test-client: dependencies
	swift run --package-path Tests/LibraryClient LibraryClient $(SCRATCH)/client-average.safetensors

# The real safetensors, h5py, NumPy and PyTorch: minutes, and a virtual environment.
test-integration: build
	@scripts/make-environment.sh $(VENV)
	$(VENV)/bin/python Tests/Oracle/check_peers.py --tool $(RELEASE)/imwa-avg
	$(VENV)/bin/python Tests/Oracle/check_hdf5.py --tool $(RELEASE)/imwa-avg
	$(VENV)/bin/python Tests/Oracle/check_hdf5_floats.py --tool $(RELEASE)/imwa-avg
	$(VENV)/bin/python Tests/Oracle/check_hdf5_links.py --tool $(RELEASE)/imwa-avg
	$(VENV)/bin/python Tests/Oracle/check_hdf5_kills.py --tool $(RELEASE)/imwa-avg
	$(VENV)/bin/python Tests/Oracle/check_hdf5_limits.py --tool $(RELEASE)/imwa-avg
	$(VENV)/bin/python Tests/Oracle/check_keras.py --tool $(RELEASE)/imwa-avg
	$(VENV)/bin/python Tests/Oracle/check_torch.py --tool $(RELEASE)/imwa-avg
	$(VENV)/bin/python Tests/Oracle/check_shards.py --tool $(RELEASE)/imwa-avg
	$(VENV)/bin/python Tests/Oracle/check_transformers.py --tool $(RELEASE)/imwa-avg --ckpt $(RELEASE)/imwa-ckpt
	$(VENV)/bin/python Tests/Oracle/check_folders.py --tool $(RELEASE)/imwa-avg
	$(VENV)/bin/python Tests/Oracle/check_distances.py --tool $(RELEASE)/imwa-dist
	$(VENV)/bin/python Tests/Oracle/check_conversions.py --tool $(RELEASE)/imwa-ckpt
	$(VENV)/bin/python Tests/Oracle/check_training.py --tool $(RELEASE)/imwa-train
	$(VENV)/bin/python Tests/Oracle/check_examples.py --tool $(RELEASE)/imwa-run
	$(VENV)/bin/python Tests/Oracle/check_tensorboard.py --tool $(RELEASE)/imwa-run
	$(VENV)/bin/python Tests/Oracle/check_runs.py --tool $(RELEASE)/imwa-run --only launchers
	$(SWIFT_BUILD) --product FormatProbe
	$(VENV)/bin/python Tests/Oracle/check_chunks.py --probe $(SCRATCH)/debug/FormatProbe
	$(VENV)/bin/python Tests/Oracle/check_zip.py --probe $(SCRATCH)/debug/FormatProbe

# Random damage to every fixture, for FUZZ_SECONDS.
FUZZ_SECONDS ?= 120
FUZZ_COUNT ?= 20000
fuzz: build
	python3 Tests/Oracle/fuzz_tool.py --tool $(RELEASE)/imwa-avg --seconds $(FUZZ_SECONDS)
	python3 Tests/Oracle/fuzz_hdf5.py --tool $(RELEASE)/imwa-avg --runs 20000 --seconds $(FUZZ_SECONDS)
	$(SWIFT_BUILD) $(AS_RELEASE) --product FormatProbe
	python3 Tests/Oracle/fuzz_archives.py --probe $(RELEASE)/FormatProbe --count $(FUZZ_COUNT)

bench: build
ifeq ($(BENCH_PEERS),1)
	@scripts/make-environment.sh $(VENV)
	python3 Benchmarks/bench.py --tool $(RELEASE)/imwa-avg --peers $(VENV)/bin/python
	$(VENV)/bin/python Benchmarks/bench_hdf5.py --tool $(RELEASE)/imwa-avg
	$(VENV)/bin/python Benchmarks/bench_torch.py --tools $(RELEASE)
	$(VENV)/bin/python Benchmarks/bench_training.py --tool $(RELEASE)/imwa-train
else
	python3 Benchmarks/bench.py --tool $(RELEASE)/imwa-avg
endif

completions: build
	@mkdir -p dist/completions
	@for tool in $(TOOLS); do \
	  $(RELEASE)/$$tool --generate-completion-script bash > dist/completions/$$tool.bash && \
	  $(RELEASE)/$$tool --generate-completion-script zsh > dist/completions/_$$tool && \
	  $(RELEASE)/$$tool --generate-completion-script fish > dist/completions/$$tool.fish || exit 1; \
	done
	@echo "completions are in dist/completions"

# Checks the manual pages and renders them as text.
man:
	@scripts/check-manual.sh

install: build completions
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1 \
	  $(DESTDIR)$(PREFIX)/share/man/man5 $(DESTDIR)$(PREFIX)/share/man/man7 \
	  $(DESTDIR)$(PREFIX)/share/bash-completion/completions \
	  $(DESTDIR)$(PREFIX)/share/zsh/site-functions \
	  $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	install -m 644 man/imwa-plan.5 man/imwa-run-folder.5 man/imwa-formats.5 $(DESTDIR)$(PREFIX)/share/man/man5/
	install -m 644 man/imwa-trainer.7 $(DESTDIR)$(PREFIX)/share/man/man7/
	for tool in $(TOOLS); do \
	  install -m 755 $(RELEASE)/$$tool $(DESTDIR)$(PREFIX)/bin/ && \
	  install -m 644 man/$$tool.1 $(DESTDIR)$(PREFIX)/share/man/man1/ && \
	  install -m 644 dist/completions/$$tool.bash \
	    $(DESTDIR)$(PREFIX)/share/bash-completion/completions/$$tool && \
	  install -m 644 dist/completions/_$$tool $(DESTDIR)$(PREFIX)/share/zsh/site-functions/ && \
	  install -m 644 dist/completions/$$tool.fish \
	    $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/ || exit 1; \
	done

format:
	swift format -i -r Sources Tests Package.swift

lint:
	swift format lint -r --strict Sources Tests Package.swift

clean:
	rm -rf $(SCRATCH) dist
