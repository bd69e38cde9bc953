/* SPDX-License-Identifier: MIT */
/*
 * test_ctl_dump.c - channels are copied while they move, and copies are told apart:
 * sound ones from those in which somebody has changed whatever there is
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/system/util_bus.h"
#include "tests/system/util_ctl.h"

#define GRAPH "consumers: { app: { on_death: keep }, audit: { after: app } }"

static const char *
copy_of(const char *file)
{
	return t_words("%s/copy/a/%s", t_tmpdir(), file);
}

static void
dump(const struct t_bus *b)
{
	struct t_ctl run;

	t_ctl_run(&run, &b->daemon, NULL,
		  t_words("dump a %s/copy", t_tmpdir()));
}

static void
inspect(struct t_ctl *run, int code)
{
	t_ctl_fail(run, NULL, NULL, t_words("inspect %s/copy", t_tmpdir()),
		   code);
}

static void
begin(struct t_bus *b, const char *keys)
{
	t_bus_begin(b, "%s, " GRAPH, keys);
	t_put_all(t_produce(b->bus, NULL), 0, 11);
	dump(b);
}

/* Writes `size` bytes over what is there. */
static void
overwrite(const char *file, const void *data, size_t size, uint64_t offset)
{
	int fd = open(copy_of(file), O_WRONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, data, size, (off_t)offset), size);
	close(fd);
}

TEST(a_copy_is_sound_and_shows_the_last_events)
{
	static const char *const kinds[] = {
		"slots: 16, event_size: 8",
		"slots: 16, event_size: 8, producers: multi",
		"slots: 16, event_size: 8, isolation: sealed",
	};
	struct t_ctl run;
	struct t_bus b;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		begin(&b, kinds[i]);
		t_bus_end(&b);
		inspect(&run, 0);
		ck_assert_msg(strncmp(t_ctl_out(&run), "a: sound\n", 9) == 0,
			      "%s", t_ctl_out(&run));
		ck_assert_ptr_nonnull(
			strstr(t_ctl_out(&run), "cursor      11\n"));
		ck_assert_ptr_nonnull(
			strstr(t_ctl_out(&run), "\n11  0b 00 00"));
		t_ctl_run(&run, NULL, NULL,
			  t_words("inspect %s/copy a -n 2 --json", t_tmpdir()));
		t_json_lines(t_ctl_out(&run), 4);
		ck_assert_ptr_nonnull(strstr(t_ctl_out(&run),
					     "\"findings\":[],\"damaged\":"
					     "false"));
		t_remove_tree(t_words("%s/copy", t_tmpdir()));
	}
}

TEST(a_copy_of_a_large_ring_takes_little_space)
{
	struct stat st;
	struct t_bus b;

	t_bus_begin(&b, "slots: 1048576, event_size: 64");
	dump(&b);
	t_bus_end(&b);
	ck_assert_int_eq(stat(copy_of("ring"), &st), 0);
	ck_assert_int_gt(st.st_size, 64 << 20);
	ck_assert_int_lt(st.st_blocks * 512, 1 << 20);
	ck_assert_int_eq(stat(copy_of("channel.json"), &st), 0);
	ck_assert_int_gt(st.st_size, 100);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
}

TEST(what_is_there_is_not_written_over)
{
	struct t_ctl run;
	struct t_bus b;

	begin(&b, "slots: 16, event_size: 8");
	t_ctl_fail(&run, &b.daemon, NULL, t_words("dump a %s/copy", t_tmpdir()),
		   6);
	t_ctl_fail(&run, &b.daemon, NULL, "dump none /tmp", 3);
	t_bus_end(&b);
	inspect(&run, 0);
}

static int
publish_for_ever(void *arg)
{
	const struct t_bus *b = arg;
	struct ringbus_producer *p = t_produce(t_connect(&b->daemon), NULL);

	for (;;)
		t_put(p, 1);
	return 0;
}

/* Nothing in it is ahead of what it depends on. */
TEST(a_copy_that_is_made_under_flow_is_sound)
{
	static const char *const kinds[] = { "producers: single",
					     "producers: multi" };
	struct ringbus_tap *tap;
	struct t_ctl run;
	struct t_bus b;
	pid_t pid;

	for (int i = 0; i < 2; i++) {
		t_bus_begin(&b, "slots: 4096, event_size: 8, %s", kinds[i]);
		tap = t_tap(b.bus, RINGBUS_FROM_NOW);
		pid = t_child(publish_for_ever, &b);
		for (int turn = 0; turn < 10; turn++) {
			int64_t from = t_info(ringbus_tap_channel(tap)).cursor;

			t_until(t_info(ringbus_tap_channel(tap)).cursor >
				from + 5000);
			dump(&b);
			inspect(&run, 0);
			t_remove_tree(t_words("%s/copy", t_tmpdir()));
		}
		t_kill(pid);
		ringbus_tap_close(tap);
		t_bus_end(&b);
	}
}

