/* SPDX-License-Identifier: MIT */
/*
 * util_wan.c - see util_wan.h
 */
#include "tests/system/util_wan.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/system/util_bus.h"
#include "tests/system/util_program.h"

#define SERVER "/usr/sbin/nats-server"
#define ROUND_EVENTS 20000 /* that come through between two rounds */
#define LAST_EVENTS 20000  /* that are sent after the last one */
#define PACE_NS (2 * T_MS) /* for T_FLOW_BURST events: 100,000 a second */

/* What each process is called, where it runs, and what says that it is there. */
static const struct {
	const char *name;
	int host; /* -1: where the server is to be */
} processes[T_WAN_PROCESSES] = {
	[T_WAN_SERVER] = { "server", -1 },
	[T_WAN_EXPORTER] = { "exporter", 0 },
	[T_WAN_IMPORTER] = { "importer", 1 },
	[T_WAN_PRODUCER] = { "producer", 0 },
	[T_WAN_CONSUMER] = { "consumer", 1 },
};

static struct t_host *
host_of(struct t_wan *w, enum t_wan_process process)
{
	int host = processes[process].host;

	return &w->hosts[host < 0 ? w->server_at : host];
}

/* ------------------------------------------------------------ what they say */

/* Good until the next call but one. */
static const char *
log_of(const char *name)
{
	static char paths[2][PATH_MAX];
	static unsigned n_calls;
	char *path = paths[n_calls++ % 2];

	snprintf(path, PATH_MAX, "%s/%s.log", t_tmpdir(), name);
	return path;
}

unsigned
t_wan_said(const struct t_wan *w, enum t_wan_process process, const char *text)
{
	struct t_run run;

	(void)w;
	snprintf(run.out, sizeof(run.out), "%s",
		 log_of(processes[process].name));
	return access(run.out, F_OK) == 0 ? t_run_count(&run, text) : 0;
}

static void
append_last(char *text, size_t size, const char *name)
{
	size_t n = strlen(text);
	FILE *file = fopen(log_of(name), "re");
	size_t got;

	n += (size_t)snprintf(text + n, size - n, "\n--- %s:\n", name);
	if (file == NULL)
		return;
	if (fseek(file, -400, SEEK_END) < 0)
		rewind(file);
	got = fread(text + n, 1, size - n - 1, file);
	text[n + got] = '\0';
	fclose(file);
}

/* The library under the tests takes 4 KiB and no more. */
void
t_wan_fail(const struct t_wan *w, const char *format, ...)
{
	char text[4000];
	int n = snprintf(text, sizeof(text), "%llu sent, %llu received; ",
			 (unsigned long long)t_read(w->sent.next),
			 (unsigned long long)t_read(w->received.next));
	va_list args;

	va_start(args, format);
	vsnprintf(text + n, 500, format, args);
	va_end(args);
	for (int i = 0; i < T_WAN_PROCESSES; i++)
		append_last(text, sizeof(text), processes[i].name);
	for (int i = 0; i < 2; i++)
		append_last(text, sizeof(text), w->hosts[i].name);
	ck_abort_msg("%s", text);
}

/* ------------------------------------------------------------ configuration */

static void
print_bridge(const struct t_wan *w, int i, char *ret, size_t size)
{
	char url[64], state[PATH_MAX];

	snprintf(url, sizeof(url), "nats://10.9.0.%d:%d", w->server_at + 1,
		 T_WAN_PORT);
	snprintf(state, sizeof(state), ", start: oldest, state: %s/state",
		 t_tmpdir());
	snprintf(ret, size, "{ direction: %s, servers: '%s'%s%s }",
		 i == 0 ? "export" : "import", w->url != NULL ? w->url : url,
		 i == 0 ? "" : state, w->bridge[i] != NULL ? w->bridge[i] : "");
}

static void
print_yaml(const struct t_wan *w, int i, char *ret, size_t size)
{
	char bridge[PATH_MAX + 256], shape[128];

	print_bridge(w, i, bridge, sizeof(bridge));
	snprintf(shape, sizeof(shape),
		 w->is_framed ? "framing: framed, slot_size: %d"
			      : "framing: fixed, event_size: %d",
		 w->is_framed ? T_FLOW_SLOT : T_FLOW_EVENT);
	snprintf(ret, size,
		 "channels:\n  a: { slots: %d, producers: single, %s%s,\n"
		 "       bridge: %s }\n",
		 w->slots[i] > 0 ? w->slots[i] : 16384, shape,
		 i == 0 ? "" : ", consumers: { app: { on_death: keep } }",
		 bridge);
}

