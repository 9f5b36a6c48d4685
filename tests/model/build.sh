#!/bin/sh
# quick build until Makefile
set -e
cd "$(dirname "$0")/../.."
SRC=${SRC:-.}
O=${O:-build/model}; CC=${CC:-gcc}
mkdir -p $O
F="$X -std=c11 -O1 -g -I$SRC/include -I$SRC/src -Itests/model -include tests/model/model_core.h -Wall -Wextra -Wshadow -Wpedantic -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef -Wcast-qual -Wwrite-strings -Wpointer-arith -Wformat=2"
for f in $SRC/src/*.c; do f=$(basename $f .c); case $f in os|alloc|fork|lock|atomic) ;; *) $CC $F -c $SRC/src/$f.c -o $O/src_$f.o & ;; esac; done
$CC $F -Dlock_take=real_lock_take -Dlock_give=real_lock_give -c $SRC/src/lock.c -o $O/src_lock.o &
for f in tests/model/*.c; do [ -n "$ONLYSRC" ] || $CC $F -D_GNU_SOURCE -c $f -o $O/$(basename $f .c).o & done
wait
$CC -o $O/wr-model $O/*.o
