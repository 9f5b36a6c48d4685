# SPDX-License-Identifier: MIT
# ---- what a release is made of and tried by ----
.PHONY: dist reproducible abi abi-record trial
dist: ## write build/weakrt-VERSION.tar.xz, of what is committed, with the manual; the same bytes wherever it is made
	$qtools/dist '$(VERSION)' build

reproducible: ## make the release and the libraries twice, elsewhere and at another time, and compare; try the release
	+$qtools/reproducible '$(again)' '$(VERSION)'

# The name carries the soname: another one begins a record of its own. What is not in the headers is left out, and so is
# what differs by compiler.
abi_record = tools/abi/$(SONAME).abi
abi_dump   = abidw --headers-dir include --drop-private-types --drop-undefined-syms --no-corpus-path --no-comp-dir-path \
             --no-show-locs
abi: $(SHARED_LIB) ## does the library keep the binary interface that is recorded for its soname?
	$qtools/setup --abi
	$q[ -e $(abi_record) ] || { echo 'abi: $(SONAME) has no record: make abi-record'; exit 1; }
	$qabidiff --headers-dir2 include --drop-private-types --no-unreferenced-symbols $(abi_record) $(SHARED_LIB) || \
	    { echo 'abi: this differs from $(abi_record): docs/abi.md says what to do'; exit 1; }
abi-record: $(SHARED_LIB) ## record the binary interface
	$qtools/setup --abi
	@mkdir -p $(dir $(abi_record))
	$q$(abi_dump) --out-file $(abi_record) $(SHARED_LIB)

trial: ## do what README.md says in a bare Debian 12, timed; as root, several minutes
	$qtools/setup --trial
	$qtools/trial
