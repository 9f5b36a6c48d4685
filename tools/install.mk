# SPDX-License-Identifier: MIT
# ---- install ----
# The .pc is made here, from the prefix of this very command.
from_prefix = $(patsubst $(prefix)/%,$${prefix}/%,$1)
define pc_file
prefix=$(prefix)
includedir=$(call from_prefix,$(includedir))
libdir=$(call from_prefix,$(libdir))

Name: weakrt
Description: Concurrent weak references for C
Version: $(VERSION)
Cflags: -I$${includedir}
Libs: -L$${libdir} -lweakrt
Libs.private: -pthread
endef

.PHONY: install uninstall installcheck
install: all ## install under prefix=, staged below DESTDIR= if given
	install -d '$(DESTDIR)$(includedir)' '$(DESTDIR)$(libdir)' '$(DESTDIR)$(pkgconfigdir)'
	install -m 644 $(wildcard include/*.h) '$(DESTDIR)$(includedir)'
	install -m 644 $(STATIC_LIB) '$(DESTDIR)$(libdir)'
	install -m 755 $(SHARED_LIB) '$(DESTDIR)$(libdir)'
	ln -sf $(SHARED) '$(DESTDIR)$(libdir)/$(SONAME)'
	ln -sf $(SONAME) '$(DESTDIR)$(libdir)/libweakrt.so'
	$(file >$B/weakrt.pc,$(pc_file))
	install -m 644 $B/weakrt.pc '$(DESTDIR)$(pkgconfigdir)'

uninstall: ## remove what install put there
	cd '$(DESTDIR)$(includedir)' && rm -f $(notdir $(wildcard include/*.h))
	cd '$(DESTDIR)$(libdir)' && rm -f libweakrt.a libweakrt.so $(SONAME) $(SHARED)
	rm -f '$(DESTDIR)$(pkgconfigdir)/weakrt.pc'

installcheck: all ## install to build/stage; build and run a stranger's programs against it
	+$qtests/install/run '$(again)' '$(CC)' '$(CXX)' '$(SONAME)' '$(VERSION)'
