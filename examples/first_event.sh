#!/bin/sh
# SPDX-License-Identifier: MIT
#
# first_event.sh - an event from one service to another, on a machine that has the packages
#
# usage: sudo sh first_event.sh [TEXT]
#
# Writes two units that last until the next boot, starts them, and shows what arrived:
# the way that your own services go. The channel `log` is in the configuration as it is
# installed, /etc/ringbus/ringbus.yaml.

set -eu

text=${1:-hello from another service}
units=/run/systemd/system

# The consumer gets its own place in the channel, so producers wait for it.
cat >"$units/first-consumer.service" <<UNIT
[Unit]
Wants=ringbusd.service
After=ringbusd.service

[Service]
# Any user will do whom the group lets in; one who exists while it runs, here.
DynamicUser=yes
SupplementaryGroups=ringbus
ExecStart=ringbusctl tail --gate reader --from oldest --count 1 log
UNIT

cat >"$units/first-publisher.service" <<UNIT
[Unit]
Wants=ringbusd.service
After=ringbusd.service

[Service]
Type=oneshot
DynamicUser=yes
SupplementaryGroups=ringbus
StandardInput=data
StandardInputText=$text
# What is published before anybody is there is for nobody.
ExecStartPre=ringbusctl wait --for consumer=reader --timeout 30s log
ExecStart=ringbusctl pub log
UNIT

systemctl daemon-reload
systemctl start first-consumer first-publisher

# What it has read is in the journal, as it writes to its standard output.
tries=0
until journalctl --quiet --output=cat --unit=first-consumer --boot |
	grep -xF -- "$text"; do
	tries=$((tries + 1))
	if [ "$tries" -gt 300 ]; then
		echo "nothing arrived; see: systemctl status first-consumer" >&2
		exit 1
	fi
	sleep 0.1
done
