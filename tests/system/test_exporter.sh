#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# test_exporter.sh - ringbus-exporter asked by curl, by those who are slow, rude or
# many, and while its daemon is stopped, killed and started anew
#
# Reports as check does.

set -u

# shellcheck source=tests/checks.sh
. "$(dirname "$0")/../checks.sh"

PATIENCE=20 # seconds for one thing to happen

build=${BUILD:-build/release}
exporter=$build/ringbus-exporter
dir=$(mktemp -d) || exit 1
shm=$(shm_folder exporter) || exit 1
export RINGBUS_SOCKET=$dir/control.sock
daemon=
children=()

finish() {
	local pid

	for pid in $daemon "${children[@]}"; do
		kill -CONT "$pid"
		kill -KILL "$pid"
		wait "$pid"
	done 2>/dev/null
	rm -rf "$dir" "$shm"
}
trap finish EXIT
trap 'exit 130' INT TERM

[[ -x $exporter ]] || give_up "libmicrohttpd is missing"
command -v curl >/dev/null || give_up "curl is missing"

# ------------------------------------------------------------------ who plays

answers() {
	"$build/ringbusctl" ping >/dev/null 2>&1
}

start_daemon() {
	"$build/ringbusd" --config "$dir/ringbus.yaml" \
		--socket "$RINGBUS_SOCKET" --shm-dir "$shm" 2>>"$dir/log" &
	daemon=$!
	until_true answers
}

kill_daemon() {
	kill -KILL "$daemon" && wait "$daemon" 2>/dev/null
	daemon=
}

# start NAME COMMAND...: in the background; its pid is in $started.
start() {
	local name=$1

	shift
	"$@" </dev/null >"$dir/$name.out" 2>"$dir/$name.err" &
	started=$!
	children+=("$started")
}

listens() {
	grep -qs '/metrics$' "$dir/$1.err"
}

# start_exporter NAME [OPTION...]: its address is in $url.
start_exporter() {
	local name=$1

	shift
	start "$name" "$exporter" --listen 127.0.0.1:0 "$@"
	until_true listens "$name" || return
	url=$(grep -o 'http://[^ ]*:[0-9]*' "$dir/$name.err")
}

get() {
	curl --silent --show-error --max-time "$PATIENCE" "$url$1" "${@:2}"
}

status() {
	get "$1" --output /dev/null --write-out '%{http_code}' "${@:2}"
}

is_status() {
	[[ $(status "${@:2}") == "$1" ]]
}

# value METRIC{LABELS}: on the page now.
value() {
	get /metrics | awk -v name="$1" '$1 == name { print $2 }'
}

is_value() {
	[[ $(value "$1") == "$2" ]]
}

has_grown() {
	(($(value "$1") > $2))
}

grows() {
	local was

	was=$(value "$1") && [[ -n $was ]] && until_true has_grown "$1" "$was"
}

publish() {
	seq "$2" | "$build/ringbusctl" pub --name "${3:-feed}" "$1"
}

# --------------------------------------------------------------------- the page

says_what_is() {
	is_value 'ringbus_up' 1 && is_value 'ringbus_exporter_channels' 3 &&
		is_value 'ringbus_channel_published_total{channel="few"}' 10 &&
		is_value 'ringbus_channel_capacity_slots{channel="few"}' 64 &&
		is_value 'ringbus_consumer_lag_slots{channel="kept",consumer="app"}' 7 &&
		is_value ringbus_daemon_channels 3
}

# A sample has one value, and its family comes before it, all of it in a row.
is_in_order() {
	awk '/^# TYPE/ { if (seen[$3]++) bad = $3; family = $3 }
		/^[^#]/ { name = $1; sub(/\{.*/, "", name); sub(/_total$/, "", name)
			base = family; sub(/_total$/, "", base)
			if (name != base || $1 in is) bad = $1
			is[$1] = 1; n++ }
		END { if (bad) print "not in order: " bad; exit bad != "" || n < 50 }' "$1"
}

is_prometheus() {
	get /metrics --dump-header "$dir/head" >"$dir/page" &&
		grep -qi '^content-type: text/plain; version=0.0.4' "$dir/head" &&
		is_in_order "$dir/page" && ! grep -q EOF "$dir/page"
}

passes_promtool() {
	if ! promtool check metrics <"$dir/page" >"$dir/promtool" 2>&1 ||
		[[ -s $dir/promtool ]]; then
		cat "$dir/promtool"
		return 1
	fi
}

# What Prometheus 2.42 says.
open_metrics='Accept: application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1'

