/* SPDX-License-Identifier: MIT */
/*
 * util_acts.h - what somebody may try who wants to do more than his role allows
 *
 * Each is run in a process of its own. It returns 0 if it was let, else an errno;
 * or it dies by a signal, as it should.
 */
#ifndef T_UTIL_ACTS_H
#define T_UTIL_ACTS_H

#include "tests/system/util_daemon.h"

/* Where and on whom. */
struct t_scene {
	const struct t_daemon *daemon;
	const char *channel; /* that may come to harm; else it is "a" */
	const char *loot;    /* a folder on the same tmpfs, open to all */
	pid_t peer;          /* of another user, the consumer "worker" of "a" */
	struct rb_control attached; /* how the peer has attached to "a" */
};

/* One file of a channel. */
struct t_prey {
	const struct t_scene *scene;
	const char *channel;
	const char *file;
	int fd; /* as the daemon has handed it out */
	off_t size;
};

/* --------------------------------------------------- on a descriptor, a file */

int t_act_read(const struct t_prey *p);
int t_act_write(const struct t_prey *p);
int t_act_map(const struct t_prey *p);
int t_act_mprotect(const struct t_prey *p);
int t_act_reopen_proc(const struct t_prey *p);
int t_act_reopen_dev(const struct t_prey *p);
int t_act_reopen_truncate(const struct t_prey *p);
int t_act_grow(const struct t_prey *p);
int t_act_allocate(const struct t_prey *p);
int t_act_append(const struct t_prey *p);
int t_act_punch(const struct t_prey *p);
int t_act_madvise_remove(const struct t_prey *p);
int t_act_chmod(const struct t_prey *p);
int t_act_chown(const struct t_prey *p);
int t_act_set_times(const struct t_prey *p);
int t_act_set_acl(const struct t_prey *p);
int t_act_set_flags(const struct t_prey *p);
int t_act_seal(const struct t_prey *p);
int t_act_lease(const struct t_prey *p);
int t_act_link(const struct t_prey *p);
int t_act_lock(const struct t_prey *p);
int t_act_map_beyond(const struct t_prey *p);
int t_act_mremap_beyond(const struct t_prey *p);
int t_act_cut(const struct t_prey *p);

int t_act_path_stat(const struct t_prey *p);
int t_act_path_read(const struct t_prey *p);
int t_act_path_write(const struct t_prey *p);
int t_act_path_truncate(const struct t_prey *p);
int t_act_path_chmod(const struct t_prey *p);
int t_act_path_link(const struct t_prey *p);
int t_act_path_unlink(const struct t_prey *p);
int t_act_path_rename(const struct t_prey *p);
int t_act_path_replace(const struct t_prey *p);

/* -------------------------------------------------------------- on a process */

int t_act_ptrace(pid_t pid);
int t_act_write_memory(pid_t pid);
int t_act_open_memory(pid_t pid);
int t_act_take_descriptor(pid_t pid);
int t_act_open_descriptor(pid_t pid);
int t_act_stop(pid_t pid);
int t_act_limit(pid_t pid);

/* ----------------------------------------------------------------- on places */

int t_act_rename_folder(const struct t_scene *s);
int t_act_make_channel_folder(const struct t_scene *s);
int t_act_make_in_channel(const struct t_scene *s);
int t_act_open_lock(const struct t_scene *s);
int t_act_unlink_lock(const struct t_scene *s);
int t_act_unlink_socket(const struct t_scene *s);
int t_act_bind_socket(const struct t_scene *s);

/* ------------------------------------------------------------------- requests */

int t_act_attach_tap(const struct t_scene *s);
int t_act_attach_consumer(const struct t_scene *s);
int t_act_attach_producer(const struct t_scene *s);
int t_act_attach_as_peer(const struct t_scene *s);
int t_act_detach_peer(const struct t_scene *s);
int t_act_forget_peer(const struct t_scene *s);
int t_act_create(const struct t_scene *s);
int t_act_remove(const struct t_scene *s);
int t_act_list(const struct t_scene *s);
int t_act_mend(const struct t_scene *s);
int t_act_pause(const struct t_scene *s);
int t_act_evict(const struct t_scene *s);
int t_act_move(const struct t_scene *s);
int t_act_reload(const struct t_scene *s);
int t_act_report(const struct t_scene *s);
int t_act_end(const struct t_scene *s);

#endif
