#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# check_model.sh - the models with small bounds, for the runner of the tests
#
# Each search of tests/model/cases is a check, and so is that no line of a model is
# left out by all of them. Names or patterns of searches pick. Reports as check
# does.

set -u

log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
"${0%/*}/run" "$@" >"$log" 2>&1
status=$?
grep '^SKIP ' "$log" || cat "$log"
if grep -q '^no case matches' "$log"; then
	exit 77
elif ((status == 77)); then
	echo '100%: Checks: 1, Failures: 0, Errors: 0'
	exit 0
fi

n_checks=$(grep -cE '^[A-Za-z:]+ .* states ' "$log")
n_failed=$(grep -c '^BAD' "$log")
n_checks=$((n_checks + $(grep -cE '^BAD:(build|unreached) ' "$log") + 1))
echo "$(((n_checks - n_failed) * 100 / n_checks))%: Checks: $n_checks," \
	"Failures: $n_failed, Errors: 0"
exit "$status"
