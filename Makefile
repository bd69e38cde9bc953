# SPDX-License-Identifier: MIT
#
# Makefile - build, test, check and install ringbus
#
# Files are found by wildcard: a new .c file in a folder needs no line here.
# Everything is made in build/VARIANT/, so that variants never mix.

.DEFAULT_GOAL := all

help: ## this list
	@echo 'usage: make [TARGET] [VARIANT=release|debug|asan|ubsan|tsan] [V=1]'
	@awk -F ':.*## ' '/^[a-z |-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' \
		$(firstword $(MAKEFILE_LIST))

# ---------------------------------------------------------------- settings

# 0.1.0, as programs see it.
VERSION := $(shell awk '/define RINGBUS_VERSION_/ { printf dot $$3; dot = "." }' \
	client/ringbus.h)
SONAME := libringbus.so.0

VARIANT ?= release
BUILD ?= build/$(VARIANT)
# Leave parts out to work on one while another does not compile.
PARTS ?= shm config client daemon

PREFIX ?= /usr/local
# Any other prefix holds all there is, so that it needs no root.
is_system := $(filter /usr /usr/local,$(PREFIX:%/=%))
SYSCONFDIR ?= $(if $(is_system),/etc,$(PREFIX)/etc)
config_path := $(SYSCONFDIR)/ringbus/ringbus.yaml
BINDIR ?= $(PREFIX)/bin
SBINDIR ?= $(PREFIX)/sbin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR ?= $(PREFIX)/share/man
DATADIR ?= $(PREFIX)/share/ringbus
# Where Debian's shells look, below /usr and below /usr/local.
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHCOMPDIR ?= $(PREFIX)/share/zsh/$(if $(filter /usr,$(PREFIX:%/=%)),vendor-completions,site-functions)
FISHCOMPDIR ?= $(PREFIX)/share/fish/vendor_completions.d

PKG_CONFIG ?= pkg-config
INSTALL ?= install
SCDOC ?= $(shell command -v scdoc)

ifneq ($(filter 1 true,$(WERROR) $(CI)),)
werror := -Werror
endif

flags_release := -O2 -g
flags_debug := -O0 -g3
flags_asan := -O1 -g -fno-omit-frame-pointer -fsanitize=address
flags_ubsan := -O1 -g -fsanitize=undefined -fno-sanitize-recover=all
flags_tsan := -O1 -g -fsanitize=thread $(if $(findstring clang,$(CC)),,-Wno-tsan)
flags_fuzz := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined,fuzzer-no-link \
	-fno-sanitize-recover=all
ifeq ($(origin flags_$(VARIANT)),undefined)
$(error unknown VARIANT '$(VARIANT)': release, debug, asan, ubsan, tsan or fuzz)
endif
sanitize := $(filter -fsanitize=%,$(flags_$(VARIANT)))
with_fuzzer := $(if $(filter fuzz,$(VARIANT)),-fsanitize=fuzzer)

warnings := -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes \
	-Wwrite-strings -Wvla $(werror)
common := -std=c11 -D_GNU_SOURCE -I. -fPIC -fvisibility=hidden -fno-common \
	-fno-semantic-interposition -pthread \
	-DRB_VERSION='"$(VERSION)"' \
	-DRB_CONFIG_DEFAULT='"$(config_path)"'
compile = $(CC) $(common) $(warnings) $(flags_$(VARIANT)) $(lto) $(unwind) \
	$(CPPFLAGS) $(CFLAGS)
# For peers of the benchmarks only, who are to be at their best.
compile_cxx = $(CXX) -std=c++17 -O3 -DNDEBUG -I. -fPIC -pthread -Wall -Wextra \
	$(werror) $(sanitize) $(CPPFLAGS) $(CXXFLAGS)
# In one piece, however large the library grows, unless somebody says.
link = $(CC) -pthread $(flags_$(VARIANT)) $(or $(lto),$(if $(fat),-flto \
	-flto-partition=one)) $(CFLAGS) $(LDFLAGS)

# The static library works with and without -flto; with it, what a publish and
# a read do once an event is inlined into the program. The benches link so.
fat := $(if $(filter release,$(VARIANT)),$(if $(findstring clang,$(CC)),,-flto \
	-ffat-lto-objects))

# Asked for when first used: `make test` may have to install them before.
pkg_libs = $(eval pkg_libs := $$(shell $(PKG_CONFIG) --libs --silence-errors \
	liburing yaml-0.1 libsystemd))$(pkg_libs)
check_libs = $(eval check_libs := $$(shell $(PKG_CONFIG) --libs \
	--silence-errors check))$(check_libs)
