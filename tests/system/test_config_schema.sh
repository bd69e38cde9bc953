#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# test_config_schema.sh - what is made from the table of keys says what the daemon does
#
# The JSON Schema, and the manual as it is rendered. Reports as check does.

set -u

# shellcheck source=tests/checks.sh
. "$(dirname "$0")/../checks.sh"

daemon=$(realpath "$BUILD")/ringbusd
schema=$BUILD/ringbus.schema.json
manual=$(mktemp) || exit 1
trap 'rm -f "$manual"' EXIT

agree() {
	tests/system/config_schema.py "$daemon" "$schema"
}

# With the default of the table, or where it has none with another or without.
is_written() {
	if [[ -n $2 ]]; then
		grep -qxF "       $1 (default: $2)" "$manual"
	else
		grep -qE "^       $1( \(default: [a-z ]*\))?$" "$manual"
	fi
}

render() {
	if command -v man >/dev/null; then
		MANPAGER=cat MANWIDTH=200 man --nh -l "$1"
	else
		mandoc -T ascii -O width=200 "$1" | col -b
	fi >"$manual" 2>/dev/null
}

is_named() {
	[[ $(head -n 1 config/ringbus.yaml) == *"=/usr/share/ringbus/${schema##*/}" ]]
}

ok "the sample says where its schema is" is_named
ok "ringbusctl prints it too" diff -q "$schema" <("$BUILD/ringbusctl" config schema)
if python3 -c 'import jsonschema, yaml' 2>/dev/null; then
	ok "schema and daemon agree" agree
else
	skip schema "python3-jsonschema or python3-yaml is missing"
fi
if [[ ! -e $BUILD/man/ringbus.yaml.5 ]]; then
	skip manual "no scdoc when this was built"
elif ! render "$BUILD/man/ringbus.yaml.5"; then
	skip manual "neither man nor mandoc"
else
	while IFS=: read -r name default; do
		ok "$name is in the manual" is_written "$name" "$default"
	done < <("$daemon" --keys | awk -F '\t' \
		'$1 != "dynamic.access" { print $2 ":" $5 }')
fi
report