is_open_metrics() {
	get /metrics --dump-header "$dir/head" --header "$open_metrics" \
		>"$dir/page" &&
		grep -qi '^content-type: application/openmetrics-text; version=1.0.0' \
			"$dir/head" &&
		[[ $(tail -n 1 "$dir/page") == '# EOF' ]] &&
		grep -q '^# TYPE ringbus_channel_published counter' "$dir/page" &&
		grep -q '^# UNIT ringbus_consumer_lag_slots slots' "$dir/page" &&
		is_in_order "$dir/page"
}

# negotiates ACCEPT WORD: what is asked for at most wins.
negotiates() {
	get /metrics --header "Accept: $1" --dump-header "$dir/head" \
		--output /dev/null && grep -qi "^content-type: $2" "$dir/head"
}

has_no_body() {
	local answer

	answer=$(get /metrics --head) && [[ $answer == 'HTTP/1.1 200'* &&
		$answer != *'# HELP'* ]]
}

forbids() {
	is_status 405 "$1" --request "$2" "${@:3}" &&
		get "$1" --request "$2" --dump-header "$dir/head" \
			--output /dev/null && grep -qi '^allow: GET, HEAD' "$dir/head"
}

# ------------------------------------------------------------------ who is rude

# Bytes of no request at all. The answer is an error or an end.
raw() {
	local fd answer

	exec {fd}<>"/dev/tcp/127.0.0.1/${url##*:}" || return
	(trap '' PIPE && printf '%b' "$1" >&"$fd") 2>/dev/null
	answer=$(timeout "$PATIENCE" head -c 12 <&"$fd" 2>/dev/null | tr -d '\0')
	exec {fd}>&-
	[[ -z $answer || $answer =~ ^HTTP/1\.[01]\ [45] ]]
}

survives_rudeness() {
	local long

	long=$(head -c 100000 /dev/zero | tr '\0' a)
	raw '\0\0\0\0\r\n\r\n' && raw 'GET\r\n\r\n' && raw 'NONE / HTTP/9.9\r\n\r\n' &&
		raw "GET /$long HTTP/1.1\r\nHost: x\r\n\r\n" &&
		raw "GET / HTTP/1.1\r\nX: $long\r\n\r\n" &&
		raw 'GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n' &&
		raw 'POST /metrics HTTP/1.1\r\nContent-Length: -1\r\n\r\n' &&
		is_status 200 /metrics
}

# 200 at one time.
serves_many() {
	local fds=() fd n=0 line

	for ((i = 0; i < 200; i++)); do
		exec {fd}<>"/dev/tcp/127.0.0.1/${url##*:}" || return
		printf 'GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' >&"$fd"
		fds+=("$fd")
	done
	for fd in "${fds[@]}"; do
		read -r -t "$PATIENCE" line <&"$fd" && [[ $line == *' 200 '* ]] &&
			n=$((n + 1))
		exec {fd}>&-
	done
	((n == 200)) || { echo "$n of 200"; return 1; }
}

# One that says nothing more, and then so many that there is no room.
slow_ones_block_nobody() {
	local fds=() fd

	for ((i = 0; i < 200; i++)); do
		exec {fd}<>"/dev/tcp/127.0.0.1/${url##*:}" || return
		printf 'GET /metr' >&"$fd"
		fds+=("$fd")
		((i > 0)) || is_status 200 /metrics || return
	done
	is_status 200 /metrics || return
	for fd in "${fds[@]}"; do
		exec {fd}>&-
	done
}

# A byte now and then, for ever: cut in the end. Runs beside the others.
trickle() {
	local fd

	trap '' PIPE
	exec {fd}<>"/dev/tcp/127.0.0.1/${1##*:}" || return
	printf 'GET /metrics HTTP/1.1\r\nX: ' >&"$fd"
	while printf x >&"$fd"; do
		sleep 0.2
	done 2>/dev/null
	echo cut
}

