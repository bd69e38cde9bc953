/* SPDX-License-Identifier: MIT */
/*
 * test_config_yaml.c - the part of YAML that is refused, and how problems read
 */
#include <stdio.h>

#include "shm/base.h"
#include "tests/unit/config_expect.h"

/* ------------------------------------------------------------ refused YAML */

REFUSES(alias, "x-a: 1\nx-b: *a\n", "test:2:6: aliases are not accepted\n")
REFUSES(anchor_of_a_value, "x-a: &a 1\n",
	"test:1:6: anchors are not accepted\n")
REFUSES(anchor_of_a_mapping, "x-a: &a { b: 1 }\n",
	"test:1:6: anchors are not accepted\n")
REFUSES(anchor_of_a_list, "x-a: &a [1]\n",
	"test:1:6: anchors are not accepted\n")
REFUSES(tag_of_a_value, CHANNEL("slots: !!int 64"),
	"test:3:12: tags are not accepted\n")
REFUSES(tag_of_a_mapping, "daemon: !x {}\n",
	"test:1:9: tags are not accepted\n")
REFUSES(tag_of_a_list, "x-a: !!set [1]\n", "test:1:6: tags are not accepted\n")
REFUSES(merge_key, CHANNEL("<<: { slots: 64 }"),
	"test:3:5: merge keys are not accepted\n")
REFUSES(second_document, "daemon:\n---\ndaemon:\n",
	"test:2:1: a second document in one file\n")
REFUSES(repeated_key, "daemon:\n  drain: 1s\n  max_clients: 3\n  drain: 2s\n",
	"test:4:3: key 'drain' is given twice, first on line 2\n")
REFUSES(repeated_key_in_quotes, "daemon: { drain: 1s, 'drain': 2s }\n",
	"test:1:22: key 'drain' is given twice, first on line 1\n")
REFUSES(repeated_section, "daemon:\nchannels:\ndaemon:\n",
	"test:3:1: key 'daemon' is given twice, first on line 1\n")
REFUSES(repeated_channel, "channels:\n  a:\n  b:\n  a: { slots: 2 }\n",
	"test:4:3: key 'a' is given twice, first on line 2\n")
REFUSES(repeated_consumer, CHANNEL("consumers: { a: , a: }"),
	"test:3:23: key 'a' is given twice, first on line 3\n")
REFUSES(list_as_a_key, "daemon:\n  ? [a, b]\n  : 1\n",
	"test:2:5: a key must be a single word, not a list\n")
REFUSES(mapping_as_a_key, "? { a: b }\n: 1\n",
	"test:1:3: a key must be a single word, not a mapping\n")
REFUSES(nul_by_escape, "daemon:\n  socket: \"/a\\0b\"\n",
	"test:2:11: a NUL byte is not text\n")
REFUSES(broken_yaml, "daemon: [1\n",
	"test:2:1: not valid YAML: did not find expected ',' or ']' (while "
	"parsing a flow sequence, line 1)\n")
REFUSES(broken_utf8, "daemon:\n  socket: /\xff\n",
	"test:2:12: not valid UTF-8 text: ")
REFUSES(control_character, "daemon:\n  socket: /\x1b[31m\n",
	"test:2:12: not valid UTF-8 text: control characters are not allowed\n")

TEST(refused_yaml_gets_hints)
{
	hints("x-b: *a\n", "channels share keys by 'defaults:'");
	hints(CHANNEL("<<: 3"), "channels share keys by 'defaults:'");
	hints("daemon: !x {}\n", "the type follows from the key");
	hints("daemon:\n\tdrain: 3s\n", "indent with spaces");
	hints("---\n---\n", "use a file of its own in conf.d");
}

static void
refuses_bytes(const char *text, size_t size, const char *start)
{
	struct rb_config_report report = reports(text, size, 1);

	ck_assert_msg(strncmp(report.text, start, strlen(start)) == 0,
		      "not `%s` but: %s", start, report.text);
	rb_config_report_deinit(&report);
}

TEST(utf16)
{
	static const char start[] = "test:1:1: the file is encoded in UTF-16\n";

	refuses_bytes("\xff\xfe"
		      "a\0",
		      4, start);
	refuses_bytes("\xfe\xff\0a", 4, start);
}

TEST(nul_byte)
{
	refuses_bytes("daemon:\n \xc3\xa4\0: 1\n", 16,
		      "test:2:3: a NUL byte is not text\n");
}

TEST(nested_too_deeply)
{
	char *text = repeat("x-a: [[[[[[[[[[[[[[[", "]", 15, "\n");

	rb_config_free(parses(text));
	free(text);
	refuses("x-a: [[[[[[[[[[[[[[[[",
		"test:1:21: nested more than 16 levels deep\n");
}

TEST(deep_nesting_is_no_work)
{
	char *text = repeat("", "[", 1 << 20, "");

	refuses(text, "test:1:17: nested more than 16 levels deep\n");
	free(text);
}

TEST(too_many_values)
{
	char *text = repeat("x-a:\n", "- 1\n", 99997, "");

	rb_config_free(parses(text));
	free(text);
	text = repeat("x-a:\n", "- 1\n", 99998, "");
	refuses(text, "test:99999:3: more than 100000 values\n");
	free(text);
}

TEST(text_too_large)
{
	char *text = repeat("", "#", (1 << 20) + 1, "");

	rb_config_free(parses(text + 1));
	refuses_exactly(text, "test: larger than 1 MiB\n");
	free(text);
}

