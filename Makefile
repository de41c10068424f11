# Turnstone: small programs that run tool-using AI agents the Unix way.
#
#   make            build everything into build/
#   make check      install what is missing, build, pass the tests (TAP, prove)
#   make demo       install what is missing, build, one prompt through the whole pipe
#   make help       all targets
#
# PREFIX and DESTDIR are honoured by install. SANITIZE=1 builds with ASan and
# UBSan into build-sanitize/. DEVELOPER=1 turns warnings into errors, V=1 shows
# the commands.

PREFIX  ?= /usr/local
DESTDIR ?=
BUILD   ?= build$(if $(SANITIZE),-sanitize)
CC      ?= cc
JOBS    ?= $(shell nproc 2>/dev/null || echo 2)

.DEFAULT_GOAL := all

# What is built.

PROGRAM_FILES   := $(patsubst cmd/%.c,%,$(wildcard cmd/ts-*.c))
PROGRAM_FOLDERS := $(patsubst cmd/%/main.c,%,$(wildcard cmd/ts-*/main.c))
C_PROGRAMS      := $(sort $(PROGRAM_FILES) $(PROGRAM_FOLDERS))
SHELL_PROGRAMS  := $(patsubst sh/%,%,$(wildcard sh/ts-* sh/turnstone))
PROGRAMS        := $(C_PROGRAMS) $(SHELL_PROGRAMS)
TOOLS           := $(patsubst cmd/tools/%.c,%,$(wildcard cmd/tools/*.c))
TOOLDEFS        := $(wildcard tooldefs/*.json)
SHARED          := $(wildcard share/*)
UNIT_TESTS      := $(patsubst t/unit/%.c,%,$(wildcard t/unit/test_*.c))
FUZZERS         := $(patsubst t/fuzz/%.c,%,$(wildcard t/fuzz/fuzz_*.c))
BENCHES         := $(patsubst t/bench/%.c,%,$(wildcard t/bench/*.c))
MANUALS         := $(wildcard man/*.[1-9])
EXAMPLES        := $(filter-out examples/tools/disk_usage,$(wildcard examples/* examples/*/*))
C_FILES         := $(wildcard lib/*/*.[ch] lib/*.h cmd/*.c cmd/*/*.[ch] t/unit/*.[ch] \
	t/fuzz/*.[ch] t/bench/*.[ch])
VERSION         := $(shell sed -n 's/.*TURNSTONE_VERSION "\(.*\)".*/\1/p' lib/version.h)

# What a program links beyond libc, cJSON and our own library. libcurl costs
# 5 ms at every start, so only those that speak HTTP as a client have it.
# A unit test or fuzzer of something in a program's folder names it: SOURCES_test_x := cmd/...
LIBS_ts-llm       := -lcurl
LIBS_ts-chat      := -lsqlite3
LIBS_ts-fetch     := -lcurl
LIBS_ts-html      := -lgumbo
LIBS_ts-render    := -lmd4c
LIBS_ts-mcp       := -lsqlite3
LIBS_ts-mcp-http  := -lcurl
LIBS_ts-session   := -lsqlite3
LIBS_ts-memory    := -lsqlite3
LIBS_ts-mock-llm  := -levent_core -levent_extra -lcurl
LIBS_tool_search  := -lpcre2-8
LIBS_tool_man     := -lpcre2-8
LIBS_tool_read_file := -lmd
LIBS_tool_write_file := -lmd
LIBS_tool_edit_file := -lmd
LIBS_tool_remember := -lsqlite3
LIBS_tool_recall := -lsqlite3
LIBS_tool_forget := -lsqlite3
LIBS_test_markdown := -lmd4c
LIBS_test_screen  := -lmd4c
LIBS_test_store   := -lsqlite3
LIBS_test_store_approval := -lsqlite3
LIBS_test_store_search := -lsqlite3
LIBS_fuzz_markdown := -lmd4c
LIBS_fuzz_manual  := -lpcre2-8
LIBS_ts-approve   := -lsqlite3
LIBS_fuzz_html    := -lgumbo

# How.

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wvla -Wwrite-strings \
	-Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wpointer-arith \
	-Wformat-security -Wno-format-truncation -fno-common
HARDENING := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
OPTIMISE  := -O2
LINKING   := -pie -Wl,-z,relro,-z,now,--as-needed,--gc-sections
ifdef SANITIZE
HARDENING := -fPIE -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
OPTIMISE  := -O1
LINKING   += -fsanitize=address,undefined
endif

CPPFLAGS_ALL := -Ilib -Icmd -D_GNU_SOURCE -include lib/base/banned.h $(CPPFLAGS)
CFLAGS_ALL   := -std=c17 $(OPTIMISE) -g $(WARNINGS) $(if $(DEVELOPER),-Werror) $(HARDENING) \
	-ffunction-sections -fdata-sections $(CFLAGS)
LDFLAGS_ALL  := $(LINKING) $(LDFLAGS)

LIBRARY_SOURCES := $(wildcard lib/*/*.c)
COMMON_SOURCES  := $(wildcard cmd/common/*.c)
LIBRARY := $(BUILD)/libturnstone.a

QUIET = $(if $(V),,@)
say = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2))

object = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
sources_of = $(if $(wildcard cmd/$(1).c),cmd/$(1).c,$(wildcard cmd/$(1)/*.c))

.PHONY: all check check-sanitize bench lint format fuzz soak install uninstall dist demo deps \
	clean help completion manifest
.DELETE_ON_ERROR:

all: $(C_PROGRAMS:%=$(BUILD)/bin/%) $(SHELL_PROGRAMS:%=$(BUILD)/bin/%) \
	$(TOOLS:%=$(BUILD)/libexec/turnstone/tools/%) \
	$(TOOLDEFS:tooldefs/%=$(BUILD)/share/turnstone/tooldefs/%) \
	$(SHARED:share/%=$(BUILD)/share/turnstone/%)

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(QUIET)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

$(LIBRARY): $(call object,$(LIBRARY_SOURCES) $(COMMON_SOURCES))
	@rm -f $@
	$(QUIET)$(AR) rcs $@ $^

define link
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(QUIET)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) $(LIBRARY) $(1) -lcjson -lmd -lm
endef

define program_rule
$(BUILD)/bin/$(1): $(call object,$(call sources_of,$(1))) $(LIBRARY)
	$$(call link,$(LIBS_$(1)))
endef
$(foreach program,$(C_PROGRAMS),$(eval $(call program_rule,$(program))))

define tool_rule
$(BUILD)/libexec/turnstone/tools/$(1): $(call object,cmd/tools/$(1).c) $(LIBRARY)
	$$(call link,$(LIBS_tool_$(1)))
endef
$(foreach tool,$(TOOLS),$(eval $(call tool_rule,$(tool))))

define unit_rule
$(BUILD)/unit/$(1): $(call object,t/unit/$(1).c $(SOURCES_$(1))) $(LIBRARY)
	$$(call link,$(LIBS_$(1)))
endef
$(foreach test,$(UNIT_TESTS),$(eval $(call unit_rule,$(test))))

define bench_rule
$(BUILD)/bench/$(1): $(call object,t/bench/$(1).c $(SOURCES_$(1))) $(LIBRARY)
	$$(call link,$(LIBS_$(1)))
endef
$(foreach bench,$(BENCHES),$(eval $(call bench_rule,$(bench))))

$(BUILD)/bin/%: sh/%
	@mkdir -p $(@D)
	install -m 755 $< $@

$(BUILD)/share/turnstone/tooldefs/%: tooldefs/%
	@mkdir -p $(@D)
	install -m 644 $< $@

$(BUILD)/share/turnstone/%: share/%
	@mkdir -p $(@D)
	install -m 644 $< $@

# Unit tests, fuzzers and the bench are made only when asked for.
.PHONY: unit-tests benches fuzzers
unit-tests: $(UNIT_TESTS:%=$(BUILD)/unit/%)
benches: $(BENCHES:%=$(BUILD)/bench/%)

# Fuzzers: the library once more, with clang's instruments.

FUZZ_CC ?= $(or $(shell command -v clang || ls /usr/bin/clang-[0-9]* 2>/dev/null | tail -n 1),clang)
FUZZ_FLAGS := -std=c17 -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=undefined
fuzz_object = $(patsubst %.c,$(BUILD)/fuzz/obj/%.o,$(1))
FUZZ_LIBRARY := $(BUILD)/fuzz/libturnstone.a

$(BUILD)/fuzz/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,FUZZ,$<)
	$(QUIET)$(FUZZ_CC) $(CPPFLAGS_ALL) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c -o $@ $<

$(FUZZ_LIBRARY): $(call fuzz_object,$(LIBRARY_SOURCES) $(COMMON_SOURCES))
	@rm -f $@
	$(QUIET)$(AR) rcs $@ $^

define fuzz_rule
$(BUILD)/fuzz/$(1): $(call fuzz_object,t/fuzz/$(1).c $(SOURCES_$(1))) $(FUZZ_LIBRARY)
	$$(call say,LINK,$$@)
	$$(QUIET)$$(FUZZ_CC) $$(FUZZ_FLAGS) -fsanitize=fuzzer -o $$@ $$(filter %.o,$$^) \
		$(FUZZ_LIBRARY) $(LIBS_$(1)) -lcjson -lmd -lm
endef
$(foreach fuzzer,$(FUZZERS),$(eval $(call fuzz_rule,$(fuzzer))))
fuzzers: $(FUZZERS:%=$(BUILD)/fuzz/%)

# Shell completion, from each program's own option table.

COMPLETION_bash := $(PROGRAMS:%=share/bash-completion/completions/%)
COMPLETION_zsh  := $(PROGRAMS:%=share/zsh/site-functions/_%)
COMPLETION_fish := $(PROGRAMS:%=share/fish/vendor_completions.d/%.fish)
COMPLETIONS     := $(COMPLETION_bash) $(COMPLETION_zsh) $(COMPLETION_fish)

completion: $(COMPLETIONS:%=$(BUILD)/%)

$(BUILD)/share/bash-completion/completions/%: $(BUILD)/bin/% sh/completion
	@mkdir -p $(@D)
	$(QUIET)sh/completion bash $< >$@
$(BUILD)/share/zsh/site-functions/_%: $(BUILD)/bin/% sh/completion
	@mkdir -p $(@D)
	$(QUIET)sh/completion zsh $< >$@
$(BUILD)/share/fish/vendor_completions.d/%.fish: $(BUILD)/bin/% sh/completion
	@mkdir -p $(@D)
	$(QUIET)sh/completion fish $< >$@

# What people ask for.

# The recipes call make again where one thing has to be done before another: the
# prerequisites of one target are made at the same time.
AGAIN = $(MAKE) --no-print-directory $(if $(V),,-s)

deps:
	@sh/setup build check

check:
	@sh/setup build check
	@$(AGAIN) all unit-tests completion
	@BUILD='$(BUILD)' JOBS='$(JOBS)' sh/check $(TESTS)

check-sanitize:
	@$(AGAIN) SANITIZE=1 check

# The list of keys in turnstone.toml(5), from the table in lib/data/config_keys.c.
.PHONY: manual-keys
manual-keys: $(BUILD)/bin/ts-config
	@$< keys --mdoc >$(BUILD)/keys.mdoc
	@sed -i -e '/^\.\\" begin keys/r $(BUILD)/keys.mdoc' \
		-e '/^\.\\" begin keys/,/^\.\\" end keys/{/ keys$$/!d}' man/turnstone.toml.5

# The whole suite again and again: what fails once in ten runs is found here.
SOAK_RUNS ?= 10
soak:
	@sh/setup build check
	@$(AGAIN) all unit-tests completion
	@run=1; while [ $$run -le $(SOAK_RUNS) ]; do echo "soak: run $$run of $(SOAK_RUNS)"; \
		BUILD='$(BUILD)' JOBS='$(JOBS)' sh/check $(TESTS) || exit 1; run=$$((run + 1)); done

demo:
	@sh/setup build
	@$(AGAIN) all
	@BUILD='$(BUILD)' sh/demo

bench:
	@sh/setup build check
	@$(AGAIN) all benches
	@BUILD='$(BUILD)' t/bench/run

FUZZ_SECONDS ?= 60
fuzz:
	@sh/setup build fuzz
	@$(AGAIN) fuzzers
	@BUILD='$(BUILD)' JOBS='$(JOBS)' FUZZ_SECONDS='$(FUZZ_SECONDS)' sh/fuzz $(FUZZERS)

lint:
	@sh/setup build lint
	@CC='$(CC)' JOBS='$(JOBS)' sh/lint $(CHECKS)

format:
	@sh/setup lint
	clang-format -i $(C_FILES)

# mode:file here:file below PREFIX. install, uninstall and the tests read this one list.
MANIFEST = $(foreach f,$(PROGRAMS),755:$(BUILD)/bin/$(f):bin/$(f)) \
	$(foreach f,$(TOOLS),755:$(BUILD)/libexec/turnstone/tools/$(f):libexec/turnstone/tools/$(f)) \
	$(foreach f,$(TOOLDEFS:tooldefs/%=%),644:tooldefs/$(f):share/turnstone/tooldefs/$(f)) \
	$(foreach f,$(SHARED:share/%=%),644:share/$(f):share/turnstone/$(f)) \
	$(foreach f,$(MANUALS),644:$(f):share/man/man$(subst .,,$(suffix $(f)))/$(notdir $(f))) \
	$(foreach f,$(COMPLETIONS),644:$(BUILD)/$(f):$(f)) \
	$(foreach f,$(wildcard README.md ARCHITECTURE.md VIOLATIONS.md LICENSE),644:$(f):share/doc/turnstone/$(f)) \
	$(foreach f,$(EXAMPLES),$(if $(wildcard $(f)/.),,$(if $(filter %.sh %.py,$(f)),755,644):$(f):share/doc/turnstone/$(f)))

manifest:
	@printf '%s\n' $(MANIFEST)

install: all completion
	@for entry in $(MANIFEST); do \
		mode=$${entry%%:*}; rest=$${entry#*:}; \
		install -D -m "$$mode" "$${rest%%:*}" "$(DESTDIR)$(PREFIX)/$${rest#*:}" || exit 1; done
	@echo "installed $(words $(MANIFEST)) files below $(DESTDIR)$(PREFIX)"

uninstall:
	@for entry in $(MANIFEST); do rm -f "$(DESTDIR)$(PREFIX)/$${entry##*:}"; done
	@for folder in libexec/turnstone/tools libexec/turnstone share/turnstone/tooldefs \
		share/turnstone share/doc/turnstone/examples/scripts share/doc/turnstone/examples/tools share/doc/turnstone/examples \
		share/doc/turnstone; do \
		rmdir "$(DESTDIR)$(PREFIX)/$$folder" 2>/dev/null || :; done

# The committed tree; the same commit always gives the same bytes.
DIST := turnstone-$(VERSION)
DIST_DIR ?= dist
dist:
	@mkdir -p "$(DIST_DIR)"
	@git archive --format=tar --prefix='$(DIST)/' HEAD | gzip -9 -n >"$(DIST_DIR)/$(DIST).tar.gz"
	@echo "$(DIST_DIR)/$(DIST).tar.gz"

clean:
	rm -rf build build-sanitize dist

help:
	@sed -n 's/^#H //p' Makefile

#H make                  build everything into build/
#H make check            install what is missing, build, pass the tests; TESTS='t/0100-x.t' picks
#H make check-sanitize   the same with ASan and UBSan in build-sanitize/
#H make demo             one prompt through the whole pipe, tools really run
#H make bench            measure: start-up, overhead, memory, events/s (a table, never a failure)
#H make lint             man pages, shell, C and the rules of the house; CHECKS='man shell' picks
#H make format           clang-format the C sources
#H make manual-keys      the list of keys in turnstone.toml(5) anew
#H make fuzz             every fuzzer for FUZZ_SECONDS=60
#H make soak             the test suite SOAK_RUNS=10 times
#H make install          into PREFIX=/usr/local, below DESTDIR
#H make uninstall        remove exactly what install put there
#H make dist             dist/turnstone-VERSION.tar.gz from the committed tree
#H make deps             install the packages for build and tests
#H make clean            remove what was built
#H
#H variables: DEVELOPER=1 (warnings are errors)  SANITIZE=1  V=1  JOBS=N  CC  CFLAGS  LDFLAGS

-include $(shell find $(BUILD)/obj $(BUILD)/fuzz/obj -name '*.d' 2>/dev/null)
