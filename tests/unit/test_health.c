/* SPDX-License-Identifier: MIT */
/*
 * test_health.c - when the daemon finds that another one would do better
 */
#include "daemon/health.h"

#include <fcntl.h>
#include <unistd.h>

#include "daemon/daemon.h"
#include "daemon/lock.h"
#include "tests/t.h"

/* As little of one as is looked at. */
struct patient {
	struct rb_daemon daemon;
	struct rb_service_owner owner;
};

static void
begin(struct patient *p)
{
	struct rb_daemon *daemon = &p->daemon;

	*p = (struct patient){ .owner = rb_health_owner(daemon) };
	daemon->server.socket = RB_SOCKET_NULL;
	daemon->shm_dirfd = open(t_shm_dir(),
				 O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(daemon->shm_dirfd, 0);
	daemon->lock = rb_lock_take(daemon->shm_dirfd, t_shm_dir());
	ck_assert_int_ge(daemon->lock, 0);
}

static const char *
look(struct patient *p)
{
	return p->owner.ails(p->owner.context);
}

static void
end(struct patient *p)
{
	rb_lock_remove(p->daemon.shm_dirfd);
	close(p->daemon.lock);
	close(p->daemon.shm_dirfd);
}

TEST(nothing_ails_a_daemon_that_has_nothing_to_repair)
{
	struct patient p;

	begin(&p);
	for (int i = 0; i < 100; i++)
		ck_assert_ptr_null(look(&p));
	end(&p);
}

TEST(repairs_that_are_tried_are_well)
{
	struct patient p;

	begin(&p);
	p.daemon.reaper.repairing = true;
	for (int i = 0; i < 100; i++) {
		p.daemon.reaper.n_rounds++;
		ck_assert_ptr_null(look(&p));
		ck_assert_ptr_null(look(&p));
	}
	end(&p);
}

TEST(repairs_that_nobody_tries_are_a_fault)
{
	struct patient p;
	int n = 0;

	begin(&p);
	p.daemon.reaper.repairing = true;
	p.daemon.reaper.n_rounds = 1;
	while (look(&p) == NULL)
		ck_assert_int_lt(n++, 10);
	ck_assert_int_gt(n, 1);
	ck_assert_str_eq(look(&p), "repairs stand still");
	p.daemon.reaper.n_rounds++;
	ck_assert_ptr_null(look(&p));
	end(&p);
}

TEST(lock_of_another_is_a_fault)
{
	struct patient p;
	int fd;

	begin(&p);
	rb_lock_remove(p.daemon.shm_dirfd);
	ck_assert_ptr_nonnull(look(&p));
	fd = openat(p.daemon.shm_dirfd, RB_LOCK_NAME, O_CREAT | O_RDWR, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_ptr_nonnull(look(&p));
	end(&p);
}