journal_libs = -Wl,--as-needed $(pkg_libs)
# Without it `ringbusctl top` prints, and does not draw.
curses_libs := $(shell $(PKG_CONFIG) --libs --silence-errors ncursesw)
pkg_dir = $(if $(is_system),$(shell $(PKG_CONFIG) --variable=$(1) systemd 2>/dev/null))

UNITDIR ?= $(or $(call pkg_dir,systemdsystemunitdir),$(PREFIX)/lib/systemd/system)
SYSUSERSDIR ?= $(or $(call pkg_dir,sysusersdir),$(PREFIX)/lib/sysusers.d)
TMPFILESDIR ?= $(or $(call pkg_dir,tmpfilesdir),$(PREFIX)/lib/tmpfiles.d)
USERUNITDIR ?= $(or $(call pkg_dir,systemduserunitdir),$(PREFIX)/lib/systemd/user)
CATALOGDIR ?= $(or $(call pkg_dir,catalogdir),$(PREFIX)/lib/systemd/catalog)
DOCDIR ?= $(PREFIX)/share/doc/ringbus

ifneq ($(V),1)
say = @printf '  %-6s %s\n' $(1) '$(patsubst $(BUILD)/%,%,$@)';
endif

# ------------------------------------------------------------------- files

part = $(if $(filter $(1),$(PARTS)),$(wildcard $(2)))
objects = $(patsubst %,$(BUILD)/%.o,$(basename $(1)))
programs = $(patsubst %.c,$(BUILD)/%,$(1))

shm_src := $(call part,shm,shm/*.c)
config_src := $(call part,config,config/*.c)
client_src := $(call part,client,client/*.c client/archive/*.c)
# What is in there for the programs beside it.
setting_src := $(call part,client,client/ctl/setting.c)
# What programs have that run on their own, and ringbusctl has not.
service_src := $(setting_src) $(call part,client,client/ctl/line.c)
ctl_src := $(filter-out $(service_src),$(call part,client,client/ctl/*.c))
journal_src := $(call part,client,client/journal/*.c)
# The exporter is left out where libmicrohttpd is not installed.
http_libs := $(shell $(PKG_CONFIG) --libs --silence-errors libmicrohttpd)
exporter_src := $(if $(http_libs),$(call part,client,client/exporter/*.c))
# And the bridge where libnats is not.
nats_libs := $(shell $(PKG_CONFIG) --libs --silence-errors libnats libsystemd)
bridge_src := $(if $(nats_libs),$(call part,client,client/bridge/*.c))
daemon_src := $(filter-out daemon/main.c,$(call part,daemon,daemon/*.c))
daemon_main := $(call part,daemon,daemon/main.c)
# One example is about SQLite, and is left out where that is not installed.
sqlite_libs := $(shell $(PKG_CONFIG) --libs --silence-errors sqlite3)
example_src := $(filter-out $(if $(sqlite_libs),,examples/rewind_sqlite.c), \
	$(call part,client,examples/*.c))
demo_src := $(call part,client,examples/demo/*.c)
bench_src := $(call part,client,bench/bench_*.c)
bench_common_src := $(filter-out bench/bench_% bench/peer% bench/rivals.c,\
	$(call part,client,bench/*.c))
# Other ways than ringbus, where installed; some of them are in C++.
found = $(wildcard $(addsuffix /$(1),/usr/local/include /usr/include))
iceoryx_include := $(patsubst %/iceoryx_posh,%,$(firstword \
	$(call found,iceoryx/v2*/iceoryx_posh)))
peers := $(if $(call found,zmq.h),zeromq) $(if $(call found,nng/nng.h),nng) \
	$(if $(call found,nats/nats.h),nats) \
	$(if $(shell command -v $(CXX)),$(if $(call found,boost/version.hpp),boost) \
	$(if $(iceoryx_include),iceoryx))
peer_src := $(call part,client,bench/rivals.c bench/peer.c bench/peer_lane.c bench/peer_kernel.c \
	$(foreach p,$(peers),bench/peer_$p*.c bench/peer_$p*.cc))
