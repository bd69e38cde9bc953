/* SPDX-License-Identifier: MIT */
/*
 * test_ctl.c - what goes in at `ringbusctl pub` comes out at `ringbusctl tail`
 *
 * With the real daemon, as users do it: files, pipes and signals.
 */
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/system/util_ctl.h"
#include "tests/t.h"

static const char channels[] =
	"channels:\n"
	"  fixed: { slots: 64, event_size: 16, history: 8 }\n"
	"  framed: { slots: 4096, framing: framed, slot_size: 64 }\n"
	"  many: { slots: 1024, framing: framed, slot_size: 64,\n"
	"          producers: multi }\n";

static const char *const waits[] = { "busy_spin", "yielding", "sleeping",
				     "blocking", "phased_backoff" };

#define N_WAITS (sizeof(waits) / sizeof(waits[0]))

/* ------------------------------------------------------------- generated data */

struct bytes {
	char *data;
	size_t size;
	int n_records;
};

static void
append(struct bytes *bytes, const void *data, size_t size)
{
	bytes->data = realloc(bytes->data, bytes->size + size + 1);
	ck_assert_ptr_nonnull(bytes->data);
	memcpy(bytes->data + bytes->size, data, size);
	bytes->size += size;
}

/* Bytes of any value but `not`; the same in each run. */
static size_t
make_record(char *record, size_t size_max, char not )
{
	size_t size = (size_t)rand() % size_max, i;

	for (i = 0; i < size; i++) {
		record[i] = (char)rand();
		record[i] = record[i] == not ? 'x' : record[i];
	}
	return size;
}

static struct bytes
make_records(int n, char delimiter)
{
	struct bytes bytes = { .n_records = n };
	char record[400];
	int i;

	for (i = 0; i < n; i++) {
		append(&bytes, record,
		       make_record(record, sizeof(record), delimiter));
		append(&bytes, &delimiter, 1);
	}
	return bytes;
}

static struct bytes
make_frames(int n)
{
	struct bytes bytes = { .n_records = n };
	char record[3000];
	uint32_t length;
	size_t size;
	int i;

	for (i = 0; i < n; i++) {
		size = make_record(record, sizeof(record), '\0');
		length = htole32((uint32_t)size);
		append(&bytes, &length, sizeof(length));
		append(&bytes, record, size);
	}
	return bytes;
}

/* What `tail --format raw --lengths` makes of delimited records. */
static struct bytes
frame_records(const struct bytes *records, char delimiter)
{
	struct bytes frames = { .n_records = records->n_records };
	const char *p = records->data, *end = p + records->size, *next;
	uint32_t length;

	for (; p < end; p = next + 1) {
		next = memchr(p, delimiter, (size_t)(end - p));
		ck_assert_ptr_nonnull(next);
		length = htole32((uint32_t)(next - p));
		append(&frames, &length, sizeof(length));
		append(&frames, p, (size_t)(next - p));
	}
	return frames;
}

/* Publishes `input` and asserts that the tail prints `expected`. */
static void
round_trip(const struct t_daemon *daemon, const struct bytes *input,
	   const struct bytes *expected, const char *options[2])
{
	struct t_ctl tail, pub;

	t_ctl_tail(&tail, daemon,
		   t_words("--gate test -n %d %s", expected->n_records,
			   options[1]));
	t_ctl_run(&pub, daemon, t_file(input->data, input->size), options[0]);
	t_ctl_join(&tail, 0);
	ck_assert_str_eq(t_ctl_out(&pub), "");
	ck_assert_str_eq(t_ctl_err(&pub), "");
	t_file_is(tail.out, expected->data, expected->size);
}

/* -------------------------------------------------------------- round trips */

TEST(lines_come_out_as_they_went_in)
{
	struct bytes lines = make_records(5000, '\n');
	const char *options[2] = { "pub framed", "framed" };
	struct t_daemon daemon;

	t_daemon_start(&daemon, channels);
	round_trip(&daemon, &lines, &lines, options);
	t_daemon_stop(&daemon);
	free(lines.data);
}

TEST(lines_come_out_with_every_wait_strategy)
{
	struct bytes lines = make_records(500, '\n');
	const char *options[2];
	struct t_daemon daemon;
	size_t i;

	t_daemon_start(&daemon, channels);
	for (i = 0; i < 2 * N_WAITS; i++) {
		const char *channel = i % 2 == 0 ? "framed" : "many";

		options[0] = t_words("pub %s --wait %s", channel, waits[i / 2]);
		options[1] = t_words("%s --wait %s", channel, waits[i / 2]);
		round_trip(&daemon, &lines, &lines, options);
	}
	t_daemon_stop(&daemon);
	free(lines.data);
}

