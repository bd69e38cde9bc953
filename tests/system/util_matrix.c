/* SPDX-License-Identifier: MIT */
/*
 * util_matrix.c - see util_matrix.h
 */
#include "tests/system/util_matrix.h"

#include <errno.h>
#include <stdio.h>

static const char *const role_names[ROLES] = { "stranger", "tap", "consumer",
					       "producer" };

const char *const isolations[ISOLATIONS] = { "named", "sealed" };

/* ------------------------------------------------------------ what is expected */

/* clang-format off */
const enum right rights[2][ROLES][RB_FDS] = {
	/*              meta ring gates bell */
	[RB_CLEAR_NONE] = {
		[STRANGER] = { NO, NO, NO, NO },
		[TAP] =      { RO, RO, RO, RO },
		[CONSUMER] = { RO, RO, RW, RO },
		[PRODUCER] = { RO, RW, RO, RO },
	},
	[RB_CLEAR_ZERO] = {
		[STRANGER] = { NO, NO, NO, NO },
		[TAP] =      { RO, RO, RO, RO },
		[CONSUMER] = { RO, RW, RW, RO },
		[PRODUCER] = { RO, RW, RO, RO },
	},
};

#define OK 0
#define BUS DIES(SIGBUS)

#define ACT(name, act, ro, named, sealed)                                      \
	{ name, t_act_##act, ro, { named, sealed } }
const struct file_act file_acts[N_FILE_ACTS] = {
	/*   with a descriptor to               read    write,  write,
	 *                                              named   sealed */
	ACT("pread",                   read,            OK,     OK,     OK),
	ACT("pwrite",                  write,           EBADF,  OK,     OK),
	ACT("mmap to write",           map,             EACCES, OK,     OK),
	ACT("mmap, mprotect to write", mprotect,        EACCES, OK,     OK),
	ACT("reopen by /proc/self/fd", reopen_proc,     EACCES, EACCES, EACCES),
	ACT("reopen by /dev/fd",       reopen_dev,      EACCES, EACCES, EACCES),
	ACT("reopen to truncate",      reopen_truncate, EACCES, EACCES, EACCES),
	ACT("grow: ftruncate",         grow,            EINVAL, OK,     EPERM),
	ACT("grow: fallocate",         allocate,        EBADF,  OK,     EPERM),
	ACT("grow: pwrite at the end", append,          EBADF,  OK,     EPERM),
	ACT("punch a hole",            punch,           EBADF,  OK,     OK),
	ACT("madvise: remove",         madvise_remove,  EACCES, OK,     OK),
	ACT("fchmod",                  chmod,           EPERM,  EPERM,  EPERM),
	ACT("fchown",                  chown,           EPERM,  EPERM,  EPERM),
	ACT("futimens",                set_times,       EPERM,  EPERM,  EPERM),
	ACT("set an ACL",              set_acl,         EPERM,  EPERM,  EPERM),
	ACT("chattr +a",               set_flags,       EPERM,  EPERM,  EPERM),
	ACT("F_ADD_SEALS",             seal,            EPERM,  EPERM,  EPERM),
	ACT("F_SETLEASE",              lease,           EACCES, EACCES, EACCES),
	ACT("linkat into a folder",    link,            EPERM,  EPERM,  EPERM),
	ACT("flock (nobody minds)",    lock,            OK,     OK,     OK),
	ACT("mmap beyond, touch",      map_beyond,      BUS,    BUS,    BUS),
	ACT("mremap beyond, touch",    mremap_beyond,   BUS,    BUS,    BUS),
	ACT("cut: ftruncate to 0",     cut,             EINVAL, OK,     EPERM),
};
#undef ACT

#define ACT(name, act, named, sealed)                                          \
	{ name, t_act_path_##act, { named, sealed } }
const struct path_act path_acts[N_PATH_ACTS] = {
	/*                                   named   sealed */
	ACT("stat by path",         stat,     EACCES, EACCES),
	ACT("open to read",         read,     EACCES, EACCES),
	ACT("open to write",        write,    EACCES, EACCES),
	ACT("truncate",             truncate, EACCES, EACCES),
	ACT("chmod",                chmod,    EACCES, EACCES),
	ACT("link",                 link,     EACCES, EACCES),
	ACT("unlink",               unlink,   EACCES, EACCES),
	ACT("rename away",          rename,   EACCES, EACCES),
	ACT("rename another there", replace,  EACCES, EACCES),
};
#undef ACT

#define ACT(name, act, result) { name, t_act_##act, result }
const struct process_act process_acts[N_PROCESS_ACTS] = {
	ACT("ptrace",             ptrace,          EPERM),
	ACT("process_vm_writev",  write_memory,    EPERM),
	ACT("open /proc/PID/mem", open_memory,     EACCES),
	ACT("pidfd_getfd",        take_descriptor, EPERM),
	ACT("open /proc/PID/fd",  open_descriptor, EACCES),
	ACT("SIGSTOP",            stop,            EPERM),
	ACT("prlimit",            limit,           EPERM),
};
#undef ACT

#define ACT(name, act, ...) { name, t_act_##act, { __VA_ARGS__ } }
#define ALL(result) result, result, result, result
const struct scene_act scene_acts[N_SCENE_ACTS] = {
	/*      of a stranger, tap, consumer, producer */
	ACT("rename a channel",        rename_folder,       ALL(EACCES)),
	ACT("plant a channel",         make_channel_folder, ALL(EACCES)),
	ACT("plant a file in one",     make_in_channel,     ALL(EACCES)),
	ACT("open the lock",           open_lock,           ALL(EACCES)),
	ACT("remove the lock",         unlink_lock,         ALL(EACCES)),
	ACT("remove the socket",       unlink_socket,       ALL(EACCES)),
	ACT("bind one beside it",      bind_socket,         ALL(EACCES)),
	ACT("list channels",           list,
	    ENOENT, OK,     OK,     OK),
	ACT("attach as tap",           attach_tap,
	    EACCES, OK,     EACCES, EACCES),
	ACT("attach as consumer",      attach_consumer,
	    EACCES, EACCES, OK,     EACCES),
	ACT("attach as producer",      attach_producer,
	    EACCES, EACCES, EACCES, OK),
	ACT("attach by a peer's name", attach_as_peer,
	    EACCES, EACCES, EBUSY,  EACCES),
	ACT("detach a peer",           detach_peer,         ALL(ESTALE)),
	ACT("give up a peer's place",  forget_peer,         ALL(ESTALE)),
	ACT("create a channel",        create,              ALL(EACCES)),
	ACT("remove a channel",        remove,              ALL(EACCES)),
	ACT("mend a channel",          mend,
	    EACCES, EACCES, EACCES, OK),
	ACT("pause a channel",         pause,
	    EACCES, EACCES, EACCES, OK),
	ACT("evict a consumer",        evict,
	    EACCES, EACCES, EACCES, ENOENT),
	ACT("move a consumer",         move,
	    EACCES, EACCES, EACCES, ENOENT),
	ACT("have it reload",          reload,              ALL(EACCES)),
	ACT("see what a reload said",  report,              ALL(EACCES)),
	ACT("end a stream",            end,
	    EACCES, EACCES, EACCES, OK),
};
#undef ACT
/* clang-format on */

/* ------------------------------------------------------------------- the table */

static unsigned n_wrong;

/* A table that was asked for can be seen also where nothing is wrong with it. */
static const char *
text_of(int result)
{
	static char text[4][24];
	static unsigned n;
	char *to = text[n++ % 4];

	if (result == NOT_TRIED)
		return "-";
	if (result == 0)
		return "ok";
	if (result < DIES(0))
		return strerrorname_np(result);
	snprintf(to, sizeof(text[0]), "SIG%s", sigabbrev_np(result - DIES(0)));
	return to;
}

static void
print_cell(int is, int expected)
{
	if (is == expected) {
		printf(" %-8s |", text_of(is));
		return;
	}
	n_wrong++;
	printf(" %s, not %s |", text_of(is), text_of(expected));
}

static void
print_head(const char *title, const char *const *columns, int n)
{
	printf("|\n| %-24s |", title);
	for (int i = 0; i < n; i++)
		printf(" %-8s |", columns[i]);
	printf("\n|%s|", "--------------------------");
	for (int i = 0; i < n; i++)
		printf("----------|");
	printf("\n");
}

static int
expected_on_file(const struct matrix *m, int role, unsigned act, int file)
{
	switch (rights[m->clear][role][file]) {
	case RO:
		return file_acts[act].ro;
	case RW:
		return file_acts[act].rw[m->isolation];
	default:
		return NOT_TRIED;
	}
}

static void
print_files(const struct matrix *m, int role)
{
	char title[64];

	snprintf(title, sizeof(title), "%s, descriptor of", role_names[role]);
	print_head(title, rb_file_names, RB_FDS);
	for (unsigned i = 0; i < N_FILE_ACTS; i++) {
		printf("| %-24s |", file_acts[i].name);
		for (int f = 0; f < RB_FDS; f++)
			print_cell(m->file[role][i][f],
				   expected_on_file(m, role, i, f));
		printf("\n");
	}
}

/* Of all files, or of the first where it is not as expected. */
static int
result_of_path(const struct matrix *m, int role, unsigned act)
{
	const int *results = m->path[role][act];
	int f = 0;

	while (f < RB_FDS - 1 &&
	       results[f] == path_acts[act].result[m->isolation])
		f++;
	return results[f];
}

static void
print_paths(const struct matrix *m)
{
	print_head("on any file, by its path", role_names, ROLES);
	for (unsigned i = 0; i < N_PATH_ACTS; i++) {
		printf("| %-24s |", path_acts[i].name);
		for (int r = 0; r < ROLES; r++)
			print_cell(result_of_path(m, r, i),
				   path_acts[i].result[m->isolation]);
		printf("\n");
	}
}

static void
print_processes(const struct matrix *m, int victim, const char *title)
{
	print_head(title, role_names, ROLES);
	for (unsigned i = 0; i < N_PROCESS_ACTS; i++) {
		printf("| %-24s |", process_acts[i].name);
		for (int r = 0; r < ROLES; r++)
			print_cell(m->process[r][i][victim],
				   process_acts[i].result);
		printf("\n");
	}
}

static void
print_scene(const struct matrix *m)
{
	print_head("place or request", role_names, ROLES);
	for (unsigned i = 0; i < N_SCENE_ACTS; i++) {
		printf("| %-24s |", scene_acts[i].name);
		for (int r = 0; r < ROLES; r++)
			print_cell(m->scene[r][i], scene_acts[i].result[r]);
		printf("\n");
	}
}

void
matrix_compare(const struct matrix *m)
{
	printf("| isolation: %s, clear: %s\n", isolations[m->isolation],
	       m->clear == RB_CLEAR_ZERO ? "zero" : "none");
	for (int r = TAP; r < ROLES; r++)
		print_files(m, r);
	print_paths(m);
	print_processes(m, 0, "on the daemon");
	print_processes(m, 1, "on a peer");
	print_scene(m);
	fflush(stdout);
	ck_assert_msg(n_wrong == 0, "%u cells are wrong, see above", n_wrong);
}