# Asks again and again over one connection, which stays.
steadily() {
	local fd line size

	exec {fd}<>"/dev/tcp/127.0.0.1/${1##*:}" || return
	while :; do
		printf 'GET / HTTP/1.1\r\nHost: x\r\n\r\n' >&"$fd" || return
		size=
		while read -r -t "$PATIENCE" line <&"$fd" && [[ $line != $'\r' ]]; do
			[[ $line != Content-Length:* ]] || size=${line//[^0-9]/}
		done
		[[ -n $size ]] && read -r -N "$size" -t "$PATIENCE" line <&"$fd" ||
			return
		echo answered
		sleep 0.5
	done
}

is_steady() {
	kill -0 "$steady" && (($(wc -l <"$dir/steady.out") > 24))
}

is_cut() {
	grep -q cut "$dir/trickle.out"
}

# --------------------------------------------------------------------- its daemon

flow='ringbus_channel_published_total{channel="flow"}'

goes_on_without() {
	until_true is_value ringbus_up 0 && is_value ringbus_daemon_channels '' &&
		grows "$flow" && is_status 503 /healthz &&
		[[ $(get /healthz) == 'RINGBUS CRITICAL - no daemon answers: '* ]]
}

stops_with_nobody() {
	local r

	kill -STOP "$daemon" && goes_on_without
	r=$?
	kill -CONT "$daemon" && until_true is_value ringbus_up 1 && return $r
}

goes_on_after() {
	start_daemon && until_true is_value ringbus_up 1 && grows "$flow" &&
		is_status 200 /healthz && says_what_is
}

# says STATUS TEXT: what /healthz does.
says() {
	is_status "$1" /healthz && [[ $(get /healthz) == "$2"* ]]
}

# What `ringbusctl check` says: of an operator's pause, of a hole that stays and of
# a file that was cut.
tells_what_is_wrong() {
	says 200 'RINGBUS OK - 3 channels' &&
		"$build/ringbusctl" channel pause few &&
		until_true says 200 'RINGBUS WARNING - few: is paused' &&
		"$build/ringbusctl" channel resume few &&
		"$build/ringbusctl" create hurt --slots 8 --producers multi &&
		printf '\0\0\0\0\0\0\0\0' |
		dd of="$shm/hurt/ring" conv=notrunc status=none &&
		until_true says 503 'RINGBUS CRITICAL - hurt: nobody publishes 0' &&
		truncate --size 0 "$shm/hurt/ring" &&
		until_true says 503 'RINGBUS CRITICAL - hurt: is damaged' &&
		is_value 'ringbus_channel_damaged{channel="hurt"}' 1 &&
		"$build/ringbusctl" remove hurt && until_true says 200 'RINGBUS OK'
}

is_hidden() {
	[[ $(get /metrics) != *'channel="passing"'* ]]
}

# A channel that comes and goes takes nothing else with it.
follows_channels() {
	"$build/ringbusctl" create passing --slots 8 &&
		until_true is_value 'ringbus_channel_capacity_slots{channel="passing"}' 8 &&
		"$build/ringbusctl" remove passing && until_true is_hidden &&
		says_what_is
}

looks_into_folder() {
	local url

	start_exporter folder --shm-dir "$shm" &&
		is_value ringbus_up 0 && grows "$flow" && kill "$started" &&
		wait "$started"
}

# ----------------------------------------------------------------------- a file

is_whole() {
	[[ $(head -n 1 "$1") == '# HELP ringbus_up '* &&
		$(tail -n 1 "$1") == 'ringbus_exporter_scrape_duration_seconds '* ]]
}

writes_once() {
	"$exporter" --textfile "$dir/once.prom" && is_whole "$dir/once.prom" &&
		[[ $(stat -c %a "$dir/once.prom") == 644 ]] &&
		! "$exporter" --textfile "$dir/no/such" 2>/dev/null
}

writes_whole_files() {
	mkdir "$dir/text" || return
	start text "$exporter" --textfile "$dir/text/a.prom" --interval 1ms
	until_true test -e "$dir/text/a.prom" || return
	for ((i = 0; i < 100; i++)); do
		cat "$dir/text/a.prom" >"$dir/copy" && is_whole "$dir/copy" || return
	done
	kill "$started" && wait "$started" &&
		[[ $(ls "$dir/text") == a.prom ]]
}

# ------------------------------------------------------------- where it listens

is_activated() {
	local url=http://127.0.0.1:$1

	is_status 200 /metrics
}

takes_sockets_over() {
	local port

	port=$((20000 + RANDOM % 10000))
	start activate systemd-socket-activate -l "127.0.0.1:$port" \
		-E "RINGBUS_SOCKET=$RINGBUS_SOCKET" "$exporter"
	until_true grep -qs Listening "$dir/activate.err" && is_activated $port &&
		kill "$started" && wait "$started"
}

refuses_what_is_no_socket() {
	# The pid is that of the shell that becomes the exporter.
	# shellcheck disable=SC2016
	sh -c 'export LISTEN_PID=$$ LISTEN_FDS=1; exec "$0" 3</dev/null' \
		"$exporter" 2>"$dir/no"
	(($? == 1)) && grep -q 'no listening stream socket' "$dir/no"
}

listens_on_6() {
	local url

	start six "$exporter" --listen '[::1]:0'
	until_true listens six || return
	url=$(grep -o 'http://[^ ]*:[0-9]*' "$dir/six.err")
	is_status 200 /metrics --globoff && kill "$started" && wait "$started"
}

# misuse OPTION...: 2, and where there is help.
misuse() {
	"$exporter" "$@" >/dev/null 2>"$dir/misuse"
	(($? == 2)) && grep -q -e '--help' "$dir/misuse"
}

knows_its_options() {
	"$exporter" --help | grep -q '^usage: ringbus-exporter' &&
		"$exporter" --version | grep -q '^ringbus-exporter [0-9]' &&
		misuse --nonsense && misuse operand && misuse --interval 1s &&
		misuse --textfile x --interval 1h && misuse --textfile x --listen :1 &&
		! "$exporter" --listen nonsense 2>/dev/null &&
		! "$exporter" --listen "${url#http://}" 2>"$dir/taken" &&
		grep -q 'in use' "$dir/taken"
}

# Nothing leaked or read that is not ours, over a kill of the daemon as well.
is_clean_in_valgrind() {
	local url r

	start valgrind valgrind --quiet --leak-check=full --error-exitcode=9 \
		--show-leak-kinds=definite,possible "$exporter" \
		--listen 127.0.0.1:0
	until_true listens valgrind || return
	url=$(grep -o 'http://[^ ]*:[0-9]*' "$dir/valgrind.err")
	is_status 200 /metrics && is_status 200 / && is_status 404 /x && kill_daemon &&
		is_status 503 /healthz && is_status 200 /metrics && start_daemon &&
		is_status 200 /metrics && raw 'GET\r\n\r\n'
	r=$?
	kill "$started" && wait "$started" && return $r
	cat "$dir/valgrind.err"
	return 1
}

# --------------------------------------------------------------------- all of it

cat >"$dir/ringbus.yaml" <<'EOC'
daemon: { drain: 1ms }
dynamic: { allow: [any] }
defaults: { framing: framed, slot_size: 32, slots: 1024 }
channels:
  flow: { consumers: { app: {} } }
  few: { slots: 64, producers: multi }
  kept: { slots: 64, consumers: { app: { on_death: keep } } }
EOC
ok "the daemon starts" start_daemon
"$build/ringbusctl" tail --gate app --count 0 kept >/dev/null 2>&1
"$build/ringbusctl" tail --gate app --count 1 kept >/dev/null 2>&1 &
children+=($!)
joined() {
	"$build/ringbusctl" show kept | grep -q 'app .*attached'
}
ok "a consumer comes" until_true joined
publish few 10
publish kept 1
wait "${children[-1]}"
publish kept 7
start flow "$build/ringbusctl" pub --rate 2000/s --repeat flow "$dir/ringbus.yaml"
ok "it listens" start_exporter main
start trickle trickle "$url"
start steady steadily "$url"
steady=$started
ok "it says what is" until_true says_what_is
ok "the text of Prometheus" is_prometheus
if command -v promtool >/dev/null; then
	ok "promtool has nothing to say" passes_promtool
else
	skip "promtool check metrics" "prometheus is missing"
fi
ok "OpenMetrics" is_open_metrics
ok "text for anybody" negotiates '*/*' text/plain
ok "text for who would rather have it" \
	negotiates 'application/openmetrics-text;q=0.3, text/plain' text/plain
ok "text for another version" \
	negotiates 'application/openmetrics-text;version=9.0.0' text/plain
ok "HEAD" has_no_body
ok "a page with links" is_status 200 /
ok "health" is_status 200 /healthz
ok "what is not there" is_status 404 /metrics/x
ok "POST" forbids /metrics POST --data x=y
ok "DELETE" forbids / DELETE
ok "rude ones" survives_rudeness
ok "many at one time" serves_many
ok "slow ones" slow_ones_block_nobody
ok "channels come and go" follows_channels
ok "health is what check says" tells_what_is_wrong
ok "a stopped daemon" stops_with_nobody
ok "a killed daemon" kill_daemon
ok "goes on without it" goes_on_without
ok "its folder" looks_into_folder
ok "another daemon" goes_on_after
ok "a file" writes_once
ok "a file again and again" writes_whole_files
if command -v systemd-socket-activate >/dev/null; then
	ok "a socket of the service manager" takes_sockets_over
else
	skip "socket activation" "systemd is missing"
fi
ok "no socket of the service manager" refuses_what_is_no_socket
if [[ -e /proc/net/if_inet6 ]]; then
	ok "IPv6" listens_on_6
fi
ok "options" knows_its_options
if command -v valgrind >/dev/null && [[ $build != *san ]]; then
	ok "valgrind has nothing to say" is_clean_in_valgrind
fi
ok "who sends a byte now and then is cut" until_true is_cut
ok "who stays and asks again is not" until_true is_steady
report
