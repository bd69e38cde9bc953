#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# selftest.sh - each lint rule catches a planted violation
#
# Builds a small clean tree, lets every lint pass it, then breaks one rule at a
# time and expects the complaint.

set -u
here=$(cd "$(dirname "$0")" && pwd) || exit 2
clean=$(mktemp -d) || exit 2
broken=$clean.broken
trap 'rm -rf "$clean" "$broken"' EXIT
n_bad=0

# c_file PATH: the title block by its name, then standard input.
c_file() {
	mkdir -p "$clean/${1%/*}"
	{
		printf '/* SPDX-License-Identifier: MIT */\n'
		printf '/*\n * %s - a sample\n */\n' "${1##*/}"
		cat
	} >"$clean/$1"
}

make_clean_tree() {
	cp "$here/../../.clang-format" "$clean"
	mkdir -p "$clean/docs"
	printf '%s\n' '| edge | what |' '|---|---|' '| go | a flag |' \
		>"$clean/docs/memory-order.md"
	echo 'int rb_x(void);' | c_file shm/x.h
	c_file shm/x.c <<'END'
#include "shm/x.h"

int
rb_x(void)
{
	/* ORDER(go, release) - to the reader. */
	rb_word32_store_release(&word, 1);
	/* ORDER(go, acquire) - from the writer. */
	return rb_word32_load_acquire(&word);
}
END
	printf '#include "client/ringbus.h"\n' | c_file examples/x.c
	printf '#include "shm/x.h"\n' | c_file client/ring.c
	printf '#include "shm/limits.h"\n' | c_file config/config.h
	printf 'int ringbus_x(void);\n' | c_file client/ringbus.h
	printf '#define RB_X 1\n' | c_file shm/limits.h
	mkdir -p "$clean/.ci"
	# shellcheck disable=SC2016
	printf '%s\n' '#!/bin/sh' '# SPDX-License-Identifier: MIT' '#' \
		'# x - a sample' 'echo "$1"' >"$clean/.ci/x"
}

complain() {
	echo "selftest: $*"
	n_bad=$((n_bad + 1))
}

passes() {
	ROOT=$clean BUILD=none "$here/$1.sh" ||
		complain "$1.sh refuses the clean tree"
}

# catches LINT COMPLAINT FILE COMMAND...: the command, run as a filter on the
# file, makes the lint complain like that.
catches() {
	local lint=$1 complaint=$2 file=$3 output

	shift 3
	rm -rf "$broken"
	cp -r "$clean" "$broken"
	"$@" <"$clean/$file" >"$broken/$file"
	output=$(ROOT=$broken BUILD=none "$here/$lint.sh" 2>&1) &&
		complain "$lint.sh passes: $complaint"
	[[ $output == *"$complaint"* ]] ||
		complain "$lint.sh says '$output', not '$complaint'"
}

append() {
	cat
	printf '%s\n' "$@"
}

long_function() {
	cat
	printf 'int\nrb_long(void)\n{\n'
	printf '\tx();\n%.0s' {1..60}
	printf '}\n'
}

long_file() {
	cat
	printf 'extern int x;\n%.0s' {1..500}
}

test_style() {
	catches style 'make format' shm/x.c append 'int   x;'
	catches style 'no SPDX line' shm/x.c sed 1d
	catches style 'no title' shm/x.c sed 's/ - / /'
	catches style 'no SPDX line' .ci/x sed 2d
	catches style 'rb_long has 63 lines of 60' shm/x.c long_function
	catches style 'shm/x.c has 514 lines of 500' shm/x.c long_file
	for word in strcpy strcat sprintf gets volatile __sync_add __atomic_load
	do
		catches style "$word is banned" shm/x.c append "$word(x);"
	done
	catches style 'do it or leave it' shm/x.c append "/* TO""DO */"
	catches style 'SC2086' .ci/x sed 's/"//g'
}

test_layers() {
	local include='#include'

	catches layers 'must not include' shm/x.c append "$include \"client/ringbus.h\""
	catches layers 'must not include' config/config.h append "$include \"shm/x.h\""
	catches layers 'must not include' client/ring.c append "$include \"config/config.h\""
	catches layers 'must not include' examples/x.c append "$include \"shm/x.h\""
	catches layers 'must not include' shm/x.h append "$include \"tests/t.h\""
	catches layers 'below the root' shm/x.c append "$include \"x.h\""
	catches layers 'is not for client/' client/ring.c append "$include <yaml.h>"
	catches layers 'is not for client/' client/ring.c append "$include <sqlite3.h>"
	catches layers 'not malloc()' shm/x.c append 'malloc(1);'
	catches layers 'not printf()' client/ring.c append 'printf("x");'
}

test_order() {
	catches order 'atomics are for' client/ring.c append '_Atomic int x;'
	catches order 'atomics are for' shm/x.c append 'atomic_load(&x);'
	catches order 'no ORDER(edge, release)' shm/x.c sed '/ORDER(go, rel/d'
	catches order 'no ORDER(edge, relaxed)' shm/x.c sed 's/load_acquire/load_relaxed/'
	catches order 'above no such access' shm/x.c sed 's/load_acquire/load_relaxed/'
	catches order 'go has no releasing end' shm/x.c sed 's/_release/_relaxed/; s/, release/, relaxed/'
	catches order 'go has no acquiring end' shm/x.c sed 's/_acquire/_relaxed/; s/, acquire/, relaxed/'
	# shellcheck disable=SC2016
	catches order 'no row `| gone |`' shm/x.c sed 's/ORDER(go,/ORDER(gone,/'
	catches order 'no code has the edge old' docs/memory-order.md append '| old | x |'
	catches order 'second row of go' docs/memory-order.md append '| go | x |'
	catches order 'that is release needs a name' shm/x.c sed 's/(go, release/(none, release/'
	catches order 'no ORDER(edge, seq_cst)' shm/x.c sed 's/return/rb_fence_seq_cst(); return/'
}

make_clean_tree
for lint in style layers order; do
	passes "$lint"
done
test_style
test_layers
test_order
if ((n_bad > 0)); then
	echo "selftest: $n_bad complaints"
	exit 1
fi