static unsigned
count_damage(struct ringbus *bus)
{
	unsigned n = 0, i = 0;
	char line[256];
	int kind;

	while ((kind = ringbus_inspect(bus, "a", i++, line, sizeof(line))) > 0)
		n += kind == 1;
	return n + (kind < 0);
}

/* Looks at all there is; it may be anything, but has to come to an end. */
static void
look_at_all(struct ringbus *bus)
{
	struct ringbus_tap_options o = RINGBUS_TAP_OPTIONS_INIT;
	struct ringbus_member m = { .size = sizeof(m) };
	struct ringbus_info info = { .size = sizeof(info) };
	struct ringbus_tap *tap;
	char buffer[64];
	size_t size;

	o.from = RINGBUS_FROM_OLDEST;
	if (ringbus_tap_open(bus, "a", &o, &tap) < 0)
		return;
	ringbus_channel_info(ringbus_tap_channel(tap), &info);
	for (unsigned i = 0; i < RINGBUS_MEMBERS_MAX; i++) {
		ringbus_channel_member(ringbus_tap_channel(tap),
				       RINGBUS_CONSUMER, i, &m);
		ringbus_channel_laggard(ringbus_tap_channel(tap), i, &m);
	}
	for (int i = 0; i < 64 && ringbus_tap_read(tap, buffer, sizeof(buffer),
						   &size, RINGBUS_NOW) >= 0;
	     i++)
		;
	ringbus_tap_close(tap);
}

/* But for the PID namespace, which the sum is not over. */
static bool
is_free(size_t at)
{
	size_t first = offsetof(struct rb_meta_header, pid_ns);

	return at >= first && at < first + sizeof(uint64_t);
}

TEST(every_byte_of_a_header_counts)
{
	struct rb_meta_header header, changed;
	struct ringbus *bus;
	struct t_bus b;
	size_t size;
	char *meta;

	begin(&b, "slots: 16, event_size: 8, producers: multi");
	t_bus_end(&b);
	t_ok(ringbus_open_folder(t_words("%s/copy", t_tmpdir()), &bus));
	ck_assert_uint_eq(count_damage(bus), 0);
	meta = t_file_read(copy_of("meta"), &size);
	memcpy(&header, meta, sizeof(header));
	free(meta);
	for (size_t i = 0; i < sizeof(header); i++) {
		memcpy(&changed, &header, sizeof(header));
		((unsigned char *)&changed)[i] ^= 0x41;
		overwrite("meta", &changed, sizeof(changed), 0);
		ck_assert_msg(is_free(i) || count_damage(bus) > 0,
			      "byte %zu of the header may be anything", i);
		look_at_all(bus);
	}
	overwrite("meta", &header, sizeof(header), 0);
	ck_assert_uint_eq(count_damage(bus), 0);
	ringbus_close(bus);
}

/* Any word of all three files, with values that hurt. */
TEST(no_word_of_a_copy_is_believed)
{
	static const uint64_t values[] = { UINT64_MAX,         INT64_MAX,
					   UINT64_C(1) << 62,  0xffffffff,
					   0x7fffffff80000000, 3 };
	static const char *const files[] = { "meta", "ring", "gates" };
	struct ringbus *bus;
	struct t_bus b;

	begin(&b, "slots: 16, framing: framed, slot_size: 16, producers: "
		  "multi");
	t_bus_end(&b);
	t_ok(ringbus_open_folder(t_words("%s/copy", t_tmpdir()), &bus));
	for (int f = 0; f < 3; f++) {
		size_t size;
		char *was = t_file_read(copy_of(files[f]), &size);
		size_t step = size / 700 / 8 * 8 + 8;

		for (size_t at = 0; at + 8 <= size; at += step) {
			overwrite(files[f], &values[at / step % 6], 8, at);
			count_damage(bus);
			look_at_all(bus);
			overwrite(files[f], was + at, 8, at);
		}
		free(was);
	}
	ck_assert_uint_eq(count_damage(bus), 0);
	ringbus_close(bus);
}

