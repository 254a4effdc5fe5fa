# Part of the Makefile: builds the command b2auth, and installs what goes beside the library.

COMMAND_SOURCES := $(wildcard cli/*.c)
TO = $(DESTDIR)$(PREFIX)
MORE_HEADERS := b2auth.hpp b2auth.cdef.h module.modulemap
MAN_PAGES := man1/b2auth.1 man3/libb2auth.3
COMPLETIONS := bash-completion/completions/b2auth zsh/site-functions/_b2auth fish/vendor_completions.d/b2auth.fish

.PHONY: command install-check install-command install-sandbox uninstall-command uninstall-sandbox

# With the library inside, so that it runs, and can say what is wrong, wherever it is put and whatever the loader finds.
command: $(BUILT)/b2auth

$(BUILT)/b2auth: $(COMMAND_SOURCES) $(wildcard cli/*.h) include/b2auth.h | lib
	$(CC) -std=c99 -O2 $(CHECKED) $(CPPFLAGS) $(CFLAGS) -I include $(COMMAND_SOURCES) -o $@ \
		$(LDFLAGS) $(BUILT)/libb2auth.a $$(cat $(BUILT)/b2auth.libs)

# Before anything is written.
install-check:
	@packaging/install-check.sh "$(DESTDIR)" "$(PREFIX)" "$(LIBDIR)"

install: install-check install-command

install-command: install-check
	install -d $(TO)/bin $(TO)/include $(dir $(COMPLETIONS:%=$(TO)/share/%)) $(dir $(MAN_PAGES:%=$(TO)/share/man/%))
	install -m 644 $(MORE_HEADERS:%=include/%) $(TO)/include/
	install -m 644 docs/man/b2auth.1 $(TO)/share/man/man1/
	install -m 644 docs/man/libb2auth.3 $(TO)/share/man/man3/
	install -m 644 cli/completions/b2auth.bash $(TO)/share/bash-completion/completions/b2auth
	install -m 644 cli/completions/_b2auth $(TO)/share/zsh/site-functions/
	install -m 644 cli/completions/b2auth.fish $(TO)/share/fish/vendor_completions.d/
	@if [ -f $(BUILT)/b2auth ]; then \
		echo "install -m 755 $(BUILT)/b2auth $(TO)/bin/"; install -m 755 $(BUILT)/b2auth $(TO)/bin/; \
	else \
		echo "the command b2auth was not built, so it is not installed (make command builds it)"; \
	fi

uninstall: uninstall-command

uninstall-command:
	rm -f $(MORE_HEADERS:%=$(TO)/include/%) $(MAN_PAGES:%=$(TO)/share/man/%) $(COMPLETIONS:%=$(TO)/share/%) $(TO)/bin/b2auth

# The server for tests, which a program's own tests can use: tests/sandbox/README.md. `make sandbox` builds it.
install-sandbox: install-check
	@[ -f $(TARGET)/debug/b2-sandbox ] || { echo "build the sandbox first: make sandbox" >&2; exit 1; }
	install -d $(TO)/bin $(TO)/share/doc/b2-sandbox
	install -m 755 $(TARGET)/debug/b2-sandbox $(TO)/bin/
	install -m 644 tests/sandbox/README.md $(TO)/share/doc/b2-sandbox/

uninstall-sandbox:
	rm -f $(TO)/bin/b2-sandbox
	rm -rf $(TO)/share/doc/b2-sandbox

# The reference of the C interface as HTML, in target/docs.
.PHONY: docs
docs:
	@CARGO="$(CARGO)" packaging/docs.sh
