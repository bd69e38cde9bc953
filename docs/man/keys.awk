# SPDX-License-Identifier: MIT
#
# keys.awk - puts what the table of keys says into the manual of the configuration
#
# usage: awk -f keys.awk `ringbusd --keys` ringbus.yaml.5.scd
#
#	@key SECTION NAME@           the head of a key, its type, range, default, what
#	                             it is, and what a change of it takes; prose may
#	                             follow, indented
#	@key SECTION NAME = WORDS@   the same with a default that is none of the table
#
# A key that has no such line is an error, and so is a line without a key. Those of
# `dynamic.access` are described as those of `access`.

BEGIN { FS = "\t" }

function fail(text) {
	print FILENAME ":" FNR ": " text >"/dev/stderr"
	failed = 1
}

# Nothing of a text is markup.
function plain(text) {
	gsub(/[\\*_]/, "\\\\&", text)
	return text
}

function strong(words,   n, i, each, made) {
	n = split(words, each, ", ")
	for (i = 1; i <= n; i++)
		made = made (i > 1 ? ", " : "") "*" plain(each[i]) "*"
	return made
}

function kind_of(key) {
	if (type[key] == "mapping")
		return "A mapping"
	if (type[key] == "word")
		return strong(range[key])
	return "_" type[key] "_" (range[key] != "" ? ", " range[key] : "")
}

function print_key(key, words) {
	if (words == "")
		words = fallback[key]
	print "*" plain(name[key]) "*" \
		(words != "" ? " (default: " plain(words) ")" : "")
	print "\t" kind_of(key) ": " plain(text[key]) "." \
		(type[key] != "mapping" ? " Change: _" change[key] "_." : "")
}

FNR == NR {
	key = $1 " " $2
	name[key] = $2
	type[key] = $3
	range[key] = $4
	fallback[key] = $5
	change[key] = $6
	text[key] = $7
	next
}

/^@key .*@$/ {
	line = substr($0, 6, length($0) - 6)
	at = index(line, " = ")
	key = at > 0 ? substr(line, 1, at - 1) : line
	if (!(key in name))
		fail("there is no key '" key "'")
	else if (key in seen)
		fail("a second '" key "'")
	print_key(key, at > 0 ? substr(line, at + 3) : "")
	seen[key] = 1
	after_key = 1
	next
}
after_key && /^\t/ { print "" }
{ after_key = 0; print }

END {
	for (key in name)
		if (!(key in seen) && key !~ /^dynamic\.access /)
			fail("nothing is said of the key '" key "'")
	exit failed
}
