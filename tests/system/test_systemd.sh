#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# test_systemd.sh - under a real systemd, which kills the daemon and starts it anew
# while producers and consumers of a sealed channel, and of a named one, go on
#
# It boots in a container on an overlay of this system, with the unit and the programs
# as `make install` puts them there. Mounts are of this process alone. Reports as check
# does.

set -u

# shellcheck source=tests/checks.sh
. "$(dirname "$0")/../checks.sh"

PATIENCE=30 # seconds for one thing to happen
KILLS=4

# ------------------------------------------------------------------ may we at all

# Says why not.
obstacle() {
	((EUID == 0)) || { echo "only root can boot a system"; return; }
	command -v systemd-nspawn nsenter unshare >/dev/null ||
		{ echo "systemd-container or util-linux is missing"; return; }
	[[ -x /lib/systemd/systemd ]] || { echo "systemd is missing"; return; }
	case ${BUILD:-} in
	*asan | *tsan) echo "a sanitizer does not run in the unit's sandbox" ;;
	esac
	unshare --mount true 2>/dev/null || echo "no mounts of its own"
}

give_up() {
	skip test_systemd "$1"
	report
	exit
}

why=$(obstacle)
[[ -z $why ]] || give_up "${why%%$'\n'*}"
if [[ -z ${T_SYSTEMD_MOUNTS:-} ]]; then
	T_SYSTEMD_MOUNTS=1 exec unshare --mount --propagation private "$0"
fi

# ----------------------------------------------------------------------- a system

dir=$(mktemp -d) || exit 1
root=$dir/root
init=
nspawn=
out=/var/lib/ringbus-test # in there

# With its first process all others die, and nobody else has the mounts.
finish() {
	[[ -z $init ]] || kill -KILL "$init" 2>/dev/null
	[[ -z $nspawn ]] || wait "$nspawn" 2>/dev/null
	umount -l "$root" "$dir/over" 2>/dev/null
	rm -rf "$dir"
}
trap finish EXIT
trap 'exit 130' INT TERM

# until_true COMMAND...
until_true() {
	local end=$((SECONDS + PATIENCE))

	until "$@"; do
		((SECONDS < end)) || return 1
		sleep 0.05
	done
}

# Runs a command in the container.
inside() {
	nsenter --target "$init" --all --wd=/ -- "$@"
}

lay_over() {
	mkdir -p "$root" "$dir/over" &&
		mount -t tmpfs tmpfs "$dir/over" &&
		mkdir "$dir/over/upper" "$dir/over/work" &&
		mount -t overlay overlay "$root" -o \
			"lowerdir=/,upperdir=$dir/over/upper,workdir=$dir/over/work"
}

install_ringbus() {
	rm -rf "$root/etc/ringbus"
	make --no-print-directory install BUILD="${BUILD:-build/release}" \
		DESTDIR="$root" PREFIX=/usr >"$dir/install" 2>&1 ||
		{ cat "$dir/install"; return 1; }
	ldconfig -r "$root" && systemd-sysusers --root="$root" &&
		mkdir -p "$root$out" && : >"$root/etc/machine-id" &&
		cat >"$root/etc/ringbus/ringbus.yaml" <<'EOF'
defaults: { framing: framed, slot_size: 32, slots: 4096, producers: multi }
channels:
  sealed: { isolation: sealed, consumers: { app: {} } }
  named: { isolation: named, consumers: { app: {} } }
EOF
}

find_init() {
	init=$(pgrep --parent "$nspawn" --exact systemd)
	[[ -n $init ]] || ! kill -0 "$nspawn" 2>/dev/null
}

is_up() {
	[[ $(inside systemctl is-active basic.target 2>/dev/null) == active ]]
}

# No more of it than it takes.
boot() {
	systemd-nspawn --quiet --directory="$root" --boot --register=no \
		--keep-unit --link-journal=no --console=pipe -- \
		--unit=basic.target </dev/null >"$dir/console" 2>&1 &
	nspawn=$!
	until_true find_init && [[ -n $init ]] && until_true is_up
}

# ------------------------------------------------------------------------- daemon

main_pid() {
	inside systemctl show --property=MainPID --value ringbusd
}

is_active() {
	[[ $(inside systemctl is-active ringbusd) == active ]]
}

