/* SPDX-License-Identifier: MIT */
/*
 * crew.c - see crew.h
 */
#include "examples/demo/crew.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "examples/demo/board.h"
#include "examples/demo/event.h"
#include "examples/demo/program.h"
#include "examples/demo/roles.h"

#define PATIENCE_NS INT64_C(10000000000)
#define GRACE_MS 200

static const char *const names[CREW_SIZE - N_ROLES] = { "ringbusd",
							"nats-server", "copy" };

static const char *
name_of(int place)
{
	return place < N_ROLES ? role_names[place] : names[place - N_ROLES];
}

int
crew_init(struct crew *crew, const struct demo *demo)
{
	sigset_t set;

	*crew = (struct crew){ .demo = demo };
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	crew->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (crew->signals >= 0)
		return 0;
	fprintf(stderr, "demo: no signalfd: %s\n", strerror(errno));
	return -1;
}

/* The child's part of a fork: it dies with us, and a Ctrl-C is for us. */
static void
settle(pid_t parent, int death_signal)
{
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, death_signal);
	if (getppid() != parent)
		_exit(1);
	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* An end of the link that others hold open would hide the death of its owner. */
static void
close_link(const struct demo *demo, int role)
{
	if (role != ROLE_REPLICATE)
		close(demo->link[0]);
	if (role != ROLE_REPLICA)
		close(demo->link[1]);
}

static int
run_role(const struct demo *demo, int place)
{
	switch (place) {
	case ROLE_PRODUCER:
		return role_producer(demo);
	case ROLE_REPLICATE:
		return role_replicate(demo);
	case ROLE_REPLICA:
		return demo->has_nats ? role_reader(demo) : role_replica(demo);
	default:
		return role_app(demo);
	}
}

__attribute__((noreturn)) static void
become(const struct demo *demo, int place)
{
	switch (place) {
	case ROLE_JOURNAL:
		program_become_journal(demo);
	case CREW_DAEMON:
		program_become_daemon(demo);
	case CREW_SERVER:
		program_become_server(demo);
	case CREW_COPY:
		program_become_bridge(demo, name_of(place), "copy");
	default:
		program_become_bridge(demo, name_of(place), demo->channel);
	}
}

static bool
is_foreign(const struct demo *demo, int place)
{
	return place >= N_ROLES || is_program(demo, place);
}

/* The daemon alone gets the time to clean up. */
static int
start(struct crew *crew, int place)
{
	const struct demo *demo = crew->demo;
	pid_t parent = getpid(), pid;

	fflush(NULL); /* or both would print it */
	pid = fork();
	if (pid < 0)
		fprintf(stderr, "demo: cannot fork: %s\n", strerror(errno));
	if (pid > 0)
		crew->pids[place] = pid;
	if (pid != 0)
		return pid < 0 ? -1 : 0;
	settle(parent, place == CREW_DAEMON ? SIGTERM : SIGKILL);
	if (is_foreign(demo, place))
		become(demo, place);
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_NAME, role_names[place]); /* for ps and top */
	close_link(demo, place);
	_exit(run_role(demo, place));
}

int
crew_start_roles(struct crew *crew)
{
	for (int role = 0; role < N_ROLES; role++)
		if (start(crew, role) < 0)
			return -1;
	close_link(crew->demo, N_ROLES);
	return crew->demo->has_nats ? start(crew, CREW_COPY) : 0;
}

static bool
is_up(struct crew *crew, int place, unsigned *ret_port)
{
	const struct place *where = &crew->demo->place;

	if (place == CREW_DAEMON)
		return daemon_answers(where);
	*ret_port = server_port(where, crew->pids[place]);
	return *ret_port != 0;
}

/* They have no way of their own to call us back: ask until they answer. */
static int
await(struct crew *crew, int place, unsigned *ret_port)
{
	int64_t end_ns = now_ns() + PATIENCE_NS;

	while (!is_up(crew, place, ret_port)) {
		if (!crew_wait(crew, -1, 2))
			return -1;
		if (now_ns() > end_ns) {
			fprintf(stderr, "demo: %s does not answer\n",
				name_of(place));
			program_show_log(crew->demo, name_of(place));
			return -1;
		}
	}
	return 0;
}

