#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# test_nspawn.sh - ringbusctl in containers of systemd-nspawn, as docs/containers.md
# says, which have no file of ours but the program and the folder of the socket
#
# Mounts are of this process alone. Reports as check does.

set -u

# shellcheck source=tests/checks.sh
. "$(dirname "$0")/../checks.sh"

PATIENCE=20 # seconds for one thing to happen
EVENTS=100000

# Says why not.
obstacle() {
	((EUID == 0)) || { echo "only root can make a container"; return; }
	command -v systemd-nspawn unshare >/dev/null ||
		{ echo "systemd-container or util-linux is missing"; return; }
	[[ ${BUILD:-} != *asan && ${BUILD:-} != *tsan ]] ||
		echo "a sanitizer needs more of /proc than a container has"
	unshare --mount true 2>/dev/null || echo "no mounts of its own"
}

why=$(obstacle)
[[ -z $why ]] || give_up "${why%%$'\n'*}"
if [[ -z ${T_NSPAWN_MOUNTS:-} ]]; then
	T_NSPAWN_MOUNTS=1 exec unshare --mount --propagation private "$0"
fi

build=${BUILD:-build/release}
dir=$(mktemp -d) || exit 1
shm=$(shm_folder nspawn) || exit 1
daemon=

finish() {
	[[ -z $daemon ]] || { kill -KILL "$daemon"; wait "$daemon"; } 2>/dev/null
	rm -rf "$dir" "$shm"
}
trap finish EXIT
trap 'exit 130' INT TERM

# A root with ringbusctl and what it is linked with.
make_root() {
	local file

	mkdir -p "$1"/usr/{bin,lib} "$1/run/ringbus" &&
		ln -s usr/bin usr/lib "$1" && ln -s usr/lib "$1/lib64" &&
		cp "$build/ringbusctl" "$1/usr/bin/" || return
	ldd "$build/ringbusctl" | grep -o '/[^ ]*' | while read -r file; do
		mkdir -p "$1${file%/*}" && cp -L "$file" "$1$file"
	done
}

# container NAME [OPTION...] -- COMMAND...
container() {
	local name=$1

	shift
	timeout --kill-after=2 $PATIENCE systemd-nspawn --quiet \
		--register=no --keep-unit --link-journal=no \
		--console=pipe --as-pid2 --machine="$name" \
		--directory="$dir/$name" --private-network \
		--bind-ro="$dir/run:/run/ringbus" "$@"
}

start_daemon() {
	local end=$((SECONDS + PATIENCE))

	mkdir "$dir/run" && cat >"$dir/ringbus.yaml" <<'YAML' || return
channels:
  a:
    slots: 4096
    framing: framed
    slot_size: 32
    access: { publish: [any], consume: [any], tap: [user:root] }
    consumers: { app: { on_death: keep } }
YAML
	"$build/ringbusd" --config "$dir/ringbus.yaml" \
		--socket "$dir/run/control.sock" --shm-dir "$shm" \
		2>"$dir/log" &
	daemon=$!
	until "$build/ringbusctl" --socket "$dir/run/control.sock" ping \
		>/dev/null 2>&1; do
		((SECONDS < end)) || return
		sleep 0.05
	done
	chmod 666 "$dir/run/control.sock"
}

exchange() {
	container to -- ringbusctl tail --gate app --from oldest --count $EVENTS a \
		</dev/null >"$dir/out" 2>"$dir/to.log" &
	seq $EVENTS | "$@" >"$dir/from.log" 2>&1 &&
		wait $! && seq $EVENTS | cmp -s - "$dir/out"
}

# Root in there is somebody else out here; its files are made so.
mapped() {
	container from --private-users=131072:65536 \
		--private-users-ownership=chown "$@"
}

is_refused() {
	mapped -- ringbusctl tail a >"$dir/refused" 2>&1
	(($? == 4)) && grep -q 'uid 131072' "$dir/refused"
}

for name in from to; do
	make_root "$dir/$name" || give_up "no root can be made"
done
ok "the daemon starts" start_daemon
container to -- ringbusctl ping >"$dir/probe" 2>&1 ||
	give_up "no container: $(tail -n 1 "$dir/probe")"
ok "one container to another" exchange container from -- ringbusctl pub a
if mapped -- ringbusctl ping >"$dir/probe" 2>&1; then
	ok "from one with users of its own" exchange mapped -- ringbusctl pub a
	ok "which is told what it may not" is_refused
else
	skip "users of its own" "$(tail -n 1 "$dir/probe")"
fi
report
