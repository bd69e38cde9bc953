#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# test_help.sh - what ringbusctl says of itself is the same wherever it says it
#
# Verbs and their options come from the program, so that a new one is compared
# without a word here: --help, completion, and the manual as it is rendered. Then
# shells complete lines by the scripts, under a daemon. Reports as check does.

set -u

# shellcheck source=tests/checks.sh
. "$(dirname "$0")/../checks.sh"

TAB=$'\t'

dir=$(mktemp -d) || exit 1
ctl=$(realpath "$BUILD")/ringbusctl
scripts=$(realpath client/ctl)
daemon=

finish() {
	[[ -z $daemon ]] || kill "$daemon" 2>/dev/null
	wait
	rm -rf "$dir"
}
trap finish EXIT
# A program that is found by its name alone.
mkdir "$dir/bin"
ln -s "$ctl" "$dir/bin/ringbusctl"
PATH=$dir/bin:$PATH
export RINGBUS_SOCKET=$dir/s HOME=$dir TERM=xterm

same() {
	[[ $1 == "$2" ]] || diff <(echo "$1") <(echo "$2")
}

# --------------------------------------------------------- the same in all places

mapfile -t verbs < <("$ctl" help --json | sed -n 's/^{"verb":"\([^"]*\)".*/\1/p')
mapfile -t aliases < <("$ctl" help --json | sed -n 's/^.*,"alias":"\([^"]*\)".*/\1/p')

options_in() {
	sed -nE 's/^ +(-.,)? *--([a-z0-9-]+)( .*)?$/\2/p' | sort -u
}

helped() {
	"$ctl" "$@" --help | sed '1,/^options:$/d' | options_in
}

completed() {
	"$ctl" completion words -- "$@" -- | sed -n "s/^--\([^$TAB]*\)$TAB.*/\1/p" |
		sort -u
}

# The section of a verb or another heading.
section() {
	awk -v heading="$1" '
		/^[^ ]/ || /^   [^ ]/ { inside = $0 == heading || $0 == "   " heading }
		inside
	' "$dir/manual"
}

# In the manual the options of all verbs stand once.
written() {
	{
		section "$1"
		section 'OPTIONS OF ALL VERBS'
	} | options_in
}

is_helped() {
	local -a words

	read -ra words <<<"$1"
	[[ $("$ctl" "${words[@]}" --help) == "usage: ringbusctl $2"* ]] &&
		same "$("$ctl" help "${words[@]}")" "$("$ctl" "${words[@]}" --help)"
}

is_completed() {
	local -a words

	read -ra words <<<"$1"
	same "$(helped "${words[@]}")" "$(completed "${words[@]}")" &&
		"$ctl" completion words -- "${words[@]}" | grep -q "^${words[-1]}$TAB"
}

is_written() {
	local -a words

	read -ra words <<<"$1"
	[[ -n $(section "$1") ]] && same "$(helped "${words[@]}")" "$(written "$1")" &&
		section SYNOPSIS | grep -q "^ *ringbusctl $1 \["
}

render() {
	if command -v man >/dev/null; then
		MANPAGER=cat MANWIDTH=200 man --nh -l "$1"
	else
		mandoc -T ascii -O width=200 "$1" | col -b
	fi >"$dir/manual" 2>/dev/null
}

ok "there are verbs" test "${#verbs[@]}" -ge 12
for verb in "${verbs[@]}"; do
	ok "$verb has help" is_helped "$verb" "$verb "
	ok "$verb is completed with the options that help has" is_completed "$verb"
done
for alias in "${aliases[@]}"; do
	ok "$alias has help" is_helped "$alias" ''
	ok "$alias is completed" is_completed "$alias"
done
if [[ ! -e $BUILD/man/ringbusctl.1 ]]; then
	skip manual "no scdoc when this was built"
elif ! render "$BUILD/man/ringbusctl.1"; then
	skip manual "neither man nor mandoc"
else
	for verb in "${verbs[@]}"; do
		ok "$verb is in the manual, with its options" is_written "$verb"
	done
fi

# ------------------------------------------------------------------- completion

cat >"$dir/ringbus.yaml" <<END
daemon:
  shm_dir: $dir/shm
channels:
  orders:
    slots: 1024
    consumers: { journal: { on_death: keep }, replicate: {} }
  others: { slots: 1024 }
END

# words FIRST... : the words that could stand at the last one
words() {
	"$ctl" completion words -- "$@" 2>/dev/null | cut -f1 | sort | tr '\n' ' '
}

"$BUILD/ringbusd" -c "$dir/ringbus.yaml" -s "$RINGBUS_SOCKET" 2>"$dir/log" &
daemon=$!
ok "a daemon is there" until_true "$ctl" ping >"$dir/ping"