bench_libs = -Wl,--as-needed $(foreach p,$(peers),$(libs_$p)) -lm
libs_zeromq := -lzmq
libs_nng := -lnng
libs_nats := -lnats
libs_boost := -lstdc++
libs_iceoryx := -liceoryx_posh -liceoryx_hoofs -liceoryx_platform -lstdc++
t_src := $(wildcard tests/*.c tests/system/util_*.c tests/conformance/remote*.c \
	tests/crash/util_*.c tests/torture/util_*.c tests/hostile/util_*.c \
	tests/hostile/attacks_*.c)
unit_src := $(wildcard tests/unit/test_*.c)
system_src := $(wildcard tests/system/test_*.c)
conformance_src := $(wildcard tests/conformance/test_*.c)
stress_src := $(wildcard tests/stress/*.c)
crash_src := $(wildcard tests/crash/test_*.c)
hostile_src := $(wildcard tests/hostile/test_*.c)
torture_src := $(wildcard tests/torture/torture.c)
# What tests in the shell start beside ours.
helper_src := $(wildcard tests/system/program_*.c)
fuzz_src := $(wildcard tests/fuzz/fuzz_*.c)
fuzz_common_src := $(filter-out tests/fuzz/fuzz_% tests/fuzz/replay.c,\
	$(wildcard tests/fuzz/*.c))
man_src := $(wildcard docs/man/*.scd)

shm_lib := $(BUILD)/libshm.a
config_lib := $(BUILD)/libconfig.a
daemon_lib := $(BUILD)/libdaemon.a
static_lib := $(BUILD)/libringbus.a
bench_lib := $(BUILD)/libbench.a
peer_lib := $(BUILD)/libpeers.a
t_lib := $(BUILD)/libt.a
fuzz_lib := $(BUILD)/libfuzz.a
shared_lib := $(if $(client_src),$(BUILD)/$(SONAME))
# Calls of a program about its files fail as a test says.
faults_lib := $(if $(journal_src),$(BUILD)/tests/faults/preload.so)
valgrind_lib := $(if $(call found,valgrind/valgrind.h),$(BUILD)/tests/valgrind/preload.so)

ringbusd := $(if $(daemon_main),$(BUILD)/ringbusd)
ringbusctl := $(if $(ctl_src),$(BUILD)/ringbusctl)
exporter := $(if $(exporter_src),$(BUILD)/ringbus-exporter)
journal := $(if $(journal_src),$(BUILD)/ringbus-journal)
bridge := $(if $(bridge_src),$(BUILD)/ringbus-bridge)
demo := $(if $(demo_src),$(BUILD)/demo)
examples := $(call programs,$(example_src))
benches := $(call programs,$(bench_src))
systems := $(call programs,$(system_src))
conformances := $(call programs,$(conformance_src))
tests := $(call programs,$(unit_src) $(system_src) $(conformance_src) $(crash_src) \
	$(hostile_src) $(stress_src) $(torture_src))
stresses := $(call programs,$(stress_src))
crashes := $(call programs,$(crash_src))
hostiles := $(call programs,$(hostile_src))
helpers := $(call programs,$(helper_src))
fuzzers := $(call programs,$(fuzz_src))
pages3 := $(addprefix $(BUILD)/man/,$(addsuffix .3,\
	$(shell awk -f docs/man/section3.awk client/ringbus.h)))
mans := $(pages3) $(if $(SCDOC),$(patsubst docs/man/%.scd,$(BUILD)/man/%,$(man_src)))

# T=wait: the suites with "wait" in their name; T=wait/wakes*: tests in them.
named = $(if $(1),$(foreach f,$(2),$(if $(findstring $(1),$(notdir $f)),$f)),$(2))
suite := $(firstword $(subst /, ,$(T)))
chosen := $(call named,$(suite),$(tests) $(if $(with_fuzzer),,$(fuzzers)))
chosen_benches := $(call named,$(B),$(benches))
chosen_api := $(call named,$(suite),$(wildcard tests/api/*.sh tests/system/test_*.sh))
chosen_model := $(call named,$(suite),$(wildcard tests/model/*.sh))
needs_programs := $(chosen_api) $(filter $(BUILD)/tests/system/% $(BUILD)/tests/stress/% \
	$(BUILD)/tests/conformance/% $(BUILD)/tests/crash/% $(BUILD)/tests/torture/% \
	$(BUILD)/tests/hostile/%,$(chosen))

libraries := $(static_lib) $(shared_lib) $(if $(shared_lib),$(BUILD)/libringbus.so)
built_programs := $(ringbusd) $(ringbusctl) $(exporter) $(journal) $(bridge)
# Of the configuration, for editors.
schema := $(if $(ringbusd),$(BUILD)/ringbus.schema.json)
# What tests start, and what they read.
started := $(libraries) $(built_programs) $(examples) $(demo) $(helpers) $(valgrind_lib) $(faults_lib) \
	$(filter %/ringbusctl.1 %/ringbus.yaml.5,$(mans)) $(schema)

# ----------------------------------------------------------------- targets

all: $(libraries) $(built_programs) $(schema) $(examples) $(demo) $(mans) ## library, programs, examples, man pages
	$(if $(sqlite_libs),,@echo 'no sqlite3: without examples/rewind_sqlite')
	$(if $(http_libs),,@echo 'no libmicrohttpd: without ringbus-exporter')
	$(if $(nats_libs),,@echo 'no libnats: without ringbus-bridge')

deps: ## install the Debian packages that are missing
	@.ci/deps build test lint

test: ## build and run the tests; T=suite or T=suite/name picks
	@.ci/deps build test
	@+$(MAKE) --no-print-directory run-tests

check: ## the gate before each commit: lint, build, test
	@.ci/deps build test lint
	@+$(MAKE) --no-print-directory lint
	@+$(MAKE) --no-print-directory all benches
	@+$(MAKE) --no-print-directory run-tests

run-tests: $(chosen) $(if $(needs_programs),$(started))
	@CC='$(CC)' T='$(T)' tests/run $(BUILD) $(chosen) $(chosen_api) $(chosen_model)

lint: style layers order ## all of the next three, and the proof that they bite
	@tests/lint/selftest.sh

style: ## formatting, sizes, banned calls, shell scripts
	@.ci/deps lint
	@tests/lint/style.sh

layers: ## who may include and call whom
	@BUILD=$(BUILD) tests/lint/layers.sh

order: ## every memory order has a name, a partner and a row in the docs
	@tests/lint/order.sh

demo: ## the guided tour; INPUT=file takes your own data
	@.ci/deps build
	@+$(MAKE) --no-print-directory run-demo

run-demo: all
	@$(BUILD)/demo $(if $(INPUT),'$(INPUT)')

benches: $(benches)

# BEFORE=path/of/another/state/build/release: in pairs with that.
bench: ## every benchmark, and a report; B=name picks, BEFORE= compares
	@.ci/deps build
	@.ci/deps bench || echo 'without the peers that are not installed'
	@+$(MAKE) --no-print-directory run-bench

run-bench: $(built_programs) $(chosen_benches)
	@export BENCH_JSON='$(abspath $(BUILD))/bench/results.jsonl'; \
	$(if $(BEFORE),export BENCH_BEFORE='$(abspath $(BEFORE))';) \
	[ -n '$(strip $(chosen_benches))' ] || { echo 'no benchmark named $(B)'; exit 1; }; \
	rm -f "$$BENCH_JSON"; failed=; \
	for b in $(chosen_benches); do \
		echo "== $${b##*/}"; $$b || failed="$$failed $${b##*/}"; \
	done; \
	[ ! -e "$$BENCH_JSON" ] || bench/report.py \
		-o $(BUILD)/bench/report.html "$$BENCH_JSON" || failed="$$failed report.py"; \
	[ -z "$$failed" ] || { echo "failed:$$failed"; exit 1; }

bench-recovery: ## only that of many kills: how soon do others go on
	@+BENCH_LONG=1 $(MAKE) --no-print-directory bench B=bench_recovery

stress: $(built_programs) $(stresses) ## long runs with many processes and deaths
	@STRESS=1 CC='$(CC)' tests/run $(BUILD) $(stresses)

# The same seed has the same row of kills and stops.
torture: $(built_programs) $(BUILD)/tests/torture/torture ## kill all of them all the time; SECONDS=n (60), SEED=s
	@TORTURE_SECONDS='$(SECONDS)' TORTURE_SEED='$(SEED)' \
		$(BUILD)/tests/torture/torture as_asked

# Root alone can be other users. Longer with HOSTILE=1.
hostile: $(built_programs) $(hostiles) ## be attacked as other users would, a line for each attack
	@set -e; for h in $(hostiles); do $$h; done

# `make test` leaves out turns of loops that only count; this one does not.
crash: $(built_programs) $(crashes) ## die at every point there is; half an hour
	@CRASH=1 CK_TIMEOUT_MULTIPLIER=10 CC='$(CC)' tests/run $(BUILD) $(crashes)

mutants: ## make one thing wrong at a time, and see that tests fail; M=name picks
	@tests/mutants/run '$(M)'

conformance: $(built_programs) $(conformances) ## the tests of the LMAX Disruptor, by their ids
	@tests/conformance/show $(BUILD) $(conformances)

abi: ## compare the library with that of the last tag; TAG=name picks another
	@.ci/deps build abi
	@tests/abi/run $(TAG)

model: ## check the models of the protocol, and that their guards are needed
	@.ci/deps test
	@CC='$(CC)' tests/model/run $(M)

model-deep: ## the same with larger bounds, for hours; M=name picks
	@.ci/deps test
	@CC='$(CC)' tests/model/run -d $(M)

asan ubsan tsan: ## build and run the tests under that sanitizer
	@+$(MAKE) --no-print-directory test VARIANT=$@

valgrind: ## run system and hostile tests with the daemon under valgrind; T=suite picks
	@.ci/deps build test valgrind
	@+$(MAKE) --no-print-directory run-valgrind

run-valgrind: $(call named,$(suite),$(systems) $(hostiles)) $(started)
	@VALGRIND=1 CC='$(CC)' T='$(T)' tests/run $(BUILD) \
		$(call named,$(suite),$(systems) $(hostiles))

fuzz: ## fuzz with clang; F=name picks, TIME=seconds each (60)
	@.ci/deps build fuzz
	@+$(MAKE) --no-print-directory run-fuzz VARIANT=fuzz CC=clang

run-fuzz: $(call named,$(F),$(fuzzers)) $(BUILD)/config.dict
	@tests/fuzz/run $(BUILD) $(or $(TIME),60) $(call named,$(F),$(fuzzers))

fuzz-proof: ## plant faults, and see that fuzzing finds each; TIME=seconds (300)
	@.ci/deps build fuzz
	@tests/fuzz/proof $(or $(TIME),300) '$(F)'

examples: $(examples) $(demo) ## the example programs

format: ## rewrite all C files in the house style
	@git ls-files -co --exclude-standard '*.c' '*.h' '*.cc' | xargs clang-format -i

clean: ## remove build/
	rm -rf build

# ------------------------------------------------------------------- rules

# What a configuration is made of, for its fuzz target.
$(BUILD)/config.dict: config/keys.h config/schema.c
	@mkdir -p $(@D)
	@sed -n 's/^RB_[A-Z]*([A-Z]*, \([a-z_]*\),.*/"\1:"/p' $< >$@
	@grep -o '"[a-z_]*"' config/schema.c | sort -u >>$@

# Holds the commands; what it names is rebuilt when they change.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(compile) | $(link) | $(PARTS)' | cmp -s - $@ || \
		printf '%s\n' '$(compile) | $(link) | $(PARTS)' >$@

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC)$(compile) -MMD -MP -c -o $@ $<

