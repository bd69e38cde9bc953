#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# check_api.sh - what a user of the library gets: its header and its symbols
#
# The header alone compiles in each language a user may write; the shared
# library exports what its map says, and needs libc alone. BUILD and CC come
# from the runner. Reports as check does.

set -u

CC=${CC:-cc}
CXX=${CXX:-c++}
library=$BUILD/libringbus.so.0
n_checks=0
n_failed=0

# ok WHAT COMMAND...
ok() {
	local what=$1

	shift
	n_checks=$((n_checks + 1))
	"$@" && return
	n_failed=$((n_failed + 1))
	echo "check_api.sh: $what"
}

# compiles LANGUAGE STANDARD COMPILER
compiles() {
	echo '#include "client/ringbus.h"' |
		"$3" -x "$1" -std="$2" -I. -Wall -Wextra -pedantic -Werror \
			-fsyntax-only -
}

# The names of the map: all that stands between `global:` and `local:`.
mapped() {
	sed -e 's|/\*.*\*/||g' client/ringbus.map |
		awk '/global:/ { on = 1 } /local:/ { on = 0 } on' |
		grep -oE '[A-Za-z0-9_*]+;' | tr -d ';' | sort
}

# Defined dynamic symbols, without the version node itself and the sanitizers'.
exported() {
	nm -D --defined-only "$library" | awk '$2 != "A" { print $3 }' |
		sed 's/@.*//' | grep -vE '^(__(asan|odr_asan|tsan|ubsan)|_init$|_fini$)' |
		sort
}

# The functions of the header, but for inline ones.
declared() {
	"$CC" -E -P -x c -I. client/ringbus.h |
		awk '!/static/ && !after_static; { after_static = /static/ }' |
		grep -oE '\bringbus_[a-z0-9_]+[[:space:]]*\(' | tr -d ' (' |
		sort -u
}

# The functions that the manual names.
documented() {
	sed -n '/^# CALLS/,/^# THREADS/p' docs/man/libringbus.3.scd |
		grep -oE '\*ringbus_[a-z0-9_]+\*' | tr -d '*' | sort -u
}

same() {
	diff -u <("$1") <("$2")
}

all_are_ours() {
	! exported | grep -v '^ringbus_'
}

needs_libc_alone() {
	! readelf -d "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]$/\1/p' |
		grep -vE '^(libc\.so|ld-linux|lib(a|t|ub)san\.so|libgcc_s\.so)'
}

has_soname() {
	readelf -d "$library" | grep -q 'SONAME.*\[libringbus\.so\.0\]'
}

if [[ ! -e client/ringbus.h || ! -e $library ]]; then
	echo 'SKIP api: there is no library yet'
	echo '100%: Checks: 1, Failures: 0, Errors: 0'
	exit 0
fi

ok 'the header is not C99' compiles c c99 "$CC"
ok 'the header is not C11' compiles c c11 "$CC"
if command -v "$CXX" >/dev/null; then
	ok 'the header is not C++17' compiles c++ c++17 "$CXX"
else
	n_checks=$((n_checks + 1))
	echo "SKIP header_is_cxx17: no $CXX"
fi
ok 'the library exports something else than its map says' same mapped exported
ok 'the map lists something else than the header declares' same declared mapped
ok 'libringbus(3) has other calls than the header' same declared documented
ok 'a foreign name is exported' all_are_ours
ok 'the library needs more than libc' needs_libc_alone
ok 'the soname is not libringbus.so.0' has_soname

echo "$(((n_checks - n_failed) * 100 / n_checks))%: Checks: $n_checks," \
	"Failures: $n_failed, Errors: 0"
((n_failed == 0))
