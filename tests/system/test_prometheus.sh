#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# test_prometheus.sh - a real Prometheus scrapes the exporter under flow, of channels
# with journal and bridge too, and has data for each query of the dashboard, and an
# answer to each alert
#
# Reports as check does.

set -u

# shellcheck source=tests/checks.sh
. "$(dirname "$0")/../checks.sh"

PATIENCE=20 # seconds for one thing to happen

build=${BUILD:-build/release}
here=$(dirname "$0")
dir=$(mktemp -d) || exit 1
shm=$(shm_folder prometheus) || exit 1
export RINGBUS_SOCKET=$dir/control.sock
children=()

finish() {
	local pid

	for pid in "${children[@]}"; do
		kill -KILL "$pid"
		wait "$pid"
	done 2>/dev/null
	rm -rf "$dir" "$shm"
}
trap finish EXIT
trap 'exit 130' INT TERM

[[ -x $build/ringbus-exporter ]] || give_up "libmicrohttpd is missing"
for name in journal bridge; do
	[[ -x $build/ringbus-$name ]] || give_up "ringbus-$name is not built"
done
for program in prometheus promtool curl python3 nats-server; do
	command -v "$program" >/dev/null || give_up "$program is missing"
done

# start NAME COMMAND...
start() {
	local name=$1

	shift
	"$@" </dev/null >"$dir/$name.out" 2>"$dir/$name.err" &
	children+=($!)
}

answers() {
	"$build/ringbusctl" ping >/dev/null 2>&1
}

listens() {
	grep -qs '/metrics$' "$dir/exporter.err"
}

nats_url() {
	sed -n 's|.*"\(nats://127.0.0.1:[0-9]*\)".*|\1|p' "$dir"/nats-server_*.ports |
		grep .
}

# It takes a free port, and writes down which.
start_nats() {
	start nats nats-server --addr 127.0.0.1 --port -1 --ports_file_dir "$dir" \
		--jetstream --store_dir "$dir/nats"
	until_true nats_url >"$dir/url"
}

# Three channels: one with journal and bridge, what comes back of that, and one of many
# producers.
start_flow() {
	local servers

	start_nats && servers=$(tail -n 1 "$dir/url") && cat >"$dir/ringbus.yaml" <<EOC || return
channels:
  orders: { slots: 4096, framing: framed, slot_size: 32, latency: true,
            journal: { dir: $dir/journal, segment_size: 1MiB },
            bridge: { direction: export, servers: "$servers" },
            consumers: { app: {} } }
  copy: { slots: 4096, framing: framed, slot_size: 32, consumers: { reader: {} },
          bridge: { direction: import, servers: "$servers", stream: orders,
                    subject: ringbus.orders, state: $dir/state } }
  trades: { slots: 4096, framing: framed, slot_size: 32, producers: multi,
            consumers: { book: {} } }
EOC
	start daemon "$build/ringbusd" --config "$dir/ringbus.yaml" \
		--socket "$RINGBUS_SOCKET" --shm-dir "$shm"
	until_true answers || return
	start journal "$build/ringbus-journal" orders
	start bridge "$build/ringbus-bridge" orders
	start copy "$build/ringbus-bridge" copy
	start app "$build/ringbusctl" tail --gate app orders
	start reader "$build/ringbusctl" tail --gate reader copy
	start book "$build/ringbusctl" tail --gate book trades
	start orders "$build/ringbusctl" pub --rate 2000/s --repeat orders \
		"$dir/ringbus.yaml"
	start trades "$build/ringbusctl" pub --rate 2000/s --repeat trades \
		"$dir/ringbus.yaml"
	start exporter "$build/ringbus-exporter" --listen 127.0.0.1:0
	until_true listens
}

is_ready() {
	curl --silent --fail --output /dev/null "$url/-/ready"
}

# Alerts are evaluated more often than they would be.
start_prometheus() {
	local port target

	port=$((20000 + RANDOM % 10000))
	target=$(grep -o '127.0.0.1:[0-9]*' "$dir/exporter.err")
	cp docs/grafana/alerts.yaml "$dir/alerts.yaml" &&
		cat >"$dir/prometheus.yml" <<EOC || return
global: { scrape_interval: 250ms, scrape_timeout: 250ms, evaluation_interval: 500ms }
rule_files: [ $dir/alerts.yaml ]
scrape_configs:
- job_name: ringbus
  static_configs: [ { targets: [ '$target' ] } ]
EOC
	promtool check config "$dir/prometheus.yml" >"$dir/promtool" 2>&1 ||
		{ cat "$dir/promtool"; return 1; }
	start prometheus prometheus --config.file="$dir/prometheus.yml" \
		--storage.tsdb.path="$dir/data" --web.listen-address="127.0.0.1:$port"
	url=http://127.0.0.1:$port
	until_true is_ready
}

is_scraped() {
	curl --silent "$url/api/v1/targets" | grep -q '"health":"up"'
}

has_data() {
	curl --silent "http://$(grep -o '127.0.0.1:[0-9]*' "$dir/exporter.err")/metrics" \
		>"$dir/page" && python3 "$here/query.py" "$url" \
		docs/grafana/ringbus.json "$dir/page"
}

passes_promtool() {
	promtool check rules docs/grafana/alerts.yaml >"$dir/promtool" 2>&1 ||
		{ cat "$dir/promtool"; return 1; }
}

ok "the rules are well-formed" passes_promtool
ok "events flow" start_flow
ok "Prometheus starts" start_prometheus
ok "it scrapes" until_true is_scraped
ok "each query has data" has_data
report