int
crew_start_server(struct crew *crew, unsigned *ret_port)
{
	return start(crew, CREW_SERVER) < 0
		       ? -1
		       : await(crew, CREW_SERVER, ret_port);
}

int
crew_start_daemon(struct crew *crew)
{
	return start(crew, CREW_DAEMON) < 0 ? -1
					    : await(crew, CREW_DAEMON, NULL);
}

static void
report_death(const struct crew *crew, int place, int status)
{
	char why[WHY_SIZE] = "";

	fprintf(stderr, "demo: %s (pid %d) ", name_of(place),
		crew->pids[place]);
	if (!is_foreign(crew->demo, place))
		board_read_why(crew->demo, place, why);
	if (WIFSIGNALED(status))
		fprintf(stderr, "was killed by signal %d, %s\n",
			WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		fprintf(stderr, "ended with exit code %d%s%s\n",
			WEXITSTATUS(status), why[0] != '\0' ? ": " : "", why);
	if (is_foreign(crew->demo, place))
		program_show_log(crew->demo, name_of(place));
}

static void
collect(struct crew *crew)
{
	for (int i = 0; i < CREW_SIZE; i++) {
		int status;

		if (crew->pids[i] == 0 ||
		    waitpid(crew->pids[i], &status, WNOHANG) <= 0)
			continue;
		if (status == 0 && i < N_ROLES) {
			crew->n_done++;
		} else {
			report_death(crew, i, status);
			crew->failed = true;
		}
		crew->pids[i] = 0;
	}
}

bool
crew_wait(struct crew *crew, int fd, int timeout_ms)
{
	struct pollfd wait[] = {
		{ .fd = crew->signals, .events = POLLIN },
		{ .fd = fd, .events = POLLIN },
	};
	struct signalfd_siginfo info;

	poll(wait, 2, timeout_ms);
	while (read(crew->signals, &info, sizeof(info)) == sizeof(info))
		if (info.ssi_signo != SIGCHLD)
			crew->stopped_by = (int)info.ssi_signo;
	collect(crew);
	if (crew->failed) {
		/* Who ends first may only have followed one whose end takes longer. */
		poll(NULL, 0, GRACE_MS);
		collect(crew);
	}
	return crew->stopped_by == 0 && !crew->failed;
}

/* True once it is dead, false if it still lives after the timeout. */
static bool
reap(struct crew *crew, int place, int timeout_ms)
{
	int64_t end_ns = now_ns() + timeout_ms * INT64_C(1000000);
	struct pollfd wait = { .fd = crew->signals, .events = POLLIN };
	struct signalfd_siginfo info;

	while (waitpid(crew->pids[place], NULL, WNOHANG) == 0) {
		if (now_ns() > end_ns)
			return false;
		poll(&wait, 1, 100);
		while (read(crew->signals, &info, sizeof(info)) > 0)
			continue;
	}
	crew->pids[place] = 0;
	return true;
}

void
crew_end_programs(struct crew *crew)
{
	for (int role = 0; role < N_ROLES; role++)
		if (is_program(crew->demo, role) && crew->pids[role] > 0)
			kill(crew->pids[role], SIGTERM);
}

void
crew_stop(struct crew *crew)
{
	for (int i = 0; i < CREW_SIZE; i++)
		if (crew->pids[i] > 0 && i != CREW_DAEMON)
			kill(crew->pids[i], SIGKILL);
	for (int i = 0; i < CREW_SIZE; i++)
		if (crew->pids[i] > 0 && i != CREW_DAEMON)
			waitpid(crew->pids[i], NULL, 0);
	if (crew->pids[CREW_DAEMON] > 0) {
		kill(crew->pids[CREW_DAEMON], SIGTERM);
		if (!reap(crew, CREW_DAEMON, 10000)) {
			fprintf(stderr, "demo: ringbusd does not stop\n");
			kill(crew->pids[CREW_DAEMON], SIGKILL);
			waitpid(crew->pids[CREW_DAEMON], NULL, 0);
			crew->failed = true;
		}
	}
	close(crew->signals);
}
