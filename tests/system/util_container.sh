#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# util_container.sh - a container with a real systemd, on an overlay of this system
#
# Sourced by a suite, which calls in this order:
#
#	container_obstacle            says why there can be none, or nothing
#	container_mounts_of_own       starts the suite again, with mounts of its own
#	container_prepare             $root is this system, to be changed at will
#	container_boot                systemd is up; more was not started
#	inside COMMAND...             runs it in there, as root
#	container_journal OPTION...   what was logged in there, up to now
#	container_crash               all of it is dead at once; its files stay, and it
#	                              can be booted again
#
# $container_options are for systemd-nspawn. At the suite's exit nothing is left of it. What is in $dir is removed as well.

container_options=()

container_obstacle() {
	((EUID == 0)) || { echo "only root can boot a system"; return; }
	command -v systemd-nspawn nsenter unshare >/dev/null ||
		{ echo "systemd-container or util-linux is missing"; return; }
	[[ -x /lib/systemd/systemd ]] || { echo "systemd is missing"; return; }
	unshare --mount true 2>/dev/null || echo "no mounts of its own"
}

container_mounts_of_own() {
	[[ -n ${CONTAINER_MOUNTS:-} ]] ||
		CONTAINER_MOUNTS=1 exec unshare --mount --propagation private "$0"
}

inside() {
	env -u TMPDIR nsenter --target "$init" --all --wdns=/ -- "$@"
}

container_journal() {
	inside journalctl --sync && inside journalctl --quiet --no-pager "$@"
}

# With its first process all others die.
container_crash() {
	[[ -z $init ]] || kill -KILL "$init" 2>/dev/null
	[[ -z $nspawn ]] || wait "$nspawn" 2>/dev/null
	init=
	nspawn=
}

# Nobody else has the mounts.
container_finish() {
	container_crash
	umount -l "$root" "$dir/over" 2>/dev/null
	find /sys/fs/cgroup/{,systemd/,unified/}"$group" -depth -type d \
		-exec rmdir {} + 2>/dev/null
	rm -rf "$dir"
}

# Becomes the command, in a control group of its own where there is no systemd that
# has given us one: two containers in one group would kill each other's services.
container_exec() {
	local top

	for top in /sys/fs/cgroup/{,systemd/,unified/}; do
		[[ ! -d /run/systemd/system && -w ${top}cgroup.procs ]] || continue
		mkdir -p "$top$group" && echo "$BASHPID" >"$top$group/cgroup.procs"
	done
	exec "$@"
}

# Changes of this system's files go to $upper; why there is none is in $dir/mount.
container_prepare() {
	dir=$(mktemp -d) || return
	root=$dir/root
	upper=$dir/over/upper
	group=container-${dir##*/}
	init=
	nspawn=
	trap container_finish EXIT
	trap 'exit 130' INT TERM
	{ mkdir -p "$root" "$dir/over" &&
		mount -t tmpfs tmpfs "$dir/over" &&
		mkdir "$upper" "$dir/over/work" &&
		mount -t overlay overlay "$root" -o \
			"lowerdir=/,upperdir=$upper,workdir=$dir/over/work" &&
		: >"$root/etc/machine-id"; } 2>"$dir/mount"
}

container_find_init() {
	init=$(pgrep --parent "$nspawn" --exact systemd)
	[[ -n $init ]] || ! kill -0 "$nspawn" 2>/dev/null
}

container_is_up() {
	[[ $(inside systemctl is-active basic.target 2>/dev/null) == active ]]
}

# No more of it than it takes; without that capability its filter admits no mlock(). What it says on the way is in $dir/console.
container_boot() {
	container_exec systemd-nspawn --quiet --directory="$root" --boot --register=no \
		--keep-unit --link-journal=no --console=pipe \
		--capability=CAP_IPC_LOCK "${container_options[@]}" -- \
		--unit=basic.target </dev/null >"$dir/console" 2>&1 &
	nspawn=$!
	until_true container_find_init && [[ -n $init ]] &&
		until_true container_is_up
}