static void
configure_server(const struct t_wan *w, char path[PATH_MAX])
{
	FILE *file;

	snprintf(path, PATH_MAX, "%s/nats.conf", t_tmpdir());
	file = fopen(path, "we");
	ck_assert_ptr_nonnull(file);
	fprintf(file,
		"listen: '0.0.0.0:%d'\njetstream { store_dir: '%s/store' }\n"
		"%s\n",
		T_WAN_PORT, t_tmpdir(), w->server != NULL ? w->server : "");
	ck_assert_int_eq(fclose(file), 0);
}

/* ---------------------------------------------------------------- processes */

struct member {
	t_child_fn run;
	struct t_flow *flow;
	const char *log;
};

static int
run_member(void *arg)
{
	const struct member *member = arg;
	int log = open(member->log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
		       0600);

	return log >= 0 && dup2(log, STDERR_FILENO) >= 0
		       ? member->run(member->flow)
		       : 127;
}

static pid_t
start_member(struct t_wan *w, enum t_wan_process process, t_child_fn run,
	     struct t_flow *flow)
{
	struct member m = { run, flow, log_of(processes[process].name) };

	return t_host_child(host_of(w, process), run_member, &m);
}

static pid_t
start_program(struct t_wan *w, enum t_wan_process process, const char *program,
	      const char *option, const char *argument)
{
	const char *const argv[] = { program, option, argument, NULL };

	return t_host_spawn(host_of(w, process),
			    log_of(processes[process].name), argv);
}

static pid_t
start_bridge(struct t_wan *w, enum t_wan_process process)
{
	return start_program(w, process, t_program("ringbus-bridge"), "a",
			     NULL);
}

static pid_t
start_server(struct t_wan *w)
{
	char path[PATH_MAX];
	unsigned n = t_wan_said(w, T_WAN_SERVER, "Server is ready");
	pid_t pid;

	configure_server(w, path);
	pid = start_program(w, T_WAN_SERVER, SERVER, "-c", path);
	t_wan_until(w, t_wan_said(w, T_WAN_SERVER, "Server is ready") > n);
	return pid;
}

void
t_wan_start(struct t_wan *w, enum t_wan_process process)
{
	pid_t pid = 0;

	ck_assert_int_eq(w->pids[process], 0);
	if (process == T_WAN_SERVER)
		pid = start_server(w);
	else if (process == T_WAN_PRODUCER)
		pid = start_member(w, process, t_flow_produce, &w->sent);
	else if (process == T_WAN_CONSUMER)
		pid = start_member(w, process, t_flow_consume, &w->received);
	else
		pid = start_bridge(w, process);
	w->pids[process] = pid;
}

void
t_wan_kill(struct t_wan *w, enum t_wan_process process)
{
	t_kill(w->pids[process]);
	w->pids[process] = 0;
}

void
t_wan_restart(struct t_wan *w, enum t_wan_process process)
{
	t_wan_kill(w, process);
	t_wan_start(w, process);
}

static bool
has_ended(pid_t pid)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) <
		       0 ||
	       info.si_pid != 0;
}

/* Who has all is not looked at any more. */
static bool
may_have_ended(const struct t_wan *w, enum t_wan_process process)
{
	const struct t_flow *flow = process == T_WAN_PRODUCER ? &w->sent
							      : &w->received;

	return (process == T_WAN_PRODUCER || process == T_WAN_CONSUMER) &&
	       t_read(flow->next) >= t_read(flow->until);
}

void
t_wan_look(const struct t_wan *w)
{
	for (int i = 0; i < T_WAN_PROCESSES; i++)
		if (w->pids[i] != 0 && has_ended(w->pids[i]) &&
		    !may_have_ended(w, i))
			t_wan_fail(w, "the %s has ended", processes[i].name);
}

/* ---------------------------------------------------------------- the whole */

static void
need_all(void)
{
	t_host_need();
	if (access(SERVER, X_OK) < 0)
		T_SKIP("nats-server is missing");
	if (access(t_program("ringbus-bridge"), X_OK) < 0)
		T_SKIP("libnats is missing");
}

void
t_wan_prepare(struct t_wan *w)
{
	static const char *const names[2] = { "sends", "receives" };
	const char *events = getenv("WAN_EVENTS");
	char yaml[2 * PATH_MAX];

	need_all();
	w->sent = t_flow(NULL, w->is_framed);
	w->received = t_flow("app", w->is_framed);
	w->is_long = events != NULL;
	w->end = w->is_long ? strtoull(events, NULL, 10) : INT64_MAX;
	t_store(w->sent.until, w->end);
	for (int i = 0; i < 2; i++) {
		w->hosts[i].name = names[i];
		print_yaml(w, i, yaml, sizeof(yaml));
		t_host_open(&w->hosts[i], yaml);
	}
	t_host_connect(&w->hosts[0], &w->hosts[1]);
	t_wan_start(w, T_WAN_SERVER);
}

