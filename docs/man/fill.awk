# SPDX-License-Identifier: MIT
#
# fill.awk - puts what the tables of ringbusctl say into its manual
#
# usage: awk -f fill.awk `ringbusctl help --json` ringbusctl.1.scd
#
#	@synopsis@            a line for each verb
#	@verb VERB@           the heading of its section, and how it is called
#	@options VERB@        its options, which otherwise stand at the end of its
#	                      section; without a verb those of all verbs
#	--name                and behind that line what is to be said of that one,
#	                      instead of what --help says
#	@end@
#	@rest@                sections of the verbs that have none
#
# What is said of an option that is none is an error.

function fail(text) {
	print FILENAME ":" FNR ": " text >"/dev/stderr"
	failed = 1
}

# The string at `key` of a JSON object, "" if it has none.
function string_of(object, key,   found) {
	if (!match(object, "\"" key "\":\"([^\"\\\\]|\\\\.)*\""))
		return ""
	found = substr(object, RSTART + length(key) + 4,
		RLENGTH - length(key) - 5)
	gsub(/\\n/, "\n", found)
	gsub(/\\"/, "\"", found)
	gsub(/\\\\/, "\\", found)
	return found
}

# Nothing of a text is markup.
function plain(text) {
	gsub(/[\\*_]/, "\\\\&", text)
	return text
}

# "CHANNEL [FILE]", "N[/s]", "bash|zsh": what stands for something is in
# capitals, the rest is typed as it stands.
function typed(text,   made, word) {
	while (text != "") {
		if (match(text, /^[A-Z]+/))
			word = "_" substr(text, 1, RLENGTH) "_"
		else if (match(text, /^[a-z][a-z_-]*/))
			word = "*" substr(text, 1, RLENGTH) "*"
		else if (match(text, /^./))
			word = substr(text, 1, 1)
		made = made word
		text = substr(text, RLENGTH + 1)
	}
	return made
}

function value_of(object,   n, i, words, made) {
	if (match(object, /"choices":\[[^]]*\]/)) {
		n = split(substr(object, RSTART + 11, RLENGTH - 12), words, ",")
		for (i = 1; i <= n; i++) {
			gsub(/"/, "", words[i])
			made = made (i > 1 ? "|" : "") "*" words[i] "*"
		}
		if (object ~ /"others":true/)
			made = made "|" typed(string_of(object, "value"))
		return made
	}
	return typed(string_of(object, "value"))
}

function head_of(object,   letter, value) {
	letter = string_of(object, "letter")
	value = value_of(object)
	return (letter != "" ? "*-" letter "*, " : "") \
		"*--" string_of(object, "name") "*" \
		(value != "" ? " " value : "")
}

function usage(verb,   operands) {
	operands = operands_of[verb]
	return "*ringbusctl " verb "* [_OPTION_]..." \
		(operands != "" ? " " typed(operands) : "")
}

function read_verb(line,   verb, options, object, n) {
	verb = string_of(line, "verb")
	verbs[++n_verbs] = verb
	operands_of[verb] = string_of(line, "operands")
	alias_of[verb] = string_of(line, "alias")
	text_of[verb] = string_of(line, "text")
	help_of[verb] = string_of(line, "help")
	options = substr(line, index(line, "\"options\":[") + 11)
	while (match(options, /\{("([^"\\]|\\.)*"|[^"{}])*\}/)) {
		object = substr(options, RSTART, RLENGTH)
		options = substr(options, RSTART + RLENGTH)
		option[verb, ++n] = object
		place[verb, string_of(object, "name")] = n
	}
	n_options[verb] = n + 0
}

function print_verb(verb) {
	print "## " verb "\n"
	print usage(verb) \
		(alias_of[verb] != "" ? "++\n*ringbusctl " alias_of[verb] \
			"* is the same." : "") "\n"
	has_section[verb] = 1
}

# At the end of a section: its options, if it did not have them.
function finish_section() {
	if (section != "" && !(section in has_options))
		print_options(section)
	section = ""
}

# Those of all verbs are what `version` has.
function is_common(name) {
	return ("version", name) in place
}

function print_options(verb,   all, i, object, name) {
	all = verb == ""
	if (all)
		verb = "version"
	for (i = 1; i <= n_options[verb]; i++) {
		object = option[verb, i]
		name = string_of(object, "name")
		if (!all && is_common(name))
			continue
		if (name in heads) {
			print heads[name]
			printf "%s", said[name]
		} else {
			print head_of(object)
			print "\t" toupper(substr(string_of(object, "text"), 1, 1)) \
				substr(plain(string_of(object, "text")), 2) ".\n"
		}
	}
	split("", heads)
	split("", said)
}

function read_head(line, verb,   of) {
	saying = substr(line, 3)
	of = verb == "" ? "version" : verb
	if ((of, saying) in place)
		heads[saying] = head_of(option[of, place[of, saying]])
	else
		fail("'" verb "' has no option " line)
}

function argument(line) {
	sub(/^@[a-z]+ */, "", line)
	sub(/@$/, "", line)
	return line
}

function print_rest(   i, verb) {
	for (i = 1; i <= n_verbs; i++) {
		verb = verbs[i]
		if (verb in has_section)
			continue
		print_verb(verb)
		print plain(text_of[verb]) ".\n"
		if (help_of[verb] != "")
			print plain(help_of[verb])
		print_options(verb)
	}
}

FNR == NR { read_verb($0); next }

/^@synopsis@$/ {
	for (i = 1; i <= n_verbs; i++)
		print usage(verbs[i]) (i < n_verbs ? "++" : "")
	next
}
/^@verb .*@$/ {
	if (!(argument($0) in n_options))
		fail("there is no verb '" argument($0) "'")
	finish_section()
	section = argument($0)
	print_verb(section)
	skip_blank = 1
	next
}
/^@options.*@$/ {
	verb = argument($0)
	if (verb != "" && !(verb in n_options))
		fail("there is no verb '" verb "'")
	has_options[verb] = 1
	inside = 1
	saying = ""
	next
}
/^@end@$/ {
	inside = 0
	print_options(verb)
	skip_blank = 1
	next
}
/^@rest@$/ { finish_section(); print_rest(); skip_blank = 1; next }
inside && /^--/ { read_head($0, verb); next }
inside {
	if (saying != "")
		said[saying] = said[saying] $0 "\n"
	next
}
/^##? / { finish_section() }
/^## / { has_section[substr($0, 4)] = 1 }
skip_blank && /^$/ { skip_blank = 0; next }
{ skip_blank = 0; print }
END { exit failed }