ok "channels by name" same "$(words show '')" 'orders others '
ok "those that begin so" same "$(words show ord)" 'orders '
ok "none behind the last operand" same "$(words show orders '')" ''
ok "consumers of the channel" \
	same "$(words tail orders --gate '')" 'journal replicate '
ok "the last of some" same "$(words tail orders --after journal,r)" 'journal,replicate '
ok "words that a value can be" same "$(words tail --format t)" 'text '
ok "behind an equals sign" same "$(words tail --format=t)" '--format=text '
ok "of a letter" same "$(words tail -f r)" 'raw '
ok "a path" same "$("$ctl" completion words -- pub orders '')" "${TAB}FILE"
ok "options in front" same "$(words --so)" '--socket '
ok "a value is no verb" same "$(words -s tail pin)" 'ping '
ok "second words" same "$(words channel cl)" 'close '
ok "help on second words" same "$(words help channel cl)" 'close '
ok "operands alone behind --" same "$(words show -- --)" ''
ok "nothing of what is none" same "$(words nonsense '')" ''
ok "another socket" same "$(words --socket "$dir/no" show '')" ''
ok "a folder alone" \
	same "$(words --socket "$dir/no" --shm-dir "$dir/shm" show '')" 'orders others '
ok "no third shell" test "$("$ctl" completion csh 2>/dev/null; echo $?)" = 2

# type_into SHELL...: what it shows when this is typed: three words, each begun
type_into() {
	local pid

	rm -f "$dir/keys" "$dir/screen"
	mkfifo "$dir/keys"
	script -qfec "$1" /dev/null <"$dir/keys" >"$dir/screen" 2>&1 &
	pid=$!
	exec {keys}>"$dir/keys"
	until_true grep -q 'READY>' "$dir/screen" || return
	printf 'ringbusctl sho\t ord\t --js\t\r' >&"$keys"
	until_true grep -q '"name":"orders"' "$dir/screen"
	printf '\003\004' >&"$keys"
	exec {keys}>&-
	kill "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	grep -q '"name":"orders"' "$dir/screen" || { cat -v "$dir/screen"; return 1; }
}

bash_alone() {
	printf "PS1='READY> '\n. '%s/completion.bash'\n" "$scripts" >"$dir/bashrc"
	type_into "bash --noprofile --rcfile $dir/bashrc -i"
}

bash_with_package() {
	mkdir -p "$dir/data/bash-completion/completions"
	cp "$scripts/completion.bash" "$dir/data/bash-completion/completions/ringbusctl"
	printf "PS1='READY> '\nexport XDG_DATA_HOME='%s'\n. %s\n" "$dir/data" \
		/usr/share/bash-completion/bash_completion >"$dir/bashrc"
	type_into "bash --noprofile --rcfile $dir/bashrc -i"
}

zsh_by_folder() {
	mkdir -p "$dir/zsh"
	cp "$scripts/completion.zsh" "$dir/zsh/_ringbusctl"
	printf "PS1='READY> '\nfpath=('%s/zsh' \$fpath)\n%s\n" "$dir" \
		'autoload -U compinit; compinit -u -D' >"$dir/.zshrc"
	ZDOTDIR=$dir type_into "zsh -o no_global_rcs -i"
}

zsh_by_script() {
	printf "PS1='READY> '\nautoload -U compinit; compinit -u -D\n%s\n" \
		'. <(ringbusctl completion zsh)' >"$dir/.zshrc"
	ZDOTDIR=$dir type_into "zsh -o no_global_rcs -i"
}

fish_says() {
	same "$(fish --no-config -c "ringbusctl completion fish | source
		complete -C '$1'" | cut -f1 | sort | tr '\n' ' ')" "$2"
}

for shell in bash zsh fish; do
	command -v "$shell" >/dev/null || { skip "$shell" "is not installed"; continue; }
	ok "$shell: no other script than the one installed" \
		cmp -s "$scripts/completion.$shell" <("$ctl" completion "$shell")
	ok "$shell: syntax" "$shell" -n "$scripts/completion.$shell"
done
ok "bash completes, by itself" bash_alone
if [[ -e /usr/share/bash-completion/bash_completion ]]; then
	ok "bash completes, with bash-completion" bash_with_package
else
	skip bash "without bash-completion"
fi
if command -v zsh >/dev/null; then
	ok "zsh completes, by the folder" zsh_by_folder
	ok "zsh completes, by the script" zsh_by_script
fi
if command -v fish >/dev/null; then
	ok "fish completes a channel" fish_says 'ringbusctl show ord' 'orders '
	ok "fish completes a verb" fish_says 'ringbusctl channel cl' 'close '
	ok "fish completes a value" fish_says 'ringbusctl tail --format=t' '--format=text '
fi

report