TEST(what_is_wrong_is_told)
{
	static const struct {
		const char *file;
		size_t offset;
		uint64_t value;
		const char *text;
	} cases[] = {
		{ "ring", offsetof(struct rb_ring, claimed), 1000000,
		  "a: note: 16 slots up to the cursor are not there" },
		{ "ring", offsetof(struct rb_ring, claimed), 5,
		  "has a stamp that cannot be there" },
		{ "ring", offsetof(struct rb_ring, claimed), 1ULL << 63,
		  "is published of" },
		{ "ring", offsetof(struct rb_ring, handles), 3,
		  "producer 0 has a claim of no kind" },
		{ "gates", offsetof(struct rb_gates, consumers), 50,
		  "consumer 0 has read up to 50 of 11" },
		{ "meta", offsetof(struct rb_meta, control.gating), 1ULL << 40,
		  "wait for consumer 40, which is none" },
		{ "meta", offsetof(struct rb_meta, control.end), 99,
		  "the stream ends at 99 of 11" },
		{ "meta", offsetof(struct rb_meta, consumers[0].after), 2,
		  "consumer 0 comes after itself" },
		{ "meta", offsetof(struct rb_meta, consumers[0].state), 77,
		  "consumer 0 has a state that is none: 77" },
		{ "meta", offsetof(struct rb_meta, consumers[0].name), ~0ULL,
		  "consumer 0 has a name that is none" },
	};
	struct t_ctl run;
	struct t_bus b;

	begin(&b, "slots: 16, event_size: 8, producers: multi");
	t_bus_end(&b);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t size;
		char *was = t_file_read(copy_of(cases[i].file), &size);

		overwrite(cases[i].file, &cases[i].value, 8, cases[i].offset);
		inspect(&run, strstr(cases[i].text, "note") != NULL ? 0 : 6);
		ck_assert_msg(strstr(t_ctl_out(&run), cases[i].text) != NULL,
			      "%s\n%s", cases[i].text, t_ctl_out(&run));
		overwrite(cases[i].file, was, size, 0);
		free(was);
	}
	ck_assert_int_eq(truncate(copy_of("ring"), 4096), 0);
	inspect(&run, 6);
	ck_assert_ptr_nonnull(
		strstr(t_ctl_out(&run), "a: damaged: ring has 4096 bytes of"));
	ck_assert_int_eq(unlink(copy_of("meta")), 0);
	inspect(&run, 6);
	ck_assert_ptr_nonnull(strstr(t_ctl_out(&run), "has no meta"));
}

#define ESCAPE "\033]0;"

/* A terminal would do what they say. */
TEST(names_that_are_none_are_not_shown)
{
	static const size_t names[] = {
		offsetof(struct rb_meta, header.name),
		offsetof(struct rb_meta, consumers[0].name),
	};
	struct rb_meta_header *header;
	struct t_ctl run;
	struct t_bus b;
	size_t size;
	char *meta;

	begin(&b, "slots: 16, event_size: 8");
	t_bus_end(&b);
	meta = t_file_read(copy_of("meta"), &size);
	header = (struct rb_meta_header *)(void *)meta;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		memcpy(meta + names[i], ESCAPE, sizeof(ESCAPE));
		header->sum = rb_header_sum(header);
		overwrite("meta", meta, size, 0);
		inspect(&run, 6);
		ck_assert_ptr_nonnull(strstr(t_ctl_out(&run), "damaged: "));
		ck_assert_ptr_nonnull(strstr(t_ctl_out(&run), "?"));
		ck_assert_ptr_null(strchr(t_ctl_out(&run), '\033'));
	}
	free(meta);
}

TEST(a_dead_daemons_channel_is_copied)
{
	struct t_ctl run;
	struct t_bus b;

	t_bus_begin(&b, "slots: 16, event_size: 8");
	t_put_all(t_produce(b.bus, NULL), 0, 3);
	t_daemon_kill(&b.daemon);
	setenv("RINGBUS_SHM_DIR", b.daemon.shm, 1);
	dump(&b);
	inspect(&run, 0);
	t_ctl_run(&run, NULL, NULL, t_words("inspect %s", b.daemon.shm));
	ck_assert(strncmp(t_ctl_out(&run), "a: sound\n", 9) == 0);
	ringbus_close(b.bus);
	t_daemon_restart(&b.daemon);
	t_daemon_stop(&b.daemon);
}
