#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# checks.sh - for scripts that are suites: count checks, and report as check does
#
# Sourced. A script that calls report last exits as it should.

n_checks=0
n_failed=0

# ok WHAT COMMAND...
ok() {
	local what=$1

	shift
	n_checks=$((n_checks + 1))
	"$@" && return
	n_failed=$((n_failed + 1))
	echo "${0##*/}: $what"
}

# skip WHAT WHY
skip() {
	n_checks=$((n_checks + 1))
	echo "SKIP $1: $2"
}

report() {
	echo "$(((n_checks - n_failed) * 100 / n_checks))%: Checks: $n_checks," \
		"Failures: $n_failed, Errors: 0"
	((n_failed == 0))
}
