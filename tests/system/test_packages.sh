#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# test_packages.sh - the Debian packages, from their build to their purge
#
# They are installed under a real systemd, which then starts the daemon, kills it, and
# upgrades it while producers and consumers of a sealed channel, and of a named one, go
# on. Where packages cannot be built, `make install` puts the same there. Reports as
# check does.

set -u

# shellcheck source=tests/checks.sh
. "$(dirname "$0")/../checks.sh"
# shellcheck source=tests/system/util_container.sh
. "$(dirname "$0")/util_container.sh"

KILLS=4
NEXT=99.0.0 # the version to upgrade to
EXPOSURE=13 # tenths
packages=build/deb
config=/etc/ringbus/ringbus.yaml
out=/var/lib/flow # in there

case ${BUILD:-} in
*asan | *tsan) give_up "a sanitizer does not run in the unit's sandbox" ;;
esac
why=$(container_obstacle)
[[ -z $why ]] || give_up "${why%%$'\n'*}"
container_mounts_of_own
cd "$(dirname "$0")/../.." || exit 1

# ------------------------------------------------------------------------- packages

build_packages() {
	local log=$dir/build

	DEB_BUILD_OPTIONS='nocheck noautodbgsym' make --no-print-directory deb >"$log" 2>&1 ||
		{ tail -n 30 "$log"; return 1; }
}

