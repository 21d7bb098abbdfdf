# make install, uninstall and dist: where things go. Each directory can be given by itself; DESTDIR comes before all.

PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
PKGCONFIGDIR ?= $(LIBDIR)/pkgconfig
CMAKEDIR ?= $(LIBDIR)/cmake/astensor
MANDIR ?= $(PREFIX)/share/man
DOCDIR ?= $(PREFIX)/share/doc/astensor
DESTDIR ?=

# Passed on as they are, spaces included.
install uninstall: export PREFIX := $(PREFIX)
install uninstall: export LIBDIR := $(LIBDIR)
install uninstall: export INCLUDEDIR := $(INCLUDEDIR)
install uninstall: export PKGCONFIGDIR := $(PKGCONFIGDIR)
install uninstall: export CMAKEDIR := $(CMAKEDIR)
install uninstall: export MANDIR := $(MANDIR)
install uninstall: export DOCDIR := $(DOCDIR)
install uninstall: export DESTDIR := $(DESTDIR)
install uninstall: export SYSTEM_LIBRARIES := $(system_libraries)

.PHONY: install uninstall dist test-install

# Builds only what is not up to date, so that `sudo make install` after `make build` needs no Rust.
$(release)/built: Cargo.toml Cargo.lock build.rs $(shell find src -name '*.rs')
	@$(MAKE) --no-print-directory build

install: $(release)/built
	@sh packaging/install.sh install $(release)

uninstall:
	@sh packaging/install.sh uninstall

dist:
	@sh packaging/dist.sh target

test-install: build
	@sh tests/install.sh
