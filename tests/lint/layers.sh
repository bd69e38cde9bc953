#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# layers.sh - who may include whom, and who may call what
#
# An upward need is met by a callback or by moving code, never by an include.

# shellcheck source=tests/lint/lib.sh
. "$(dirname "$0")/lib.sh"

mapfile -t all < <(sources)

# Prints `file:line included` of each include of ours and of a library.
includes() {
	((${#all[@]} == 0)) || awk '
		match($0, /^[ \t]*#[ \t]*include[ \t]*["<][^">]*/) {
			name = substr($0, RSTART, RLENGTH)
			sub(/^[^"<]*/, "", name)
			print FILENAME ":" FNR, name
		}
	' "${all[@]}"
}

# Our headers that files of a folder may include, as a regular expression.
allowed_for() {
	case $1 in
	shm/*) echo '^shm/' ;;
	config/*) echo '^(config/|shm/(base|limits)\.h$)' ;;
	daemon/*) echo '^(shm|config|daemon)/' ;;
	client/exporter/*) echo '^client/(ringbus|exporter/.*|ctl/(openmetrics(_daemon)?|output|health|view))\.h$' ;;
	client/journal/*) echo '^client/(ringbus|(journal|archive)/.*|ctl/(setting|line))\.h$' ;;
	client/archive/*) echo '^(shm/|client/archive/|client/ringbus\.h$)' ;;
	client/bridge/*) echo '^client/(ringbus|bridge/.*|ctl/(setting|line|value|output|options|words|interrupt))\.h$' ;;
	client/*/*) echo "^(client/ringbus\\.h\$|${1%/*}/)" ;;
	client/*) echo '^(shm/|client/[^/]*$|client/archive/)' ;;
	examples/*) echo "^(client/ringbus\\.h\$|${1%/*}/)" ;;
	bench/bench_claim.c) echo '^(client/ringbus\.h$|bench/|shm/)' ;; # a part of it
	bench/*) echo '^(client/ringbus\.h$|bench/)' ;;
	tests/*) echo '' ;;
	*) echo '^$' ;;
	esac
}

# Libraries beyond libc are for those who are never embedded.
check_library() {
	local file=${1%:*} name=$2

	case $name in
	yaml.h | liburing.h | systemd/* | sqlite3.h | microhttpd.h | xxhash.h | check.h | nats/*) ;;
	*) return ;;
	esac
	case $name:$file in
	yaml.h:config/* | liburing.h:daemon/* | systemd/*:daemon/*) ;;
	liburing.h:client/journal/* | systemd/*:client/journal/*) ;;
	xxhash.h:client/archive/*) ;; # its header alone, see below
	nats/*:client/bridge/* | nats/*:bench/peer_* | systemd/*:client/bridge/*) ;;
	sqlite3.h:examples/* | microhttpd.h:client/exporter/* | *:tests/*) ;;
	*) echo "$1: <$name> is not for ${file%/*}/" ;;
	esac
}

check_includes() {
	local place name file

	while read -r place name; do
		file=${place%:*}
		if [[ $name == '<'* ]]; then
			check_library "$place" "${name#<}"
			continue
		fi
		name=${name#\"}
		[[ -e $name ]] || echo "$place: no $name below the root"
		[[ $name =~ $(allowed_for "$file") ]] ||
			echo "$place: ${file%/*}/ must not include $name"
	done < <(includes)
}

# check_calls REASON NAMES FILE...: none of the names is called.
check_calls() {
	local reason=$1 names=$2

	shift 2
	(($# == 0)) || awk -v names="$names" -v reason="$reason" "$code_awk"'
		BEGIN { call = "[^A-Za-z0-9_](" names ")[ \t]*\\(" }
		{
			line = " " code($0)
			if (!match(line, call))
				next
			word = substr(line, RSTART + 1, RLENGTH - 1)
			sub(/[ \t]*\($/, "", word)
			print FILENAME ":" FNR ": " reason ", not " word "()"
		}
	' "$@"
}

in_folder() {
	printf '%s\n' "${all[@]}" | grep -E "^($1)/[^/]*$"
}

check_all_calls() {
	local prints='printf|vprintf|puts|putchar|perror|syslog'
	local exits='exit|_exit|abort'
	local -a protocol libraries

	mapfile -t protocol < <(in_folder shm)
	mapfile -t libraries < <(in_folder 'client|client/archive|config')
	check_calls 'shm/ works on what it is given' \
		"malloc|calloc|realloc|strdup|asprintf|fprintf|dprintf" \
		"${protocol[@]}"
	check_calls 'only daemon/ and programs print and exit' \
		"$prints|$exits" "${protocol[@]}" "${libraries[@]}"
}

# The library can be embedded by anyone: it needs libc alone.
check_needed() {
	local library=${BUILD:-build/release}/libringbus.so.0

	[[ -e $library ]] || return
	readelf -d "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]$/\1/p' |
		grep -vE '^(libc\.so|ld-linux|lib(a|t|ub)san\.so|libgcc_s\.so)' |
		sed "s|^|$library: needs |"
}

{
	check_includes
	check_all_calls
	check_needed
} | verdict layers
