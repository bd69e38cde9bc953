#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# test_top.sh - `ringbusctl top` as text, as JSON, and in a terminal
#
# In tmux, under flow: each line of a captured screen has to be one that the table
# can have at this width, whatever keys and sizes come, and whether the daemon is
# there or dead. Reports as check does.

set -u

# shellcheck source=tests/checks.sh
. "$(dirname "$0")/../checks.sh"

LONG=a-channel-with-a-name-so-long-that-few-screens-have-room-for-it

dir=$(mktemp -d) || exit 1
shm=$(shm_folder top) || exit 1
ctl=$(realpath "$BUILD")/ringbusctl
daemon=
jobs=()
export RINGBUS_SOCKET=$dir/s TERM=xterm

terminal() {
	tmux -S "$dir/tmux" "$@"
}

finish() {
	terminal kill-server 2>/dev/null
	((${#jobs[@]} == 0)) || kill "${jobs[@]}" 2>/dev/null
	[[ -z $daemon ]] || kill "$daemon" 2>/dev/null
	wait 2>/dev/null
	rm -rf "$dir" "$shm"
}
trap finish EXIT

cat >"$dir/ringbus.yaml" <<END
daemon:
  shm_dir: $shm/r
channels:
  orders:
    slots: 1024
    latency: true
    consumers: { journal: { on_death: keep }, replicate: {}, pool: { group: true } }
  others: { slots: 4096, producers: multi }
  $LONG: { slots: 1024, access: { tap: ["user:$EUID"] } }
END

start_daemon() {
	"$BUILD/ringbusd" -c "$dir/ringbus.yaml" -s "$RINGBUS_SOCKET" 2>>"$dir/log" &
	daemon=$!
	until_true "$ctl" ping >"$dir/ping"
}

beside() {
	"$@" >"$dir/beside" 2>&1 &
	jobs+=($!)
}

has_flow() {
	"$ctl" top -1 -i 100ms --json |
		grep -c '"slots_per_s":[1-9].*"pid":[1-9].*"slots_per_s":[1-9]' |
		grep -q '^2$'
}

ok "a daemon is there" start_daemon
seq 1 1000 >"$dir/input"
orders_flow() {
	beside "$ctl" tail orders --gate journal
	beside "$ctl" tail orders --gate replicate
	beside "$ctl" tail orders --gate pool
	beside "$ctl" tail orders --gate pool
	beside "$ctl" pub orders "$dir/input" --repeat --rate 2000
	publisher=${jobs[-1]}
}

orders_flow
beside "$ctl" tail others --gate someone
beside "$ctl" pub others "$dir/input" --repeat --rate 20
ok "two channels move" until_true has_flow

# ------------------------------------------------------------------ text and JSON

# The columns of a table end where their titles end, and each line is in one.
is_table() {
	awk -v width="$1" '
		length($0) > width { print "too long: " $0; bad = 1 }
		/^(CHANNEL|  MEMBER) / {
			n = 0
			for (i = 1; i <= length($0); i++)
				if (substr($0, i, 1) != " " &&
				    substr($0, i + 1, 1) ~ /^ ?$/ && i > 10)
					ends[++n] = i
			kind = /^CHANNEL/ ? "channel" : "member"
			seen[kind]++
			next
		}
		/^ *$/ || /^[a-z-]+: *$/ || /^ringbus: / || /^q quit  / || /^show channels / { next }
		kind == "" { print "in no table: " $0; bad = 1; next }
		kind == "channel" && !/^[A-Za-z0-9._-]+~? +[0-9.kMG-]+( |$)/ ||
		kind == "member" && !/^  [A-Za-z0-9._-]+~? +[0-9.kMG-]+( |$)/ {
			print "no row of a " kind ": " $0; bad = 1
		}
		{
			for (i = 1; i <= n; i++)
				if (substr($0, ends[i], 1) ~ /^ ?$/ ||
				    substr($0, ends[i] + 1, 1) !~ /^ ?$/) {
					print "torn at " ends[i] ": " $0
					bad = 1
				}
		}
		END { exit bad || !seen["channel"] }
	'
}

text() {
	"$ctl" top "$@" -i 100ms </dev/null
}

in_order() {
	local words
	words=$(text -1 --sort "$1" | sed -n 's/^\(orders\|others\|a-channel\).*[0-9].*/\1/p')
	[[ ${words//$'\n'/ } == "$2" ]] || { echo "$words"; return 1; }
}

is_refused() {
	"$ctl" top "$@" </dev/null >"$dir/out" 2>&1
	[[ $? == 2 ]]
}

looks_alone() {
	text --shm-dir "$shm/r" -1 | grep -q '^orders  *[1-9]'
}

is_table_as_text() {
	text -1 | is_table 200
}

text -1 >"$dir/once"
ok "text is a table" is_table_as_text
ok "with members" grep -q '^  journal .* consumer ' "$dir/once"
ok "and whole names" grep -q "^$LONG " "$dir/once"
ok "by name" in_order name 'a-channel orders others'
ok "by rate" until_true in_order rate 'orders others a-channel'
ok "so many times" test "$(text -c 3 | grep -c '^CHANNEL')" = 3
ok "one channel alone" test "$(text -1 others | grep -c '^[oa].*[0-9]')" = 1
ok "a line of JSON for each" \
	test "$("$ctl" top -1 -i 100ms --json | grep -c '^{"time":"2.*Z",.*}$')" = 3
ok "no channel of that name" test "$("$ctl" top -1 no 2>/dev/null; echo $?)" = 3
ok "no such order" is_refused --sort size
ok "no such interval" is_refused --interval 0
ok "a reader that has enough" test "$(text | head -n 1 | cut -c 1-7)" = CHANNEL

# ---------------------------------------------------------------------- latency

# under TITLE ROW: what stands there in the table on stdin
under() {
	awk -v title="$1" -v row="$2" '
		/^(CHANNEL|  MEMBER) / {
			at = index($0 " ", " " title " ")
			next
		}
		at && $1 == row {
			cell = substr($0, 1, at + length(title))
			sub(/.* /, "", cell)
			print cell
			exit
		}
	'
}

# are CELL_REGEX PAGE_COMMAND ROW...: both figures of these rows
are() {
	local cell=$1 page row
	page=$($2)
	shift 2
	for row; do
		under P50 "$row" <<<"$page" | grep -qE "^($cell)$" || return
		under P99 "$row" <<<"$page" | grep -qE "^($cell)$" || return
	done
}

TIME='[0-9.]{1,4}(ns|us|ms|s)'

once() {
	text -1
}

orders_once() {
	text -1 orders
}

stat_once() {
	"$ctl" stat -c 1 -i 100ms
}

# Of the channel, two consumers, a group, and its two workers: each whole is between
# its parts.
times_agree() {
	"$ctl" top -1 -i 100ms --json orders |
		grep -o '"p[59][09]_ns":[0-9]*' | awk -F'[:"]' '
			{ n[$2]++; t[$2, n[$2]] = $4 }
			function whole(p, i, from, to,    j, over, below) {
				for (j = from; j <= to; j++) {
					over += t[p, i] <= t[p, j]
					below += t[p, i] >= t[p, j]
				}
				return over && below
			}
			END {
				for (p in n)
					if (n[p] != 6 || !whole(p, 1, 2, 6) ||
					    !whole(p, 4, 5, 6))
						exit 1
				exit !("p50_ns" in n) || t["p50_ns", 1] > t["p99_ns", 1]
			}
		'
}

stat_has_times() {
	"$ctl" stat -c 1 -i 100ms --json orders |
		grep -q '"p50_ns":[1-9][0-9]*,"p99_ns":[1-9]'
}

ok "times where they are measured" until_true are "$TIME" once orders journal replicate pool
ok "none elsewhere" are - once others "$LONG" ringbusctl someone
ok "stat has them, too" until_true are "$TIME" stat_once orders
ok "and not of others" are - stat_once others "$LONG"
ok "in JSON they agree" until_true times_agree
ok "in that of stat, too" until_true stat_has_times
ok "and nothing of others" test "$("$ctl" top -1 -i 100ms --json others |
	grep '"channel":"others"' | grep -vc p50_ns)" = 1

# ----------------------------------------------------------------- another user

as_other() {
	setpriv --reuid 65534 --regid 65534 --clear-groups "$@" </dev/null
}

denied() {
	as_other "$ctl" top -1 -i 100ms "$@"
}

denied_for_a_reason() {
	denied --json | grep "\"channel\":\"$LONG\"" | grep -q '"error":"..*"}$'
}

denied_table() {
	denied | is_table 200
}

if ((EUID != 0)) || ! as_other test -x "$ctl" 2>/dev/null; then
	skip "another user" "root and setpriv are missing"
else
	chmod 711 "$dir"
	chmod 666 "$RINGBUS_SOCKET"
	denied >"$dir/denied"
	ok "what may not be looked at is told" test "$(under STATE "$LONG" <"$dir/denied")" = denied
	ok "without figures" test "$(under RATE/S "$LONG" <"$dir/denied")" = -
	ok "what may is shown" test "$(under STATE orders <"$dir/denied")" = open
	ok "all in a table" denied_table
	ok "with a reason in JSON" denied_for_a_reason
	ok "alone it is refused" test "$(denied "$LONG" >"$dir/out" 2>&1; echo $?)" = 4
fi

# ------------------------------------------------------------------- a terminal

give_up() {
	skip "a terminal" "$1"
	report
	exit
}
command -v tmux >/dev/null || give_up "tmux is missing"
ldd "$ctl" | grep -q ncurses || give_up "built without ncurses"

screen() {
	terminal capture-pane -p -J -t top
}

shows() {
	screen | grep -q -- "$1"
}

shows_not() {
	[[ -n $(screen) ]] && ! shows "$1"
}

# A screen may be captured half sent: it is torn if it stays so.
is_whole() {
	local i

	for i in {1..20}; do
		screen | is_table "$1" >"$dir/torn" && return
		sleep 0.02
	done
	cat "$dir/torn"
	return 1
}

# All of several, as rates change.
stay_whole() {
	local i

	for i in {1..8}; do
		is_whole "$1" || return
		sleep 0.05
	done
}

keys() {
	terminal send-keys -t top "$@"
}

size() {
	terminal resize-window -t top -x "$1" -y "$2"
}

cursor_column() {
	screen | sed -n '/^CHANNEL/,/^ *$/p' | grep -c CURSOR
}

fills() {
	[[ $(screen | sed -n "$1p") == 'q quit'* ]]
}

terminal -f /dev/null new-session -d -s top -x 80 -y 24 \
	"$ctl top -i 100ms 2>$dir/err; echo ended \$? >$dir/ended; sleep 60"
ok "80x24 has the flow" until_true shows '^orders  *[1-9]'
ok "80x24 is whole" stay_whole 80
ok "the last line is the help" fills 24
ok "a long name is cut" shows '^a-chan.*~ '
ok "80x24 has times of a channel" until_true are "$TIME" screen orders
ok "and none of others" are - screen others
keys j
ok "members of the next one" until_true shows '^  journal  *[1-9].* consumer '
ok "with times" until_true are "$TIME" screen journal replicate
ok "and no others" shows_not '^  someone'
keys Down
ok "and of the one behind it" until_true shows '^  someone'
keys s
ok "by rate" until_true shows '^ringbus: 3 of 3 channels, by rate'
keys r
ok "backwards" until_true shows 'by rate, backwards'
ok "is whole still" stay_whole 80
keys / o t h
ok "a filter" until_true shows '^ringbus: 1 of 3 channels'
keys q
ok "letters are the filter's" until_true shows '^show channels with: othq_'
keys BSpace Enter
ok "is done" until_true shows '^q quit'
ok "filters others" shows_not '^orders'
keys / Escape
ok "and is dropped" until_true shows '^ringbus: 3 of 3'
keys p
ok "pauses" until_true shows PAUSED
keys p
ok "goes on" until_true shows_not PAUSED

size 200 50
ok "200x50 has all columns" until_true shows '^CHANNEL.*CURSOR *$'
ok "and whole names" until_true shows "^$LONG "
ok "200x50 fills the screen" until_true fills 50
ok "200x50 is whole" stay_whole 200
ok "200x50 has times" until_true are "$TIME" screen orders
for i in {1..6}; do
	size $((30 + 30 * i)) $((6 + 4 * i))
	ok "$((30 + 30 * i)) columns are whole" is_whole $((30 + 30 * i))
done
size 20 5
ok "a small one is whole" is_whole 20
size 80 24

kill -KILL "$daemon"
wait "$daemon" 2>/dev/null
ok "tells that the daemon is dead" until_true shows 'no daemon'
ok "and goes on" until_true shows '^orders  *[1-9]'
ok "and is whole" stay_whole 80
ok "so does one that comes then" until_true looks_alone
ok "the next daemon" start_daemon
ok "is found" until_true shows_not 'no daemon'
ok "under flow" until_true shows '^orders  *[1-9]'
ok "that is timed" until_true are "$TIME" screen orders
kill "$publisher"
ok "no times when nothing goes by" until_true are - screen orders
ok "nor for one that comes then" until_true are - orders_once orders journal replicate pool
keys q
ok "ends" until_true grep -q 'ended 0' "$dir/ended"
ok "said nothing else" test ! -s "$dir/err"

# Stopped, and made anew: other memory under the same name.
last_is() {
	tail -n 30 "$dir/beside-$1" | grep '^orders  *[0-9]' | tail -n 1 | grep -q "$2"
}

for what in orders ''; do
	"$ctl" top -b -i 100ms $what </dev/null >"$dir/beside-$what" 2>&1 &
	jobs+=($!)
	ok "'$what' is open" until_true last_is "$what" open
done
kill -TERM "$daemon"
wait "$daemon" 2>/dev/null
ok "one that is stopped has ended" until_true last_is orders ended
ok "so have all" until_true last_is '' ended
ok "a new one" start_daemon
ok "has a new channel" until_true last_is orders open
ok "and new ones" until_true last_is '' open

# ---------------------------------------------------------------------- damaged

# By a member that truncates what everyone, and top with its histograms, has mapped.
orders_flow
terminal kill-server
rm -f "$dir/ended"
terminal -f /dev/null new-session -d -s top -x 80 -y 24 \
	"$ctl top -i 100ms 2>$dir/err; echo ended \$? >$dir/ended; sleep 60"
ok "has times again" until_true are "$TIME" screen orders
truncate -s 0 "$shm/r/orders/gates"
for what in orders ''; do
	ok "'$what' is damaged" until_true last_is "$what" damaged
done
ok "on the screen, too" until_true shows '^orders .* damaged'
ok "which is whole" stay_whole 80
ok "and has the others" shows '^others .* open'
ok "one that comes then tells it" test "$(text -1 | under STATE orders)" = damaged
ok "it is asked for alone" test "$(text -1 orders >"$dir/out" 2>&1; echo $?)" = 1
keys q
ok "ends as ever" until_true grep -q 'ended 0' "$dir/ended"
ok "and said nothing" test ! -s "$dir/err"

report
