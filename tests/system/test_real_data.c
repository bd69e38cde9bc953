/* SPDX-License-Identifier: MIT */
/*
 * test_real_data.c - files line by line through a framed channel, from one or
 * several producers to a gating consumer in another process, byte by byte as
 * they were
 *
 * Each line travels with the number of its producer in front. The consumer
 * appends what it gets to one file per producer; these have to equal the input.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/fixture.h"
#include "tests/system/util_bus.h"

#define PRODUCERS_MAX 4
#define LINE_MAX_SIZE 4096

struct transfer {
	const struct t_daemon *daemon;
	const char *input;
	int wait;
	unsigned n_producers;
	unsigned who; /* of a producer */
};

static void
output_path(char path[PATH_MAX], unsigned who)
{
	snprintf(path, PATH_MAX, "%s/out.%u", t_tmpdir(), who);
}

static int
publish_lines(void *arg)
{
	const struct transfer *t = arg;
	struct ringbus_producer_options o = RINGBUS_PRODUCER_OPTIONS_INIT;
	struct ringbus *bus = t_connect(t->daemon);
	FILE *file = fopen(t->input, "re");
	struct ringbus_producer *p;
	char *line = NULL;
	size_t room = 0;
	ssize_t size;

	ck_assert_ptr_nonnull(file);
	o.wait = t->wait;
	p = t_produce(bus, &o);
	while ((size = getline(&line, &room, file)) > 0) {
		void *to;
		int64_t sequence = ringbus_producer_claim_event(
			p, (size_t)size + 1, RINGBUS_FOREVER, &to);

		t_ok(sequence);
		*(char *)to = (char)t->who;
		memcpy((char *)to + 1, line, (size_t)size);
		t_ok(ringbus_producer_publish_event(p, sequence));
	}
	free(line);
	fclose(file);
	ringbus_close(bus);
	return 0;
}

static int
append(void *context, const struct ringbus_event *event, int end_of_batch)
{
	FILE **files = context;
	const unsigned char *bytes = event->data;

	(void)end_of_batch;
	if (event->size < 1 || bytes[0] >= PRODUCERS_MAX)
		ck_abort_msg("no line of ours");
	if (fwrite(bytes + 1, 1, event->size - 1, files[bytes[0]]) !=
	    event->size - 1)
		ck_abort_msg("cannot write");
	return 0;
}

static int
collect_lines(void *arg)
{
	const struct transfer *t = arg;
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct ringbus_handlers handlers = RINGBUS_HANDLERS_INIT;
	struct ringbus *bus = t_connect(t->daemon);
	FILE *files[PRODUCERS_MAX];
	char path[PATH_MAX];

	for (unsigned i = 0; i < PRODUCERS_MAX; i++) {
		output_path(path, i);
		files[i] = fopen(path, "we");
		ck_assert_ptr_nonnull(files[i]);
	}
	o.name = "collector";
	o.wait = t->wait;
	handlers.on_event = append;
	handlers.context = files;
	ck_assert_int_eq(ringbus_consumer_run(t_consume(bus, &o), &handlers),
			 -ESHUTDOWN);
	for (unsigned i = 0; i < PRODUCERS_MAX; i++)
		ck_assert_int_eq(fclose(files[i]), 0);
	ringbus_close(bus);
	return 0;
}

static void
expect_same(const char *a_path, const char *b_path)
{
	FILE *a = fopen(a_path, "re"), *b = fopen(b_path, "re");
	int c;

	ck_assert_ptr_nonnull(a);
	ck_assert_ptr_nonnull(b);
	do {
		c = getc(a);
		if (getc(b) != c)
			ck_abort_msg("%s differs at %ld", b_path, ftell(b));
	} while (c != EOF);
	fclose(a);
	fclose(b);
}

static void
transfer(struct transfer *t, struct t_bus *b)
{
	pid_t producers[PRODUCERS_MAX], consumer;
	char path[PATH_MAX];

	t->daemon = &b->daemon;
	consumer = t_child(collect_lines, t);
	for (unsigned i = 0; i < t->n_producers; i++) {
		t->who = i;
		producers[i] = t_child(publish_lines, t);
	}
	for (unsigned i = 0; i < t->n_producers; i++)
		t_join(producers[i]);
	t_bus_ok(b->bus, ringbus_end(b->bus, "a"));
	t_join(consumer);
	for (unsigned i = 0; i < t->n_producers; i++) {
		output_path(path, i);
		expect_same(t->input, path);
	}
}

/* A ring of 64 KiB, so that it is full and wraps many times; the place of the
 * consumer is kept, so that nothing is lost before it comes. */
static void
transfer_in_all_manners(const char *input)
{
	for (unsigned n = 1; n <= 4; n += 3)
		for (int wait = 1; wait <= 5; wait++) {
			struct transfer t = { .input = input,
					      .wait = wait,
					      .n_producers = n };
			struct t_bus b;

			t_bus_begin(&b,
				    "framing: framed, slots: 1024,"
				    " slot_size: 64, producers: %s,"
				    " consumers: { collector:"
				    " { on_death: keep } }",
				    n == 1 ? "single" : "multi");
			transfer(&t, &b);
			t_bus_end(&b);
		}
}

static void
transfer_sample(const char *name)
{
	const char *dir = t_data_dir();
	char path[PATH_MAX];

	if (dir == NULL)
		T_SKIP("no folder with sample data; see RINGBUS_DATA");
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (access(path, R_OK) < 0)
		T_SKIP("no %s", path);
	transfer_in_all_manners(path);
}

TEST(hdfs_log)
{
	transfer_sample("HDFS_2k.log");
}

TEST(openssh_log)
{
	transfer_sample("OpenSSH_2k.log");
}

TEST(apache_log)
{
	transfer_sample("Apache_2k.log");
}

/* Lines of all lengths up to a quarter of the ring, of all bytes but newline;
 * the last one has none. */
static void
generate(const char *path, unsigned seed)
{
	FILE *file = fopen(path, "we");

	ck_assert_ptr_nonnull(file);
	srandom(seed);
	for (int i = 0; i < 3000; i++) {
		long size = random() % (i % 20 == 0 ? LINE_MAX_SIZE - 1 : 200);

		while (size-- > 0) {
			int c = (int)(random() % 256);

			putc(c == '\n' ? 0 : c, file);
		}
		if (i < 2999)
			putc('\n', file);
	}
	fputs("the end", file);
	ck_assert_int_eq(fclose(file), 0);
}

TEST(lines_of_random_length)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/input", t_tmpdir());
	generate(path, 7);
	transfer_in_all_manners(path);
}

TEST(empty_lines)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/input", t_tmpdir());
	file = fopen(path, "we");
	ck_assert_ptr_nonnull(file);
	for (int i = 0; i < 5000; i++)
		putc('\n', file);
	ck_assert_int_eq(fclose(file), 0);
	transfer_in_all_manners(path);
}
