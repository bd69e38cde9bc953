/* SPDX-License-Identifier: MIT */
/*
 * util_scene.c - see util_scene.h
 */
#include "tests/crash/util_scene.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shm/graph.h"
#include "tests/fixture.h"
#include "tests/system/util_bus.h"

#define PATIENCE 60  /* seconds, of each step of an actor */
#define FEW 4        /* events that never fill a ring */
#define BUSY_ALL 256 /* events that do */
#define CALM_ALL 64
#define TRIES 20
#define MEASURES 5

struct actor_words {
	struct rb_word64 step; /* that the actor has done */
	struct rb_word64 go;   /* that it may do */
	struct rb_word64 killed;
};

enum step {
	PREPARED = 1,
	ASKED,
	CHECKED,
	LEFT,
};

/* -------------------------------------------------------------- the actor */

static void
await(const struct rb_word64 *word, uint64_t step)
{
	t_until_within(t_read(word) >= step, PATIENCE);
}

bool
scene_is_killed(const struct actor *a)
{
	return t_read(&a->words->killed) != 0;
}

void
scene_connect(struct actor *a)
{
	a->bus = t_connect(&a->scene->daemon);
}

static void
read_one(struct actor *a, const struct ringbus_event *event)
{
	const struct flow_event *e = flow_check(event);

	if (e->who != 0)
		return;
	if (a->next != 0)
		ck_assert_uint_eq(e->number, a->next);
	a->next = e->number + 1;
}

void
scene_read(struct actor *a)
{
	struct ringbus_event event;

	while (ringbus_consumer_wait(a->consumer, RINGBUS_NOW) >= 0) {
		while (ringbus_consumer_next(a->consumer, &event) > 0)
			read_one(a, &event);
		t_ok(ringbus_consumer_commit(a->consumer));
	}
}

/* On a new connection; what is open on the old one is closed. An answer may have been
 * the next daemon's already, which has done it then. */
static void
ask_again(struct actor *a, bool was_done)
{
	int err;

	ringbus_close(a->bus);
	a->consumer = NULL;
	a->producer = NULL;
	scene_connect(a);
	if (a->deed->again == NULL)
		return;
	err = a->deed->again(a);
	if (!was_done || err != -EEXIST)
		t_bus_ok(a->bus, err);
}

static void
follow_up(struct actor *a, int answer)
{
	ck_assert(answer == 0 || answer == -ECONNRESET);
	if (answer < 0 || (a->deed->asks_anyway && scene_is_killed(a)))
		ask_again(a, answer == 0);
	if (a->deed->check != NULL)
		a->deed->check(a);
}

static int
act(void *arg)
{
	struct actor *a = arg;
	int answer;

	if (a->deed->prepare != NULL)
		a->deed->prepare(a);
	t_store(&a->words->step, PREPARED);
	await(&a->words->go, ASKED);
	answer = a->deed->ask(a);
	t_store(&a->words->step, ASKED);
	await(&a->words->go, CHECKED);
	follow_up(a, answer);
	t_store(&a->words->step, CHECKED);
	await(&a->words->go, LEFT);
	ringbus_close(a->bus);
	ringbus_close(a->held);
	return 0;
}

static bool
has_asked(void *arg)
{
	const struct actor *a = arg;

	return t_read(&a->words->step) >= ASKED;
}

/* ----------------------------------------------------------- the member table */

static void
map(const struct scene *s, const char *channel, struct rb_channel *ret)
{
	t_daemon_map(&s->daemon, channel, RB_ROLE_TAP, ret);
}

static uint32_t
get(const struct rb_word32 *word)
{
	return rb_word32_load_acquire(word);
}

static unsigned
count_entries(const struct rb_member *entries, unsigned n, pid_t pid)
{
	unsigned found = 0;

	for (unsigned i = 0; i < n; i++)
		found += get(&entries[i].state) != RB_MEMBER_FREE &&
			 get(&entries[i].pid) == (uint32_t)pid;
	return found;
}

static unsigned
places_of(const struct scene *s, pid_t pid)
{
	struct rb_channel c;
	unsigned n;

	map(s, "busy", &c);
	n = count_entries(c.meta->producers, RB_PRODUCERS_MAX, pid) +
	    count_entries(c.meta->consumers, RB_CONSUMERS_MAX, pid);
	rb_channel_detach(&c);
	return n;
}

