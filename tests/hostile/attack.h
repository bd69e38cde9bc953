/* SPDX-License-Identifier: MIT */
/*
 * attack.h - one hostile client: what it tries, and what must come of it
 *
 * An attack is a function that runs in a process of its own, as a user of its
 * own, and says what it saw. Said more than once, a word counts once; the words
 * in their order have to be the expected ones. `killed by SIGBUS` and the like are
 * added by who watches it. What it starts dies with it.
 */
#ifndef T_ATTACK_H
#define T_ATTACK_H

#include "tests/hostile/util_arena.h"

struct attack {
	const char *name;
	const char *tries;
	const char *expected;
	void (*run)(const struct arena *arena);
	enum other other; /* the channel that is made for it */
	uid_t uid;
};

/* They end with an empty one. */
extern const struct attack attacks_socket[];
extern const struct attack attacks_handshake[];
extern const struct attack attacks_request[];
extern const struct attack attacks_tap[];
extern const struct attack attacks_memory[];
extern const struct attack attacks_repair[];
extern const struct attack attacks_consumer[];
extern const struct attack attacks_file[];
extern const struct attack attacks_process[];

/* Shared by who attacks and who watches. */
struct attack_report {
	char seen[256];
	unsigned n; /* times something was said */
};

/* For who watches: where saw() writes, from the next t_child() on. */
struct attack_report *attack_reports_to(void);

/* What has come of it. */
__attribute__((format(printf, 1, 2))) void saw(const char *fmt, ...);
void saw_result(int64_t result); /* "ok", or the name of this -errno */
void saw_call(int64_t result);   /* the same by errno, if < 0 */
void saw_closed(int peer);       /* "closed" once the daemon has; closes it */

/* Sends, and the connection has to be closed. */
void saw_closed_by(const struct arena *arena, bool greets, const void *bytes,
		   size_t size);

/* The next one of a row of random numbers, the same each time. */
uint64_t any(void);
void fill_any(void *bytes, size_t size);

/* A child that dies with us; and its end. */
pid_t fork_off(int (*fn)(void *), void *arg);
void await_end(pid_t pid);
void kill_off(pid_t pid);
__attribute__((noreturn)) void die(void);

/* The pair has exchanged so many events more, and does not stand still. */
uint64_t flow_after(const struct arena *arena, uint64_t n);
bool flow_is_at(const struct arena *arena, uint64_t n);

/* While the pair exchanges so many: for a storm. */
#define STORM(arena)                                                           \
	for (uint64_t end_ = flow_after(arena, 500000);                        \
	     !flow_is_at(arena, end_);)

/* A member by hand: all that the role gives it. */
struct seat {
	int peer;
	struct rb_control answer;
	int fds[RB_FDS];
	struct rb_channel shm;
};

int seat_take(const struct arena *arena, const char *channel, enum rb_role role,
	      const char *name, struct seat *ret);
void seat_leave(struct seat *seat);

/* Of a producer of several: claims, and writes down that it has. */
int64_t seat_claim(const struct seat *seat, int64_t n);

/* Its handle's words, and its gate. */
struct rb_handle *seat_handle(const struct seat *seat);
struct rb_gate *seat_gate(const struct seat *seat);

#endif
