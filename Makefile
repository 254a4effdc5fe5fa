# make            the shared and the static library, and the command b2auth, in target/release
# make test       every test there is, in one command
# make demo       the library at work against a server of its own (or B2: set the two B2_APPLICATION_KEY… variables)
# make install    PREFIX=/usr/local, LIBDIR=lib, DESTDIR=; make install-sandbox: the server for tests, with the same
# make languages  tests the bindings in every form (make test: in short forms); make hosts the programs in other languages
# make swift      the Swift package alone; make wheels: the wheels for Python, built and tested
# make store      token stores at length: with Valkey as well as Redis, slow disks, 20 runs, a B2 that takes 12 s
# make fuzz      FUZZ_SECONDS=600 of each fuzzer
# make soak      SOAK_SECONDS=3600 of everything at once, and whether memory, descriptors and threads stay as they were
# make bench      what a call costs, cached and not, beside the same work by hand in C, libcurl and the b2 tool; from other
#                 languages, and with a token store. Ten minutes; writes the tables and plots of docs/bench.md
# make size       what the bytes of the shared library are, by part; writes its table of docs/bench.md
# make docs       writes the reference of the C interface as HTML, in target/docs/html
# make header     writes include/b2auth.h and every table of options from the source
# make cross      builds for every other system, and runs what was built; make cross-telling: for those that tell most;
#                 make cross-all: for every one, and the packages
# make dist, deb  release archives, Debian packages; make packages: both and others, built and used; make dist-run: every
#                 release archive, built and run

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
UNAME ?= $(shell uname -s)

# The names of the shared library: for a linker, for programs that were linked with it, and with its version.
ifeq ($(UNAME),Darwin)
LINKNAME := libb2auth.dylib
SONAME := libb2auth.$(MAJOR).dylib
REALNAME := libb2auth.$(VERSION).dylib
else
LINKNAME := libb2auth.so
SONAME := $(LINKNAME).$(MAJOR)
REALNAME := $(LINKNAME).$(VERSION)
endif

# What the C in this repository is held to.
CHECKED := -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Werror
EXAMPLES := authorize threads list_buckets demo
EXAMPLE_FLAGS := -std=c99 -O1 -g $(CHECKED) -I include
EXAMPLE_LIBS := -L $(BUILT) -lb2auth -Wl,-rpath,$(abspath $(BUILT)) -pthread

.PHONY: all lib header sandbox examples demo test languages hosts swift wheels store fuzz soak bench size install \
	uninstall clean cross cross-telling cross-all dist dist-run deb packages

all: lib command

lib:
	CARGO="$(CARGO)" packaging/lib.sh
	packaging/native.sh >$(BUILT)/b2auth.libs.new
	mv $(BUILT)/b2auth.libs.new $(BUILT)/b2auth.libs

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

$(BUILT)/$(LINKNAME):
	@echo "build the library first: make" >&2; exit 1

demo:
	@packaging/demo.sh

test:
	@tests/run.sh

# Longer and larger than what `make test` has of them: every compiler, interpreter and sanitizer that can be had.
languages: lib sandbox
	@tests/run.sh --all cpp go python node swift

hosts: lib sandbox
	@tests/run.sh --all hosts

swift: lib sandbox
	@tests/run.sh --all swift

wheels: sandbox
	@tests/languages/wheels.sh $(TARGET)/debug/b2-sandbox

store: lib sandbox
	@tests/run.sh --all store

fuzz:
	@fuzz/run.sh $(FUZZ_SECONDS)

soak:
	@tests/stress.sh soak $(SOAK_SECONDS)

$(TARGET)/hit $(TARGET)/cache: $(TARGET)/%: benches/%.c benches/by_hand.h benches/measure.h include/b2auth.h | lib
	$(CC) -std=c11 -O2 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Werror -I include $< -o $@ $(EXAMPLE_LIBS)

$(TARGET)/store: benches/store.c benches/measure.h include/b2auth.h | lib
	$(CC) -std=c11 -O2 -Wall -Wextra -Werror -I include $< -o $@ $(EXAMPLE_LIBS)

bench: $(TARGET)/hit $(TARGET)/cache $(TARGET)/store lib sandbox
	@benches/run.sh

size:
	@CARGO="$(CARGO)" benches/size.sh

# Installs what `make` built and builds nothing, so that it can run as another user.
install: $(BUILT)/$(LINKNAME)
	install -d $(TO)/include $(TO)/$(LIBDIR)/pkgconfig $(TO)/share/doc/b2auth
	install -m 644 include/b2auth.h $(TO)/include/
	install -m 755 $(BUILT)/$(LINKNAME) $(TO)/$(LIBDIR)/$(REALNAME)
	ln -sf $(REALNAME) $(TO)/$(LIBDIR)/$(SONAME)
	ln -sf $(SONAME) $(TO)/$(LIBDIR)/$(LINKNAME)
	install -m 644 $(BUILT)/libb2auth.a $(TO)/$(LIBDIR)/
	packaging/pc.sh $(VERSION) $(LIBDIR) "$$(cat $(BUILT)/b2auth.libs)" >$(TO)/$(LIBDIR)/pkgconfig/b2auth.pc
	packaging/cmake.sh $(VERSION) $(LIBDIR) $(TO)/$(LIBDIR)/cmake/b2auth "$$(cat $(BUILT)/b2auth.libs)"
	install -m 644 README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE $(TO)/share/doc/b2auth/
	@packaging/loader-cache.sh "$(DESTDIR)" "$(PREFIX)/$(LIBDIR)"

uninstall:
	rm -f $(TO)/include/b2auth.h
	cd $(TO)/$(LIBDIR) && rm -f $(REALNAME) $(SONAME) $(LINKNAME) libb2auth.a pkgconfig/b2auth.pc
	rm -rf $(TO)/$(LIBDIR)/cmake/b2auth $(TO)/share/doc/b2auth
	@packaging/loader-cache.sh "$(DESTDIR)" "$(PREFIX)/$(LIBDIR)" >/dev/null

# ---- other systems, and packages: what each needs is said where it is missing ----

# docs/platforms.md has a table of them.
cross:
	@tests/cross/run.sh --all

# The part that runs for every change: the oldest glibc, another processor, musl, and Windows of 64 and of 32 bits. What takes
# longest begins first.
cross-telling:
	@tests/cross/run.sh windows-i686 windows-x86_64 linux-aarch64 musl-x86_64 linux-x86_64

cross-all: cross packages

# Release archives in target/dist: TARGETS="linux-x86_64 windows-x86_64", or without it all.
dist:
	@packaging/dist.sh $(TARGETS)

# And what was packed, run as the quick builds of `make cross` are. Before a release: what is optimized is linked otherwise.
dist-run: dist
	@KEEP=1 tests/cross/run.sh $(or $(TARGETS),--all)

# Debian packages in target/deb.
deb:
	@packaging/deb/build.sh

# The packages, each built and used.
packages:
	@tests/packages/run.sh

# ---- the command, and what is installed beside the library ----

include packaging/command.mk

clean:
	$(CARGO) clean