version_agrees() {
	[[ $(dpkg-parsechangelog --show-field Version) == $(awk '
		/define RINGBUS_VERSION_/ { printf dot $3; dot = "." }' client/ringbus.h) ]]
}

lintian_is_content() {
	lintian --allow-root --profile debian --fail-on error,warning \
		"$packages"/*.changes >"$dir/lintian" 2>&1 ||
		{ cat "$dir/lintian"; return 1; }
}

# The same with a higher version, which is all that an upgrade looks at.
make_next() {
	local name

	mkdir "$dir/next" || return
	for name in ringbusd ringbus-tools ringbus-journal; do
		dpkg-deb -R "$packages/$name"_*.deb "$dir/next/$name" &&
			sed -i -e "s/^Version: .*/Version: $NEXT/" \
				-e "s/ringbus-tools (= [^)]*)/ringbus-tools (= $NEXT)/" \
				"$dir/next/$name/DEBIAN/control" &&
			dpkg-deb --root-owner-group -b -Znone "$dir/next/$name" \
				"$root/next-$name.deb" >/dev/null || return
	done
}

# dpkg_does ARGUMENT...
dpkg_does() {
	inside env DEBIAN_FRONTEND=noninteractive dpkg --force-unsafe-io "$@" \
		>"$dir/dpkg" 2>&1 </dev/null || { tail -n 20 "$dir/dpkg"; return 1; }
}

# for_each_package COMMAND...
for_each_package() {
	local file

	for file in "$root"/packages/*.deb; do
		"$@" "$file"
	done
}

install_packages() {
	# What a builder forbids, and an index that takes long.
	rm -f "$root/usr/sbin/policy-rc.d" "$root/var/lib/man-db/auto-update"
	mkdir "$root/packages" && cp "$packages"/*.deb "$root/packages" &&
		for_each_package dpkg-deb --fsys-tarfile | tar -t --ignore-zeros |
		sed -n 's|^\./\(.*[^/]\)$|\1|p' >"$dir/files" &&
		newcomer_follows
}

# commands FILE HEADING: those of the first block of commands below it
commands() {
	awk -v heading="$2" '$0 == heading { below = 1 }
		below && /^```/ { if (inside) exit; inside = 1; next }
		inside' "$1"
}

# Lines of the README as they stand, but that nobody is asked, nothing is built twice,
# and that root is the one who types them.
newcomer_follows() {
	local clone=$root/clone

	mkdir -p "$clone/build" && cp -r examples "$clone" &&
		cp -r "$packages" "$clone/build/deb" &&
		commands README.md '## On a server' >"$clone/lines" || return
	{
		echo 'set -eu; cd /clone'
		# For the other shell.
		# shellcheck disable=SC2016
		echo 'make() { [ "$1" = deb ]; }; sudo() { "$@"; }; sudoedit() { [ -f "$1" ]; }'
		cat "$clone/lines"
	} >"$clone/all"
	inside useradd alice 2>"$dir/useradd"
	if ! inside env DEBIAN_FRONTEND=noninteractive timeout 120 sh /clone/all \
		>"$dir/newcomer" 2>&1 </dev/null ||
		! grep -qx 'hello from another service' "$dir/newcomer"; then
		tail -n 30 "$dir/newcomer"
		return 1
	fi
	inside id -nG alice | grep -qw ringbus && inside userdel alice
}

one_way_in() {
	local first

	first=$(commands docs/quickstart.md '# From the packages to a first event')
	[[ -n $first && $(commands README.md '## On a server' | sed 's/  *#.*//') == "$first"* ]]
}

# Where there is no debhelper.
install_by_make() {
	make --no-print-directory install BUILD="${BUILD:-build/release}" \
		DESTDIR="$root" PREFIX=/usr >"$dir/install" 2>&1 ||
		{ cat "$dir/install"; return 1; }
	ldconfig -r "$root" && inside systemd-sysusers &&
		inside systemd-tmpfiles --create ringbusd.conf &&
		inside systemctl daemon-reload &&
		inside systemctl start ringbusd.service
}

# ------------------------------------------------------------------------- daemon

main_pid() {
	inside systemctl show --property=MainPID --value "${1:-ringbusd}"
}

is_active() {
	[[ $(inside systemctl is-active "${1:-ringbusd}") == active ]]
}

# messages FIELD=VALUE...
messages() {
	container_journal --output=cat --unit=ringbusd "$@"
}

runs() {
	is_active && is_active ringbusd.socket && return
	messages | tail -n 20
	return 1
}

# The memory of the sealed channel, in three files.
stored() {
	inside systemctl show --property=NFileDescriptorStore --value ringbusd
}

is_another() {
	local pid

	pid=$(main_pid)
	[[ $pid != 0 && $pid != "$1" ]] && is_active
}

# changes_daemon COMMAND...: another daemon is there after it
changes_daemon() {
	local before

	before=$(main_pid)
	"$@" && until_true is_another "$before"
}

kill_daemon() {
	changes_daemon inside systemctl kill --signal=SIGKILL ringbusd
}

is_hardened() {
	inside systemd-analyze security --no-pager --threshold=$EXPOSURE \
		ringbusd.service >"$dir/security" 2>&1 ||
		{ grep -v ✓ "$dir/security"; return 1; }
	echo "| $(grep -o 'exposure level for [^ ]*: [0-9.]*' "$dir/security")"
}

# Who connects starts it.
is_activated() {
	inside systemctl stop ringbusd.service 2>"$dir/stop" && ! is_active &&
		is_active ringbusd.socket && inside ringbusctl ping >/dev/null &&
		is_active
}

socket_is_the_groups() {
	[[ $(inside stat -c '%U:%G:%a' /run/ringbus/control.sock) == ringbus:ringbus:660 ]]
}

# Again, with words of our own.
crosses_services() {
	local text="to whom it may concern"

	inside timeout 60 sh "$out/first_event.sh" "$text" >"$dir/first" 2>&1
	grep -qx "$text" "$dir/first" || { cat "$dir/first"; return 1; }
}

package_test() {
	inside sh "$out/$1" >"$dir/$1" 2>&1 || { cat "$dir/$1"; return 1; }
}

# With a name of its own, beside the other.
instance_runs() {
	echo 'channels: { own: { slots: 8, event_size: 8 } }' \
		>"$root/etc/ringbus/test.yaml"
	inside systemctl start ringbusd@test.service &&
		inside ringbusctl --socket /run/ringbus/test/control.sock show own \
			>/dev/null &&
		inside test -d /dev/shm/ringbus-test/own &&
		inside systemctl stop ringbusd@test.socket &&
		! inside test -e /dev/shm/ringbus-test
}

# as_tester COMMAND...: with a service manager of his own
as_tester() {
	inside runuser -u tester -- env XDG_RUNTIME_DIR="/run/user/$tester" "$@"
}

# Where the user's state is, by itself.
user_has_journal() {
	as_tester systemctl --user start ringbus-journal@mine &&
		[[ -e $root/home/tester/.local/state/ringbus/journal/mine/lock ]] &&
		as_tester ringbusctl show mine | grep -q journal
}

# Nobody has one who has not asked for it.
user_has_own() {
	inside useradd --create-home tester && tester=$(inside id -u tester) &&
		inside systemctl start "user@$tester.service" &&
		! as_tester systemctl --user is-enabled --quiet ringbusd &&
		as_tester mkdir -p /home/tester/.config/ringbus &&
		echo 'channels: { mine: { slots: 8, event_size: 8, journal: {} } }' \
			>"$root/home/tester/.config/ringbus/ringbus.yaml" &&
		as_tester systemctl --user start ringbusd &&
		as_tester ringbusctl show mine >/dev/null && user_has_journal &&
		as_tester systemctl --user reload ringbusd &&
		as_tester systemctl --user stop ringbusd &&
		inside systemctl stop "user@$tester.service" &&
		! inside test -e "/dev/shm/ringbus-$tester" &&
		inside userdel --remove tester 2>"$dir/userdel"
}

serves_metrics() {
	inside curl --silent --show-error --fail http://127.0.0.1:9464/metrics |
		grep -q '^ringbus_up 1'
}

# -------------------------------------------------------------------------- clients

configure() {
	cat >"$root$config" <<LIST
defaults: { framing: framed, slot_size: 32, slots: 4096, producers: multi }
channels:
  sealed: { isolation: sealed, consumers: { app: {} } }
  named: { isolation: named, consumers: { app: {} } }
  stored: { journal: {} }
${1:-}
LIST
}

use_our_channels() {
	configure && inside systemctl restart ringbusd && runs
}

# show CHANNEL KEY: a number of the channel's, as the members see it
show() {
	inside ringbusctl show --json "$1" 2>"$dir/show" | grep -o "\"$2\":[0-9]*" |
		head -n 1 | cut -d : -f 2
}

# member CHANNEL NAME: the pid of one, in there
member() {
	inside ringbusctl show --json "$1" 2>"$dir/show" | tr '{' '\n' |
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
	flows sealed && flows named && [[ $(stored) == 3 ]]
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

# ----------------------------------------------------------------------- a journal

has_stored() {
	inside ringbusctl wait --for drained --timeout "${PATIENCE}s" stored >/dev/null &&
		grep -qa "$1" "$root"/var/lib/ringbus/journal/stored/*.rbj
}

# As whoever reads operations.md would have it.
stores() {
	inside systemctl enable --quiet --now ringbus-journal@stored &&
		is_active ringbus-journal@stored &&
		echo 'to be kept' | inside ringbusctl pub stored &&
		has_stored 'to be kept'
}

# It is another process, and nobody had to know of its instance.
stores_after_upgrade() {
	is_active ringbus-journal@stored &&
		[[ $(main_pid ringbus-journal@stored) != "$journal_was" ]] &&
		echo 'this as well' | inside ringbusctl pub stored &&
		has_stored 'this as well'
}

# What was written outlives the package; its unit does not.
leaves_what_it_stored() {
	[[ -n $(find "$root/var/lib/ringbus/journal/stored" -name '*.rbj') ]] &&
		! is_active ringbus-journal@stored
}

# -------------------------------------------------------------- changes under flow

# An instance too, which runs until the purge.
upgrade() {
	local before

	inside systemctl start ringbusd@test && before=$(main_pid ringbusd@test) &&
		dpkg_does -i /next-ringbus{d,-tools,-journal}.deb &&
		inside dpkg --status ringbusd | grep -qx "Version: $NEXT" &&
		[[ $(main_pid ringbusd@test) != "$before" ]] && is_active ringbusd@test
}

has_channel() {
	inside ringbusctl show "$1" >/dev/null 2>&1
}

reloads() {
	configure '  added: {}' && inside systemctl reload ringbusd &&
		has_channel added
}

# It is told at once, and what was right goes on.
refuses_to_reload() {
	local before

	before=$(main_pid)
	configure '  bad: { slotz: 8 }' &&
		! inside systemctl reload ringbusd 2>"$dir/reload" &&
		grep -q 'failed' "$dir/reload" && [[ $(main_pid) == "$before" ]] &&
		is_active && has_channel added && ! has_channel bad &&
		messages | grep -q slotz &&
		configure
}

# One that is stopped, so that nothing tells of it but its silence.
watch_closely() {
	inside mkdir -p /run/systemd/system/ringbusd.service.d &&
		inside sh -c 'printf "[Service]\nWatchdogSec=1s\n" \
			>/run/systemd/system/ringbusd.service.d/watchdog.conf' &&
		inside systemctl daemon-reload &&
		changes_daemon inside systemctl restart ringbusd
}

stop_daemon() {
	inside systemctl kill --signal=SIGSTOP ringbusd
}

watchdog_has_bitten() {
	messages | grep -q 'Watchdog timeout' &&
		inside rm -r /run/systemd/system/ringbusd.service.d &&
		inside systemctl daemon-reload
}

# ------------------------------------------------------------------------ the journal

# One for who looks for a kind of event, a channel, or what to do.
journal_tells() {
	local adopt=MESSAGE_ID=91b526ee56c05f01beee0f36baa33977

	messages RINGBUS_CHANNEL=named RINGBUS_MEMBER=feed |
		grep -q 'channel named: producer feed .* died' &&
		messages "$adopt" RINGBUS_CHANNEL=sealed | grep -q 'taken over' &&
		[[ -z $(messages "$adopt" RINGBUS_CHANNEL=other) ]] &&
		container_journal --catalog --unit=ringbusd >"$dir/catalog" &&
		grep -q 'It was left by an earlier daemon' "$dir/catalog"
}

# ---------------------------------------------------------------------- the sandbox

# What of the memory of a channel the sandbox must not be in the way of. Huge pages
# are as the kernel and the tmpfs have them.
places_memory() {
	configure '  placed: { slots: 131072, lock: true, numa_node: 0, huge_pages: true }' &&
		inside systemctl reload ringbusd &&
		inside ringbusctl show --json placed >"$dir/placed" || return
	inside ringbusctl show placed | grep -E 'lock|numa|huge'
	! messages | grep 'channel placed: .* is not granted' |
		grep -E 'lock is|Operation not permitted'
}

# ---------------------------------------------------------------------- the end of it

leaves_nothing() {
	inside systemctl stop ringbusd.socket ringbusd.service &&
		[[ -z $(inside find /dev/shm/ringbus -mindepth 1) ]]
}

# Of a daemon that was not stopped in order.
stays_after_failure() {
	inside systemctl start ringbusd && inside systemctl mask --runtime --quiet \
		ringbusd.service && inside systemctl kill --signal=SIGKILL ringbusd &&
		inside test -d /dev/shm/ringbus/named &&
		inside systemctl unmask --runtime --quiet ringbusd.service
}

purges() {
	dpkg_does --purge ringbus-bridge ringbus-journal ringbus-exporter ringbusd ringbus-tools libringbus-dev \
		libringbus0
}

nothing_is_left() {
	local found

	found=$(inside find /dev/shm /run -name '*ringbus*' ! -path '*/container/*'
		while read -r file; do
			[[ ! -e $root/$file && ! -L $root/$file ]] || echo "$file"
		done <"$dir/files"
		inside find /etc /usr/lib/systemd /lib/systemd /var/lib/dpkg \
			/var/lib/systemd -xdev -name '*ringbus*')
	[[ -z $found ]] || { echo "$found"; return 1; }
}

# --------------------------------------------------------------------------- all of it

container_prepare || give_up "$(tail -n 1 "$dir/mount")"
by='packages'
command -v dpkg-buildpackage dh >/dev/null || by='make'
if [[ $by == packages ]]; then
	ok "the packages are built" build_packages
	ok "their version is that of the header" version_agrees
	ok "the README and the quickstart show one way" one_way_in
	ok "one to upgrade to" make_next
	if command -v lintian >/dev/null; then
		ok "lintian" lintian_is_content
	else
		skip lintian "lintian is missing"
	fi
else
	skip packages "debhelper is missing"
fi
container_boot || give_up "cannot boot: $(tail -n 1 "$dir/console")"
mkdir -p "$root$out"
rm -rf "$root/etc/ringbus"
if [[ $by == packages ]]; then
	ok "install" install_packages
else
	ok "install" install_by_make
fi
ok "it is started" runs
ok "socket" socket_is_the_groups
ok "a client starts it" is_activated
ok "exposure" is_hardened
cp examples/first_event.sh debian/tests/* "$root$out"
ok "from one service to another" crosses_services
ok "an event as the packages test it" package_test round-trip
if [[ $by == packages ]] && command -v cmake >/dev/null; then
	ok "a build as the packages test it" package_test build
fi
ok "an instance" instance_runs
ok "a user's own" user_has_own
if [[ -x $root/usr/bin/ringbus-exporter ]]; then
	ok "metrics" serves_metrics
fi
ok "channels of our own" use_our_channels
for channel in sealed named; do
	ok "members of $channel" start_flow "$channel"
done
ok "events flow" both_flow
declare -A was
for channel in sealed named; do
	was[$channel]="$(member $channel app) $(member $channel feed) \
$(show $channel generation)"
done
ok "a journal" stores
journal_was=$(main_pid ringbus-journal@stored)
for ((i = 1; i <= KILLS; i++)); do
	ok "killed the daemon, time $i" kill_daemon
	ok "events flow after time $i" both_flow
done
ok "restart" changes_daemon inside systemctl restart ringbusd
ok "events flow after it" both_flow
ok "restart of the socket" changes_daemon inside systemctl restart ringbusd.socket
ok "events flow after that" both_flow
if [[ $by == packages ]]; then
	ok "upgrade" changes_daemon upgrade
	ok "events flow after the upgrade" both_flow
	ok "and the journal" stores_after_upgrade
fi
ok "a short watchdog" watch_closely
ok "a daemon that is stopped" changes_daemon stop_daemon
ok "the watchdog has bitten" watchdog_has_bitten
ok "events flow after that" both_flow
ok "reload" reloads
ok "a reload of what is wrong" refuses_to_reload
ok "events flow after it" both_flow
for channel in sealed named; do
	# Three words.
	# shellcheck disable=SC2086
	ok "$channel: the same members, the same channel" is_same $channel ${was[$channel]}
	ok "$channel: another consumer joins" joins $channel
	ok "$channel: a dead producer has a successor" is_replaced $channel
	ok "$channel: no gap" has_no_gap $channel
done
ok "the journal tells of it" journal_tells
ok "memory is placed in the sandbox" places_memory
ok "a stop leaves nothing" leaves_nothing
if [[ $by == packages ]]; then
	ok "a daemon that is killed leaves its channels" stays_after_failure
	ok "purge" purges
	ok "nothing is left" nothing_is_left
	ok "but what is stored" leaves_what_it_stored
fi
report
