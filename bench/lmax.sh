#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# lmax.sh - the LMAX Disruptor's own performance tests, to lay beside ours
#
# usage: bench/lmax.sh DISRUPTOR_CHECKOUT [OUT.jsonl]
#
# Compiles those of its tests that have the shape of a contest of ours out of a
# clone of https://github.com/LMAX-Exchange/disruptor, in which nothing is
# written, runs them, and prints a table. Lines for bench/report.py are added to
# OUT.jsonl, else to build/release/bench/lmax.jsonl. B=name picks the tests with
# that in their name.

set -euo pipefail
# How numbers look, in their output and in ours.
export LC_ALL=C

# Their test, the contest of ours that has its shape, their wait strategy.
TESTS='
OneToOneSequencedThroughputTest unicast-8 Yielding
OneToOneSequencedBatchThroughputTest unicast-8-batch Yielding
ThreeToOneSequencedThroughputTest three-to-one BusySpin
ThreeToOneSequencedBatchThroughputTest three-to-one-batch BusySpin
OneToThreeSequencedThroughputTest one-to-three Yielding
OneToThreePipelineSequencedThroughputTest pipeline Yielding
OneToThreeDiamondSequencedThroughputTest diamond Yielding
PingPongSequencedLatencyTest ping-pong-blocking Blocking
'
LATENCY=PingPongSequencedLatencyTest
SEQUENCED=com/lmax/disruptor/sequenced
HISTOGRAM=/usr/share/java/hdrhistogram.jar

die() {
	echo "lmax.sh: $*" >&2
	exit 1
}

compile() {
	local perf=$disruptor/src/perftest/java latency=$dir/$LATENCY.java

	[[ -d $perf/$SEQUENCED ]] ||
		die "$disruptor: not a clone of the LMAX Disruptor"
	# With module-info.java it would be a module, and not see the histogram.
	find "$disruptor/src/main/java" "$perf/$SEQUENCED" -name '*.java' \
		-not -name module-info.java -not -name "$LATENCY.java" \
		>"$dir/sources"
	# The only change: a trip is one time. To the test it is one for each
	# microsecond in it, and its median so about half of a trip.
	sed 's/recordValueWithExpectedInterval(\(.*\), .*)/recordValue(\1)/' \
		"$perf/$SEQUENCED/$LATENCY.java" >"$latency"
	# Some of the tests use a class of the unit tests.
	javac -nowarn -encoding UTF-8 -d "$dir" -cp "$HISTOGRAM" \
		-sourcepath "$perf:$disruptor/src/test/java" \
		"@$dir/sources" "$latency" 2>"$dir/log" ||
		die "javac: $(<"$dir/log")"
}

# Reads what a test printed, prints its row and adds its line to `out`.
# A test of throughput makes seven passes, and in the first two its code is
# still being compiled. That of latency prints a table for each of three passes,
# in microseconds, of percentiles whose distance to 100 is halved each time.
# shellcheck disable=SC2016
summary='
BEGIN {
	n_wanted = split("0 50 75 90 95 99 99.5 99.9 99.95 99.99 100", wanted)
}
function rank(a, n,  i, j, x) {
	for (i = 2; i <= n; i++) {
		x = a[i]
		for (j = i - 1; j > 0 && a[j] > x; j--)
			a[j + 1] = a[j]
		a[j + 1] = x
	}
	return a[int((n + 1) / 2)]
}
function ns(us) {
	return int(us * 1000 + 0.5)
}
function list(a, n,  i, s) {
	for (i = 1; i <= n; i++)
		s = s (i > 1 ? "," : "") a[i]
	return "[" s "]"
}
function record(kind, unit, better, figures, a,  median) {
	median = rank(a, n)
	printf "%-41s %-18s %8.1f %8.1f %8.1f %s\n",
		test, contest, a[1], median, a[n], unit
	printf "{\"kind\":\"%s\",\"contest\":\"%s\",\"id\":\"%s/lmax\"," \
		"\"name\":\"LMAX Disruptor, threads, %s\"," \
		"\"what\":\"peer\",\"unit\":\"%s\",\"better\":\"%s\",%s," \
		"\"min\":%s,\"median\":%s,\"max\":%s}\n",
		kind, contest, contest, wait, unit, better, figures, a[1],
		median, a[n] >>out
}
/^Run [2-9], / {
	gsub(/.*Disruptor=|,| ops.*/, "")
	runs[++n] = $0 / 1e6
}
$2 ~ /^[01]\.[0-9]+$/ {
	percent = $2 * 100
	if (percent == 0) {
		n++
		i = 1
	}
	for (; i <= n_wanted && wanted[i] <= percent; i++)
		at[wanted[i], n] = ns(wanted[i] == percent ? $1 : below + \
			($1 - below) * (wanted[i] - below_percent) / \
			(percent - below_percent))
	below = $1
	below_percent = percent
}
function pick(percent, ret,  i) {
	for (i = 1; i <= n; i++)
		ret[i] = at[percent, i]
}
function latency(  i, figures, curve, p50, p99, passes) {
	for (i = 1; i <= n_wanted; i++) {
		pick(wanted[i], passes)
		curve = curve (i > 1 ? "," : "") \
			"[" wanted[i] "," rank(passes, n) "]"
	}
	pick(50, p50)
	pick(99, p99)
	figures = "\"corrected\":false,\"p50_runs\":" list(p50, n) \
		",\"p99_runs\":" list(p99, n) ",\"percentiles\":[" curve "]"
	record("latency", "ns", "less", figures, p50)
}
END {
	if (n == 0)
		exit 1
	if (below)
		latency()
	else
		record("figure", "M/s", "more", "\"runs\":" list(runs, n), runs)
}'

(($# == 1 || $# == 2)) || die "usage: lmax.sh DISRUPTOR_CHECKOUT [OUT.jsonl]"
disruptor=$1
out=${2:-$(dirname "$0")/../build/release/bench/lmax.jsonl}
if ! type java javac >/dev/null 2>&1 || [[ ! -r $HISTOGRAM ]]; then
	die "needs java and HdrHistogram:" \
		"apt-get install openjdk-17-jdk-headless libhdrhistogram-java"
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
compile
mkdir -p "$(dirname "$out")"
printf '%-41s %-18s %8s %8s %8s\n' 'their test' 'our contest' min median max
while read -r test contest wait; do
	[[ -n $test && $test == *"${B:-}"* ]] || continue
	java -cp "$dir:$HISTOGRAM" "${SEQUENCED//\//.}.$test" \
		>"$dir/log" 2>&1 </dev/null || die "$test: $(<"$dir/log")"
	awk -v test="$test" -v contest="$contest" -v out="$out" \
		-v wait="${wait}WaitStrategy" -v CONVFMT=%.10g "$summary" \
		"$dir/log" ||
		die "$test: no figure in: $(<"$dir/log")"
done <<<"$TESTS"
