/* SPDX-License-Identifier: MIT */
/*
 * test_role_matrix.c - what each role can do and cannot, cell by cell
 *
 * Each role is another user, and so is the daemon. Whoever has a role tries all
 * there is on each file of a channel, each time in a process of its own, while a
 * well-behaved pair of two more users is in full flow. What is forbidden is tried
 * on the pair's own channel, what is allowed on one that may come to harm. The
 * tables of util_matrix.c say what has to come of it: an error, a signal that kills
 * who tried, or nothing in the way. They are printed with what came:
 *
 *	make test T=role_matrix
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fixture.h"
#include "tests/system/util_bus.h"
#include "tests/system/util_holding.h"
#include "tests/system/util_matrix.h"
#include "tests/system/util_user.h"

#define UID(role) (64100U + (unsigned)(role)) /* of nobody else */
#define UID_DAEMON 64110
#define UID_FEED 64111
#define UID_WORKER 64112

struct play {
	struct t_daemon d;
	struct t_scene scene;
	struct matrix *m;
	int role; /* whose turn it is */
	char loot[PATH_MAX];
	char own[RB_NAME_SIZE];
};

/* -------------------------------------------------------- the role that tries */

/* One try, in a child. */
struct attempt {
	const struct play *play;
	const struct t_prey *prey;
	int (*on_file)(const struct t_prey *);
	int (*on_process)(pid_t);
	int (*on_scene)(const struct t_scene *);
	pid_t victim;
};

static int
attempt(void *arg)
{
	const struct attempt *a = arg;
	const struct rlimit none = { 0, 0 };

	/* A death is not to be reported, by a sanitizer or in a core. */
	signal(SIGBUS, SIG_DFL);
	signal(SIGSEGV, SIG_DFL);
	setrlimit(RLIMIT_CORE, &none);
	if (a->on_file != NULL)
		return a->on_file(a->prey);
	if (a->on_process != NULL)
		return a->on_process(a->victim);
	return a->on_scene(&a->play->scene);
}

static int
result_of(struct attempt a)
{
	pid_t pid = t_child(attempt, &a);
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? DIES(WTERMSIG(status))
				   : WEXITSTATUS(status);
}

static enum rb_role
protocol_role(int role)
{
	return role == PRODUCER   ? RB_ROLE_PRODUCER
	       : role == CONSUMER ? RB_ROLE_CONSUMER
				  : RB_ROLE_TAP;
}

/* As a client does, but that it does not map them. */
static void
attach(const struct play *play, int peer, const char *channel, int fds[RB_FDS])
{
	struct rb_control m = t_attach_message(
		channel, protocol_role(play->role),
		play->role == CONSUMER ? "lax" : NULL);

	t_ok(t_peer_ask(peer, &m, fds));
}

static void
try_file(const struct play *play, int file, const char *channel, int fd)
{
	struct t_prey prey = { .scene = &play->scene,
			       .channel = channel,
			       .file = rb_file_names[file],
			       .fd = fd };
	struct attempt a = { .play = play, .prey = &prey };
	struct stat st = { 0 };

	if (fd >= 0)
		ck_assert_int_eq(fstat(fd, &st), 0);
	prey.size = st.st_size;
	for (unsigned i = 0; i < N_PATH_ACTS; i++) {
		a.on_file = path_acts[i].act;
		play->m->path[play->role][i][file] = result_of(a);
	}
	for (unsigned i = 0; i < N_FILE_ACTS; i++) {
		a.on_file = file_acts[i].act;
		play->m->file[play->role][i][file] = fd < 0 ? NOT_TRIED
							    : result_of(a);
	}
}

static void
try_processes_and_places(const struct play *play)
{
	struct attempt a = { .play = play };

	for (unsigned i = 0; i < N_PROCESS_ACTS; i++) {
		a.on_process = process_acts[i].act;
		a.victim = play->d.pid;
		play->m->process[play->role][i][0] = result_of(a);
		a.victim = play->scene.peer;
		play->m->process[play->role][i][1] = result_of(a);
	}
	a.on_process = NULL;
	for (unsigned i = 0; i < N_SCENE_ACTS; i++) {
		a.on_scene = scene_acts[i].act;
		play->m->scene[play->role][i] = result_of(a);
	}
}

