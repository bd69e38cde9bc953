#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# style.sh - formatting, title blocks, sizes, banned calls, shell scripts

# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

FUNCTION_MAX=60
FILE_MAX=500

# `file` or `file:function` that may be larger, each with its reason beside it.
# One that is no longer needed is a complaint too.
EXCEPTIONS=()

mapfile -t all < <(sources)
mapfile -t scripts < <(files -path './*' \( -path './.ci/*' -o -name '*.sh' -o -name '*.bash' \
	-o -path ./tests/run -o -path ./tests/model/run -o -path ./tests/abi/run \
	-o -path ./tests/conformance/show -o -path './tests/valgrind/*' \
	! -name '*.c' \))

is_excepted() {
	local exception

	for exception in "${EXCEPTIONS[@]}"; do
		[[ $exception == "$1" ]] && return 0
	done
	return 1
}

check_format() {
	local tool=clang-format

	((${#all[@]} > 0)) || return
	command -v clang-format-14 >/dev/null && tool=clang-format-14
	if [[ $($tool --version) != *"version 14."* ]]; then
		# Other releases lay out some lines in another way.
		echo "style: formatting needs clang-format 14: not checked" >&2
		return
	fi
	"$tool" --dry-run -Werror --ferror-limit=1 "${all[@]}" 2>&1 |
		sed -n 's/^\(.*:[0-9]*\):[0-9]*: error: .*/\1: run make format/p'
}

# The licence in line 1, then what idea lives in the file, by its name.
check_titles() {
	((${#all[@]} == 0)) || awk '
		FNR == 1 {
			name = FILENAME
			sub(/.*\//, "", name)
			if ($0 != "/* SPDX-License-Identifier: MIT */")
				print FILENAME ":1: no SPDX line"
		}
		FNR == 3 && index($0, " * " name " - ") != 1 {
			print FILENAME ":3: no title ` * " name " - ...`"
		}
	' "${all[@]}"
	((${#scripts[@]} == 0)) || awk '
		FNR > 4 { next }
		/^# SPDX-License-Identifier: MIT$/ { licensed[FILENAME] = 1 }
		FNR == 4 {
			name = FILENAME
			sub(/.*\//, "", name)
			if (!(FILENAME in licensed))
				print FILENAME ":2: no SPDX line"
			if (index($0, "# " name " - ") != 1 && name != "lib.sh")
				print FILENAME ":4: no title `# " name " - ...`"
		}
	' "${scripts[@]}"
}

# Prints `length file:line file:function` of each function and .c file.
sizes() {
	((${#all[@]} > 0)) || return
	ctags -f - --languages=C --langmap=C:.c.h --kinds-C=f --fields=ne \
		--excmd=number "${all[@]}" | awk -F '\t' '{
			for (i = 4; i <= NF; i++) {
				if ($i ~ /^line:/) line = substr($i, 6)
				if ($i ~ /^end:/) end = substr($i, 5)
			}
			print end - line + 1, $2 ":" line, $2 ":" $1
		}'
	awk 'FILENAME ~ /\.c$/ { n[FILENAME]++ }
		END { for (f in n) print n[f], f ":" n[f], f }' "${all[@]}"
}

check_sizes() {
	local size place key max exception large=' '

	while read -r size place key; do
		max=$FUNCTION_MAX
		[[ $key == *:* ]] || max=$FILE_MAX
		((size > max)) || continue
		large+="$key "
		is_excepted "$key" ||
			echo "$place: ${key##*:} has $size lines of $max"
	done < <(sizes)
	for exception in "${EXCEPTIONS[@]}"; do
		[[ $large == *" $exception "* ]] ||
			echo "tests/lint/style.sh:1: $exception needs no exception"
	done
}

check_banned() {
	((${#all[@]} == 0)) || awk "$code_awk"'
		{
			line = " " code($0) " "
			if (match(line, /[^A-Za-z0-9_](strcpy|strcat|sprintf|gets|volatile)[^A-Za-z0-9_]/))
				word = substr(line, RSTART + 1, RLENGTH - 2)
			else if (FILENAME != "client/ringbus.h" && # see order.sh
			    match(line, /__(sync|atomic)_[a-z_]*/))
				word = substr(line, RSTART, RLENGTH)
			else
				next
			print FILENAME ":" FNR ": " word " is banned"
		}
	' "${all[@]}"
	# Written so that this line is not one of them.
	files -not -path ./tests/lint/selftest.sh |
		xargs -d '\n' grep -nIE '\b(TO''DO|FIX''ME)\b' | cut -d : -f 1,2 |
		sed 's/$/: do it or leave it/'
}

check_shell() {
	((${#scripts[@]} > 0)) || return
	shellcheck -x -f gcc "${scripts[@]}"
}

{
	check_format
	check_titles
	check_sizes
	check_banned
	check_shell
} | verdict style