$(BUILD)/%.o: %.cc $(BUILD)/peers
	@mkdir -p $(@D)
	$(call say,CXX)$(compile_cxx) -MMD -MP -c -o $@ $<

# Which there are, as `flags`.
$(BUILD)/peers: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(peers) | $(compile_cxx)' | cmp -s - $@ || \
		printf '%s\n' '$(peers) | $(compile_cxx)' >$@

$(addprefix $(BUILD)/bench/,peer.o bench_bridge.o): $(BUILD)/peers
$(addprefix $(BUILD)/bench/,peer.o bench_bridge.o): private CPPFLAGS += $(addprefix -DPEER_,$(peers))
$(BUILD)/bench/peer_iceoryx.o: private CPPFLAGS += -isystem $(iceoryx_include)

# What is inside by .incbin: the shipped configuration, scripts for shells.
$(BUILD)/config/builtin.o: config/ringbus.yaml
$(BUILD)/client/ctl/completion.o: $(wildcard client/ctl/completion.*)

archive = $(call say,AR)rm -f $@ && $(AR) rcs $@ $(filter %.o,$^)

$(shm_lib): $(call objects,$(shm_src)) $(BUILD)/flags
	$(archive)
$(config_lib): $(call objects,$(config_src)) $(BUILD)/flags
	$(archive)
