/* SPDX-License-Identifier: MIT */
/*
 * util_user.c - see util_user.h
 */
#include "tests/system/util_user.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

const struct t_user t_alice = { .uid = T_ALICE, .gid = T_ALICE };
const struct t_user t_bob = { .uid = T_BOB, .gid = T_BOB };
const struct t_user t_carol = { .uid = T_CAROL, .gid = T_CAROL };
const struct t_user t_stranger = { .uid = T_STRANGER };
const struct t_user t_other = { .uid = T_OTHER };

void
t_need_root(void)
{
	if (geteuid() != 0)
		T_SKIP("only root can become another user");
}

void
t_become(const struct t_user *user, struct t_daemon *daemon)
{
	pid_t parent = getppid();

	if (daemon != NULL)
		t_daemon_approach(daemon);
	ck_assert_int_eq(setgroups(user->n_groups, user->groups), 0);
	ck_assert_int_eq(setresgid(user->gid, user->gid, user->gid), 0);
	ck_assert_int_eq(setresuid(user->uid, user->uid, user->uid), 0);
	/* Both went with the change: to die with the parent, and to have a
	 * /proc/self of its own. */
	ck_assert_int_eq(prctl(PR_SET_DUMPABLE, 1), 0);
	ck_assert_int_eq(prctl(PR_SET_PDEATHSIG, SIGKILL), 0);
	if (getppid() != parent)
		_exit(127);
}

struct child {
	const struct t_user *user;
	t_child_fn fn;
	void *arg;
};

static int
run_child(void *arg)
{
	const struct child *c = arg;

	t_become(c->user, NULL);
	return c->fn(c->arg);
}

pid_t
t_child_as(const struct t_user *user, t_child_fn fn, void *arg)
{
	struct child c = { user, fn, arg };

	return t_child(run_child, &c);
}

struct visit {
	struct t_daemon daemon;
	const struct t_user *user;
	t_user_fn fn;
	const void *arg;
};

static int
run_visit(void *arg)
{
	struct visit *v = arg;

	t_become(v->user, &v->daemon);
	v->fn(&v->daemon, v->arg);
	return 0;
}

pid_t
t_start_as(const struct t_daemon *daemon, const struct t_user *user,
	   t_user_fn fn, const void *arg)
{
	struct visit v = { *daemon, user, fn, arg };

	return t_child(run_visit, &v);
}

void
t_as(const struct t_daemon *daemon, const struct t_user *user, t_user_fn fn,
     const void *arg)
{
	t_join(t_start_as(daemon, user, fn, arg));
}

/* ------------------------------------------------- what a daemon says to him */

#define LIST_SIZE 1024

/* What a child of ours does as somebody, and what came of it. */
struct errand {
	struct t_daemon d;
	const struct t_user *user;
	struct rb_control message;
	char list[LIST_SIZE];
};

/* Shared, so that the child can say what it has found. */
static struct errand *
errand_new(const struct t_daemon *d, const struct t_user *user)
{
	struct errand *e = mmap(NULL, sizeof(*e), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(e, MAP_FAILED);
	e->d = *d;
	e->user = user;
	return e;
}

static int
ask(void *arg)
{
	struct errand *e = arg;
	int peer;

	t_become(e->user, &e->d);
	peer = t_peer_greet(&e->d);
	t_peer_ask(peer, &e->message, NULL);
	close(peer);
	return 0;
}

int
t_user_asks(const struct t_daemon *d, const struct t_user *user,
	    struct rb_control *message)
{
	struct errand *e = errand_new(d, user);

	e->message = *message;
	t_join(t_child(ask, e));
	*message = e->message;
	munmap(e, sizeof(*e));
	return message->result;
}

int
t_user_attaches(const struct t_daemon *d, const struct t_user *user,
		const char *channel, enum rb_role role)
{
	struct rb_control m = t_attach_message(channel, role, NULL);

	return t_user_asks(d, user, &m);
}

int
t_user_requests(const struct t_daemon *d, const struct t_user *user,
		const char *channel, enum rb_control_type type)
{
	struct rb_control m = t_message(type, channel);

	return t_user_asks(d, user, &m);
}

void
t_user_is_refused(const struct t_daemon *d, const struct t_user *user,
		  struct rb_control *message, const char *text)
{
	int result = t_user_asks(d, user, message);

	if (result != -EACCES || strstr(message->text, text) == NULL)
		ck_abort_msg("not refused with `%s` but %d: %s", text, result,
			     message->text);
	ck_assert(t_daemon_said(d, text));
}

int
t_user_creates(const struct t_daemon *d, const struct t_user *user,
	       const char *channel)
{
	struct rb_control m = t_create_message(channel, 0);

	m.producers = RB_MULTI;
	return t_user_asks(d, user, &m);
}

static int
list(void *arg)
{
	struct errand *e = arg;
	struct rb_control m;
	size_t used = 0;
	int peer;

	t_become(e->user, &e->d);
	peer = t_peer_greet(&e->d);
	for (uint32_t i = 0;; i++) {
		m = t_message(RB_CONTROL_LIST, NULL);
		m.index = i;
		if (t_peer_ask(peer, &m, NULL) < 0)
			break;
		used += (size_t)snprintf(e->list + used, LIST_SIZE - used,
					 "%s%s", i > 0 ? " " : "", m.channel);
		ck_assert_uint_lt(used, LIST_SIZE);
	}
	ck_assert_int_eq(m.result, -ENOENT);
	close(peer);
	return 0;
}

const char *
t_user_lists(const struct t_daemon *d, const struct t_user *user)
{
	static char channels[LIST_SIZE];
	struct errand *e = errand_new(d, user);

	t_join(t_child(list, e));
	memcpy(channels, e->list, sizeof(channels));
	munmap(e, sizeof(*e));
	return channels;
}

struct holder {
	struct t_daemon d;
	const struct t_user *user;
	struct rb_control message;
	int told[2];
};

static int
hold(void *arg)
{
	struct holder *h = arg;
	int peer;

	t_become(h->user, &h->d);
	peer = t_peer_greet(&h->d);
	t_peer_come(peer, &h->message);
	if (write(h->told[1], &h->message, sizeof(h->message)) < 0)
		return 1;
	for (;;)
		pause();
}

pid_t
t_user_holds(const struct t_daemon *d, const struct t_user *user,
	     const struct rb_control *attach, struct rb_control *ret)
{
	struct holder h = { *d, user, *attach, { -1, -1 } };
	pid_t pid;

	ck_assert_int_eq(pipe(h.told), 0);
	pid = t_child(hold, &h);
	close(h.told[1]);
	ck_assert_int_eq(read(h.told[0], ret, sizeof(*ret)), sizeof(*ret));
	close(h.told[0]);
	return pid;
}