static bool
has_no_place(void *arg)
{
	const struct actor *a = arg;

	return places_of(a->scene, a->pid) == 0;
}

/* Of nobody but the two of the flow. */
static bool
is_settled(const struct rb_member *entries, unsigned n, const struct flow *flow)
{
	for (unsigned i = 0; i < n; i++) {
		uint32_t state = get(&entries[i].state);

		if (state == RB_MEMBER_FREE)
			continue;
		if (state != RB_MEMBER_ATTACHED ||
		    !flow_has(flow, (pid_t)get(&entries[i].pid)))
			return false;
	}
	return true;
}

/* Who producers wait for is who the table says. */
static void
check_gating(const struct rb_channel *c)
{
	uint64_t gating = rb_word64_load_acquire(&c->meta->control.gating);
	uint64_t attached = 0;

	for (unsigned i = 0; i < RB_CONSUMERS_MAX; i++) {
		const struct rb_member *m = &c->meta->consumers[i];

		ck_assert_uint_eq(rb_word64_load_acquire(&m->deps),
				  rb_graph_deps(c->meta, i));
		if (get(&m->state) == RB_MEMBER_ATTACHED)
			attached |= UINT64_C(1) << i;
	}
	/* The flow's consumer comes after nobody, and nobody is left to come
	 * after it. */
	ck_assert_uint_eq(gating, attached);
	ck_assert_int_eq(__builtin_popcountll(gating), 1);
}

static void
check_table(const struct scene *s, const struct flow *flow)
{
	struct rb_channel c;

	map(s, flow->channel, &c);
	t_until_within(is_settled(c.meta->producers, RB_PRODUCERS_MAX, flow) &&
			       is_settled(c.meta->consumers, RB_CONSUMERS_MAX,
					  flow),
		       PATIENCE);
	check_gating(&c);
	rb_channel_detach(&c);
}

/* ----------------------------------------------------------- the folder */

static bool
is_listed(const struct scene *s, const char *name)
{
	struct ringbus *bus = t_connect(&s->daemon);
	char found[RINGBUS_NAME_SIZE] = "";
	bool is = false;

	for (unsigned i = 0; !is && ringbus_list(bus, i, found) == 0; i++)
		is = strcmp(found, name) == 0;
	ringbus_close(bus);
	return is;
}

static void
check_name(const struct scene *s, const char *name, bool dead)
{
	struct rb_channel c;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
	    strcmp(name, ".lock") == 0)
		return;
	if (!dead)
		ck_assert_msg(is_listed(s, name), "%s is in the folder", name);
	if (name[0] == '.')
		return;
	map(s, name, &c); /* which believes nothing */
	ck_assert_str_eq(c.meta->header.name, name);
	rb_channel_detach(&c);
}

static void
check_folder(const struct scene *s, bool dead)
{
	DIR *dir = opendir(s->daemon.shm);
	struct dirent *entry;

	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)) != NULL)
		check_name(s, entry->d_name, dead);
	closedir(dir);
}

/* -------------------------------------------------------------- the scene */

void
scene_begin(struct scene *s)
{
	t_daemon_prepare(&s->daemon, SCENE_CONFIGURATION);
	scene_start(s);
}

void
scene_start(struct scene *s)
{
	t_daemon_restart(&s->daemon);
	flow_start(&s->calm, &s->daemon, "calm");
	flow_start(&s->busy, &s->daemon, "busy");
}

void
scene_end(struct scene *s)
{
	flow_stop(&s->busy);
	flow_stop(&s->calm);
	t_daemon_stop(&s->daemon);
}

void
scene_check_dead(struct scene *s, bool busy_goes_on)
{
	flow_demand(&s->calm, CALM_ALL + FEW);
	if (busy_goes_on)
		flow_demand(&s->busy, FEW);
	check_folder(s, true);
}

void
scene_check_alive(struct scene *s)
{
	check_table(s, &s->calm);
	check_table(s, &s->busy);
	check_folder(s, false);
	flow_demand(&s->calm, CALM_ALL + FEW);
	flow_demand(&s->busy, BUSY_ALL + FEW);
}

/* ------------------------------------------------------------ one boundary */

static void
let(struct actor *a, enum step step)
{
	t_store(&a->words->go, step);
}

