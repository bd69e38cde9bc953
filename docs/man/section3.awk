# SPDX-License-Identifier: MIT
#
# section3.awk - the pages of section 3 from ringbus.h
#
# usage: awk -f section3.awk -v out=FOLDER -v date=DATE ringbus.h
#
# Without a folder it prints the names of the pages.
#
# A part of the header, `/*** Taps ***/`, is a page: what it declares, each thing
# behind the comment that is in front of it. Each function has a page of its own that
# is a link to that one (.so).

function put(text) {
	page = page text "\n"
}

# A line of text: no request of troff's, no escape.
function safe(text) {
	gsub(/\\/, "\\e", text)
	gsub(/-/, "\\-", text)
	if (text ~ /^[.']/)
		text = "\\&" text
	return text
}

function slug(title) {
	title = tolower(title)
	sub(/^(the event |the |looking at a |what is )/, "", title)
	gsub(/[^a-z0-9]+/, "_", title)
	if (title != "metrics" && title != "basics")
		sub(/s$/, "", title)
	return "ringbus_" title
}

function finish(   i, list, name, file) {
	if (title == "" || n_names == 0)
		return
	name = slug(title)
	if (!out) {
		print name
		for (i = 1; i <= n_names; i++)
			print names[i]
		return
	}
	sub(/^\.PP\n/, "", page)
	list = names[1]
	for (i = 2; i <= n_names; i++)
		list = list ", " names[i]
	file = out "/" name ".3"
	printf ".TH %s 3 %s ringbus \"Library of ringbus\"\n", name, date >file
	print ".SH NAME" >file
	print name ", " list " \\- ringbus: " tolower(title) >file
	print ".SH SYNOPSIS\n.nf\n.B #include <ringbus.h>\n.B cc ... \\-lringbus\n.fi" >file
	print ".SH DESCRIPTION" >file
	printf "%s", page >file
	print ".SH SEE ALSO\n.BR libringbus (3),\n.BR ringbus (7)" >file
	close(file)
	for (i = 1; i <= n_names; i++) {
		print ".so man3/" name ".3" >(out "/" names[i] ".3")
		close(out "/" names[i] ".3")
	}
}

# What was declared, in its own lines.
function declare(   i, flat, id) {
	flat = code
	gsub(/\n/, " ", flat)
	if (flat ~ /^[ \t]*$/) {
		code = ""
		return
	}
	if (flat ~ /RINGBUS_API/) {
		id = flat
		sub(/^.*RINGBUS_API/, "", id)
		match(id, /ringbus_[a-z0-9_]*\(/)
		if (RSTART > 0)
			names[++n_names] = substr(id, RSTART, RLENGTH - 1)
		gsub(/RINGBUS_API /, "", code)
	}
	put(".PP\n.nf\n.ft B")
	page = page code
	put(".ft R\n.fi")
	if (text != "")
		put(".RS 4\n" text ".RE")
	text = code = ""
}

BEGIN { title = "Basics" }

/^extern "C"/ || /^}$/ { next }

/^\/\*\*\* / {
	declare()
	finish()
	title = $0
	gsub(/^\/\*\*\* | \**\/$/, "", title)
	page = text = code = ""
	n_names = depth = 0
	next
}

# Not what the preprocessor takes, which may go on in the next line.
/^#/ || in_directive {
	in_directive = /\\$/
	next
}

# A comment between declarations.
depth == 0 && code == "" && /^\/\*/ {
	if (text != "") {
		put(".PP\n" text)
		text = ""
	}
	in_comment = 1
	sub(/^\/\*+ ?/, "")
}

in_comment {
	ends = /\*\//
	sub(/ *\*\/.*$/, "")
	sub(/^ \* ?/, "")
	sub(/^[ \t]+/, "")
	if ($0 == "" && !ends)
		text = text (text == "" ? "" : ".PP\n")
	else if ($0 != "" && !/SPDX/)
		text = text (/^-E/ && text != "" && text !~ /PP\n$/ ? ".br\n" : "") safe($0) "\n"
	if (ends)
		in_comment = 0
	next
}

# Code: as long as a bracket is open, or no semicolon has come.
{
	if ($0 == "" && depth == 0) {
		declare()
		next
	}
	depth += gsub(/[{(]/, "&") - gsub(/[})]/, "&")
	gsub(/\t/, "        ")
	code = code safe($0) "\n"
	if (depth == 0 && /;[^;]*$/)
		declare()
}

END { declare(); finish() }