TEST(too_many_channels)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	struct rb_config *config;
	unsigned i;

	fputs("channels:\n", file);
	for (i = 0; i < RB_CHANNELS_MAX; i++)
		fprintf(file, "  c%04u:\n", i);
	fflush(file);
	config = parses(text);
	ck_assert_uint_eq(config->n_channels, RB_CHANNELS_MAX);
	ck_assert_str_eq(config->channels[1023].name, "c1023");
	rb_config_free(config);
	fputs("  over:\n  over2:\n", file);
	fclose(file);
	refuses(text, "test:1026:3: more than 1024 channels\n");
	free(text);
}

/* ------------------------------------------------------- how problems read */

TEST(caret_stands_below_tabs)
{
	refuses_exactly(
		"channels:\n  a: {\t\tslots:\t1000 }\n",
		"test:2:16: 'slots' must be a power of two, not '1000'\n"
		"  a: {\t\tslots:\t1000 }\n"
		"      \t\t      \t^\n"
		"hint: the next power of two is 1024\n");
}

TEST(caret_stands_below_characters_not_bytes)
{
	refuses_exactly("daemon: { x-\xc3\xa4\xe2\x82\xac: 1, foo: 2 }\n",
			"test:1:20: unknown key 'foo' in 'daemon'\n"
			"daemon: { x-\xc3\xa4\xe2\x82\xac: 1, foo: 2 }\n"
			"                   ^\n");
}

TEST(lines_may_end_in_any_way)
{
	refuses_exactly("daemon:\r\n  foo: 1\r\n",
			"test:2:3: unknown key 'foo' in 'daemon'\n"
			"  foo: 1\n  ^\n");
	refuses_exactly("daemon:\r  foo: 1\r",
			"test:2:3: unknown key 'foo' in 'daemon'\n"
			"  foo: 1\n  ^\n");
	refuses_exactly("# \xe2\x80\xa8# \xc2\x85"
			"foo: 1",
			"test:3:1: unknown key 'foo' at the top\n"
			"foo: 1\n^\n");
}

TEST(long_lines_are_cut)
{
	char *text = repeat("{ x-a: '", "b", 1000, "', foo: 1 }");
	char *shown = repeat("test:1:1012: unknown key 'foo' at the top\n", "b",
			     77, "', foo: 1 }\n");
	char *expected = repeat(shown, " ", 80, "^\n");

	refuses_exactly(text, expected);
	free(text);
	free(shown);
	free(expected);
}

TEST(messages_cannot_steer_a_terminal)
{
	refuses_exactly("\"\\e[31m\\x9b\\n\": 1\n",
			"test:1:1: unknown key '?[31m?\?' at the top\n"
			"\"\\e[31m\\x9b\\n\": 1\n^\n");
}

TEST(absurd_words_are_cut)
{
	char *text = repeat("", "k", 200, ":\n");
	char *start = repeat("test:1:1: unknown key '", "k", 80,
			     "' at the top\n");

	refuses(text, start);
	free(text);
	free(start);
}

TEST(problems_come_in_file_order)
{
	static const char *const starts[] = {
		"test:2:3: unknown key 'sokket' in 'daemon'\n",
		"test:3:10: 'drain' must be a duration ",
		"test:6:12: 'slots' must be a power of two, not '1000'\n",
		"test:7:5: key 'slots' is given twice, first on line 6\n",
		"test:8:5: 'slot_size' is for framing: framed",
		"test:10:19: consumers wait for each other: a -> b -> a\n",
		"test:12:3: bad channel name 'b/b'\n",
		"test:13:22: 'history' must be a whole number, not '-3'\n",
		"test:14:1: unknown key 'end' at the top\n",
	};

	refuses_all("daemon:\n"
		    "  sokket: /x\n"
		    "  drain: 5\n"
		    "channels:\n"
		    "  a:\n"
		    "    slots: 1000\n"
		    "    slots: 64\n"
		    "    slot_size: 64\n"
		    "    consumers:\n"
		    "      a: { after: b }\n"
		    "      b: { after: a }\n"
		    "  b/b:\n"
		    "defaults: { history: -3 }\n"
		    "end: 1\n",
		    starts, RB_ARRAY_SIZE(starts));
}

TEST(at_most_twenty_problems_are_shown)
{
	char *text = NULL, *expected = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	struct rb_config_report report;
	unsigned i;

	/* The keys of one mapping are refused before those further up. */
	fputs("channels:\n", file);
	for (i = 0; i < 15; i++)
		fprintf(file, "  -%02u:\n", i);
	fputs("daemon:\n", file);
	for (i = 0; i < 15; i++)
		fprintf(file, "  k%02u: 1\n", i);
	fclose(file);
	report = reports(text, size, 30);
	free(text);
	file = open_memstream(&expected, &size);
	for (i = 0; i < 15; i++)
		fprintf(file,
			"test:%u:3: bad channel name '-%02u'\n  -%02u:\n  ^\n"
			"hint: 1 to 63 of A-Z a-z 0-9 . _ - and neither a dot "
			"nor a dash in front\n",
			i + 2, i, i);
	for (i = 0; i < 5; i++)
		fprintf(file,
			"test:%u:3: unknown key 'k%02u' in 'daemon'\n"
			"  k%02u: 1\n  ^\n",
			i + 18, i, i);
	fputs("10 more problems not shown\n", file);
	fclose(file);
	ck_assert_str_eq(report.text, expected);
	free(expected);
	rb_config_report_deinit(&report);
}

TEST(report_may_be_deinitialised_twice)
{
	struct rb_config_report report = reports("foo:\n", 5, 1);

	rb_config_report_deinit(&report);
	ck_assert_ptr_null(report.text);
	rb_config_report_deinit(&report);
}

TEST(free_takes_null)
{
	ck_assert_ptr_null(rb_config_free(NULL));
}
