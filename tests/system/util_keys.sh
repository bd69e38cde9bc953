#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# util_keys.sh - certificates, nkeys and credentials of a nats-server, by openssl
#
# Sourced. All of it goes to the working directory.
#
#	make_ca NAME                     NAME.crt, NAME.key
#	make_certificate CA NAME USE SAN...   NAME.crt, NAME.key, by that CA, for
#	                                 serverAuth or clientAuth
#	make_nkey KIND NAME              NAME.pem, NAME.seed, NAME.nkey: operator,
#	                                 account or user
#	make_jwt BY NAME CLAIMS          NAME.jwt of what NAME.nkey is, signed by BY.pem
#	make_credentials NAME            NAME.creds of NAME.jwt and NAME.seed
#
# An nkey is an Ed25519 key in base32, with letters in front that say what it is and
# a CRC behind; a JWT here is signed by one.

make_ca() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-days 30 -subj "/CN=$1" -keyout "$1.key" -out "$1.crt" 2>/dev/null
}

make_certificate() {
	local ca=$1 name=$2 use=$3
	shift 3

	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-subj "/CN=$name" -keyout "$name.key" -out "$name.csr" 2>/dev/null &&
		printf 'extendedKeyUsage=%s\nsubjectAltName=%s\n' "$use" "$*" >"$name.ext" &&
		openssl x509 -req -in "$name.csr" -CA "$ca.crt" -CAkey "$ca.key" \
			-CAcreateserial -days 30 -extfile "$name.ext" \
			-out "$name.crt" 2>/dev/null
}

# bytes NUMBER...: as they are
bytes() {
	local byte

	for byte; do
		# shellcheck disable=SC2059
		printf "\\x$(printf %02x "$byte")"
	done
}

# Of stdin, low byte first: the CRC-16 of XMODEM.
crc16() {
	local byte i crc=0

	for byte in $(od -An -v -tu1); do
		((crc ^= byte << 8))
		for ((i = 0; i < 8; i++)); do
			((crc = crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1))
		done
		((crc &= 0xffff))
	done
	bytes $((crc & 255)) $((crc >> 8))
}

# encode FILE: with the CRC behind
encode() {
	{ cat "$1"; crc16 <"$1"; } | base32 -w0 | tr -d =
}

make_nkey() {
	local name=$2 kind

	case $1 in
	operator) kind=$((14 << 3)) ;;
	account) kind=0 ;;
	user) kind=$((20 << 3)) ;;
	esac
	openssl genpkey -algorithm ed25519 -out "$name.pem" &&
		{ bytes $((18 << 3 | kind >> 5)) $(((kind & 31) << 3)) &&
			openssl pkey -in "$name.pem" -outform DER | tail -c 32; } >"$name.raw" &&
		encode "$name.raw" >"$name.seed" &&
		{ bytes "$kind" &&
			openssl pkey -in "$name.pem" -pubout -outform DER | tail -c 32; } >"$name.raw" &&
		encode "$name.raw" >"$name.nkey"
}

base64url() {
	base64 -w0 | tr '+/' '-_' | tr -d =
}

make_jwt() {
	local by=$1 name=$2 claims=$3 signed

	signed=$(printf '{"typ":"JWT","alg":"ed25519-nkey"}' | base64url).$(
		printf '{"jti":"%s","iat":%d,"iss":"%s","name":"%s","sub":"%s","nats":%s}' \
			"$name" "$(date +%s)" "$(cat "$by.nkey")" "$name" \
			"$(cat "$name.nkey")" "$claims" | base64url)
	printf %s "$signed" >"$name.signed"
	printf '%s.%s' "$signed" "$(openssl pkeyutl -sign -inkey "$by.pem" -rawin \
		-in "$name.signed" | base64url)" >"$name.jwt"
}

make_credentials() {
	printf -- '-----BEGIN NATS USER JWT-----\n%s\n------END NATS USER JWT------\n\n%s\n%s\n%s\n' \
		"$(cat "$1.jwt")" '-----BEGIN USER NKEY SEED-----' "$(cat "$1.seed")" \
		'------END USER NKEY SEED------' >"$1.creds"
	chmod 0600 "$1.creds"
}
