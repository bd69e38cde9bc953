#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# check_section3.sh - the manual of the library: each exported function has a page that
# says how it is called, and mandoc has nothing to say about it
#
# Reports as check does.

set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/checks.sh
. tests/checks.sh

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

functions() {
	sed -n 's/^\t\(ringbus_[a-z_0-9]*\);/\1/p' client/ringbus.map
}

makes_pages() {
	awk -f docs/man/section3.awk -v out="$work" -v date=2000-01-01 client/ringbus.h
}

# What it prints is what make installs.
names_pages() {
	diff <(awk -f docs/man/section3.awk client/ringbus.h | sort) \
		<(find "$work" -name '*.3' -printf '%f\n' | sed 's/\.3$//' | sort)
}

has_page() {
	local page=$work/$1.3 link target

	[[ -e $page ]] || return 1
	read -r link target <"$page"
	[[ $link != .so ]] || page=$work/${target#man3/}
	grep -q "^ringbus_.*\\b$1\\b.* \\\\- " "$page" && grep -q "\\b$1(" "$page"
}

all_have_pages() {
	local f missing=0 n=0

	for f in $(functions); do
		n=$((n + 1))
		has_page "$f" || { echo "no page of $f"; missing=1; }
	done
	((missing == 0 && n > 50))
}

mandoc_is_content() {
	grep -LZ '^\.so' "$work"/*.3 | xargs -0 -n 1 mandoc -T lint -W warning
}

ok 'the pages cannot be made' makes_pages
ok 'the names of the pages are others' names_pages
ok 'a function has no page' all_have_pages
if command -v mandoc >/dev/null; then
	ok 'mandoc complains' mandoc_is_content
else
	skip mandoc_is_content 'no mandoc'
fi
report
