#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# test_doctor.sh - `ringbusctl doctor` finds what is made wrong for it
#
# Mounts and limits are of its own processes; nothing of the machine is changed.
# Reports as check does.

set -u

# shellcheck source=tests/checks.sh
. "$(dirname "$0")/../checks.sh"

dir=$(mktemp -d) || exit 1
chmod 755 "$dir"
shm=$(shm_folder doctor) || exit 1
ctl=$(realpath "$BUILD")/ringbusctl
daemon=
export RINGBUS_SOCKET=$dir/s

finish() {
	[[ -z $daemon ]] || kill "$daemon" 2>/dev/null
	wait
	rm -rf "$dir" "$shm"
}
trap finish EXIT

cat >"$dir/ringbus.yaml" <<END
daemon:
  shm_dir: $shm/r
channels:
  orders: { slots: 65536, event_size: 64 }
END

# Exit code, then its lines.
doctor() {
	"$ctl" doctor --jitter 1ms -c "$dir/ringbus.yaml" "$@" >"$dir/out" 2>&1
	echo "exit $?" >>"$dir/out"
}

# says VERDICT CHECK TEXT
says() {
	grep -qE "^$1 +$2 .*$3" "$dir/out" || { cat "$dir/out"; return 1; }
}

ended() {
	grep -q "^exit $1\$" "$dir/out" || { cat "$dir/out"; return 1; }
}

# Each problem has something to do behind it, and nothing else has.
has_fixes() {
	awk '
		/^exit/ { next }
		/^ +-> ./ { if (!due) bad = 1; due = 0; next }
		due { bad = 1 }
		{ due = /^(note|WRONG)/; n++ }
		!/^(ok|note|WRONG|\?) +[a-z]/ { print; bad = 1 }
		END { exit bad || due || n < 20 }
	' "$dir/out"
}

are_same_checks() {
	local text json

	text=$(sed -nE 's/^(ok|note|WRONG|\?) +([a-z][a-z_ ]*[a-z]) .*/\2/p' "$dir/out" |
		cut -c 1-18 | sed 's/  .*//')
	json=$("$ctl" doctor --jitter 1ms --json |
		sed -nE 's/^\{"check":"([^"]*)","verdict":"(ok|note|wrong|unknown)","found":".*\}$/\1/p')
	[[ $(wc -l <<<"$json") == $(grep -cE '^(ok|note|WRONG|\?) ' "$dir/out") ]] ||
		{ diff <(echo "$text") <(echo "$json"); return 1; }
}

doctor
ok "every problem has a fix" has_fixes
ok "JSON has the same checks" are_same_checks
ok "no daemon is no fault" says note daemon "$dir/s"
ok "the configuration's need" says ok space 'channels take [0-9.]+ MiB'
ok "a kernel that this runs on" says ok io_uring works
doctor --jitter 2ms
ok "what was measured" says '(ok|note)' jitter 'away in ([2-9]|[0-9]{2,}) ms'
(
	ulimit -n 100
	doctor
)
ok "few files" says WRONG 'open files' 100
ok "are wrong" ended 6
doctor --shm-dir /proc/self
ok "no tmpfs" says WRONG mount proc

# in_mounts OPTIONS: with a tmpfs of its own
in_mounts() {
	# Expanded by that shell.
	# shellcheck disable=SC2016
	unshare --mount --propagation private bash -c '
		mount -t tmpfs -o "$1" none "$2" && shift 2 && "$@"
	' - "$1" "$shm" "$ctl" doctor --jitter 1ms -c "$dir/ringbus.yaml" \
		--shm-dir "$shm" >"$dir/out" 2>&1
	echo "exit $?" >>"$dir/out"
}

if ((EUID != 0)) || ! unshare --mount true 2>/dev/null; then
	skip mounts "needs to be root, with mounts of its own"
else
	in_mounts size=1m
	ok "too little space" says WRONG space '1.0 MiB of 1.0 MiB are free'
	ok "is wrong" ended 6
	in_mounts size=64m
	ok "enough space" says ok space '64.0 MiB of'
	in_mounts ro,size=64m
	ok "read-only" says WRONG mount 'tmpfs, ro,'
fi

"$BUILD/ringbusd" -c "$dir/ringbus.yaml" -s "$RINGBUS_SOCKET" 2>"$dir/log" &
daemon=$!
ok "a daemon is there" until_true "$ctl" ping >"$dir/ping"
doctor
ok "the daemon" says ok daemon "pid $daemon at $dir/s"
ok "its limits" says '(ok|WRONG)' 'open files' "the daemon's limit"
ok "its user" says '(ok|note)' user "uid $EUID"
if ((EUID != 0)) || ! command -v setpriv >/dev/null; then
	skip "another user" "needs to be root"
elif ! setpriv --reuid 65534 --regid 65534 --clear-groups test -x "$ctl"; then
	skip "another user" "may not go to where the build is"
else
	chmod 660 "$dir/s"
	setpriv --reuid 65534 --regid 65534 --clear-groups "$ctl" doctor \
		--jitter 1ms >"$dir/out" 2>&1
	echo "exit $?" >>"$dir/out"
	ok "who may not connect" says WRONG socket 'may not connect'
	ok "sees all the rest" has_fixes
	ok "and that it is wrong" ended 6
fi

report
