/* SPDX-License-Identifier: MIT */
/*
 * util_requests.c - see util_acts.h: those that go to the daemon, or to the places
 * where it is found
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/system/util_acts.h"
#include "tests/system/util_peer.h"

static int
told(int result)
{
	return result < 0 ? errno : 0;
}

/* Below the folder of channels; good until the next call but one. */
static const char *
below(const struct t_scene *s, const char *name)
{
	static char paths[2][2 * PATH_MAX];
	static unsigned n;
	char *path = paths[n++ % 2];

	snprintf(path, sizeof(paths[0]), "%s/%s", s->daemon->shm, name);
	return path;
}

/* ------------------------------------------------------------------- places */

int
t_act_rename_folder(const struct t_scene *s)
{
	return told(rename(below(s, "a"), below(s, "b")));
}

int
t_act_make_channel_folder(const struct t_scene *s)
{
	return told(mkdir(below(s, "mine"), 0777));
}

int
t_act_make_in_channel(const struct t_scene *s)
{
	return told(
		open(below(s, "a/more"), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
}

int
t_act_open_lock(const struct t_scene *s)
{
	return told(open(below(s, ".lock"), O_RDONLY | O_CLOEXEC));
}

int
t_act_unlink_lock(const struct t_scene *s)
{
	return told(unlink(below(s, ".lock")));
}

int
t_act_unlink_socket(const struct t_scene *s)
{
	return told(unlink(s->daemon->socket));
}

int
t_act_bind_socket(const struct t_scene *s)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno;
	snprintf(address.sun_path, sizeof(address.sun_path), "%.100s.2",
		 s->daemon->socket);
	return told(bind(fd, (struct sockaddr *)&address, sizeof(address)));
}

/* ----------------------------------------------------------------- requests */

static int
ask(const struct t_scene *s, struct rb_control *message)
{
	int peer = t_peer_greet(s->daemon);
	int result = t_peer_ask(peer, message, NULL);

	close(peer);
	return -result;
}

static int
attach(const struct t_scene *s, enum rb_role role, const char *name)
{
	struct rb_control m = t_attach_message("a", role, name);

	return ask(s, &m);
}

int
t_act_attach_tap(const struct t_scene *s)
{
	return attach(s, RB_ROLE_TAP, NULL);
}

int
t_act_attach_consumer(const struct t_scene *s)
{
	return attach(s, RB_ROLE_CONSUMER, NULL);
}

int
t_act_attach_producer(const struct t_scene *s)
{
	return attach(s, RB_ROLE_PRODUCER, NULL);
}

int
t_act_attach_as_peer(const struct t_scene *s)
{
	return attach(s, RB_ROLE_CONSUMER, "worker");
}

static int
detach_peer(const struct t_scene *s, uint32_t flags)
{
	struct rb_control m = t_message(RB_CONTROL_DETACH, "a");

	m.role = RB_ROLE_CONSUMER;
	m.index = s->attached.index;
	m.epoch = s->attached.epoch;
	m.generation = s->attached.generation;
	m.flags = flags;
	return ask(s, &m);
}

int
t_act_detach_peer(const struct t_scene *s)
{
	return detach_peer(s, 0);
}

int
t_act_forget_peer(const struct t_scene *s)
{
	return detach_peer(s, RB_CONTROL_FORGET);
}

int
t_act_create(const struct t_scene *s)
{
	struct rb_control m = t_create_message("mine", 0);

	return ask(s, &m);
}

int
t_act_remove(const struct t_scene *s)
{
	struct rb_control m = t_message(RB_CONTROL_REMOVE, s->channel);

	return ask(s, &m);
}

int
t_act_list(const struct t_scene *s)
{
	struct rb_control m = t_message(RB_CONTROL_LIST, NULL);

	return ask(s, &m);
}

int
t_act_mend(const struct t_scene *s)
{
	struct rb_control m = t_message(RB_CONTROL_MEND, s->channel);

	return ask(s, &m);
}

int
t_act_pause(const struct t_scene *s)
{
	struct rb_control m = t_message(RB_CONTROL_PAUSE, s->channel);

	return ask(s, &m);
}

static int
ask_about_consumer(const struct t_scene *s, enum rb_control_type type)
{
	struct rb_control m = t_message(type, s->channel);

	snprintf(m.name, sizeof(m.name), "nobody");
	return ask(s, &m);
}

int
t_act_evict(const struct t_scene *s)
{
	return ask_about_consumer(s, RB_CONTROL_EVICT);
}

int
t_act_move(const struct t_scene *s)
{
	return ask_about_consumer(s, RB_CONTROL_MOVE);
}

int
t_act_reload(const struct t_scene *s)
{
	struct rb_control m = t_message(RB_CONTROL_RELOAD, NULL);

	return ask(s, &m);
}

int
t_act_report(const struct t_scene *s)
{
	struct rb_control m = t_message(RB_CONTROL_REPORT, NULL);

	return ask(s, &m);
}

int
t_act_end(const struct t_scene *s)
{
	struct rb_control m = t_message(RB_CONTROL_CLOSE, s->channel);

	return ask(s, &m);
}
