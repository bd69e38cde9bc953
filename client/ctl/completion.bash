# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# completion.bash - asks ringbusctl itself how the line could go on

_ringbusctl() {
	local line word at=$COMP_POINT
	local -a words

	# By blanks alone: bash would take --name=VALUE apart.
	read -ra words <<<"${COMP_LINE:0:at}"
	[[ ${COMP_LINE:0:at} == *[[:blank:]] ]] && words+=('')
	word=${words[-1]}
	COMPREPLY=()
	while IFS= read -r line; do
		case $line in
		$'\tFILE')
			mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY \
				< <(compgen -f -- "${word#--*=}")
			compopt -o filenames 2>/dev/null
			;;
		$'\tDIR')
			mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY \
				< <(compgen -d -- "${word#--*=}")
			compopt -o filenames 2>/dev/null
			;;
		*)
			line=${line%%$'\t'*}
			[[ $line == --*=* && $COMP_WORDBREAKS == *=* ]] &&
				line=${line#*=}
			COMPREPLY+=("$line")
			;;
		esac
	done < <("${words[0]}" completion words -- "${words[@]:1}" 2>/dev/null)
}

complete -F _ringbusctl ringbusctl
