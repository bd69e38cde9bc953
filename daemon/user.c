/* SPDX-License-Identifier: MIT */
/*
 * user.c - see user.h
 */
#include "daemon/user.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "daemon/access.h"
#include "shm/wait.h"

#define TICK_NS INT64_C(1000000000)

/* Users who have nothing here and are remembered: more are forgotten. */
#define IDLE_MAX 256

static bool
is_exempt(const struct rb_user *user)
{
	return rb_access_is_owner(&(struct rb_credentials){ .uid = user->uid });
}

static bool
has_anything(const struct rb_user *user)
{
	return user->n_peers > 0 || user->n_members > 0 || user->n_channels > 0;
}

/* Else his allowance would be whole at once. */
static bool
is_to_be_remembered(const struct rb_user *user)
{
	return user->n_left_out > 0 ||
	       !rb_allowance_is_full(&user->lines, rb_clock_ns());
}

static void
tell_left_out(struct rb_user *user)
{
	if (user->n_left_out == 0)
		return;
	rb_log_warning("uid %u: %u more lines of the kind above were left out",
		       user->uid, user->n_left_out);
	user->n_left_out = 0;
	rb_allowance_overdraw(&user->lines, rb_clock_ns());
}

static void
destroy(struct rb_user *user)
{
	tell_left_out(user);
	user->all->n_idle -= user->idle;
	LIST_REMOVE(user, of_all);
	free(user);
}

/* Until everybody's allowance is whole. */
static void
on_tick(void *context, int result)
{
	struct rb_users *all = context;
	struct rb_user *user, *next;

	(void)result;
	all->runs = false;
	for (user = LIST_FIRST(&all->list); user != NULL; user = next) {
		next = LIST_NEXT(user, of_all);
		tell_left_out(user);
		if (is_to_be_remembered(user))
			all->runs = true;
		else if (user->idle)
			destroy(user);
	}
	if (all->runs)
		rb_watch_timer(all->tick, TICK_NS);
}

static void
run(struct rb_users *all)
{
	if (!all->runs)
		rb_watch_timer(all->tick, TICK_NS);
	all->runs = true;
}

int
rb_users_init(struct rb_users *all, struct rb_loop *loop)
{
	*all = (struct rb_users){ 0 };
	LIST_INIT(&all->list);
	return rb_watch_new(loop, on_tick, all, &all->tick);
}

void
rb_users_deinit(struct rb_users *all)
{
	while (!LIST_EMPTY(&all->list))
		destroy(LIST_FIRST(&all->list));
	all->tick = rb_watch_free(all->tick);
}

struct rb_user *
rb_users_find(const struct rb_users *all, uid_t uid)
{
	struct rb_user *user;

	LIST_FOREACH(user, &all->list, of_all)
	if (user->uid == uid)
		return user;
	return NULL;
}

int
rb_user_get(struct rb_users *all, uid_t uid, struct rb_user **ret)
{
	struct rb_user *user = rb_users_find(all, uid);

	if (user == NULL) {
		user = calloc(1, sizeof(*user));
		if (user == NULL)
			return -ENOMEM;
		user->all = all;
		user->uid = uid;
		LIST_INSERT_HEAD(&all->list, user, of_all);
	}
	all->n_idle -= user->idle;
	user->idle = false;
	*ret = user;
	return 0;
}

void
rb_user_release(struct rb_user *user)
{
	if (user == NULL || user->idle || has_anything(user))
		return;
	if (!is_to_be_remembered(user) || user->all->n_idle >= IDLE_MAX) {
		destroy(user);
		return;
	}
	user->idle = true;
	user->all->n_idle++;
}

bool
rb_user_may_speak(struct rb_user *user)
{
	bool may;

	if (user == NULL || is_exempt(user))
		return true;
	may = rb_allowance_take(&user->lines, rb_clock_ns());
	user->n_left_out += !may;
	run(user->all);
	return may;
}

void
rb_user_log(struct rb_user *user, int priority, const char *fmt, ...)
{
	va_list args;

	if (!rb_user_may_speak(user))
		return;
	va_start(args, fmt);
	rb_log_args(priority, fmt, args);
	va_end(args);
}
