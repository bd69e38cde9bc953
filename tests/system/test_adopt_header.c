/* SPDX-License-Identifier: MIT */
/*
 * test_adopt_header.c - the next daemon finds a header that was tampered with:
 * a single bit anywhere is enough to be left alone
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/system/util_bus.h"
#include "tests/system/util_peer.h"

#define ONE                                                                    \
	"daemon: { drain: 1ms }\n"                                             \
	"channels: { a: { slots: 64, event_size: 8 } }\n"

#define BATCH 128 /* channels that are damaged at once */

/* ----------------------------------------------------------------- one field */

typedef void (*tamper_fn)(struct rb_meta_header *header);

static void
open_path(const struct t_daemon *d, const char *name, char path[2 * PATH_MAX])
{
	snprintf(path, 2 * PATH_MAX, "%s/%s", d->shm, name);
}

static struct rb_meta *
map_meta(const struct t_daemon *d, const char *name)
{
	char path[2 * PATH_MAX];
	void *meta;
	int fd;

	open_path(d, name, path);
	fd = open(path, O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	meta = mmap(NULL, RB_META_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    0);
	ck_assert_ptr_ne(meta, MAP_FAILED);
	close(fd);
	return meta;
}

static void
tamper_with(const struct t_daemon *d, tamper_fn tamper)
{
	struct rb_meta *meta = map_meta(d, "a/meta");

	tamper(&meta->header);
	munmap(meta, RB_META_SIZE);
}

/* A daemon whose channel somebody is in, killed. */
static pid_t
begin(struct t_daemon *d)
{
	struct rb_control attach = t_attach_message("a", RB_ROLE_PRODUCER, "p");
	struct rb_control held;
	pid_t member;

	t_daemon_start(d, ONE);
	member = t_holder(d, &attach, false, &held);
	t_ok(held.result);
	t_daemon_kill(d);
	return member;
}

static void
check(tamper_fn tamper, int err, const char *said)
{
	struct rb_control attach = t_attach_message("a", RB_ROLE_TAP, NULL);
	char path[2 * PATH_MAX];
	struct t_daemon d;
	pid_t member = begin(&d);
	int peer;

	tamper_with(&d, tamper);
	t_daemon_restart(&d);
	ck_assert(t_daemon_said(&d, said));
	peer = t_peer_greet(&d);
	ck_assert_int_eq(t_peer_refuses(peer, &attach, said), err);
	close(peer);
	t_daemon_stop(&d);
	ck_assert(t_daemon_has(&d, "a/ring"));
	t_kill(member);
	open_path(&d, "a", path);
	t_remove_tree(path);
}

static void
clear_magic(struct rb_meta_header *header)
{
	memset(&header->magic, 0, sizeof(header->magic));
}

static void
turn_magic(struct rb_meta_header *header)
{
	memset(&header->magic, 0x41, sizeof(header->magic));
}

static void
raise_version(struct rb_meta_header *header)
{
	header->layout_version = 4711;
	header->sum = rb_header_sum(header);
}

static void
turn_hash(struct rb_meta_header *header)
{
	header->layout_hash ^= 1;
	header->sum = rb_header_sum(header);
}

static void
claim_seals(struct rb_meta_header *header)
{
	header->isolation = RB_ISOLATION_SEALED;
	header->sum = rb_header_sum(header);
}

static void
turn_boot(struct rb_meta_header *header)
{
	header->boot_id[0] ^= 1;
}

static void
turn_boot_and_seal(struct rb_meta_header *header)
{
	turn_boot(header);
	header->sum = rb_header_sum(header);
}

static void
turn_geometry(struct rb_meta_header *header)
{
	header->geometry.slots *= 2;
}

static void
turn_geometry_and_seal(struct rb_meta_header *header)
{
	turn_geometry(header);
	header->sum = rb_header_sum(header);
}

static void
turn_name(struct rb_meta_header *header)
{
	header->name[0] = 'z';
}

static void
turn_name_and_seal(struct rb_meta_header *header)
{
	turn_name(header);
	header->sum = rb_header_sum(header);
}

static void
turn_namespace(struct rb_meta_header *header)
{
	rb_word64_store_release(&header->pid_ns, 4711);
}

TEST(no_magic)
{
	check(clear_magic, -EBADMSG, "meta has no magic");
}

TEST(another_magic)
{
	check(turn_magic, -EBADMSG, "meta has the magic 4141414141414141");
}

TEST(another_version_of_the_layout)
{
	check(raise_version, -EAGAIN, "has version 4711 of the memory layout");
}

static bool
has_slots(const struct t_daemon *d, uint64_t slots)
{
	struct rb_meta *meta;
	bool has;

	if (!t_daemon_has(d, "a/meta"))
		return false;
	meta = map_meta(d, "a/meta");
	has = meta->header.layout_version == RB_LAYOUT_VERSION &&
	      meta->header.geometry.slots == slots;
	munmap(meta, RB_META_SIZE);
	return has;
}

/* Those of the old release go on among themselves; nobody joins them. */
TEST(channel_of_another_layout_is_made_anew_when_all_have_left)
{
	struct rb_control attach = t_attach_message("a", RB_ROLE_TAP, NULL);
	struct t_daemon d;
	pid_t member = begin(&d);
	int peer;

	tamper_with(&d, raise_version);
	t_daemon_configure(&d, "channels: { a: { slots: 32, event_size: 8 } }");
	t_daemon_restart(&d);
	peer = t_peer_greet(&d);
	ck_assert_int_eq(t_peer_refuses(peer, &attach, "once its members"),
			 -EAGAIN);
	t_kill(member);
	t_until(t_daemon_said(&d, "removed, and made anew"));
	t_until(has_slots(&d, 32));
	attach = t_attach_message("a", RB_ROLE_TAP, NULL);
	t_ok(t_peer_come(peer, &attach));
	close(peer);
	t_daemon_stop(&d);
}

static void
stays_until_it_is_removed(struct t_daemon *d)
{
	struct rb_control attach = t_attach_message("a", RB_ROLE_TAP, NULL);
	int peer = t_peer_greet(d);

	t_until(t_daemon_said(d, "ringbusctl channel remove a"));
	ck_assert_int_eq(t_peer_refuses(peer, &attach, "left as it is"),
			 -EBADMSG);
	ck_assert(t_daemon_has(d, "a/ring") && !has_slots(d, 32));
	attach = t_message(RB_CONTROL_REMOVE, "a");
	t_ok(t_peer_ask(peer, &attach, NULL));
	ck_assert(has_slots(d, 32));
	close(peer);
}

TEST(channel_of_another_layout_that_nobody_is_in_stays)
{
	struct t_daemon d;

	t_kill(begin(&d));
	tamper_with(&d, raise_version);
	t_daemon_configure(&d, "channels: { a: { slots: 32, event_size: 8 } }");
	t_daemon_restart(&d);
	stays_until_it_is_removed(&d);
	t_daemon_stop(&d);
}

TEST(channel_of_another_layout_with_kept_consumers_stays_when_all_have_left)
{
	struct t_daemon d;
	pid_t member = begin(&d);

	tamper_with(&d, raise_version);
	t_daemon_configure(&d, "channels: { a: { slots: 32, event_size: 8, "
			       "consumers: { c: { on_death: keep } } } }");
	t_daemon_restart(&d);
	t_kill(member);
	stays_until_it_is_removed(&d);
	t_daemon_stop(&d);
}

TEST(seals_that_files_cannot_have)
{
	check(claim_seals, -EBADMSG, "is sealed by its header, and yet");
}

TEST(another_layout_of_this_version)
{
	check(turn_hash, -EBADMSG, "has another memory layout");
}

TEST(another_boot_by_accident)
{
	check(turn_boot, -EBADMSG, "(field: boot_id)");
}

/* What could not be is not believed, as somebody lives in there. */
TEST(another_boot_with_a_living_member)
{
	check(turn_boot_and_seal, -EBADMSG,
	      "is of an earlier boot, and yet producer p (pid ");
}

TEST(another_size)
{
	check(turn_geometry, -EBADMSG, "(field: geometry)");
	check(turn_geometry_and_seal, -EBADMSG, "the geometry in meta");
}

TEST(another_name)
{
	check(turn_name, -EBADMSG, "(field: name)");
	check(turn_name_and_seal, -EBADMSG, "is channel z by its header");
}

TEST(another_pid_namespace)
{
	check(turn_namespace, -EBADMSG,
	      "another PID namespace (4711, ours is ");
}

/* Nobody is in it, so no pid has to be understood. */
TEST(another_pid_namespace_of_nobody)
{
	struct rb_control answer;
	struct rb_meta *meta;
	struct t_daemon d;
	int peer;

	t_daemon_start(&d, ONE);
	t_daemon_kill(&d);
	tamper_with(&d, turn_namespace);
	t_daemon_restart(&d);
	ck_assert(t_daemon_said(&d, "channel a: taken over"));
	meta = map_meta(&d, "a/meta");
	ck_assert_uint_ne(rb_word64_load_acquire(&meta->header.pid_ns), 4711);
	munmap(meta, RB_META_SIZE);
	peer = t_peer_greet(&d);
	t_ok(t_peer_attach(peer, "a", RB_ROLE_TAP, NULL, &answer));
	close(peer);
	t_daemon_stop(&d);
}

/* ----------------------------------------------------------------- every bit */

/* So many channels, and one process that is in all of them. */
struct crowd {
	struct t_daemon d;
	pid_t member;
	struct rb_word64 *n_attached;
};

static void
name_of(unsigned i, char name[16])
{
	snprintf(name, 16, "c%u", i);
}

static int
attach_to_all(void *arg)
{
	struct crowd *crowd = arg;
	int peer = t_peer_greet(&crowd->d);
	struct rb_control answer;
	char name[16];

	for (unsigned i = 0; i < BATCH; i++) {
		name_of(i, name);
		answer = t_attach_message(name, RB_ROLE_PRODUCER, "p");
		t_ok(t_peer_stay(peer, &answer));
		t_ok(t_peer_attach(peer, name, RB_ROLE_CONSUMER, "c", &answer));
		t_store(crowd->n_attached, i + 1);
	}
	for (;;)
		pause();
}

static void
gather(struct crowd *crowd)
{
	static char yaml[BATCH * 64];
	size_t at;

	at = (size_t)snprintf(yaml, sizeof(yaml),
			      "daemon: { drain: 1ms }\nchannels:\n");
	for (unsigned i = 0; i < BATCH; i++)
		at += (size_t)snprintf(yaml + at, sizeof(yaml) - at,
				       "  c%u: { slots: 4, event_size: 8 }\n",
				       i);
	t_daemon_start(&crowd->d, yaml);
	crowd->n_attached = t_counter();
	crowd->member = t_child(attach_to_all, crowd);
	t_until(t_read(crowd->n_attached) == BATCH);
	t_daemon_kill(&crowd->d);
}

/* Bit `bit` of the byte at `first` + i, in channel i. */
static void
flip(const struct crowd *crowd, size_t first, unsigned n, unsigned bit)
{
	for (unsigned i = 0; i < n; i++) {
		char name[32];
		uint8_t *bytes;

		snprintf(name, sizeof(name), "c%u/meta", i);
		bytes = (uint8_t *)map_meta(&crowd->d, name);
		bytes[first + i] ^= (uint8_t)(1U << (bit + i) % 8);
		munmap(bytes, RB_META_SIZE);
	}
}

static void
remove_all(const struct crowd *crowd)
{
	char name[16], path[2 * PATH_MAX];

	for (unsigned i = 0; i < BATCH; i++) {
		name_of(i, name);
		open_path(&crowd->d, name, path);
		t_remove_tree(path);
	}
}

static void
are_refused(const struct crowd *crowd, size_t first, unsigned n)
{
	int peer = t_peer_greet(&crowd->d);
	struct rb_control answer;
	char file[32], name[16];

	for (unsigned i = 0; i < n; i++) {
		name_of(i, name);
		if (t_peer_attach(peer, name, RB_ROLE_TAP, NULL, &answer) == 0)
			ck_abort_msg("a flip at byte %zu is not noticed",
				     first + i);
		snprintf(file, sizeof(file), "%s/ring", name);
		ck_assert(t_daemon_has(&crowd->d, file));
	}
	for (unsigned i = n; i < BATCH; i++) {
		name_of(i, name);
		t_ok(t_peer_attach(peer, name, RB_ROLE_TAP, NULL, &answer));
	}
	close(peer);
}

static void
flip_header(size_t first, unsigned bit)
{
	size_t left = sizeof(struct rb_meta_header) - first;
	unsigned n = (unsigned)rb_min_u64(BATCH, left);
	struct crowd crowd;

	gather(&crowd);
	flip(&crowd, first, n, bit);
	t_daemon_restart(&crowd.d);
	are_refused(&crowd, first, n);
	t_daemon_stop(&crowd.d);
	for (unsigned i = 0; i < n; i++) {
		char file[32];

		snprintf(file, sizeof(file), "c%u/gates", i);
		ck_assert(t_daemon_has(&crowd.d, file));
	}
	ck_assert_int_eq(kill(crowd.member, 0), 0);
	t_kill(crowd.member);
	remove_all(&crowd);
}

TEST_TIMEOUT(no_bit_of_the_header_may_be_wrong, 240)
{
	for (size_t at = 0; at < sizeof(struct rb_meta_header); at += BATCH)
		for (unsigned bit = 0; bit < 8; bit += 3)
			flip_header(at, bit);
}

/* Behind the header any value may be right, so nothing tells a flipped one: but
 * the daemon goes on, and serves who is in no such channel. */
static void
flip_words(size_t first, unsigned bit)
{
	struct crowd crowd;
	struct rb_control answer;
	int peer;

	gather(&crowd);
	flip(&crowd, first, BATCH - 1, bit);
	t_daemon_restart(&crowd.d);
	peer = t_peer_greet(&crowd.d);
	for (unsigned i = 0; i < BATCH; i++) {
		char name[16];

		name_of(i, name);
		t_peer_attach(peer, name, RB_ROLE_CONSUMER, NULL, &answer);
	}
	t_ok(answer.result);
	close(peer);
	t_kill(crowd.member);
	t_until(t_daemon_said(&crowd.d, "channel c127: producer p"));
	t_daemon_stop(&crowd.d);
	remove_all(&crowd);
}

TEST_TIMEOUT(wrong_words_behind_the_header_are_survived, 240)
{
	flip_words(offsetof(struct rb_meta, control), 0);
	flip_words(offsetof(struct rb_meta, control.gating), 3);
	flip_words(offsetof(struct rb_meta, control.stream), 5);
	flip_words(offsetof(struct rb_meta, producers), 0);
	flip_words(offsetof(struct rb_meta, producers[0].state), 0);
	flip_words(offsetof(struct rb_meta, producers[0].state), 4);
	flip_words(offsetof(struct rb_meta, consumers[0].state), 0);
	flip_words(offsetof(struct rb_meta, consumers[0].state), 5);
}
