/* SPDX-License-Identifier: MIT */
/*
 * util_show.c - who waits for whom, when nothing goes on any more
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/torture/torture.h"

/* The first line of a file of /proc/PID. */
static void
read_proc(pid_t pid, const char *name, char *text, size_t size)
{
	char path[64];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, size - 1);
		close(fd);
	}
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
}

static void
show_seat(unsigned i, const struct torture_seat *seat)
{
	char stat[512], wchan[64], call[128];
	const char *state;

	read_proc(seat->pid, "stat", stat, sizeof(stat));
	read_proc(seat->pid, "wchan", wchan, sizeof(wchan));
	read_proc(seat->pid, "syscall", call, sizeof(call));
	state = strrchr(stat, ')');
	printf("  %-9s pid %-7d life %-5" PRIu64 " %c %s, attached %" PRIu64
	       ", system call %s\n",
	       torture_seat_name(i), (int)seat->pid, seat->life,
	       state != NULL ? state[2] : '?', wchan,
	       t_read(&torture_ledger->lives[seat->life].attached), call);
}

static void
show_member(const struct ringbus_channel *channel, int role, unsigned index)
{
	struct ringbus_member m = { .size = sizeof(m) };

	if (ringbus_channel_member(channel, role, index, &m) != 1)
		return;
	printf("  %s %2u %-9s state %d, gates %d, pid %" PRId64
	       ", sequence %" PRId64 ", lag %" PRId64 ", sleeps %" PRIu64
	       ", missed %" PRIu64 "\n",
	       role == RINGBUS_PRODUCER ? "producer" : "consumer", index,
	       m.name, m.state, m.gates, m.pid, m.sequence, m.lag, m.sleeps,
	       m.missed);
}

void
torture_show(const struct ringbus_channel *channel,
	     const struct torture_seat *seats)
{
	struct ringbus_info info = t_info(channel);

	printf("cursor %" PRId64 ", slowest %" PRId64 " of %" PRIu64 " slots\n",
	       info.cursor, info.gating, info.slots);
	for (unsigned i = 0; i < SEATS; i++)
		show_seat(i, &seats[i]);
	for (unsigned i = 0; i < RINGBUS_MEMBERS_MAX; i++)
		show_member(channel, RINGBUS_PRODUCER, i);
	for (unsigned i = 0; i < RINGBUS_MEMBERS_MAX; i++)
		show_member(channel, RINGBUS_CONSUMER, i);
	for (unsigned s = 0; s < STAGES; s++) {
		const struct torture_witness *w = &torture_ledger->stages[s];

		printf("  stage %u: seen %" PRIu64 ", committing %" PRIu64
		       ", committed %" PRIu64 "\n",
		       s, t_read(&w->last), t_read(&w->committing),
		       t_read(&w->committed));
	}
}

static void
keep(const char *path, const char *parent, uint64_t seed)
{
	char kept[128];

	snprintf(kept, sizeof(kept), "%s/torture.%" PRIu64 ".%d", parent, seed,
		 (int)getpid());
	if (rename(path, kept) == 0)
		printf("kept: %s\n", kept);
	else
		perror(path);
}

void
torture_keep(uint64_t seed)
{
	keep(t_shm_dir(), "/dev/shm", seed);
	keep(t_tmpdir(), "/tmp", seed);
}
