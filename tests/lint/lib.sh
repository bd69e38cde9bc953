# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# lib.sh - what the lint scripts share
#
# Each script looks at the tree in $ROOT, or the one it stands in, prints
# `file:line: what is wrong`, and exits with 1 if there was anything.

set -u
cd "${ROOT:-$(dirname "${BASH_SOURCE[0]}")/../..}" || exit 2

# Files below the root whose names match the find(1) expression given.
files() {
	find . \( -path ./build -o -path ./.git \) -prune -o \
		-type f "$@" -print | sed 's|^\./||' | sort
}

sources() {
	files \( -name '*.c' -o -name '*.h' -o -name '*.cc' \)
}

# Ends a script: shows what was found on its standard input.
verdict() {
	local found

	found=$(cat)
	[[ -z $found ]] && return 0
	printf '%s\n' "$found"
	printf '%s: %d complaints\n' "$1" "$(wc -l <<<"$found")"
	return 1
}

# For awk: code(line) is the line without comments and text in quotes.
# shellcheck disable=SC2034,SC2016
code_awk='
function code(s,  out, token) {
	out = ""
	for (;;) {
		if (in_comment) {
			if (!index(s, "*/"))
				return out
			s = substr(s, index(s, "*/") + 2)
			in_comment = 0
		}
		if (!match(s, /\/\*|\/\/|"|\047/))
			return out s
		out = out substr(s, 1, RSTART - 1) " "
		token = substr(s, RSTART, RLENGTH)
		s = substr(s, RSTART + RLENGTH)
		if (token == "//")
			return out
		if (token == "/*")
			in_comment = 1
		else
			s = after_quote(s, token)
	}
}
function after_quote(s, quote,  token) {
	while (match(s, /\\.|"|\047/)) {
		token = substr(s, RSTART, RLENGTH)
		s = substr(s, RSTART + RLENGTH)
		if (token == quote)
			return s
	}
	return ""
}
FNR == 1 { in_comment = 0 }
'