$(daemon_lib): $(call objects,$(daemon_src)) $(BUILD)/flags
	$(archive)
$(bench_lib): $(call objects,$(bench_common_src)) $(BUILD)/flags
	$(archive)
$(peer_lib): $(call objects,$(peer_src)) $(BUILD)/peers
	$(archive)
$(t_lib): $(call objects,$(t_src)) $(BUILD)/flags
	$(archive)
$(fuzz_lib): $(call objects,$(fuzz_common_src) $(filter-out %/main.c,$(ctl_src))) \
	$(BUILD)/flags
	$(archive)
$(static_lib): $(call objects,$(client_src) $(shm_src)) $(BUILD)/flags
	$(archive)

# It stays when it is closed: it may have a signal handler.
$(BUILD)/$(SONAME): $(call objects,$(client_src) $(shm_src)) client/ringbus.map
	$(call say,LD)$(link) -shared -Wl,-soname,$(SONAME) \
		-Wl,--version-script=client/ringbus.map \
		$(if $(sanitize),,-Wl,-z,defs) -Wl,-z,nodelete \
		-Wl,--as-needed -o $@ \
		$(filter %.o,$^)

$(BUILD)/libringbus.so: $(BUILD)/$(SONAME)
	@ln -sf $(SONAME) $@

# Objects and archives among the prerequisites, in their order, then libraries.
program = $(call say,LD)$(link) -o $@ $(filter %.o %.a,$^) $(1)
# Found beside the program, wherever the build folder is moved.
with_shared = -L$(BUILD) -lringbus '-Wl,-rpath,$$ORIGIN$(1)'

