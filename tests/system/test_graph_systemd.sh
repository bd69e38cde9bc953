#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# test_graph_systemd.sh - journal and bridge in front of an application, as services
#
# Daemon, journal (sync: always), bridge to a real nats-server over TLS, application and
# producer under a real systemd, each killed again and again while events flow. The
# application never sees what either has not secured: it looks itself, and once all of
# them have died at once, files and stream are compared with what it has seen.
# GRAPH_KILLS=n kills more often. Reports as check does.

set -u

# shellcheck source=tests/checks.sh
. "$(dirname "$0")/../checks.sh"
# shellcheck source=tests/system/util_container.sh
. "$(dirname "$0")/util_container.sh"

KILLS=${GRAPH_KILLS:-12}
RATE=20000 # events per second
declare -A exposures=([journal]=4 [bridge]=13) # tenths
build=${BUILD:-build/release}
out=/var/lib/flow # in there, and
journal=/var/lib/ringbus/journal/orders
units=(ringbusd ringbus-journal@orders ringbus-bridge@orders)
victims=("${units[@]}" app feed nats)

case $build in
*asan | *tsan) give_up "a sanitizer does not run in the unit's sandbox" ;;
esac
for name in journal bridge; do
	[[ -x $build/ringbus-$name ]] || give_up "ringbus-$name is not built"
done
for name in nats-server openssl; do
	command -v "$name" >/dev/null || give_up "$name is missing"
done
why=$(container_obstacle)
[[ -z $why ]] || give_up "${why%%$'\n'*}"
container_mounts_of_own
cd "$(dirname "$0")/../.." || exit 1

# ------------------------------------------------------------------------- set up

# As bridge-secrets.conf has it. A server that is known by a certificate alone.
write_secrets() {
	local secrets=$root/etc/ringbus/secrets drop_in

	drop_in=$root/etc/systemd/system/ringbus-bridge@.service.d
	mkdir -p "$drop_in" && mkdir -m 0700 "$secrets" &&
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
			-days 2 -subj /CN=nats -addext subjectAltName=IP:127.0.0.1 \
			-keyout "$root$out/nats.key" -out "$secrets/ca.pem" \
			2>"$dir/openssl" &&
		cp "$secrets/ca.pem" "$root$out/nats.pem" && chmod 0600 "$secrets/ca.pem" &&
		inside chown tester "$out"/nats.{key,pem} &&
		printf '[Service]\nLoadCredential=ca.pem:/etc/ringbus/secrets/ca.pem\n' \
			>"$drop_in/secrets.conf"
}

# reach_server CHANNEL: keys of its bridge
reach_server() {
	echo "servers: 'tls://127.0.0.1:4222'," \
		"ca: '/run/credentials/ringbus-bridge@$1.service/ca.pem'"
}

# channels of the first boot, and of the second one, where the stream is read back.
configure() {
	cat >"$root/etc/ringbus/ringbus.yaml" <<LIST
defaults: { slots: 16384, event_size: 64 }
channels:
  orders:
    producers: single
    journal: { sync: always }
    bridge: { direction: export, linger: 1ms, $(reach_server orders) }
    consumers:
      app: { after: [journal, replicate], on_death: keep }
${1:-}
LIST
}

# service NAME USER COMMAND...: one that is always started again
service() {
	local name=$1 user=$2

	shift 2
	cat >"$root/etc/systemd/system/$name.service" <<UNIT
[Unit]
Wants=$services
After=$services
StartLimitIntervalSec=0
[Service]
User=$user
SupplementaryGroups=ringbus ringbus-journal
ExecStart=$*
Restart=always
RestartSec=50ms
RestartPreventExitStatus=1
StandardOutput=append:$out/$name.log
UNIT
}

write_services() {
	local program=$out/program_graph
	local services='ringbus-journal@orders.service ringbus-bridge@orders.service'

	cp "$build/tests/system/program_graph" "$root$out" || return
	service app tester "$program app orders $journal $out/seen"
	service feed tester "$program feed orders $RATE"
	services=ringbus-bridge@copy.service
	service collect tester "$program collect copy $out/collected"
	services=
	service nats tester nats-server --addr 127.0.0.1 --jetstream \
		--store_dir "$out/nats" --tls --tlscert "$out/nats.pem" \
		--tlskey "$out/nats.key"
}

# Units with what they may, and files that are nobody else's.
is_hardened() {
	local name

	for name in journal bridge; do
		inside systemd-analyze security --no-pager --threshold="${exposures[$name]}" \
			"ringbus-$name@orders.service" >"$dir/security" 2>&1 ||
			{ grep -v ✓ "$dir/security"; return 1; }
		echo "| $(grep -o 'exposure level for [^ ]*: [0-9.]*' "$dir/security")"
	done
	[[ $(inside stat --format=%U:%G:%a "$journal") == \
		ringbus-journal:ringbus-journal:750 &&
		-z $(find "$root$journal" -type f ! -perm 640) ]] &&
		inside runuser -u ringbus-bridge -- head --bytes=1 "$journal"/lock &&
		! inside runuser -u nobody -- ls "$journal" 2>"$dir/nobody"
}