/* What it may write, it does not get of the pair's channel. */
static int
play_role(void *arg)
{
	const struct play *play = arg;
	const enum right *has = rights[play->m->clear][play->role];
	int pair[RB_FDS] = { -1, -1, -1, -1 };
	int own[RB_FDS] = { -1, -1, -1, -1 };
	int peer = t_peer_greet(&play->d);

	if (play->role != STRANGER) {
		attach(play, peer, "a", pair);
		attach(play, peer, play->scene.channel, own);
	}
	/* The channel of its own is broken after it was cut. */
	try_processes_and_places(play);
	for (int i = 0; i < RB_FDS; i++)
		if (has[i] == RW)
			try_file(play, i, play->scene.channel, own[i]);
		else
			try_file(play, i, "a", pair[i]);
	return 0;
}

/* ------------------------------------------------------- the well-behaved pair */

#define LAST UINT64_MAX

struct pair {
	const struct t_daemon *d;
	struct rb_word64 *stop;
	struct rb_word64 *n_read;
	pid_t feed, worker;
};

static int
run_feed(void *arg)
{
	struct pair *pair = arg;
	struct ringbus *bus = t_connect(pair->d);
	struct ringbus_producer *p = t_produce(bus, NULL);

	for (uint64_t i = 0; t_read(pair->stop) == 0; i++) {
		t_put_all(p, i, i);
		if (i % 8 == 7)
			t_ok(ringbus_producer_drain(p, T_LONG));
	}
	t_ok(ringbus_producer_write(p, &(uint64_t){ LAST }, sizeof(uint64_t),
				    T_LONG));
	ringbus_close(bus);
	return 0;
}

/* All of them, each once, in order. */
static int
run_worker(void *arg)
{
	struct pair *pair = arg;
	struct ringbus *bus = t_connect(pair->d);
	struct ringbus_consumer *c = t_consume_as(bus, "worker",
						  RINGBUS_FROM_NOW);
	struct ringbus_event event;

	t_store(pair->n_read, 1);
	for (uint64_t i = 0;; i++) {
		t_next(c, &event);
		t_ok(ringbus_consumer_commit(c));
		if (t_value(&event) == LAST)
			break;
		if (t_value(&event) != i)
			ck_abort_msg("the worker has lost its events");
		t_store(pair->n_read, i + 1);
	}
	ringbus_close(bus);
	return 0;
}

static void
pair_begin(struct pair *pair, const struct t_daemon *d)
{
	*pair = (struct pair){ .d = d,
			       .stop = t_counter(),
			       .n_read = t_counter() };
	pair->worker = t_child_as(T_USER(UID_WORKER), run_worker, pair);
	t_until(t_read(pair->n_read) == 1);
	pair->feed = t_child_as(T_USER(UID_FEED), run_feed, pair);
	t_until(t_read(pair->n_read) > 1000);
}

/* It flows on, without a loss. */
static void
pair_end(struct pair *pair)
{
	uint64_t before = t_read(pair->n_read);

	t_until(t_read(pair->n_read) > before + 1000);
	t_store(pair->stop, 1);
	t_join(pair->feed);
	t_join(pair->worker);
}

/* ----------------------------------------------------------------------- play */

