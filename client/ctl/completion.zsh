#compdef ringbusctl
# SPDX-License-Identifier: MIT
#
# completion.zsh - asks ringbusctl itself how the line could go on

_ringbusctl() {
	local line word
	local -a found
	local tab=$'\t'

	for line in ${(f)"$("${words[1]}" completion words -- \
		"${(@Q)words[2,CURRENT]}" 2>/dev/null)"}; do
		case $line in
		(${tab}FILE|${tab}DIR)
			compset -P '--*='
			if [[ $line == ${tab}DIR ]]; then
				_files -/
			else
				_files
			fi
			return
			;;
		esac
		word=${line%%${tab}*}
		found+=("${word//:/\\:}:${line#*${tab}}")
	done
	_describe ringbusctl found
}

if [[ $funcstack[1] == _ringbusctl ]]; then
	_ringbusctl "$@"
else
	compdef _ringbusctl ringbusctl
fi
