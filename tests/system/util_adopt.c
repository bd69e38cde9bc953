/* SPDX-License-Identifier: MIT */
/*
 * util_adopt.c - see util_adopt.h
 */
#include "tests/system/util_adopt.h"
#include "tests/system/util_peer.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define TWO                                                                    \
	"daemon: { drain: 1ms }\n"                                             \
	"dynamic: { allow: [any] }\n"                                          \
	"channels:\n"                                                          \
	"  a: { slots: 64, event_size: 8, consumers: { app: {} } }\n"          \
	"  b: { slots: 64, event_size: 8 }\n"

/* ---------------------------------------------------------- what is there */

static char *print_to;
static size_t print_left;

static uint64_t
sum_of(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t sum = 0;
	uint8_t byte[4096];
	ssize_t n;

	while ((n = read(fd, byte, sizeof(byte))) > 0)
		for (ssize_t i = 0; i < n; i++)
			sum = (sum ^ byte[i]) * UINT64_C(1099511628211);
	close(fd);
	return sum;
}

static int
print_entry(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	uint64_t sum = S_ISREG(st->st_mode) ? sum_of(path) : 0;
	int n = snprintf(print_to, print_left, "%s %o %llu %llu %llx\n", path,
			 st->st_mode, (unsigned long long)st->st_ino,
			 (unsigned long long)st->st_size,
			 (unsigned long long)sum);

	(void)kind;
	(void)at;
	ck_assert_uint_lt((size_t)n, print_left);
	print_to += n;
	print_left -= (size_t)n;
	return 0;
}

/* Names, kinds, sizes, inodes and content. */
static void
take_print(const char *folder, char *print, size_t size)
{
	print_to = print;
	print_left = size;
	ck_assert_int_eq(nftw(folder, print_entry, 16, FTW_PHYS), 0);
}

static bool
is_untouched(const struct t_orphan *s)
{
	static char now[sizeof(s->print)];

	take_print(s->folder, now, sizeof(now));
	return strcmp(now, s->print) == 0 && kill(s->member, 0) == 0;
}

/* ------------------------------------------------------------- the daemons */

void
t_orphan_begin(struct t_orphan *s)
{
	struct rb_control attach = t_attach_message("a", RB_ROLE_CONSUMER,
						    "app");
	struct rb_control held;

	t_daemon_start(&s->d, TWO);
	s->member = t_holder(&s->d, &attach, false, &held);
	t_ok(held.result);
	t_daemon_kill(&s->d);
	snprintf(s->folder, sizeof(s->folder), "%.1000s/a", s->d.shm);
}

static void
attaches(const struct t_daemon *d, const char *channel)
{
	struct rb_control answer;
	int peer = t_peer_greet(d);

	t_ok(t_peer_attach(peer, channel, RB_ROLE_PRODUCER, "p", &answer));
	t_ok(t_peer_detach(peer, &answer));
	close(peer);
}

static void
asks_in_vain(const struct t_daemon *d, int err, const char *said)
{
	struct rb_control attach = t_attach_message("a", RB_ROLE_TAP, NULL);
	struct rb_control creation = t_create_message("a", 0);
	int peer = t_peer_greet(d);

	ck_assert_int_eq(t_peer_refuses(peer, &attach, said), err);
	ck_assert_int_eq(t_peer_refuses(peer, &creation, said), -EEXIST);
	close(peer);
}

static bool
is_let_in(const struct t_daemon *d)
{
	struct rb_control tap = t_attach_message("a", RB_ROLE_TAP, NULL);
	int peer = t_peer_greet(d);
	bool is = t_peer_ask(peer, &tap, NULL) == 0;

	close(peer);
	return is;
}

/* What --check would make of it, and that it is the same text. */
static void
is_foretold(const struct t_orphan *s, const char *said)
{
	char command[4 * PATH_MAX], text[8192];
	FILE *pipe;
	size_t n;

	snprintf(command, sizeof(command),
		 "%s --check --config %s --shm-dir %s", t_program("ringbusd"),
		 s->d.config, s->d.shm);
	pipe = popen(command, "re");
	ck_assert_ptr_nonnull(pipe);
	n = fread(text, 1, sizeof(text) - 1, pipe);
	text[n] = '\0';
	ck_assert_int_eq(pclose(pipe), 0);
	if (strstr(text, said) == NULL)
		ck_abort_msg("--check did not say '%s' but:\n%s", said, text);
}

/* The operator stops the member and removes the folder. */
void
t_orphan_clean_up(struct t_orphan *s)
{
	t_kill(s->member);
	t_remove_tree(s->folder);
	t_daemon_restart(&s->d);
	attaches(&s->d, "a");
	attaches(&s->d, "b");
	t_daemon_stop(&s->d);
}

void
t_orphan_is_refused(struct t_orphan *s, int err, const char *why)
{
	char said[2 * PATH_MAX];

	snprintf(said, sizeof(said), "%s: %s", s->folder, why);
	take_print(s->folder, s->print, sizeof(s->print));
	is_foretold(s, said);
	t_daemon_restart(&s->d);
	if (!t_daemon_said(&s->d, said))
		ck_abort_msg("not said: %s; but:\n%s", said,
			     t_daemon_log(&s->d));
	ck_assert(t_daemon_said(&s->d, "channel a is not served: "));
	attaches(&s->d, "b");
	asks_in_vain(&s->d, err, said);
	ck_assert(is_untouched(s));
	t_daemon_stop(&s->d);
	ck_assert(is_untouched(s));
	ck_assert(!t_daemon_has(&s->d, "b"));
}

void
t_orphan_is_taken_over(struct t_orphan *s)
{
	is_foretold(s, "would be taken over, with 1 members");
	t_daemon_restart(&s->d);
	ck_assert(t_daemon_said(&s->d, "channel a: taken over"));
	ck_assert_int_eq(kill(s->member, 0), 0);
	attaches(&s->d, "a");
	t_kill(s->member);
	t_until(t_daemon_said(&s->d, "died, its place is released"));
	t_daemon_stop(&s->d);
}

void
t_orphan_is_broken(struct t_orphan *s, const char *why)
{
	char said[512];

	snprintf(said, sizeof(said), "is broken: %s", why);
	is_foretold(s, said);
	t_daemon_restart(&s->d);
	ck_assert(t_daemon_said(&s->d, "channel a: taken over"));
	ck_assert(t_daemon_said(&s->d, said));
	attaches(&s->d, "b");
	ck_assert(!is_let_in(&s->d));
	ck_assert_int_eq(kill(s->member, 0), 0);
	t_kill(s->member);
	t_until(t_daemon_said(&s->d, "died, its place is released"));
	ck_assert_int_eq(kill(s->d.pid, SIGHUP), 0);
	t_until(is_let_in(&s->d));
	attaches(&s->d, "a");
	t_daemon_stop(&s->d);
}

void
t_orphan_path(const struct t_orphan *s, const char *file,
	      char path[2 * PATH_MAX])
{
	snprintf(path, 2 * PATH_MAX, "%s%s%s", s->folder,
		 file[0] != '\0' ? "/" : "", file);
}
