# SPDX-License-Identifier: MIT
#
# completion.fish - asks ringbusctl itself how the line could go on

function __ringbusctl_words
	set -l words (commandline -opc)
	set -l word (commandline -ct)
	set -l tab (printf '\t')

	for line in ($words[1] completion words -- $words[2..-1] "$word" 2>/dev/null)
		switch $line
			case "$tab"FILE
				__fish_complete_path (string replace -r '^--[^=]*=' '' -- "$word")
			case "$tab"DIR
				__fish_complete_directories (string replace -r '^--[^=]*=' '' -- "$word")
			case '*'
				echo $line
		end
	end
end

complete -c ringbusctl -f -a '(__ringbusctl_words)'
