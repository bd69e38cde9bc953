/* SPDX-License-Identifier: MIT */
/*
 * test_adopt_damage.c - a channel in use is damaged while no daemon runs, and
 * the next daemon touches nothing of it, says what is wrong, and serves the others
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/system/util_adopt.h"

/* What is done to the path below a channel's folder, "" for the folder. */
typedef void (*inflict_fn)(const char *path);

struct damage {
	inflict_fn inflict;
	const char *file;
	int err;          /* for who wants to attach */
	const char *said; /* of it, behind the path of the folder */
};

static void
check(const struct damage *damage)
{
	char path[2 * PATH_MAX];
	struct t_orphan s;

	t_orphan_begin(&s);
	t_orphan_path(&s, damage->file, path);
	damage->inflict(path);
	t_orphan_is_refused(&s, damage->err, damage->said);
	t_orphan_clean_up(&s);
}

/* To each of the four files in turn; `what` follows its name. */
static void
check_files(inflict_fn inflict, const char *what)
{
	for (int i = 0; i < RB_FDS; i++) {
		char said[256];
		struct damage damage = { inflict, rb_file_names[i], -EBADMSG,
					 said };

		snprintf(said, sizeof(said), "%s %s", rb_file_names[i], what);
		check(&damage);
	}
}

/* ------------------------------------------------------- files, from outside */

static void
remove_it(const char *path)
{
	ck_assert_int_eq(unlink(path), 0);
}

static void
put_link(const char *path)
{
	char aside[2 * PATH_MAX];

	snprintf(aside, sizeof(aside), "%s.x", path);
	ck_assert_int_eq(rename(path, aside), 0);
	ck_assert_int_eq(symlink(aside, path), 0);
}

static void
put_folder(const char *path)
{
	remove_it(path);
	ck_assert_int_eq(mkdir(path, 0700), 0);
}

/* Nobody writes to it, and who opened it for reading would wait. */
static void
put_fifo(const char *path)
{
	remove_it(path);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
}

static void
put_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	remove_it(path);
	ck_assert_uint_lt(strlen(path), sizeof(address.sun_path));
	memcpy(address.sun_path, path, strlen(path) + 1);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)),
			 0);
	close(fd);
}

static void
put_second_name(const char *path)
{
	char second[2 * PATH_MAX];

	snprintf(second, sizeof(second), "%s.x", path);
	ck_assert_int_eq(link(path, second), 0);
}

static void
give_away(const char *path)
{
	ck_assert_int_eq(chown(path, 65534, (gid_t)-1), 0);
}

static void
open_to_all(const char *path)
{
	ck_assert_int_eq(chmod(path, 0777), 0);
}

TEST_TIMEOUT(missing_file, 120)
{
	check_files(remove_it, "is missing");
}

TEST_TIMEOUT(symbolic_link_for_a_file, 120)
{
	check_files(put_link, "is no file but a symbolic link");
}

TEST_TIMEOUT(folder_for_a_file, 120)
{
	check_files(put_folder, "is no file but a folder");
}

TEST_TIMEOUT(fifo_for_a_file, 120)
{
	check_files(put_fifo, "is no file but a FIFO");
}

TEST_TIMEOUT(socket_for_a_file, 120)
{
	check_files(put_socket, "is no file but a socket");
}

TEST_TIMEOUT(file_with_a_second_name, 120)
{
	check_files(put_second_name, "has 2 names (hard links)");
}

TEST_TIMEOUT(file_of_another_user, 120)
{
	if (geteuid() != 0)
		T_SKIP("only root can give files away");
	check_files(give_away, "belongs to uid 65534");
}

TEST(file_that_others_may_write_to)
{
	struct damage ring = { open_to_all, "ring", -EBADMSG,
			       "others may write to ring" };
	struct damage folder = { open_to_all, "", -EBADMSG,
				 "others may write to the folder" };

	check(&ring);
	check(&folder);
}

TEST(folder_of_another_user)
{
	struct damage damage = { give_away, "", -EBADMSG,
				 "the folder belongs to uid 65534" };

	if (geteuid() != 0)
		T_SKIP("only root can give files away");
	check(&damage);
}

/* ------------------------------------------------------------------- sizes */

static void
cut_to(const char *path, off_t size)
{
	ck_assert_int_eq(truncate(path, size), 0);
}

static void
cut_to_nothing(const char *path)
{
	cut_to(path, 0);
}

static void
cut_to_one(const char *path)
{
	cut_to(path, 1);
}

static void
cut_in_half(const char *path)
{
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	cut_to(path, st.st_size / 2);
}