void
t_wan_flow(struct t_wan *w)
{
	t_wan_start(w, T_WAN_CONSUMER);
	t_wan_start(w, T_WAN_EXPORTER);
	t_wan_start(w, T_WAN_IMPORTER);
	t_wan_start(w, T_WAN_PRODUCER);
}

void
t_wan_begin(struct t_wan *w)
{
	t_wan_prepare(w);
	if (w->is_paced || w->is_long)
		t_store(w->sent.nap_ns, (uint64_t)PACE_NS);
	t_wan_flow(w);
}

static void
await_event(struct t_wan *w, uint64_t next)
{
	t_wan_until(w, t_read(w->received.next) >= next);
}

void
t_wan_await(struct t_wan *w, uint64_t n)
{
	await_event(w, t_read(w->received.next) + n);
}

/* However many they are, as long as there are more now and then. */
static void
await_all(struct t_wan *w, uint64_t n)
{
	uint64_t next;

	while ((next = t_read(w->received.next)) < n)
		await_event(w, n - next < LAST_EVENTS ? n : next + LAST_EVENTS);
}

bool
t_wan_has_all_sent(const struct t_wan *w)
{
	return t_read(w->sent.next) >= t_read(w->sent.until);
}

/* A round a second; more seldom if it is one that takes its time. */
static bool
long_form_goes_on(struct t_wan *w)
{
	int64_t next_ns = t_now_ns() + (w->rounds == 1 ? 15 : 1) * T_SECOND;

	t_wan_until(w, t_now_ns() >= next_ns || t_wan_has_all_sent(w));
	return !t_wan_has_all_sent(w);
}

bool
t_wan_goes_on(struct t_wan *w)
{
	w->n_rounds++;
	if (w->is_long)
		return long_form_goes_on(w);
	t_wan_await(w, ROUND_EVENTS);
	return w->n_rounds <= (w->rounds > 0 ? w->rounds : T_WAN_ROUNDS);
}

static void
join(struct t_wan *w, enum t_wan_process process)
{
	char why[128];

	if (!t_ended(w->pids[process], 0, why, sizeof(why)))
		t_wan_fail(w, "%s: %s", processes[process].name, why);
	w->pids[process] = 0;
}

static struct ringbus_info
look_at(const struct t_wan *w, int host)
{
	struct ringbus *bus = t_connect(&w->hosts[host].daemon);
	struct ringbus_tap *tap = t_tap(bus, RINGBUS_FROM_NOW);
	struct ringbus_info info = t_info(ringbus_tap_channel(tap));

	ringbus_close(bus);
	return info;
}

bool
t_wan_is_full(const struct t_wan *w, int host)
{
	struct ringbus_info info = look_at(w, host);

	return info.cursor - info.gating >= (int64_t)info.slots;
}

/* The exporter knows that all of it is stored. */
static bool
all_is_acked(const struct t_wan *w)
{
	struct ringbus_info info = look_at(w, 0);

	return info.gating >= info.cursor;
}

void
t_wan_drain(struct t_wan *w)
{
	uint64_t n;

	t_wan_kill(w, T_WAN_PRODUCER);
	n = (uint64_t)look_at(w, 0).cursor + 1;
	t_store(w->sent.next, n);
	await_all(w, n);
}

void
t_wan_send(struct t_wan *w, uint64_t n)
{
	t_store(w->sent.until, t_read(w->sent.next) + n);
	t_wan_start(w, T_WAN_PRODUCER);
	join(w, T_WAN_PRODUCER);
	t_store(w->sent.until, w->end);
	await_all(w, t_read(w->sent.next));
	t_wan_until(w, all_is_acked(w));
}

void
t_wan_end(struct t_wan *w)
{
	uint64_t n;

	if (!w->is_long)
		t_store(w->sent.until, t_read(w->sent.next) + LAST_EVENTS);
	join(w, T_WAN_PRODUCER);
	n = t_read(w->sent.next);
	t_store(w->received.until, n);
	await_all(w, n);
	join(w, T_WAN_CONSUMER);
	for (int i = T_WAN_EXPORTER; i <= T_WAN_IMPORTER; i++) {
		kill(w->pids[i], SIGTERM);
		join(w, i);
	}
	/* What has arrived is not all there is: nothing may have come twice. */
	ck_assert_int_eq(look_at(w, 1).cursor + 1, (int64_t)n);
	t_wan_kill(w, T_WAN_SERVER);
	t_host_close(&w->hosts[0]);
	t_host_close(&w->hosts[1]);
	if (w->is_long)
		printf("| %llu events, %d rounds\n", (unsigned long long)n,
		       w->n_rounds - 1);
}
