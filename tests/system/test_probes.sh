#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# test_probes.sh - tracers find what they may look at, and see it happen
#
# The notes of the probes are in the ELF files, as readelf shows them; and where
# bpftrace can run, it sees an event that ringbusctl publishes.

set -u

# shellcheck source=tests/checks.sh
. "$(dirname "$0")/../checks.sh"

dir=$(mktemp -d) || exit 1
bin=$(realpath "$BUILD")
daemon=

finish() {
	[[ -z $daemon ]] || kill "$daemon" 2>/dev/null
	wait
	rm -rf "$dir"
}
trap finish EXIT

# FILE NAME...: it has these probes.
has_probes() {
	local notes name

	notes=$(readelf -n "$1" | awk '/Provider: ringbus/ { getline; print $2 }')
	for name in "${@:2}"; do
		grep -qx "$name" <<<"$notes" || return
	done
}

start_daemon() {
	printf 'channels: { a: { slots: 16, event_size: 8 } }\n' >"$dir/c.yaml"
	"$bin/ringbusd" -c "$dir/c.yaml" -s "$dir/s" -d "$dir/shm" 2>"$dir/log" &
	daemon=$!
	for ((i = 0; i < 300; i++)); do
		"$bin/ringbusctl" --socket "$dir/s" ping >"$dir/out" 2>&1 && return
		sleep 0.1
	done
	return 1
}

can_trace() {
	command -v bpftrace >/dev/null &&
		timeout 60 bpftrace -e 'BEGIN { exit(); }' >/dev/null 2>&1
}

traces_a_publish() {
	echo hello >"$dir/event"
	timeout 100 bpftrace -e "usdt:$bin/ringbusctl:ringbus:publish
		{ printf(\"%s from %d to %d\\n\", str(arg0), arg2, arg3); }" \
		-c "$bin/ringbusctl --socket $dir/s pub a $dir/event" \
		>"$dir/trace" 2>&1
	grep -qx 'a from 0 to 0' "$dir/trace" || {
		cat "$dir/trace"
		return 1
	}
}

if ! readelf -n "$bin/libringbus.so" | grep -q 'Provider: ringbus'; then
	skip probes 'built without sys/sdt.h: apt-get install systemtap-sdt-dev'
else
	ok 'the library has probes' has_probes "$bin/libringbus.so" claim publish \
		commit wait_begin wait_end wake
	ok 'the daemon has probes' has_probes "$bin/ringbusd" attach detach evict \
		repair wake
	if can_trace; then
		ok 'a daemon starts' start_daemon
		ok 'a publish is traced' traces_a_publish
		for script in docs/trace/*.bt; do
			ok "$script is understood" timeout 60 bpftrace -d \
				"$script" "$bin/libringbus.so" >"$dir/out" 2>&1
		done
	else
		skip 'a publish' 'bpftrace cannot run here'
	fi
fi
report