$(BUILD)/ringbusd: $(call objects,$(daemon_main)) $(daemon_lib) $(config_lib) $(shm_lib)
	$(call program,$(pkg_libs))

$(BUILD)/ringbusctl: $(call objects,$(ctl_src)) $(static_lib)
	$(call program,$(curses_libs))

$(BUILD)/client/ctl/top_screen.o: private CPPFLAGS += $(if $(curses_libs),-DHAVE_NCURSES)

$(BUILD)/ringbus-exporter: $(call objects,$(exporter_src) \
	$(patsubst %,client/ctl/%.c,openmetrics openmetrics_daemon health verdict view \
		json output interrupt words options)) $(static_lib)
	$(call program,$(http_libs))

$(BUILD)/ringbus-journal: $(call objects,$(journal_src) $(service_src)) $(static_lib)
	$(call program,$(journal_libs))

$(BUILD)/ringbus-bridge: $(call objects,$(bridge_src) $(service_src) \
	client/ctl/options.c) $(static_lib)
	$(call program,$(nats_libs))

$(BUILD)/demo: $(call objects,$(demo_src)) $(BUILD)/libringbus.so
	$(call program,$(call with_shared,))

$(examples): %: %.o $(BUILD)/libringbus.so
	$(call program,$(call with_shared,/..) $(more_libs))

$(BUILD)/examples/rewind_sqlite $(BUILD)/tests/system/test_rewind_sqlite: \
	private more_libs := $(sqlite_libs)

$(call objects,$(client_src) $(shm_src) $(bench_src) $(bench_common_src)): \
	private lto := $(fat)
# A C++ exception or pthread_exit() in a callback of ours runs our clean-up.
$(call objects,$(client_src)): private unwind := -fexceptions
$(benches): private lto := $(if $(fat),-flto=auto)
$(filter-out %_shared,$(benches)): %: %.o $(peer_lib) $(bench_lib) $(static_lib) \
	$(shm_lib)
	$(call program,$(bench_libs))

$(filter %_shared,$(benches)): %: %.o $(peer_lib) $(bench_lib) $(BUILD)/libringbus.so
	$(call program,$(call with_shared,/..) $(bench_libs))

# Hundreds, each of which would take seconds.
$(tests): private lto := -fno-lto
$(tests): %: %.o $(t_lib) $(bench_lib) $(daemon_lib) $(config_lib) $(static_lib) $(shm_lib)
	$(call program,$(pkg_libs) $(check_libs) $(more_libs))

$(BUILD)/tests/system/test_setting_words: $(call objects,$(setting_src))
$(BUILD)/tests/system/test_setting_words: private more_libs := $(static_lib)

# What the next writer does first, on what this test makes.
$(BUILD)/tests/crash/test_journal_images: $(call objects,$(patsubst %,client/journal/%.c,\
	recover segment spare notice signals) client/ctl/line.c)
$(BUILD)/tests/crash/test_journal_images: private more_libs := $(static_lib)

$(helpers): %: %.o $(static_lib)
	$(call program)