static void
start_actor(struct actor *a, struct scene *s, const struct deed *deed)
{
	*a = (struct actor){ .scene = s, .deed = deed };
	a->words = fixture_share(sizeof(*a->words));
	a->pid = t_child(act, a);
	await(&a->words->step, PREPARED);
}

/* True if it was killed at boundary `n`, false if there are not so many. */
static bool
kill_daemon_at(struct scene *s, struct actor *a, struct calls *calls,
	       unsigned n)
{
	bool dies = a->deed->ask == NULL;

	calls_seize(calls, s->daemon.pid, a->deed->first);
	if (dies)
		t_kill(a->pid);
	else
		let(a, ASKED);
	if (!calls_run(calls, n, dies ? has_no_place : has_asked, a)) {
		calls_release(calls);
		return false;
	}
	t_daemon_kill(&s->daemon);
	t_ok(truncate(s->daemon.log, 0)); /* of hundreds of daemons */
	t_store(&a->words->killed, 1);
	scene_check_dead(s, !a->deed->blocks);
	t_daemon_restart(&s->daemon);
	return true;
}

static void
finish_actor(struct scene *s, struct actor *a)
{
	if (a->deed->ask == NULL)
		return;
	await(&a->words->step, ASKED);
	let(a, CHECKED);
	await(&a->words->step, CHECKED);
	ck_assert_uint_eq(places_of(s, a->pid), a->deed->places);
	let(a, LEFT);
	t_join(a->pid);
}

/* Whoever kept a place, it can be had, and given up for good. */
static int
give_up(void *arg)
{
	struct actor *a = arg;
	struct ringbus_consumer_options o = RINGBUS_CONSUMER_OPTIONS_INIT;
	struct t_deadline deadline = t_deadline(PATIENCE);
	int err;

	o.name = a->deed->kept;
	o.from = RINGBUS_FROM_RESUME;
	scene_connect(a);
	do
		err = ringbus_consumer_open(a->bus, "busy", &o, &a->consumer);
	while (err == -EBUSY && t_deadline_nap(&deadline));
	t_bus_ok(a->bus, err);
	ringbus_consumer_forget(a->consumer);
	ringbus_close(a->bus);
	return 0;
}

/* False if it did not get so far as to boundary `n`. */
static bool
kill_once(struct scene *s, const struct deed *deed, struct calls *calls,
	  unsigned n)
{
	struct actor a;
	bool killed;

	start_actor(&a, s, deed);
	killed = kill_daemon_at(s, &a, calls, n);
	finish_actor(s, &a);
	if (deed->kept != NULL)
		t_join(t_child(give_up, &a));
	scene_check_alive(s);
	printf(killed ? " %u" : "", n);
	fflush(stdout);
	munmap(a.words, sizeof(*a.words));
	return killed;
}

/* Several events that come at once take fewer calls than one by one: the shortest
 * of some runs has the boundaries that all have. */
static void
measure(struct scene *s, const struct deed *deed, struct calls *ret)
{
	static struct calls calls;

	ret->n = UINT_MAX;
	for (int i = 0; i < MEASURES; i++) {
		ck_assert(!kill_once(s, deed, &calls, UINT_MAX));
		if (calls.n < ret->n)
			*ret = calls;
	}
}

static void
kill_surely(struct scene *s, const struct deed *deed, unsigned n)
{
	static struct calls calls;
	int tries = TRIES;

	while (!kill_once(s, deed, &calls, n))
		ck_assert_int_gt(--tries, 0);
	ck_assert_uint_eq(calls.n, n);
}

unsigned
scene_kill_everywhere(struct scene *s, const struct deed *deed)
{
	static struct calls whole;
	unsigned killed = 0;

	measure(s, deed, &whole);
	printf("%s, %u points:", deed->name, whole.n);
	for (unsigned n = 1; n <= whole.n; n++)
		if (calls_is_chosen(&whole, n)) {
			kill_surely(s, deed, n);
			killed++;
		}
	printf(": killed at %u\n", killed);
	ck_assert_uint_gt(killed, 0);
	return killed;
}

void
scene_play(const struct deed *deed)
{
	struct scene s;

	scene_begin(&s);
	scene_kill_everywhere(&s, deed);
	scene_end(&s);
}
