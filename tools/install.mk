# SPDX-License-Identifier: MIT
# ---- install: pkg-config's and CMake's descriptions are made here, from the folders of this very command ----
from_prefix = $(patsubst $(prefix)/%,$${prefix}/%,$1)
cmakedir     = $(libdir)/cmake/weakrt
packages     = weakrt.pc weakrt-config.cmake weakrt-config-version.cmake
# $(call describe,name): fill one of tools/package in.
describe = sed -e 's|@VERSION@|$(VERSION)|g' -e 's|@PREFIX@|$(prefix)|g' -e 's|@SONAME@|$(SONAME)|g' \
    -e 's|@SHARED@|$(SHARED)|g' -e 's|@PC_INCLUDEDIR@|$(call from_prefix,$(includedir))|g' \
    -e 's|@PC_LIBDIR@|$(call from_prefix,$(libdir))|g' \
    -e "s|@INCLUDE_FROM_LIB@|$$(realpath -m --relative-to='$(libdir)' '$(includedir)')|g" tools/package/$1.in >$B/$1
public_headers = $(wildcard include/*.h include/*.hpp)


# A release brings its manual; from a repository python3 writes it, and without that there is none.
man_shipped = $(wildcard man/man7)
man_pages   = $(if $(man_shipped),man,build/man)
.PHONY: man
man: ## write the manual pages to build/man
	$(call say,MAN)
	$qpython3 tools/man build/man

.PHONY: install-man
install-man:
	$q$(if $(man_shipped),:,if command -v python3 >/dev/null; then python3 tools/man build/man; \
	    else rm -rf build/man; echo 'no python3: the manual is not installed'; fi)
	$qfor page in $(man_pages)/man*/*; do [ -e "$$page" ] || continue; \
	    install -D -m 644 "$$page" '$(DESTDIR)$(mandir)'/"$${page#$(man_pages)/}" || exit 1; done

.PHONY: install uninstall installcheck
install: all install-man ## install under prefix=, staged below DESTDIR= if given
	install -d '$(DESTDIR)$(includedir)' '$(DESTDIR)$(libdir)' '$(DESTDIR)$(pkgconfigdir)' '$(DESTDIR)$(cmakedir)'
	install -m 644 $(public_headers) '$(DESTDIR)$(includedir)'
	install -m 644 $(STATIC_LIB) '$(DESTDIR)$(libdir)'
	install -m 755 $(SHARED_LIB) '$(DESTDIR)$(libdir)'
	ln -sf $(SHARED) '$(DESTDIR)$(libdir)/$(SONAME)'
	ln -sf $(SONAME) '$(DESTDIR)$(libdir)/libweakrt.so'
	$(foreach p,$(packages),$(call describe,$p);)
	install -m 644 $B/weakrt.pc '$(DESTDIR)$(pkgconfigdir)'
	install -m 644 $B/weakrt-config.cmake $B/weakrt-config-version.cmake '$(DESTDIR)$(cmakedir)'

uninstall: ## remove what install put there
	cd '$(DESTDIR)$(includedir)' && rm -f $(notdir $(public_headers))
	cd '$(DESTDIR)$(libdir)' && rm -f libweakrt.a libweakrt.so $(SONAME) $(SHARED)
	rm -f '$(DESTDIR)$(pkgconfigdir)/weakrt.pc'
	rm -rf '$(DESTDIR)$(cmakedir)'
	rm -f '$(DESTDIR)$(mandir)'/man3/wr_*.3 '$(DESTDIR)$(mandir)/man7/weakrt.7'

installcheck: all ## install to build/stage; build and run a stranger's programs against it
	+$qtests/install/run '$(again)' '$(CC)' '$(CXX)' '$(SONAME)' '$(VERSION)'

.PHONY: cmakecheck
cmakecheck: ## use it from CMake in each way: installed by make and by CMake, as a folder, and fetched by git
	+$qtests/install/cmake-run '$(again)' '$(VERSION)'