static void
cut_the_last_byte(const char *path)
{
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	cut_to(path, st.st_size - 1);
}

/* What a client can do, too. */
static void
check_broken(inflict_fn cut, const char *file, const char *said)
{
	char path[2 * PATH_MAX];
	struct t_orphan s;

	t_orphan_begin(&s);
	t_orphan_path(&s, file, path);
	cut(path);
	t_orphan_is_broken(&s, said);
}

static void
check_cut(inflict_fn cut, const char *has)
{
	for (int i = 0; i < RB_FILES; i++) {
		char said[256];
		struct damage damage = { cut, rb_file_names[i], -EBADMSG,
					 said };

		snprintf(said, sizeof(said), "%s has %s", rb_file_names[i],
			 has);
		if (i == RB_FILE_META)
			check(&damage);
		else
			check_broken(cut, rb_file_names[i], said);
	}
}

TEST_TIMEOUT(empty_file, 120)
{
	check_cut(cut_to_nothing, "0 bytes of ");
}

TEST_TIMEOUT(file_of_one_byte, 120)
{
	check_cut(cut_to_one, "1 bytes of ");
}

TEST_TIMEOUT(half_a_file, 120)
{
	check_cut(cut_in_half, "");
}

TEST(the_last_byte_is_missing)
{
	check_broken(cut_the_last_byte, "ring", "ring has ");
}

/* It cannot be rung any more. */
TEST(the_bell_is_empty)
{
	struct damage damage = { cut_to_nothing, "bell", -EBADMSG,
				 "bell has 0 bytes of 1" };

	check(&damage);
}

/* Who may write a file can make it longer. */
TEST(longer_files_do_no_harm)
{
	char path[2 * PATH_MAX];
	struct t_orphan s;

	t_orphan_begin(&s);
	t_orphan_path(&s, "ring", path);
	cut_to(path, 1 << 20);
	t_orphan_path(&s, "gates", path);
	cut_to(path, 1 << 20);
	t_orphan_is_taken_over(&s);
}

/* -------------------------------------------------------------- the folder */

static void
make_it_nothing(const char *path)
{
	t_remove_tree(path);
	ck_assert_int_eq(mkdir(path, 0700), 0);
}

static void
make_it_a_file(const char *path)
{
	t_remove_tree(path);
	ck_assert_int_eq(mknod(path, S_IFREG | 0600, 0), 0);
}

static void
make_it_a_fifo(const char *path)
{
	t_remove_tree(path);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
}

static void
make_it_strange(const char *path)
{
	char note[2 * PATH_MAX];

	make_it_nothing(path);
	snprintf(note, sizeof(note), "%s/note", path);
	ck_assert_int_eq(mkdir(note, 0700), 0);
}

TEST(empty_folder)
{
	check(&(struct damage){ make_it_nothing, "", -ENOENT,
				"is no channel: left as it is" });
}

TEST(foreign_folder)
{
	check(&(struct damage){ make_it_strange, "", -ENOENT,
				"is no channel: left as it is" });
}

TEST(file_for_the_folder)
{
	check(&(struct damage){ make_it_a_file, "", -ENOENT,
				"is no channel but a file" });
}

TEST(fifo_for_the_folder)
{
	check(&(struct damage){ make_it_a_fifo, "", -ENOENT,
				"is no channel but a FIFO" });
}

/* What it leads to is a channel by another name, and refused by its own. */
TEST(link_for_the_folder)
{
	char aside[PATH_MAX + 8];
	struct t_orphan s;

	t_orphan_begin(&s);
	put_link(s.folder);
	t_orphan_is_refused(&s, -ENOENT, "is no channel but a symbolic link");
	snprintf(aside, sizeof(aside), "%s.x", s.folder);
	ck_assert(t_daemon_said(&s.d, "a.x: is channel a by its header"));
	ck_assert(t_daemon_has(&s.d, "a.x/ring"));
	t_remove_tree(aside);
	t_orphan_clean_up(&s);
}

TEST(foreign_file_in_the_folder_does_no_harm)
{
	char path[2 * PATH_MAX], command[3 * PATH_MAX];
	struct t_orphan s;

	t_orphan_begin(&s);
	t_orphan_path(&s, "note", path);
	make_it_a_file(path);
	t_orphan_is_taken_over(&s);
	ck_assert(t_daemon_said(&s.d, "more than a channel is in it"));
	snprintf(command, sizeof(command),
		 "rm %s/.a.*.old/note && rmdir "
		 "%s/.a.*.old",
		 s.d.shm, s.d.shm);
	ck_assert_int_eq(system(command), 0);
}
