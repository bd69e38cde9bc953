/* SPDX-License-Identifier: MIT */
/*
 * talk.h - control messages that the input makes up
 *
 * A message begins as one that a library of ours could send, and then some of its
 * fields are what the input says.
 */
#ifndef FUZZ_TALK_H
#define FUZZ_TALK_H

#include "shm/channel.h"
#include "shm/control.h"
#include "tests/fuzz/fuzz.h"

void talk_hello(struct rb_control *ret);

/* A request. */
void talk_ask(struct input *in, struct rb_control *ret);

/* Some fields of a message, none to three. */
void talk_change(struct input *in, struct rb_control *message);

/* One of some names, also of channels and members that there are, or of none. */
const char *talk_name(struct input *in);

/* Sends so many bytes with so many descriptors (of /dev/null, if `fds` is NULL).
 * Whether they went. */
bool talk_send(int socket, const void *bytes, size_t size, const int *fds,
	       unsigned n_fds);

/* What has come, without waiting: its length, 0 at the end, or a negative errno;
 * and how many descriptors with it, at most RB_FDS + 4. */
#define TALK_FDS_MAX (RB_FDS + 4)
ssize_t talk_receive(int socket, struct rb_control *ret, int *ret_fds,
		     unsigned *ret_n_fds);

#endif