TEST(records_that_end_with_nul_keep_their_newlines)
{
	struct bytes records = make_records(1000, '\0');
	struct bytes frames = frame_records(&records, '\0');
	const char *options[2] = { "pub framed -d nul",
				   "framed --format raw --lengths" };
	struct t_daemon daemon;

	t_daemon_start(&daemon, channels);
	round_trip(&daemon, &records, &frames, options);
	t_daemon_stop(&daemon);
	free(records.data);
	free(frames.data);
}

TEST(frames_go_from_tail_to_pub)
{
	struct bytes frames = make_frames(1000);
	const char *options[2] = { "pub framed --frames",
				   "framed --format raw --lengths" };
	struct t_daemon daemon;

	t_daemon_start(&daemon, channels);
	round_trip(&daemon, &frames, &frames, options);
	t_daemon_stop(&daemon);
	free(frames.data);
}

TEST(a_whole_file_can_be_one_event)
{
	struct bytes text = make_records(100, '\n');
	const char *options[2] = { "pub framed --whole", "framed -f raw" };
	struct t_daemon daemon;

	text.n_records = 1;
	t_daemon_start(&daemon, channels);
	round_trip(&daemon, &text, &text, options);
	t_daemon_stop(&daemon);
	free(text.data);
}

static void
trip_file(const struct t_daemon *daemon, const char *name)
{
	const char *path = t_words("%s/%s", t_data_dir(), name);
	const char *options[2] = { "pub framed", "framed" };
	struct bytes text = { 0 };
	size_t i;

	text.data = t_file_read(path, &text.size);
	if (text.size > 0 && text.data[text.size - 1] != '\n')
		append(&text, "\n", 1);
	for (i = 0; i < text.size; i++)
		text.n_records += text.data[i] == '\n';
	ck_assert_int_gt(text.n_records, 0);
	round_trip(daemon, &text, &text, options);
	free(text.data);
}

TEST(real_logs_come_out_as_they_went_in)
{
	static const char *const names[] = { "HDFS_2k.log", "OpenSSH_2k.log",
					     "Apache_2k.log" };
	struct t_daemon daemon;
	size_t i;

	if (t_data_dir() == NULL)
		T_SKIP("no folder with sample data: set RINGBUS_DATA");
	t_daemon_start(&daemon, channels);
	for (i = 0; i < 3; i++)
		trip_file(&daemon, names[i]);
	t_daemon_stop(&daemon);
}

#define N_PRODUCERS 4
#define N_EACH 1000

static const char *
make_numbered(int producer)
{
	struct bytes lines = { 0 };
	const char *path;
	char line[64];
	int i;

	for (i = 0; i < N_EACH; i++) {
		snprintf(line, sizeof(line), "%d %d\n", producer, i);
		append(&lines, line, strlen(line));
	}
	path = t_file(lines.data, lines.size);
	free(lines.data);
	return path;
}

static void
assert_ordered(const char *out)
{
	int next[N_PRODUCERS] = { 0 };
	int producer, number, length, i;

	while (sscanf(out, "%d %d\n%n", &producer, &number, &length) == 2) {
		ck_assert_int_ge(producer, 0);
		ck_assert_int_lt(producer, N_PRODUCERS);
		ck_assert_int_eq(number, next[producer]++);
		out += length;
	}
	ck_assert_str_eq(out, "");
	for (i = 0; i < N_PRODUCERS; i++)
		ck_assert_int_eq(next[i], N_EACH);
}

static void
publish_from_four(const struct t_daemon *daemon, const char *wait)
{
	struct t_ctl tail, pubs[N_PRODUCERS];
	int i;

	t_ctl_tail(&tail, daemon,
		   t_words("many --gate test --wait %s -n %d", wait,
			   N_PRODUCERS * N_EACH));
	for (i = 0; i < N_PRODUCERS; i++)
		t_ctl_start(&pubs[i], daemon, make_numbered(i),
			    t_words("pub many --wait %s", wait));
	for (i = 0; i < N_PRODUCERS; i++)
		t_ctl_join(&pubs[i], 0);
	t_ctl_join(&tail, 0);
	assert_ordered(t_ctl_out(&tail));
}

TEST(each_of_four_producers_keeps_its_order)
{
	struct t_daemon daemon;
	size_t i;

	t_daemon_start(&daemon, channels);
	for (i = 0; i < N_WAITS; i++)
		publish_from_four(&daemon, waits[i]);
	t_daemon_stop(&daemon);
}
