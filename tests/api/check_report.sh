#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# check_report.sh - the report of a bench: its table of aims, and its plots as a
# browser draws them
#
# From a recorded run, so that nothing is measured. That the look at the picture
# sees what is missing is shown by pages in which something is. Reports as check
# does.

set -u

# shellcheck source=tests/checks.sh
. "$(dirname "$0")/../checks.sh"

here=$(dirname "$0")
results=$here/report.jsonl
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

aims_are_measured() {
	diff -u "$here/report.txt" <(bench/report.py "$results")
}

# Nothing of the suite, one contest of it, a line that was cut off.
takes_parts() {
	: >"$dir/none"
	bench/report.py "$dir/none" | head -n 1 |
		grep -qE '^aims: 0 met, 0 not met, [0-9]+ not measured$' || return
	{ grep '"contest":"ping-pong"' "$results"; head -c 99 "$results"; } \
		>"$dir/part"
	bench/report.py "$dir/part" >"$dir/out" 2>"$dir/complaint" &&
		grep -q '^aims: 4 met, 0 not met' "$dir/out" &&
		grep -q '/part:5: the line is no JSON' "$dir/complaint"
}

makes_pages() {
	bench/report.py -o "$dir/page.html" "$results" >/dev/null &&
		bench/report.py -o "$dir/part.html" "$dir/part" >/dev/null 2>&1 &&
		bench/report.py -o "$dir/none.html" "$dir/none" >/dev/null
}

# A namespace is a name, not an address.
loads_nothing() {
	! sed 's/ xmlns[:a-z]*="[^"]*"//g' "$dir/page.html" |
		grep -nE 'https?:|(src|href)="[^#]|url\([^#]|@import|<script'
}

look() {
	"$here/report_drawn.py" "$chromium" "$1" "$results"
}

# Every one of them, so that no series passes by what something else drew.
sees_hidden_series() {
	sed 's|</head>|<style>[data-series] { opacity: 0 }</style>&|' \
		"$dir/page.html" >"$dir/hidden.html"
	look "$dir/hidden.html" >"$dir/out" && return 1
	((n_series = $(grep -c ': not drawn: 0 ' "$dir/out")))
	((n_series > 30)) && grep -qx \
		"$n_series series, $n_series of them not drawn" "$dir/out"
}

sees_missing_series() {
	sed 's|data-series="ping-pong/floor-line"||' "$dir/page.html" \
		>"$dir/missing.html"
	look "$dir/missing.html" >"$dir/out" && return 1
	grep -qx 'curves of ping-pong: .*/floor-line: not in the page' \
		"$dir/out" && [[ $(wc -l <"$dir/out") -eq 2 ]]
}

check_pictures() {
	ok 'a browser does not draw all series' look "$dir/page.html"
	ok 'series that are hidden were not missed' sees_hidden_series
	ok 'a series that is missing was not missed' sees_missing_series
}

check_pages() {
	ok 'no page was made' makes_pages
	ok 'the page is not all in itself' loads_nothing
	if [[ -n $chromium ]]; then
		check_pictures
	else
		skip report_is_drawn 'no chromium'
	fi
}

# Debian's own, which sees Debian's packages.
python=/usr/bin/python3
chromium=$(command -v chromium || command -v chromium-browser ||
	command -v google-chrome)
if [[ ! -x $python ]]; then
	skip report "no $python"
else
	ok 'the table of aims is not that of report.txt' aims_are_measured
	ok 'a part of a run gives no table' takes_parts
	if $python -c 'import matplotlib' 2>/dev/null; then
		check_pages
	else
		skip report_is_drawn 'no python3-matplotlib'
	fi
fi

report
