#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# order.sh - every memory order has a name, a partner and a row in the docs
#
# Atomic operations live in shm/sequence.h and shm/word.h, in functions whose
# names end in their strength; those that client/ringbus.h inlines are builtins.
# Each call of one has, on its line or within the six lines above it in the same
# function, a tag
#
#	ORDER(edge, strength) - why
#
# with that strength. An edge has a releasing and an acquiring end, and a row in
# docs/memory-order.md, in the table whose first column is `edge`. The edge
# `none` is for relaxed accesses that order nothing.

# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

DOC=docs/memory-order.md
WRAPPERS='shm/sequence.h shm/word.h'

mapfile -t all < <(sources | grep -E '^(shm|config|client|daemon|examples)/')
((${#all[@]} > 0)) || exit 0

# Atomics elsewhere would escape everything below.
check_atomics() {
	awk -v wrappers=" $WRAPPERS " "$code_awk"'
		index(wrappers, " " FILENAME " ") { next }
		{ line = " " code($0) }
		line ~ /stdatomic\.h|_Atomic|memory_order_/ ||
		line ~ /[^a-z_]atomic_(load|store|exchange|compare|fetch|flag|init|thread|signal|is|int|uint|bool|char|short|long|llong|ulong|size|intptr|uintptr|ptrdiff)/ {
			print FILENAME ":" FNR ": atomics are for " wrappers
		}
	' "${all[@]}"
}

# Prints `site file:line strength` and `tag file:line edge strength` for what is
# in order, and `! complaint` for what is not.
pair_tags() {
	awk -v wrappers=" $WRAPPERS " "$code_awk"'
		function flush_tags(  i) {
			for (i = 1; i <= n; i++)
				if (!used[i])
					print "! " where[i] ": ORDER(" edge[i] \
						", " strength[i] ") above no such access"
			n = 0
		}
		# Tags written on this line, also several.
		function collect(s,  parts) {
			while (match(s, /ORDER\([^)]*\)/)) {
				split(substr(s, RSTART + 6, RLENGTH - 7), parts, /, */)
				n++
				edge[n] = parts[1]
				strength[n] = parts[2]
				where[n] = FILENAME ":" FNR
				at[n] = FNR
				used[n] = 0
				s = substr(s, RSTART + RLENGTH)
			}
		}
		function site(want,  i, found) {
			for (i = n; i > 0 && at[i] >= FNR - 6; i--)
				if (strength[i] == want) {
					used[i] = found = 1
				}
			if (!found)
				print "! " FILENAME ":" FNR ": no ORDER(edge, " \
					want ") within six lines above"
		}
		# Calls on this line; a name in the first column is a definition.
		function find_sites(s,  name) {
			while (match(s, /rb_[a-z0-9_]+\(/)) {
				name = substr(s, RSTART, RLENGTH - 1)
				if (RSTART > 1 && name ~ access)
					site(strength_of(name))
				s = " " substr(s, RSTART + RLENGTH)
			}
		}
		# What the public header inlines has no other way.
		function find_builtins(s,  fences) {
			while (match(s, /__atomic_[a-z_]+\(/)) {
				fences = substr(s, RSTART, RLENGTH) ~ /signal/
				s = substr(s, RSTART + RLENGTH)
				if (match(s, /__ATOMIC_[A-Z_]+/))
					site(fences ? "compiler" : tolower(substr(s,
						RSTART + 9, RLENGTH - 9)))
			}
		}
		function strength_of(name) {
			match(name, /(relaxed|acquire|release|acq_rel|seq_cst|compiler)$/)
			return substr(name, RSTART)
		}
		BEGIN {
			access = "^rb_fence_|_(load|store|add|sub|or|and|xor|set" \
				"|clear|cas|swap|exchange|raise)" \
				"_(relaxed|acquire|release|acq_rel|seq_cst)$"
		}
		FNR == 1 { flush_tags() }
		index(wrappers, " " FILENAME " ") { next }
		{
			line = code($0)
			# The description of the tag in a title block is none.
			if (FNR > 3)
				collect($0)
			if (line !~ /^[ \t]*(static |extern )/)
				find_sites(line)
			find_builtins(line)
		}
		/^}/ {
			for (i = 1; i <= n; i++)
				if (used[i])
					print "tag", where[i], edge[i], strength[i]
			flush_tags()
		}
		END { flush_tags() }
	' "${all[@]}"
}

# Prints the edges that have a row, from tables that begin with `| edge |`.
rows() {
	[[ -e $DOC ]] || return
	awk -F '|' '
		!/^\|/ { inside = 0; next }
		{ cell = $2; gsub(/[ \t`]/, "", cell) }
		tolower(cell) == "edge" { inside = 1; next }
		inside && cell !~ /^:?-+:?$/ { print FNR, cell }
	' "$DOC"
}

check_edges() {
	awk -v doc="$DOC" '
		$1 == "row" {
			if ($3 in row)
				print doc ":" $2 ": second row of " $3
			row[$3] = $2
			next
		}
		$1 == "!" { sub(/^! /, ""); print; next }
		$3 == "none" {
			if ($4 != "relaxed" && $4 != "compiler")
				print $2 ": an order that is " $4 " needs a name"
			next
		}
		{
			if (!($3 in first)) first[$3] = $2
			if ($4 ~ /^(release|acq_rel|seq_cst)$/) releases[$3] = 1
			if ($4 ~ /^(acquire|acq_rel|seq_cst)$/) acquires[$3] = 1
		}
		END {
			for (e in first) {
				if (!(e in releases))
					print first[e] ": " e " has no releasing end"
				if (!(e in acquires))
					print first[e] ": " e " has no acquiring end"
				if (!(e in row))
					print first[e] ": no row `| " e " |` in " doc
			}
			for (e in row)
				if (!(e in first))
					print doc ":" row[e] ": no code has the edge " e
		}
	' <(rows | sed 's/^/row /') <(pair_tags)
}

{
	check_atomics
	check_edges
} | verdict order