/* "a" is the pair's; each role has another one that it may spoil. */
static void
configure(const struct matrix *m, char *yaml, size_t size)
{
	const char *clear = m->clear == RB_CLEAR_ZERO ? "zero" : "none";

	snprintf(yaml, size,
		 "daemon: { drain: 1ms }\n"
		 "defaults: { slots: 64, event_size: 8, producers: multi,%s%s"
		 " access: { tap: ['user:%u'], consume: ['user:%u', 'user:%u'],"
		 " publish: ['user:%u', 'user:%u'] } }\n"
		 "channels:\n"
		 "  a: { consumers: { worker: {}, lax: { slow: lossy } } }\n"
		 "  own-1: { clear: %s }\n"
		 "  own-2: { clear: %s }\n"
		 "  own-3: { clear: %s }\n",
		 m->isolation == NAMED ? "" : " isolation: sealed",
		 m->isolation == NAMED ? "" : ",", UID(TAP), UID(CONSUMER),
		 UID_WORKER, UID(PRODUCER), UID_FEED, clear, clear, clear);
}

/* An older ringbusd knows one isolation. */
static bool
is_known(const struct t_daemon *d)
{
	char command[3 * PATH_MAX];

	snprintf(command, sizeof(command),
		 "%s --check --config %s >/dev/null 2>&1",
		 t_program("ringbusd"), d->config);
	return system(command) == 0;
}

static void
set_the_scene(struct play *play, const struct pair *pair)
{
	struct rb_control tap = t_attach_message("a", RB_ROLE_TAP, NULL);
	int peer = t_peer_greet(&play->d);
	struct t_scene *s = &play->scene;
	struct rb_channel c;
	int fds[RB_FDS];

	snprintf(play->loot, sizeof(play->loot), "%.1000s/loot", t_shm_dir());
	ck_assert_int_eq(mkdir(play->loot, 0777), 0);
	ck_assert_int_eq(chmod(play->loot, 01777), 0);
	s->daemon = &play->d;
	s->loot = play->loot;
	s->peer = pair->worker;
	t_ok(t_peer_ask(peer, &tap, fds));
	t_ok(rb_channel_attach(&c, fds, RB_ROLE_TAP));
	s->attached.epoch = rb_word32_load_acquire(&c.meta->consumers[0].epoch);
	s->attached.generation = c.generation;
	rb_channel_detach(&c);
	for (int f = 0; f < RB_FDS; f++)
		close(fds[f]);
	close(peer);
}

static void
let_all_try(struct play *play)
{
	for (play->role = STRANGER; play->role < ROLES; play->role++) {
		snprintf(play->own, sizeof(play->own), "own-%d",
			 play->role == STRANGER ? TAP : play->role);
		play->scene.channel = play->own;
		t_join(t_child_as(T_USER(UID(play->role)), play_role, play));
	}
}

static void
play_all(enum isolation isolation, enum rb_clear clear)
{
	struct play play = { .m = fixture_share(sizeof(struct matrix)) };
	struct pair pair;
	char yaml[2048];
	unsigned before;

	t_need_root();
	play.m->isolation = isolation;
	play.m->clear = clear;
	configure(play.m, yaml, sizeof(yaml));
	t_daemon_prepare_as(&play.d, T_USER(UID_DAEMON), yaml);
	if (!is_known(&play.d))
		T_SKIP("this ringbusd has no isolation: %s",
		       isolations[isolation]);
	t_daemon_start_as(&play.d, T_USER(UID_DAEMON));
	pair_begin(&pair, &play.d);
	before = t_daemon_count_fds(&play.d);
	set_the_scene(&play, &pair);
	let_all_try(&play);
	t_until(t_daemon_count_fds(&play.d) == before);
	pair_end(&pair);
	matrix_compare(play.m);
	ck_assert_int_eq(rmdir(play.loot), 0);
	t_daemon_stop_as(&play.d);
}

/* One line for each isolation and use of the slots. */
TEST(roles_of_a_named_channel)
{
	play_all(NAMED, RB_CLEAR_NONE);
}

TEST(roles_of_a_named_channel_that_consumers_clear)
{
	play_all(NAMED, RB_CLEAR_ZERO);
}

TEST(roles_of_a_sealed_channel)
{
	play_all(SEALED, RB_CLEAR_NONE);
}

TEST(roles_of_a_sealed_channel_that_consumers_clear)
{
	play_all(SEALED, RB_CLEAR_ZERO);
}
