/* SPDX-License-Identifier: MIT */
/*
 * util_stranger.c - see util_stranger.h
 */
#include "tests/system/util_stranger.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

struct stranger {
	struct t_daemon daemon;
	uid_t uid;
	t_stranger_fn fn;
	const void *arg;
};

static void
let_in(const struct t_daemon *daemon)
{
	ck_assert_int_eq(chmod(t_tmpdir(), 0755), 0);
	ck_assert_int_eq(chmod(daemon->socket, 0666), 0);
}

void
t_daemon_start_open(struct t_daemon *daemon, const char *yaml)
{
	if (geteuid() != 0)
		T_SKIP("only root can become another user");
	t_daemon_start(daemon, yaml);
	let_in(daemon);
}

void
t_daemon_restart_open(struct t_daemon *daemon)
{
	t_daemon_restart(daemon);
	let_in(daemon);
}

void
t_become(struct t_daemon *daemon, uid_t uid)
{
	ck_assert_int_eq(chdir(t_tmpdir()), 0);
	memset(daemon->socket, 0, sizeof(daemon->socket));
	snprintf(daemon->socket, sizeof(daemon->socket), "control.sock");
	ck_assert_int_eq(setresuid(uid, uid, uid), 0);
}

static int
run(void *arg)
{
	struct stranger *s = arg;

	t_become(&s->daemon, s->uid);
	s->fn(&s->daemon, s->arg);
	return 0;
}

pid_t
t_start_as(const struct t_daemon *daemon, uid_t uid, t_stranger_fn fn,
	   const void *arg)
{
	struct stranger s = { *daemon, uid, fn, arg };

	return t_child(run, &s);
}

void
t_as(const struct t_daemon *daemon, uid_t uid, t_stranger_fn fn,
     const void *arg)
{
	t_join(t_start_as(daemon, uid, fn, arg));
}
