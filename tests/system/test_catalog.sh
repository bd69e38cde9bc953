#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# test_catalog.sh - the journal's catalog has each event of the daemon, and nothing
# else, in a form that journalctl takes
#
# Reports as check does.

set -u
cd "$(dirname "$0")/../.." || exit 2

# shellcheck source=tests/checks.sh
. tests/checks.sh

dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

grep -oE '"[0-9a-f]{32}"' daemon/events.h | tr -d '"' | sort >"$dir/events"
sed -n 's/^-- //p' systemd/ringbus.catalog | sort >"$dir/catalog"

each_event_is_explained() {
	[[ -s $dir/events ]] && diff "$dir/events" "$dir/catalog"
}

no_id_comes_twice() {
	[[ -z $(uniq -d "$dir/events") ]]
}

each_says_what_to_do() {
	# A subject, and a text behind the empty line.
	awk '/^-- / { if (n && (!subject || !text)) bad = 1
			n++; subject = text = body = 0; next }
		/^Subject: ./ { subject = 1 }
		/^$/ { body = 1 }
		body && /./ { text = 1 }
		END { exit bad || !subject || !text || n == 0 }' \
		systemd/ringbus.catalog
}

journalctl_takes_it() {
	local root=$dir/root

	mkdir -p "$root/usr/lib/systemd/catalog" "$root/var/lib/systemd/catalog" &&
	cp systemd/ringbus.catalog "$root/usr/lib/systemd/catalog/" &&
	journalctl --root="$root" --update-catalog &&
	journalctl --root="$root" --list-catalog |
		grep -oE '^[0-9a-f]{32}' | sort | diff "$dir/events" -
}

ok each_event_is_explained each_event_is_explained
ok no_id_comes_twice no_id_comes_twice
ok each_says_what_to_do each_says_what_to_do
if command -v journalctl >/dev/null; then
	ok journalctl_takes_it journalctl_takes_it
else
	skip journalctl_takes_it "there is no journalctl"
fi
report