start_daemon() {
	inside systemctl start ringbusd && is_active && return
	inside journalctl --no-pager --unit=ringbusd | tail -n 20
	return 1
}

stored() {
	inside systemctl show --property=NFileDescriptorStore --value ringbusd
}

is_another() {
	local pid

	pid=$(main_pid)
	[[ $pid != 0 && $pid != "$1" ]] && is_active
}

kill_daemon() {
	local before

	before=$(main_pid)
	inside systemctl kill --signal=SIGKILL ringbusd &&
		until_true is_another "$before"
}

# -------------------------------------------------------------------------- clients

# show CHANNEL KEY: a number of the channel's, as the members see it
show() {
	inside ringbusctl show --json "$1" | grep -o "\"$2\":[0-9]*" |
		head -n 1 | cut -d : -f 2
}

# member CHANNEL NAME: the pid of one, in there
member() {
	inside ringbusctl show --json "$1" | tr '{' '\n' |
		grep "\"name\":\"$2\"" | grep -o '"pid":[0-9]*' | cut -d : -f 2
}

is_member() {
	local pid

	pid=$(member "$1" "$2")
	[[ -n $pid && $pid != 0 ]]
}

is_no_member() {
	! is_member "$@"
}

# The numbers from 1 on, and who writes them down.
start_flow() {
	inside sh -c "exec ringbusctl tail --gate app --from oldest $1 \
		>$out/$1" </dev/null 2>"$dir/tail.$1" &
	until_true is_member "$1" app || return
	inside sh -c "seq 1 100000000 |
		ringbusctl pub --name feed --rate 5000/s $1" \
		</dev/null 2>"$dir/pub.$1" &
	until_true is_member "$1" feed
}

count() {
	wc -l <"$root$out/$1"
}

has_more() {
	(($(count "$1") > $2))
}

flows() {
	until_true has_more "$1" $(($(count "$1") + 500))
}

both_flow() {
	flows sealed && flows named
}

survives() {
	kill_daemon && both_flow && [[ $(stored) == 3 ]]
}

is_same() {
	[[ $(member "$1" app) == "$2" && $(member "$1" feed) == "$3" &&
		$(show "$1" generation) == "$4" ]]
}

joins() {
	inside timeout "$PATIENCE" ringbusctl tail --gate late --count 100 "$1" \
		>"$dir/late" 2>&1 && (($(wc -l <"$dir/late") == 100))
}

# Who dies is noticed, and his successor is heard.
is_replaced() {
	local feed

	feed=$(member "$1" feed)
	inside kill -KILL "$feed" && until_true is_no_member "$1" feed &&
		echo successor | inside ringbusctl pub --name next "$1" &&
		until_true grep -qx successor "$root$out/$1"
}

has_no_gap() {
	awk '$1 == "successor" { said = 1; next }
		$1 != ++n || said { print FILENAME ": " $1 " as number " NR; bad = 1; exit }
		END { exit bad || !said || n < 1000 }' "$root$out/$1"
}

leaves_nothing() {
	inside systemctl stop ringbusd &&
		[[ -z $(inside find /dev/shm/ringbus -mindepth 1) ]]
}

# --------------------------------------------------------------------------- all of it

lay_over 2>"$dir/mount" || give_up "$(tail -n 1 "$dir/mount")"
ok "make install into it" install_ringbus
boot || give_up "cannot boot: $(tail -n 1 "$dir/console")"
ok "the unit starts" start_daemon
for channel in sealed named; do
	ok "members of $channel" start_flow "$channel"
done
ok "events flow" both_flow
ok "three descriptors are stored" test "$(stored)" = 3
declare -A was
for channel in sealed named; do
	was[$channel]="$(member $channel app) $(member $channel feed) \
$(show $channel generation)"
done
for ((i = 1; i <= KILLS; i++)); do
	ok "killed the daemon, time $i" survives
done
for channel in sealed named; do
	# Three words.
	# shellcheck disable=SC2086
	ok "$channel: the same members, the same channel" is_same $channel ${was[$channel]}
	ok "$channel: another consumer joins" joins $channel
	ok "$channel: a dead producer has a successor" is_replaced $channel
	ok "$channel: no gap" has_no_gap $channel
done
ok "a stop leaves nothing" leaves_nothing
report
