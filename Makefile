# make            the shared and the static library, and the command b2auth, in target/release
# make test       every test there is, in one command
# make demo       the library at work against a server of its own (or B2: set the two B2_APPLICATION_KEY… variables)
# make install    PREFIX=/usr/local, LIBDIR=lib, DESTDIR=; make install-sandbox: the server for tests, with the same
# make fuzz      FUZZ_SECONDS=600 of each fuzzer
# make soak      SOAK_SECONDS=3600 of everything at once, and whether memory, descriptors and threads stay as they were
# make bench      what a cached call costs, beside the same work done by hand in C
# make docs       writes the reference of the C interface as HTML, in target/docs/html
# make header     writes include/b2auth.h and every table of options from the source

PREFIX ?= /usr/local
LIBDIR ?= lib
DESTDIR ?=
CARGO ?= cargo
CC ?= cc
FUZZ_SECONDS ?= 600
SOAK_SECONDS ?= 3600

VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
MAJOR := $(firstword $(subst ., ,$(VERSION)))
TARGET := $(or $(CARGO_TARGET_DIR),target)
BUILT := $(TARGET)/release
SONAME := libb2auth.so.$(MAJOR)

# What the C in this repository is held to.
CHECKED := -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Werror
EXAMPLES := authorize threads list_buckets demo
EXAMPLE_FLAGS := -std=c99 -O1 -g $(CHECKED) -I include
EXAMPLE_LIBS := -L $(BUILT) -lb2auth -Wl,-rpath,$(abspath $(BUILT)) -pthread

.PHONY: all lib header sandbox examples demo test fuzz soak bench install uninstall clean

all: lib command

# Without the Rust library among the outputs: beside it Cargo leaves link-time optimisation out, and the archive is three
# times as large.
lib:
	$(CARGO) rustc --release --locked --features c-library --lib --crate-type cdylib,staticlib
	ln -sf libb2auth.so $(BUILT)/$(SONAME)
	packaging/native.sh >$(BUILT)/b2auth.libs

header:
	$(CARGO) run --quiet --locked -p b2auth-header
	packaging/cdef.sh >include/b2auth.cdef.h

sandbox:
	$(CARGO) build --locked -p b2-sandbox

# Two of them call B2 by libcurl; without its headers the others are built.
ifneq ($(filter examples,$(MAKECMDGOALS)),)
ifneq ($(shell printf '\043include <curl/curl.h>\n' | $(CC) $(CPPFLAGS) -E - >/dev/null 2>&1 && echo yes),yes)
$(info list_buckets and demo are left out: libcurl's headers are missing (Debian, Ubuntu: libcurl4-openssl-dev))
EXAMPLES := $(filter-out list_buckets demo,$(EXAMPLES))
endif
endif

examples: $(EXAMPLES:%=$(TARGET)/examples-c/%)

$(TARGET)/examples-c/list_buckets $(TARGET)/examples-c/demo: EXAMPLE_LIBS += -lcurl

$(TARGET)/examples-c/%: examples-c/%.c include/b2auth.h | lib
	@mkdir -p $(@D)
	$(CC) $(EXAMPLE_FLAGS) $< -o $@ $(EXAMPLE_LIBS)

$(BUILT)/libb2auth.so:
	@echo "build the library first: make" >&2; exit 1

demo:
	@packaging/demo.sh

test:
	@tests/run.sh

fuzz:
	@fuzz/run.sh $(FUZZ_SECONDS)

soak:
	@tests/stress.sh soak $(SOAK_SECONDS)

$(TARGET)/hit: benches/hit.c include/b2auth.h | lib
	$(CC) -std=c11 -O2 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Werror -I include $< -o $@ $(EXAMPLE_LIBS)

# In the environment the sandbox's key stands under the usual names; as arguments it is no secret.
bench: $(TARGET)/hit sandbox
	@tests/with-sandbox.sh $(TARGET)/debug/b2-sandbox \
		sh -c '$(TARGET)/hit "$$B2_APPLICATION_KEY_ID" "$$B2_APPLICATION_KEY"'

# Installs what `make` built and builds nothing, so that it can run as another user.
install: $(BUILT)/libb2auth.so
	install -d $(DESTDIR)$(PREFIX)/include $(DESTDIR)$(PREFIX)/$(LIBDIR)/pkgconfig $(DESTDIR)$(PREFIX)/share/doc/b2auth
	install -m 644 include/b2auth.h $(DESTDIR)$(PREFIX)/include/
	install -m 755 $(BUILT)/libb2auth.so $(DESTDIR)$(PREFIX)/$(LIBDIR)/libb2auth.so.$(VERSION)
	ln -sf libb2auth.so.$(VERSION) $(DESTDIR)$(PREFIX)/$(LIBDIR)/$(SONAME)
	ln -sf $(SONAME) $(DESTDIR)$(PREFIX)/$(LIBDIR)/libb2auth.so
	install -m 644 $(BUILT)/libb2auth.a $(DESTDIR)$(PREFIX)/$(LIBDIR)/
	packaging/pc.sh $(VERSION) $(LIBDIR) "$$(cat $(BUILT)/b2auth.libs)" >$(DESTDIR)$(PREFIX)/$(LIBDIR)/pkgconfig/b2auth.pc
	install -m 644 README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE $(DESTDIR)$(PREFIX)/share/doc/b2auth/
	@packaging/loader-cache.sh "$(DESTDIR)" "$(PREFIX)/$(LIBDIR)"

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/include/b2auth.h
	cd $(DESTDIR)$(PREFIX)/$(LIBDIR) && \
		rm -f libb2auth.so.$(VERSION) $(SONAME) libb2auth.so libb2auth.a pkgconfig/b2auth.pc
	rm -rf $(DESTDIR)$(PREFIX)/share/doc/b2auth
	@packaging/loader-cache.sh "$(DESTDIR)" "$(PREFIX)/$(LIBDIR)" >/dev/null

# ---- the command, and what is installed beside the library ----

include packaging/command.mk

clean:
	$(CARGO) clean
