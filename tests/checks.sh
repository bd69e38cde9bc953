#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# checks.sh - for scripts that are suites: count checks, and report as check does
#
# Sourced. A script that calls report last exits as it should.

PATIENCE=30 # seconds for one thing to happen

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

# shm_folder NAME: a new one for channels; what is left of it goes with the run
shm_folder() {
	mktemp -d "${T_SHM_DIR:-/dev/shm}/$1.XXXXXX"
}

# until_true COMMAND...
until_true() {
	local end=$((SECONDS + PATIENCE))

	until "$@" 2>/dev/null; do
		((SECONDS < end)) || return
		sleep 0.05
	done
}

# give_up WHY: the whole suite cannot run here
give_up() {
	skip "$(basename "$0" .sh)" "$1"
	report
	exit
}

report() {
	echo "$(((n_checks - n_failed) * 100 / n_checks))%: Checks: $n_checks," \
		"Failures: $n_failed, Errors: 0"
	((n_failed == 0))
}