$(valgrind_lib): $(call objects,$(wildcard tests/valgrind/*.c)) $(BUILD)/flags
	$(call say,LD)$(link) -shared -o $@ $(filter %.o,$^)

$(faults_lib): $(call objects,$(wildcard tests/faults/*.c)) $(BUILD)/flags
	$(call say,LD)$(link) -shared -o $@ $(filter %.o,$^)

# By libFuzzer where that is asked for, else over the corpus alone.
$(fuzzers): %: %.o $(if $(with_fuzzer),,$(BUILD)/tests/fuzz/replay.o) $(fuzz_lib) \
	$(daemon_lib) $(config_lib) $(static_lib) $(shm_lib)
	$(call program,$(with_fuzzer) $(pkg_libs) $(curses_libs))

# What the tables of a program say, which it prints so, is filled in.
define fill_man
@mkdir -p $(@D)
$(call say,MAN)$(1) >$@.facts
@awk -f $(word 2,$^) $@.facts $< >$@.scd && $(SCDOC) <$@.scd >$@ && \
	rm $@.facts $@.scd
endef

$(if $(ringbusctl),$(BUILD)/man/ringbusctl.1): docs/man/ringbusctl.1.scd docs/man/fill.awk \
		$(ringbusctl)
	$(call fill_man,$(ringbusctl) help --json)

$(pages3): $(BUILD)/man/.section3

$(BUILD)/man/.section3: client/ringbus.h docs/man/section3.awk
	@mkdir -p $(@D)
	$(call say,MAN)awk -f docs/man/section3.awk -v out=$(@D) \
		-v date="$$(date -u -d @$${SOURCE_DATE_EPOCH:-$$(date +%s)} +%F)" $<
	@touch $@

$(if $(ringbusd),$(BUILD)/man/ringbus.yaml.5): docs/man/ringbus.yaml.5.scd \
		docs/man/keys.awk $(ringbusd)
	$(call fill_man,$(ringbusd) --keys)

$(schema): $(ringbusd)
	$(call say,SCHEMA)$(ringbusd) --schema >$@.part && mv $@.part $@

$(BUILD)/man/%: docs/man/%.scd
	@mkdir -p $(@D)
	$(call say,MAN)$(SCDOC) <$< >$@

# --------------------------------------------------------------- installing

# Those of programs that are not built are left out.
without := $(if $(exporter),,exporter) $(if $(journal),,journal) $(if $(bridge),,bridge)
built_units = $(filter-out $(foreach f,$(without),$(1)ringbus-$f.% $(1)ringbus-$f@.%),$(2))
units := $(call built_units,systemd/,$(wildcard $(addprefix systemd/*.,service \
	socket path target slice timer)))
# A daemon beside the system's, by the name of its configuration.
instances := $(patsubst systemd/ringbusd.%,$(BUILD)/systemd/ringbusd@.%,\
	$(filter systemd/ringbusd.%,$(units)))
user_units := $(call built_units,systemd/user/,$(wildcard systemd/user/*.service))
sysusers := $(call built_units,systemd/,$(wildcard systemd/*.sysusers))
tmpfiles := $(wildcard systemd/*.tmpfiles)
catalogs := $(wildcard systemd/*.catalog)
unit_examples := $(filter-out $(foreach f,$(filter journal bridge,$(without)), \
	systemd/examples/$f-%),$(wildcard systemd/examples/*.conf))

$(BUILD)/systemd/ringbusd@.%: systemd/ringbusd.% systemd/instance.sed
	@mkdir -p $(@D)
	@sed -f systemd/instance.sed $< >$@

man_path = $(MANDIR)/man$(patsubst .%,%,$(suffix $(1)))/$(notdir $(1))
conf_path = $(1)/$(basename $(notdir $(2))).conf

# mode:source:destination, for install and for uninstall. `text` files are
# 644 and get @PREFIX@ and its kin filled in.
install_files = \
	$(if $(ringbusd),755:$(ringbusd):$(SBINDIR)/ringbusd) \
	$(if $(ringbusctl),755:$(ringbusctl):$(BINDIR)/ringbusctl) \
	$(foreach f,$(exporter) $(journal) $(bridge),755:$f:$(BINDIR)/$(notdir $f)) \
	$(if $(client_src),\
		755:$(BUILD)/$(SONAME):$(LIBDIR)/libringbus.so.$(VERSION) \
		link:libringbus.so.$(VERSION):$(LIBDIR)/$(SONAME) \
		link:$(SONAME):$(LIBDIR)/libringbus.so \
		644:$(static_lib):$(LIBDIR)/libringbus.a) \
	$(if $(wildcard client/ringbus.h),\
		644:client/ringbus.h:$(INCLUDEDIR)/ringbus.h) \
	$(if $(wildcard client/ringbus.pc.in),\
		text:client/ringbus.pc.in:$(LIBDIR)/pkgconfig/ringbus.pc) \
	$(foreach f,$(wildcard client/*.cmake.in),\
		text:$f:$(LIBDIR)/cmake/ringbus/$(notdir $(f:.in=))) \
	$(foreach f,$(schema),644:$f:$(DATADIR)/$(notdir $f)) \
	$(foreach f,$(wildcard docs/grafana/*),644:$f:$(DATADIR)/$(notdir $f)) \
	$(foreach f,$(units) $(instances),text:$f:$(UNITDIR)/$(notdir $f)) \
	$(foreach f,$(user_units),text:$f:$(USERUNITDIR)/$(notdir $f)) \
	$(foreach f,$(sysusers),text:$f:$(call conf_path,$(SYSUSERSDIR),$f)) \
	$(foreach f,$(catalogs),644:$f:$(CATALOGDIR)/$(notdir $f)) \
	$(foreach f,$(tmpfiles),text:$f:$(call conf_path,$(TMPFILESDIR),$f)) \
	$(foreach f,$(unit_examples),text:$f:$(DOCDIR)/examples/$(notdir $f)) \
	$(foreach f,$(mans),644:$f:$(call man_path,$f)) \
	$(if $(ringbusctl),\
		644:client/ctl/completion.bash:$(BASHCOMPDIR)/ringbusctl \
		644:client/ctl/completion.zsh:$(ZSHCOMPDIR)/_ringbusctl \
		644:client/ctl/completion.fish:$(FISHCOMPDIR)/ringbusctl.fish)
# What is ours alone, and goes with the last of its files.
install_folders = $(LIBDIR)/cmake/ringbus $(DOCDIR)/examples $(DOCDIR) $(DATADIR)

config_source := $(wildcard config/ringbus.yaml)

# So that what is installed may be moved, or unpacked elsewhere.
below_prefix = $(patsubst $(PREFIX)/%,$${prefix}/%,$(1))
include_from_lib = $(shell realpath -ms --relative-to='$(LIBDIR)' '$(INCLUDEDIR)')
fill_in = sed -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@BINDIR@|$(BINDIR)|g' \
	-e 's|@SBINDIR@|$(SBINDIR)|g' -e 's|@LIBDIR@|$(LIBDIR)|g' \
	-e 's|@INCLUDEDIR@|$(INCLUDEDIR)|g' -e 's|@VERSION@|$(VERSION)|g' \
	-e 's|@SYSCONFDIR@|$(SYSCONFDIR)|g' -e 's|@SONAME@|$(SONAME)|g' \
	-e 's|@BELOW_PREFIX_LIBDIR@|$(call below_prefix,$(LIBDIR))|g' \
	-e 's|@BELOW_PREFIX_INCLUDEDIR@|$(call below_prefix,$(INCLUDEDIR))|g' \
	-e 's|@INCLUDEDIR_FROM_LIBDIR@|$(include_from_lib)|g'

installable: $(libraries) $(built_programs) $(schema) $(mans) $(instances)

install: installable ## install below PREFIX; DESTDIR= stages, an existing config stays
	@set -e; for entry in $(install_files); do \
		mode=$${entry%%:*}; rest=$${entry#*:}; \
		from=$${rest%%:*}; to='$(DESTDIR)'$${rest#*:}; \
		echo "  INST   $$to"; mkdir -p "$${to%/*}"; \
		case $$mode in \
		link) ln -sfn "$$from" "$$to" ;; \
		text) $(fill_in) "$$from" >"$$to"; chmod 644 "$$to" ;; \
		*) $(INSTALL) -m $$mode "$$from" "$$to" ;; \
		esac; \
	done
ifneq ($(config_source),)
	@to='$(DESTDIR)$(config_path)'; mkdir -p "$${to%/*}"; \
	if [ -e "$$to" ]; then echo "  KEEP   $$to"; \
	else echo "  INST   $$to"; $(INSTALL) -m 644 $(config_source) "$$to"; fi
endif
	$(if $(SCDOC),,@echo 'no scdoc: no man pages but those of section 3')
	@if [ -z '$(DESTDIR)' ]; then ldconfig 2>/dev/null || :; fi

uninstall: ## remove what install put there, but the configuration
	@for entry in $(install_files); do \
		to='$(DESTDIR)'$${entry##*:}; \
		echo "  RM     $$to"; rm -f "$$to"; \
	done
	@for folder in $(install_folders); do \
		rmdir '$(DESTDIR)'"$$folder" 2>/dev/null || :; \
	done
	@if [ -z '$(DESTDIR)' ]; then ldconfig 2>/dev/null || :; fi

# --------------------------------------------------------------- packages

# In a copy, as a package's build writes beside the sources; with nothing of how
# this make was called.
deb: ## build the Debian packages in build/deb; DEB_BUILD_OPTIONS=nocheck for no tests
	@.ci/deps build deb
	@rm -rf build/deb; mkdir -p build/deb/ringbus-$(VERSION)
	@git ls-files -zco --exclude-standard | \
		xargs -0 sh -c 'for f; do [ ! -e "$$f" ] || printf "%s\0" "$$f"; done' - | \
		tar -c --null -T - | tar -x -C build/deb/ringbus-$(VERSION)
	@cd build/deb/ringbus-$(VERSION) && env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL \
		-u BUILD -u VARIANT -u PARTS -u PREFIX -u DESTDIR -u T -u CC -u CI \
		dpkg-buildpackage -us -uc -F
	@ls build/deb/*.deb

FORCE:
.PHONY: FORCE help all deps test check run-tests lint style layers order demo \
	run-demo benches bench run-bench bench-recovery stress torture crash hostile mutants \
	conformance abi model model-deep asan ubsan tsan valgrind run-valgrind fuzz run-fuzz \
	fuzz-proof examples format clean installable install uninstall deb
.SECONDARY:
.DELETE_ON_ERROR:

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
