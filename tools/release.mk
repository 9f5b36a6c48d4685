# SPDX-License-Identifier: MIT
# ---- what a release is made of and tried by ----
.PHONY: dist reproducible abi abi-record trial doxygen
dist: ## write build/weakrt-VERSION.tar.xz, of what is committed, with the manual; the same bytes wherever it is made
	$qtools/dist '$(VERSION)' build

reproducible: ## make the release and the libraries twice, elsewhere and at another time, and compare; try the release
	+$qtools/reproducible '$(again)' '$(VERSION)'

# The name carries the soname: another one begins a record of its own. What is not in the headers is left out, and so is
# what differs by compiler. Dumps are compared, not the library: abidiff --headers-dir2 would hide changes of structs.
abi_record = tools/abi/$(SONAME).abi
abi_dump   = abidw --headers-dir include --drop-private-types --drop-undefined-syms --no-corpus-path --no-comp-dir-path \
             --no-show-locs
abi: $(SHARED_LIB) ## does the library keep the binary interface that is recorded for its soname?
	$qtools/setup --abi
	$q[ -e $(abi_record) ] || { echo 'abi: $(SONAME) has no record: make abi-record'; exit 1; }
	$q$(abi_dump) --out-file $B/abi $(SHARED_LIB)
	$qabidiff --no-added-syms $(abi_record) $B/abi || \
	    { echo 'abi: this differs from $(abi_record): docs/abi.md says what to do'; exit 1; }
abi-record: $(SHARED_LIB) ## record the binary interface
	$qtools/setup --abi
	@mkdir -p $(dir $(abi_record))
	$q$(abi_dump) --out-file $(abi_record) $(SHARED_LIB)

# In CI it is never left out.
doxygen: ## write the header as HTML to build/doxygen; a warning is an error
	$(if $(CI),$qtools/setup --doxygen)
	$qif command -v doxygen >/dev/null; then mkdir -p build && doxygen tools/doxygen.conf; \
	    else echo 'doxygen: SKIPPED: it is not installed (tools/setup --doxygen)'; fi

trial: ## do what README.md says in a bare Debian 12, timed; as root, several minutes
	$qtools/setup --trial
	$qtools/trial