install_all() {
	make --no-print-directory install BUILD="$build" DESTDIR="$root" \
		PREFIX=/usr >"$dir/install" 2>&1 || { cat "$dir/install"; return 1; }
	ldconfig -r "$root" && inside systemd-sysusers && inside useradd tester &&
		mkdir -p "$root$out" && configure && write_services && write_secrets &&
		inside chown tester "$out" && inside systemd-tmpfiles --create ringbusd.conf &&
		inside systemctl daemon-reload
}

# --------------------------------------------------------------------------- flow

is_active() {
	[[ $(inside systemctl is-active "$1") == active ]]
}

start() {
	inside timeout "$PATIENCE" systemctl start "$@" 2>"$dir/start" ||
		{ cat "$dir/start"; inside systemctl status --no-pager "$@"; return 1; }
}

# Numbers that app has seen, 8 bytes each.
n_seen() {
	echo $(($(stat --format=%s "$root$out/${1:-seen}" 2>/dev/null || echo 0) / 8))
}

has_more() {
	(($(n_seen) > $1))
}

nothing_is_wrong() {
	! grep WRONG "$root$out"/*.log
}

# flows [N]: so many more
flows() {
	until_true has_more $(($(n_seen) + ${1:-1000})) && return
	inside systemctl status --no-pager --lines 4 "${victims[@]}"
	return 1
}

main_pid() {
	inside systemctl show --property=MainPID --value "$1"
}

is_another() {
	local pid

	pid=$(main_pid "$1")
	[[ $pid != 0 && $pid != "$2" ]] && is_active "$1"
}

# At a time of its own, which events tell; and whoever died is there again.
kill_one() {
	local before

	flows $((RANDOM % 2000)) && before=$(main_pid "$1") &&
		inside systemctl kill --signal=SIGKILL "$1" &&
		until_true is_another "$1" "$before" && flows
}

# Every victim as often, in an order that nobody knows.
kill_again_and_again() {
	local i=0 name

	while ((i < KILLS)); do
		for name in $(shuf --echo "${victims[@]}"); do
			((i++ < KILLS)) || break
			ok "$name is killed, time $i" kill_one "$name"
		done
	done
}

# ------------------------------------------------------------------------ afterwards

has_collected() {
	(($(n_seen collected) >= $1))
}

# The machine boots anew, the ring is gone, and the stream is read back.
read_stream_back() {
	container_boot || { cat "$dir/console"; return 1; }
	configure "
  copy:
    producers: single
    bridge: { direction: import, stream: orders, subject: ringbus.orders,
              start: oldest, $(reach_server copy) }
    consumers: { collect: { on_death: keep } }"
	start nats ringbusd ringbus-bridge@copy collect &&
		until_true has_collected "$(n_seen)"
}

agrees() {
	"$build/tests/system/program_graph" compare \
		"$root$journal" "$root$out/seen" \
		"$root$out/collected" >"$dir/compare" || { cat "$dir/compare"; return 1; }
	sed 's/^/| /' "$dir/compare"
}

# A new ring, in which numbers begin anew.
goes_on() {
	start feed app && flows
}

# Units as they were stopped, one a line.
stopped() {
	container_journal --output=cat --output-fields=UNIT \
		MESSAGE_ID=9d1aaa27d60140bd96365438aad20286
}

# before A B: A was stopped, and then B
before() {
	awk -v a="$1.service" -v b="$2.service" '$1 == a { first = NR }
		$1 == b { second = NR }
		END { exit !(first && second && first < second) }' "$dir/stopped" ||
		{ echo "not $1 before $2:"; cat "$dir/stopped"; return 1; }
}

# Told to stop is the socket alone, and those who would want it back.
stop_in_order() {
	local name

	inside systemctl stop collect feed app ringbusd.socket && stopped >"$dir/stopped" || return
	for name in journal bridge; do
		before feed "ringbus-$name@orders" && before app "ringbus-$name@orders" &&
			before "ringbus-$name@orders" ringbusd || return
	done
	# And nobody brings it back.
	[[ $(inside systemctl show --property=SubState --value "${units[@]}" |
		sort -u | xargs) == dead ]]
}

# Those that are enabled come with the daemon.
start_again() {
	inside systemctl enable --quiet ringbus-{journal,bridge}@orders &&
		start ringbusd.socket ringbusd &&
		until_true is_active ringbus-journal@orders &&
		until_true is_active ringbus-bridge@orders
}

container_options=(--private-network)
container_prepare || give_up "$(tail -n 1 "$dir/mount")"
container_boot || give_up "cannot boot: $(tail -n 1 "$dir/console")"
ok "install" install_all
ok "all are started" start nats "${victims[@]}"
ok "events flow" flows
ok "exposure" is_hardened
kill_again_and_again
ok "none of them saw what is not so" nothing_is_wrong
container_crash
ok "the stream is read back" read_stream_back
ok "what was seen is in both" agrees
ok "events flow in the new ring" goes_on
ok "nothing is wrong there either" nothing_is_wrong
ok "they stop in their order" stop_in_order
ok "and start with the daemon" start_again
report
