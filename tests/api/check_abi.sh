#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# check_abi.sh - that `make abi` sees what breaks programs, and nothing else
#
# In a clone with a tag of its own, in which changes are planted. Reports as check does.

set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/checks.sh
. tests/checks.sh

give_up() {
	skip check_abi "$1"
	report
	exit
}

command -v abidiff >/dev/null || give_up "abigail-tools is missing"
git rev-parse --git-dir >/dev/null 2>&1 || give_up "not a clone"
case ${BUILD:-} in
*asan | *tsan | *ubsan) give_up "a sanitizer changes nothing of it" ;;
esac
unset BUILD T VARIANT PARTS

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# As it is here, committed or not.
make_clone() {
	git init -q "$work/clone" &&
		git ls-files -zco --exclude-standard -- Makefile shm client tests/abi |
		tar -c --null -T - | tar -x -C "$work/clone" && cd "$work/clone" &&
		git add -A && git -c user.name=a -c user.email=a@b commit -qm all
}

# exits CODE SAID: what `tests/abi/run` ends with, and says
exits() {
	local code

	tests/abi/run >"$work/said" 2>&1
	code=$?
	if ((code != $1)) || ! grep -q "$2" "$work/said"; then
		cat "$work/said"
		return 1
	fi
}

# plant SCRIPT: changes the header by sed
plant() {
	git checkout -q client && sed -i "$1" client/ringbus.h &&
		! git diff --quiet client
}

ok "a clone" make_clone
ok "without a tag there is nothing to say" exits 0 'nothing is tagged'
git tag v1
ok "the same is the same" exits 0 'does for programs of v1'
ok "plant: a struct without a size grows" \
	plant '/^struct ringbus_event {/a\	long planted;'
ok "is seen" exits 1 'planted'
ok "plant: a struct with a size grows at its end" \
	plant '/^struct ringbus_tap_options {/,/^};/s/^};/	long planted;\n};/'
ok "is allowed" exits 0 'does for programs of v1'
ok "plant: it grows in the middle" \
	plant '/^struct ringbus_tap_options {/,/^};/s/^	int64_t from;/	long planted;\n&/'
ok "is seen" exits 1 'planted'
git checkout -q client
ok "plant: a call goes" sed -i '/ringbus_ping;/d' client/ringbus.map
ok "is seen" exits 1 'ringbus_ping'
report
