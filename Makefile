# Turnstone: small programs that run tool-using AI agents the Unix way.
#
#   make            build everything into build/
#   make check      build, then the test suite (TAP, prove)
#   make demo       build, then one prompt through the whole pipe
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

# ---- what is built -----------------------------------------------------------

PROGRAM_FILES   := $(patsubst cmd/%.c,%,$(wildcard cmd/ts-*.c))
PROGRAM_FOLDERS := $(patsubst cmd/%/main.c,%,$(wildcard cmd/ts-*/main.c))
C_PROGRAMS      := $(sort $(PROGRAM_FILES) $(PROGRAM_FOLDERS))
SHELL_PROGRAMS  := $(patsubst sh/%,%,$(filter-out sh/setup,$(wildcard sh/ts-* sh/turnstone)))
TOOLS           := $(patsubst cmd/tools/%.c,%,$(wildcard cmd/tools/*.c))
TOOLDEFS        := $(wildcard tooldefs/*.json)
UNIT_TESTS      := $(patsubst t/unit/%.c,%,$(wildcard t/unit/test_*.c))
FUZZERS         := $(patsubst t/fuzz/%.c,%,$(wildcard t/fuzz/fuzz_*.c))
BENCHES         := $(patsubst t/bench/%.c,%,$(wildcard t/bench/*.c))
MANUALS         := $(wildcard man/*.[1-9])

# What a program links beyond libc, cJSON and our own library. libcurl costs
# 5 ms at every start, so only those that speak HTTP as a client have it.
LIBS_ts-llm       := -lcurl
LIBS_ts-render    := -lmd4c
LIBS_ts-mock-llm  := -levent_core -levent_extra -lcurl
LIBS_tool_search  := -lpcre2-8
LIBS_tool_read_file := -lmd
LIBS_tool_write_file := -lmd
LIBS_tool_edit_file := -lmd
LIBS_test_markdown := -lmd4c
LIBS_fuzz_markdown := -lmd4c

# ---- how ---------------------------------------------------------------------

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

.PHONY: all check check-sanitize bench lint format fuzz soak install uninstall dist demo deps clean help
.DELETE_ON_ERROR:

all: $(C_PROGRAMS:%=$(BUILD)/bin/%) $(SHELL_PROGRAMS:%=$(BUILD)/bin/%) \
	$(TOOLS:%=$(BUILD)/libexec/turnstone/tools/%) \
	$(TOOLDEFS:tooldefs/%=$(BUILD)/share/turnstone/tooldefs/%)

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
	$(QUIET)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) $(LIBRARY) $(1) -lcjson -lm
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
$(BUILD)/unit/$(1): $(call object,t/unit/$(1).c) $(LIBRARY)
	$$(call link,$(LIBS_$(1)))
endef
$(foreach test,$(UNIT_TESTS),$(eval $(call unit_rule,$(test))))

define bench_rule
$(BUILD)/bench/$(1): $(call object,t/bench/$(1).c) $(LIBRARY)
	$$(call link,$(LIBS_$(1)))
endef
$(foreach bench,$(BENCHES),$(eval $(call bench_rule,$(bench))))

$(BUILD)/bin/%: sh/%
	@mkdir -p $(@D)
	install -m 755 $< $@

$(BUILD)/share/turnstone/tooldefs/%: tooldefs/%
	@mkdir -p $(@D)
	install -m 644 $< $@

# Unit tests, fuzzers and the bench are made only when asked for.
.PHONY: unit-tests benches
unit-tests: $(UNIT_TESTS:%=$(BUILD)/unit/%)
benches: $(BENCHES:%=$(BUILD)/bench/%)

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
