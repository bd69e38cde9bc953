/* SPDX-License-Identifier: MIT */
/*
 * util_attack.c - see attack.h
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/presence.h"
#include "tests/hostile/attack.h"
#include "tests/system/util_peer.h"

static struct attack_report *report;

struct attack_report *
attack_reports_to(void)
{
	if (report == NULL)
		report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(report, MAP_FAILED);
	return report;
}

/* ------------------------------------------------------------------ reporting */

static bool
is_said(const char *word)
{
	size_t n = strlen(word);

	for (const char *at = report->seen; (at = strstr(at, word)) != NULL;
	     at += n)
		if ((at == report->seen || at[-1] == ' ') &&
		    (at[n] == '\0' || at[n] == ','))
			return true;
	return false;
}

void
saw(const char *fmt, ...)
{
	size_t n = strlen(report->seen);
	char word[64];
	va_list args;

	va_start(args, fmt);
	vsnprintf(word, sizeof(word), fmt, args);
	va_end(args);
	report->n++;
	if (!is_said(word))
		snprintf(report->seen + n, sizeof(report->seen) - n, "%s%s",
			 n > 0 ? ", " : "", word);
}

void
saw_result(int64_t result)
{
	const char *name = strerrorname_np((int)-result);

	if (result >= 0)
		saw("ok");
	else
		saw("%s", name != NULL ? name : "no errno");
}

void
saw_call(int64_t result)
{
	saw_result(result < 0 ? -errno : 0);
}

void
saw_closed(int peer)
{
	saw("%s", t_peer_is_closed(peer) ? "closed" : "answered");
	close(peer);
}

void
saw_closed_by(const struct arena *arena, bool greets, const void *bytes,
	      size_t size)
{
	int peer = greets ? t_peer_greet(&arena->daemon)
			  : t_peer_connect(&arena->daemon);

	ck_assert_int_ge(send(peer, bytes, size, MSG_NOSIGNAL), 0);
	saw_closed(peer);
}

uint64_t
any(void)
{
	static uint64_t state = UINT64_C(0x2545f4914f6cdd1d);

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

void
fill_any(void *bytes, size_t size)
{
	unsigned char *at = bytes;

	while (size-- > 0)
		*at++ = (unsigned char)any();
}

/* ------------------------------------------------------------------ processes */

pid_t
fork_off(int (*fn)(void *), void *arg)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid > 0)
		return pid;
	/* 0: in a PID namespace that is new. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ||
	    (getppid() != parent && getppid() != 0))
		_exit(127);
	_exit(fn(arg));
}

void
await_end(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

void
kill_off(pid_t pid)
{
	kill(pid, SIGKILL);
	await_end(pid);
}

void
die(void)
{
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

uint64_t
flow_after(const struct arena *arena, uint64_t n)
{
	return pair_consumed(&arena->pair) + n * arena->harder;
}

bool
flow_is_at(const struct arena *arena, uint64_t n)
{
	return pair_consumed(&arena->pair) >= n;
}

/* -------------------------------------------------------------------- members */

int
seat_take(const struct arena *arena, const char *channel, enum rb_role role,
	  const char *name, struct seat *ret)
{
	struct rb_control *answer = &ret->answer;
	int err;

	ret->peer = t_peer_greet(&arena->daemon);
	*answer = t_attach_message(channel, role, name);
	err = t_peer_ask(ret->peer, answer, ret->fds);
	if (err < 0) {
		close(ret->peer);
		return err;
	}
	t_ok(rb_channel_attach(&ret->shm, ret->fds, role));
	if (role != RB_ROLE_TAP)
		ck_assert(rb_presence_arrive(&ret->shm, role, answer->index,
					     answer->epoch));
	return 0;
}

void
seat_leave(struct seat *seat)
{
	rb_channel_detach(&seat->shm);
	t_peer_detach(seat->peer, &seat->answer);
	for (int i = 0; i < RB_FDS; i++)
		close(seat->fds[i]);
	close(seat->peer);
}

struct rb_handle *
seat_handle(const struct seat *seat)
{
	return &seat->shm.ring->handles[seat->answer.index];
}

struct rb_gate *
seat_gate(const struct seat *seat)
{
	return &seat->shm.gates->consumers[seat->answer.index];
}

int64_t
seat_claim(const struct seat *seat, int64_t n)
{
	struct rb_handle *handle = seat_handle(seat);
	int64_t lo;

	rb_word64_store_release(&handle->intent, RB_INTENT_CLAIMING);
	rb_word64_store_release(&handle->n, (uint64_t)n);
	lo = rb_seq_add_acq_rel(&seat->shm.ring->claimed, n) + 1;
	rb_word64_store_release(&handle->intent,
				(uint64_t)(lo + 1) << 2 | RB_INTENT_CLAIMED);
	return lo;
}
