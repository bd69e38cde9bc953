#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# test_bridge_security.sh - a bridge with certificates, nkeys and credentials, to a
# server that wants them; and what it says if they are wrong
#
# Reports as check does.

set -u

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/checks.sh
. "$here/../checks.sh"
# shellcheck source=tests/system/util_keys.sh
. "$here/util_keys.sh"

PATIENCE=20 # seconds for one thing to happen

build=$(realpath "${BUILD:-build/release}")
server=$(PATH=$PATH:/usr/sbin command -v nats-server)
[[ -x $build/ringbus-bridge ]] || give_up "libnats is missing"
[[ -n $server ]] || give_up "nats-server is missing"
command -v openssl base32 >/dev/null || give_up "openssl is missing"

dir=$(mktemp -d) || exit 1
shm=$(shm_folder security) || exit 1
export RINGBUS_SOCKET=$dir/control.sock
declare -A running=()

# start NAME COMMAND...: what it says is appended to NAME.log
start() {
	local name=$1

	shift
	"$@" </dev/null >>"$dir/$name.log" 2>&1 &
	running[$name]=$!
}

# end NAME [SIGNAL]: with the code it ends with
end() {
	local pid=${running[$1]}

	unset "running[$1]"
	kill -"${2:-TERM}" "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
}

finish() {
	local name

	for name in "${!running[@]}"; do
		end "$name" KILL
	done
	rm -rf "$dir" "$shm"
}
trap finish EXIT
trap 'exit 130' INT TERM

# says NAME TEXT
says() {
	grep -qF -- "$2" "$dir/$1.log"
}

answers() {
	"$build/ringbusctl" ping >/dev/null 2>&1
}

