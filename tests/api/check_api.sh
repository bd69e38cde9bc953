#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# check_api.sh - what a user of the library gets: its header and its symbols
#
# The header alone compiles in each language a user may write, and so do its
# initialisers and calls; the shared library exports what its map says, and needs
# libc alone, and what the compiler adds to unwind a stack. BUILD and CC come from
# the runner. Reports as check does.

set -u

# shellcheck source=tests/checks.sh
. "$(dirname "$0")/../checks.sh"

CC=${CC:-cc}
CXX=${CXX:-c++}
library=$BUILD/libringbus.so.0

# compiles LANGUAGE STANDARD COMPILER
compiles() {
	echo '#include "client/ringbus.h"' |
		"$3" -x "$1" -std="$2" -I. -Wall -Wextra -pedantic -Werror \
			-fsyntax-only -
}

# A program, good in C and C++, that takes all initial options and the address of
# every function.
user() {
	cat <<-'END'
		#include "client/ringbus.h"

		typedef void (*function)(void);

		int
		main(void)
		{
			struct ringbus_channel_options channel =
				RINGBUS_CHANNEL_OPTIONS_INIT;
			struct ringbus_producer_options producer =
				RINGBUS_PRODUCER_OPTIONS_INIT;
			struct ringbus_consumer_options consumer =
				RINGBUS_CONSUMER_OPTIONS_INIT;
			struct ringbus_consumer_kind kind =
				RINGBUS_CONSUMER_KIND_INIT;
			struct ringbus_tap_options tap = RINGBUS_TAP_OPTIONS_INIT;
			struct ringbus_handlers handlers = RINGBUS_HANDLERS_INIT;
			function all[] = {
	END
	declared | sed 's/.*/(function)&,/'
	cat <<-'END'
			};

			return channel.size != sizeof(channel) ||
			       producer.size != sizeof(producer) ||
			       consumer.size != sizeof(consumer) ||
			       consumer.from != RINGBUS_FROM_NOW ||
			       kind.size != sizeof(kind) ||
			       tap.size != sizeof(tap) ||
			       tap.from != RINGBUS_FROM_NOW ||
			       handlers.size != sizeof(handlers) || all[0] == 0;
		}
	END
}

# links LANGUAGE STANDARD COMPILER
links() {
	user | "$3" -x "$1" -std="$2" -I. -Wall -Wextra -pedantic -Werror \
		-o /dev/null - -L"$BUILD" -lringbus \
		-Wl,--unresolved-symbols=ignore-in-shared-libs
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

# Those that programs call by their names.
for_people() {
	declared | grep -v '_by_call$'
}

# The functions that the manual names.
documented() {
	sed -n '/^# CALLS/,/^# THREADS/p' docs/man/libringbus.3.scd |
		grep -oE '\*ringbus_[a-z0-9_]+\*' | tr -d '*' | sort -u
}

# The constants of the header, and the fields of its structs.
declared_names() {
	sed -n 's/^#define \(RINGBUS_[A-Z0-9_]*[A-Z0-9]\) .*/\1/p' client/ringbus.h |
		grep -vE '^RINGBUS_API$'
	"$CC" -E -P -x c -I. client/ringbus.h | tr -s '[:space:]' ' ' |
		grep -oE 'struct ringbus_[a-z_]+ \{[^}]*\}' |
		grep -v '^struct ringbus_inlined_' |
		sed 's/.*{//' | tr ';' '\n' |
		sed -nE -e 's/.*\(\*([a-z_]+)\)\(.*/\1/p;t' \
			-e 's/.*[ *]([a-z_]+)(\[.*)?$/\1/p'
}

are_all_documented() {
	local name n=0

	for name in $(declared_names | sort -u); do
		n=$((n + 1))
		grep -qF "*$name*" docs/man/libringbus.3.scd && continue
		echo "$name"
		return 1
	done
	((n > 100))
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
ok 'a C99 program cannot use all of it' links c c99 "$CC"
if command -v "$CXX" >/dev/null; then
	ok 'the header is not C++17' compiles c++ c++17 "$CXX"
	ok 'a C++17 program cannot use all of it' links c++ c++17 "$CXX"
else
	skip header_is_cxx17 "no $CXX"
fi
ok 'the library exports something else than its map says' same mapped exported
ok 'the map lists something else than the header declares' same declared mapped
ok 'libringbus(3) has other calls than the header' same for_people documented
ok 'libringbus(3) lacks a constant or field of the header' are_all_documented
ok 'a foreign name is exported' all_are_ours
ok 'the library needs more than libc' needs_libc_alone
ok 'the soname is not libringbus.so.0' has_soname

report