make_keys() {
	local all='"subs":-1,"data":-1,"payload":-1'
	local account='"imports":-1,"exports":-1,"wildcards":true,"conn":-1,"leaf":-1'
	local storage='"mem_storage":-1,"disk_storage":-1,"streams":-1,"consumer":-1'

	make_ca ca && make_ca other &&
		make_certificate ca server serverAuth IP:127.0.0.1,DNS:nats.example &&
		make_certificate ca bridge clientAuth DNS:bridge &&
		make_certificate other stranger clientAuth DNS:bridge &&
		make_certificate other impostor serverAuth IP:127.0.0.1 &&
		make_nkey user known && make_nkey user unknown &&
		make_nkey operator operator && make_nkey account account &&
		make_nkey account system && make_nkey user member &&
		make_jwt operator operator '{"type":"operator","version":2}' &&
		make_jwt operator account \
			"{\"limits\":{$all,$account,$storage},\"type\":\"account\",\"version\":2}" &&
		make_jwt operator system \
			"{\"limits\":{$all,$account},\"type\":\"account\",\"version\":2}" &&
		make_jwt account member "{$all,\"type\":\"user\",\"version\":2}" &&
		make_credentials member || return
	# As the bridge wants it: the seed and, in a line of its own, the key.
	for name in known unknown; do
		printf '%s\n%s\n' "$(cat $name.seed)" "$(cat $name.nkey)" >$name.pair
	done
	chmod 0600 ./*.seed ./*.pair ./*.key
}

# configure_server NAME: stdin is more of it
configure_server() {
	{
		echo "listen: '127.0.0.1:-1'"
		echo "jetstream { store_dir: '$dir/store.$1' }"
		echo "tls { cert_file: '$dir/server.crt', key_file: '$dir/server.key',"
		echo "      ca_file: '$dir/ca.crt', verify: true }"
		cat
	} >"$dir/$1.conf"
}

# start_server NAME: its address is in $url, and its channels in $to and $from
start_server() {
	to=to_$1
	from=from_$1
	start "$1" "$server" -c "$dir/$1.conf"
	until_true says "$1" "Server is ready" || { cat "$dir/$1.log"; return 1; }
	url=tls://$(grep -o '127\.0\.0\.1:[0-9]*' "$dir/$1.log" | tail -n 1)
}

start_daemon() {
	local name

	{
		echo "defaults: { slots: 1024, framing: framed, slot_size: 64 }"
		echo "channels:"
		for name in nkeys jwt; do
			echo "  to_$name:"
			echo "    bridge: { direction: export, stream: s, subject: s.all }"
			echo "  from_$name:"
			echo "    consumers: { app: { on_death: keep } }"
			echo "    bridge: { direction: import, stream: s, subject: s.all,"
			echo "              start: oldest, state: $dir/$name.state }"
		done
	} >"$dir/ringbus.yaml" || return
	start daemon "$build/ringbusd" --config "$dir/ringbus.yaml" \
		--socket "$RINGBUS_SOCKET" --shm-dir "$shm"
	until_true answers
}

arrived() {
	"$build/ringbusctl" tail --gate app --from resume --count 1 --timeout 100ms \
		"$from" 2>/dev/null >>"$dir/tail.log"
	says tail "$1"
}

# crosses OPTION...: a line gets from one ring to the other
crosses() {
	local line="line $RANDOM$RANDOM" name options=() code=0

	for name; do
		options+=(-o "$name")
	done
	: >"$dir/export.log"
	: >"$dir/import.log"
	echo "$line" | "$build/ringbusctl" pub "$to" || return
	for name in export import; do
		start "$name" "$build/ringbus-bridge" -o "servers=$url" "${options[@]}" \
			"$([[ $name == export ]] && echo "$to" || echo "$from")"
	done
	until_true arrived "$line" || code=1
	end export || code=1
	end import || code=1
	((code == 0)) || tail -n 5 "$dir/export.log" "$dir/import.log"
	return "$code"
}

# is_told TEXT OPTION...: it does not get in, says that, and goes on trying
is_told() {
	local text=$1 options=() code=0
	shift

	for name; do
		options+=(-o "$name")
	done
	: >"$dir/export.log"
	start export "$build/ringbus-bridge" -o "servers=$url" "${options[@]}" "$to"
	until_true says export "$text" || code=1
	kill -0 "${running[export]}" 2>/dev/null || code=1
	end export || code=1
	((code == 0)) || cat "$dir/export.log"
	return "$code"
}

# refuses TEXT OPTION...: it ends with that
refuses() {
	local text=$1 options=()
	shift

	for name; do
		options+=(-o "$name")
	done
	timeout "$PATIENCE" "$build/ringbus-bridge" -o "servers=$url" "${options[@]}" \
		"$to" >"$dir/export.log" 2>&1
	[[ $? == 78 ]] && says export "$text" && return
	cat "$dir/export.log"
	return 1
}

# restart_server NAME CERTIFICATE: at the same port
restart_server() {
	end "$1"
	sed -i "s/:-1'/:${url##*:}'/
		s#cert_file: '[^']*', key_file: '[^']*'#cert_file: '$dir/$2.crt', key_file: '$dir/$2.key'#" \
		"$dir/$1.conf" && start "$1" "$server" -c "$dir/$1.conf"
}

# comes_back_otherwise OPTION...: what is wrong is told, and it is waited for
comes_back_otherwise() {
	local name options=() code=0

	for name; do
		options+=(-o "$name")
	done
	: >"$dir/export.log"
	start export "$build/ringbus-bridge" -o "servers=$url" "${options[@]}" "$to"
	until_true says export "connected to" && restart_server nkeys impostor &&
		until_true says export "no connection to $url" &&
		restart_server nkeys server &&
		until_true says export "connected again" || code=1
	end export || code=1
	((code == 0)) || cat "$dir/export.log"
	return "$code"
}

cd "$dir" || exit 1
ok "keys are made" make_keys
ok "the daemon starts" start_daemon
mine=("ca=$dir/ca.crt" "certificate=$dir/bridge.crt" "key=$dir/bridge.key")

configure_server nkeys <<<"authorization { users: [ { nkey: $(cat known.nkey) } ] }"
ok "a server with nkeys starts" start_server nkeys
ok "certificates and an nkey" crosses "${mine[@]}" "nkey=$dir/known.pair"
ok "another name that the certificate has" crosses "${mine[@]}" \
	"nkey=$dir/known.pair" "tls_name=nats.example"
ok "another CA" is_told "unable to get local issuer certificate" \
	"ca=$dir/other.crt" "${mine[@]:1}" "nkey=$dir/known.pair"
ok "a name that it has not" is_told "hostname mismatch" "${mine[@]}" \
	"nkey=$dir/known.pair" "tls_name=other.example"
ok "no certificate" is_told "certificate" "${mine[0]}" "nkey=$dir/known.pair"
ok "a stranger's certificate" is_told "certificate" "${mine[0]}" \
	"certificate=$dir/stranger.crt" "key=$dir/stranger.key" "nkey=$dir/known.pair"
ok "no nkey" is_told "Authorization Violation" "${mine[@]}"
ok "another nkey" is_told "Authorization Violation" "${mine[@]}" \
	"nkey=$dir/unknown.pair"
ok "no such CA" refuses "ca $dir/none.crt cannot be read: No such file" \
	"ca=$dir/none.crt"
ok "a certificate without its key" refuses "certificate and key go together" \
	"${mine[@]:0:2}"
ok "a key of another certificate" refuses "certificate $dir/bridge.crt" \
	"${mine[0]}" "certificate=$dir/bridge.crt" "key=$dir/stranger.key"
ok "no such nkey" refuses "nkey $dir/none.pair cannot be read: No such file" \
	"nkey=$dir/none.pair"
ok "a server that comes back as another one" comes_back_otherwise "${mine[@]}" \
	"nkey=$dir/known.pair"
ok "after all that" crosses "${mine[@]}" "nkey=$dir/known.pair"
end nkeys

configure_server jwt <<EOC
operator: $(cat operator.jwt)
system_account: $(cat system.nkey)
resolver: MEMORY
resolver_preload: { $(cat account.nkey): $(cat account.jwt),
                    $(cat system.nkey): $(cat system.jwt) }
EOC
ok "a server with accounts starts" start_server jwt
ok "no credentials" is_told "Authorization Violation" "${mine[@]}"
ok "credentials" crosses "${mine[@]}" "credentials=$dir/member.creds"
end jwt
report
