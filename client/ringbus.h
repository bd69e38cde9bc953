/* SPDX-License-Identifier: MIT */
/*
 * ringbus.h - the LMAX Disruptor between processes
 *
 * A daemon, ringbusd, owns named channels: ring buffers in shared memory. A
 * process connects to it, opens a channel as producer, consumer or tap, and from
 * then on publishes and reads without the daemon, without locks, and unless
 * somebody has to be put to sleep or woken without system calls.
 *
 *	struct ringbus *bus;                  struct ringbus *bus;
 *	struct ringbus_producer *p;           struct ringbus_consumer *c;
 *	int64_t s;                            struct ringbus_event e;
 *
 *	ringbus_connect(NULL, &bus);          ringbus_connect(NULL, &bus);
 *	ringbus_producer_open(bus, "orders",  ringbus_consumer_open(bus, "orders",
 *	                      NULL, &p);                          NULL, &c);
 *	s = ringbus_producer_claim(p, 1, -1); while (ringbus_consumer_wait(c, -1)
 *	fill(ringbus_producer_slot(p, s));           >= 0) {
 *	ringbus_producer_publish(p, s, s);            while (ringbus_consumer_next(
 *	                                                     c, &e) > 0)
 *	                                                      use(e.data, e.size);
 *	                                              ringbus_consumer_commit(c);
 *	                                      }
 *
 * Words. A channel is a ring of slots. A sequence numbers slots from 0 on, for
 * ever. A producer claims slots, fills them, and publishes them. A consumer
 * waits for published slots, reads them, and commits: then they may be
 * overwritten, and consumers declared to come after it may read them. A producer
 * that finds the ring full waits for the slowest consumer. A tap reads copies,
 * holds nobody up, and is told how much it missed.
 *
 * Framing. On a `fixed` channel each slot is one event of event_size bytes. On a
 * `framed` one an event has any length from 0 to a quarter of the ring and takes
 * as many slots as it needs; its sequence is that of its first slot, so the
 * sequences of events have gaps. Events are contiguous in memory always.
 *
 * Processes. Whoever dies, at whatever instruction, leaves the others running:
 * the daemon learns it from the kernel, lets the next single producer in, fills
 * what a dead multi producer had claimed with tombstones (every reader skips
 * them), and releases or keeps the place of a dead consumer as its channel says.
 * If the daemon itself is gone, open handles go on; a request waits up to two
 * seconds for the next one, which knows all members, and connects to it. Who
 * closes a handle meanwhile waits for nobody: the next daemon finds out.
 *
 * fork(), exec(), exit. Mappings are not inherited over fork(): in the child
 * every call with a handle or bus of its parent returns -ECHILD, but for those
 * that close them, which free its copies and leave the parent's alone. A child
 * connects anew. One made by vfork() or clone() gets no such answer but SIGSEGV.
 * A process that ends in any way, _exit() and SIGKILL included, has left; one
 * that calls exec() without closing its handles holds its places until it ends.
 *
 * Threads. A bus and each handle belong to one thread at a time; several threads
 * may use several handles of one bus, but open and close them one at a time.
 * Only the functions marked "any thread" may be called while another thread is
 * inside the same handle; these may also be called from signal handlers. A thread
 * that ends does not close its handles: another one has to, or what it claimed
 * stays claimed. No call is a cancellation point of pthread_cancel(), but a
 * callback of yours may be one; asynchronous cancellation is not supported.
 *
 * Errors. Functions return 0, a count or a sequence, or a negative errno from
 * the list at the function. Every function that takes a bus can also return
 * -ECONNRESET (the daemon is gone; of one that had read a request to change
 * something it is not known whether it did), -ETIMEDOUT (it does not answer)
 * and -EPROTO (it does not make sense); and every one at all -ECHILD, see above.
 * ringbus_strerror() explains one, ringbus_error() tells what the daemon had to say
 * about the last refusal. The library prints nothing, starts no threads, and
 * installs no signal handler but one.
 *
 * Truncation. Who holds a place in a channel of `isolation: named` can shorten
 * the files that it may write, and touching what is missing is a SIGBUS. So the
 * first bus of a process installs a handler for that, unless there is one
 * already, or SIG_IGN. To the process the channel is damaged from then on: all
 * calls that would publish, wait, copy or commit return -EBADMSG. What was read
 * since the last commit, and what is left of that batch, may be zeroes, and
 * what was written is lost. A thread that blocks SIGBUS is killed by it all the
 * same. See ringbus_handle_sigbus().
 *
 * Times. Timeouts are in nanoseconds of CLOCK_MONOTONIC; RINGBUS_FOREVER waits
 * without limit, RINGBUS_NOW not at all.
 */
#ifndef RINGBUS_H
#define RINGBUS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RINGBUS_VERSION_MAJOR 0
#define RINGBUS_VERSION_MINOR 1
#define RINGBUS_VERSION_PATCH 0

#define RINGBUS_FOREVER INT64_C(-1)
#define RINGBUS_NOW INT64_C(0)

/* Names of channels and members are 1 to 63 of A-Z a-z 0-9 . _ - and start with
 * neither a dot nor a dash. */
#define RINGBUS_NAME_SIZE 64

#define RINGBUS_API __attribute__((visibility("default")))

struct ringbus;          /* a connection to a daemon */
struct ringbus_channel;  /* a mapped channel, part of an open handle */
struct ringbus_producer; /* a handle that publishes */
struct ringbus_consumer; /* a handle that reads and gates */
struct ringbus_tap;      /* a handle that only looks */

/* How a handle waits; see ringbus.yaml(5). */
#define RINGBUS_WAIT_DEFAULT 0 /* as the channel says */
#define RINGBUS_WAIT_BUSY_SPIN 1
#define RINGBUS_WAIT_YIELDING 2
#define RINGBUS_WAIT_SLEEPING 3
#define RINGBUS_WAIT_BLOCKING 4
#define RINGBUS_WAIT_PHASED_BACKOFF 5

#define RINGBUS_FIXED 0
#define RINGBUS_FRAMED 1

#define RINGBUS_NAMED 0
#define RINGBUS_SEALED 1

#define RINGBUS_SINGLE 0
#define RINGBUS_MULTI 1

/* The version of the library that runs, "0.1.0". Static. */
RINGBUS_API const char *ringbus_version(void);

/* A sentence for a negative errno that this library returned. Static. */
RINGBUS_API const char *ringbus_strerror(int64_t err);

/* "busy_spin" for RINGBUS_WAIT_BUSY_SPIN and so on, NULL for a number that is
 * none; and back, -EINVAL for a name that is none. Static. */
RINGBUS_API const char *ringbus_wait_name(int wait);
RINGBUS_API int ringbus_wait_by_name(const char *name);

/*** The connection *******************************************************/

/*
 * Connects to the daemon at `socket`. NULL means the one that RINGBUS_SOCKET in
 * the environment names, or else the user's own
 * ($XDG_RUNTIME_DIR/ringbus/control.sock, /dev/shm/ringbus-UID/.control.sock) if
 * it is there, or else the system's (/run/ringbus/control.sock).
 *
 *   -ENOENT, -ECONNREFUSED  no daemon there
 *   -EACCES                 the socket is not for us
 *   -ENAMETOOLONG           longer than a socket address
 *   -EPROTONOSUPPORT        the daemon has another version or memory layout
 *   -EMFILE, -ENFILE, -ENOMEM
 *   -ECONNRESET, -EPROTO    the daemon went away, or is none
 *   -ETIMEDOUT              it does not answer
 *   -EUSERS                 too many connections, or too many of our user
 *   -EXDEV                  the daemon's PID namespace does not have us
 *
 * *ret is the caller's until ringbus_close(). It keeps a descriptor, which is
 * closed on exec.
 */
RINGBUS_API int ringbus_connect(const char *socket, struct ringbus **ret);

/*
 * The same with another patience: the daemon may take `timeout_ns` for an answer,
 * here and whenever it is asked for something, or it is -ETIMEDOUT. Otherwise it is
 * 10 seconds. -EINVAL for what is not positive.
 */
RINGBUS_API int ringbus_connect_within(const char *socket, int64_t timeout_ns,
				       struct ringbus **ret);

/*
 * A bus without a daemon: channels are looked at where they lie, in `shm_dir`, or in
 * a copy of that on any file system. NULL means the folder that RINGBUS_SHM_DIR in
 * the environment names, or else this user's (/dev/shm/ringbus-UID) if it is there,
 * or else the system's (/dev/shm/ringbus). ringbus_list() and ringbus_tap_open()
 * work, all else is -ENOTCONN. Nobody looks whether the members of a channel are
 * alive: what a daemon that is gone has not mended is shown as it was left.
 *
 *   -ENOENT, -ENOTDIR  no such folder, or something else
 *   -EACCES            it may not be read
 *   -EINVAL            longer than a path
 *   -ENOMEM, -EMFILE, -ENFILE
 *
 * ringbus_error(NULL) names the folder then. Closed by ringbus_close().
 */
RINGBUS_API int ringbus_open_folder(const char *shm_dir, struct ringbus **ret);

/*
 * What is wrong with a channel in the folder that is looked at: the finding at
 * `index`, counted from 0, as a line for people. 1: it is damage; 2: it is to be
 * known, as a claim that was never published; 0 behind the last. Index 0 looks anew.
 * Nothing of what lies there is believed. -EINVAL for a bus with a daemon, or what is
 * no name; -ENOMEM; else errors of ringbus_tap_open() for what is no channel at all.
 */
RINGBUS_API int ringbus_inspect(struct ringbus *bus, const char *channel,
				unsigned index, char *line, size_t size);

/* Closes the connection and every handle still open on it. NULL is allowed. */
RINGBUS_API void ringbus_close(struct ringbus *bus);

/*
 * What was said with the last refusal on this connection: what was asked for and
 * what to do, or "". Valid until the next call on the bus. NULL asks for the last
 * ringbus_connect() of this thread that failed: the socket tried last, and what
 * the daemon said, if it said something.
 */
RINGBUS_API const char *ringbus_error(const struct ringbus *bus);

/* The path of the socket we are connected to, or of the folder that is looked at.
 * Valid as long as the bus. */
RINGBUS_API const char *ringbus_socket(const struct ringbus *bus);

/*
 * For a program that has a handler of SIGBUS of its own, which the library then
 * leaves alone: to be called in it with the siginfo_t that it got. 1: somebody has
 * truncated a file of a channel that is open here, and it is dealt with as said
 * above, so that the handler returns; 0: that was something else. Any thread.
 */
RINGBUS_API int ringbus_handle_sigbus(const void *siginfo);

/* Asks the daemon for a sign of life: its pid. */
RINGBUS_API int64_t ringbus_ping(struct ringbus *bus);

/*
 * The name of the channel at `index`, counted from 0, into `name`
 * (RINGBUS_NAME_SIZE bytes). -ENOENT behind the last one. Channels may come and
 * go between two calls. Of a folder also the errors of ringbus_open_folder().
 */
RINGBUS_API int ringbus_list(struct ringbus *bus, unsigned index, char *name);

/*
 * A graph of consumers, to be declared with a channel that a program creates, as
 * `consumers:` does in the configuration. After LMAX's Disruptor DSL:
 *
 *	struct ringbus_graph *g = ringbus_graph_new();
 *	struct ringbus_stage first;
 *
 *	first = ringbus_graph_handle_with(g, "journal", "replicate", NULL);
 *	ringbus_stage_then(first, "app", NULL);
 *	options.graph = g;
 *	ringbus_create(bus, "orders", &options);
 *	ringbus_graph_free(g);
 *
 * Names are new consumers where they first appear; where they appear again they
 * come after that stage too. What is wrong (a name that is none, an unknown one
 * in after(), one that would wait for itself, a cycle, too many, no name at all,
 * a kind that cannot be) makes ringbus_create() return -EINVAL, and
 * ringbus_error() tell the place or the path of the cycle. A graph belongs to
 * one thread at a time; strings are copied.
 */
struct ringbus_graph;

/* Some consumers of a graph: LMAX's EventHandlerGroup. A value, nothing to
 * free, good as long as the graph. One of no graph, such as all zeroes, is
 * nobody's: what is added to it is lost. */
struct ringbus_stage {
	struct ringbus_graph *graph;
	uint64_t members;
};

/* What a declared consumer is beside its name and place. Start from
 * RINGBUS_CONSUMER_KIND_INIT, a consumer that gates and goes with its process.
 * See ringbus.yaml(5). */
struct ringbus_consumer_kind {
	size_t size;          /* of this struct */
	int64_t keep_for_ns;  /* how long its place is kept when nobody is
			      * there; 0 not at all, but a group's and a parked
			      * one's for ever; RINGBUS_FOREVER */
	int slow;             /* RINGBUS_SLOW_... */
	int64_t max_lag;      /* slots; 0: no limit; with PARK the history */
	int64_t max_stall_ns; /* without progress; 0: no limit */
	int group;            /* not 0: its openers share its events */
	unsigned key_offset;  /* of a group: events that have the same bytes */
	unsigned key_size;    /* there stay in order; size 0: none do */
};

#define RINGBUS_CONSUMER_KIND_INIT                                             \
	{                                                                      \
		sizeof(struct ringbus_consumer_kind), 0, 0, 0, 0, 0, 0, 0      \
	}

/* NULL on no memory. Free takes NULL. */
RINGBUS_API struct ringbus_graph *ringbus_graph_new(void);
RINGBUS_API void ringbus_graph_free(struct ringbus_graph *graph);

/* Consumers that wait for producers alone. The names end with NULL. */
RINGBUS_API struct ringbus_stage ringbus_graph_handle_with(
	struct ringbus_graph *graph, ...) __attribute__((sentinel));

/* The stage of consumers that are in the graph already. */
RINGBUS_API struct ringbus_stage ringbus_graph_after(
	struct ringbus_graph *graph, ...) __attribute__((sentinel));

/* Consumers that come after all of `stage`; returns their stage. */
RINGBUS_API struct ringbus_stage ringbus_stage_then(struct ringbus_stage stage,
						    ...)
	__attribute__((sentinel));

/* Both. */
RINGBUS_API struct ringbus_stage ringbus_stage_and(struct ringbus_stage a,
						   struct ringbus_stage b);

/* Says what kind of consumers those of a stage are. Returns the stage. */
RINGBUS_API struct ringbus_stage ringbus_stage_set(
	struct ringbus_stage stage, const struct ringbus_consumer_kind *kind);

/* Writes into a slot that no event was ever in; `index` counts from 0. */
typedef void (*ringbus_prepare_fn)(void *context, void *slot, size_t size,
				   uint64_t index);

/* What a channel is made of. Start from RINGBUS_CHANNEL_OPTIONS_INIT. */
struct ringbus_channel_options {
	size_t size;    /* of this struct */
	uint64_t slots; /* power of two */
	/* Bytes; of a framed channel a power of two >= 16. */
	uint64_t slot_size;
	uint64_t history; /* slots kept for late joiners, at most slots / 2 */
	int framing;      /* RINGBUS_FIXED or RINGBUS_FRAMED */
	int producers;    /* RINGBUS_SINGLE or RINGBUS_MULTI */
	int wait;         /* RINGBUS_WAIT_..., for handles that don't choose */
	int clear;        /* not 0: slots become zero when all have read them
			   * that producers wait for; see ringbus.yaml(5) */
	const char *type; /* of the events, a name; NULL: not declared */
	unsigned type_version; /* 0 without a type, here and below */
	const struct ringbus_graph *graph; /* NULL: no declared consumers */
	/* Each slot begins with copies of these bytes; or, of a fixed channel,
	 * with what `prepare` writes into it before anybody else may attach. */
	const void *fill;
	size_t fill_size; /* at most 64; 0: zeroes */
	ringbus_prepare_fn prepare;
	void *prepare_context;
	int strict; /* not 0: what a producer had claimed when it died stops the
		     * stream, instead of being skipped; see
		     * ringbus_mend() */
	/* Several producers: one that holds others up for so long, by what it has
	 * claimed and not published, is killed, if it is of the creator's user;
	 * 0: none is. */
	int64_t stuck_after_ns;
	/* RINGBUS_NAMED: in files, which members can truncate. RINGBUS_SEALED: in
	 * memory of a size that nobody can change. */
	int isolation;
	int latency; /* not 0: consumers measure how long events take from
		      * publish to commit; see ringbus_channel_latency() */
};

#define RINGBUS_CHANNEL_OPTIONS_INIT                                           \
	{                                                                      \
		sizeof(struct ringbus_channel_options), 65536, 64, 0, 0, 0, 0, \
			0, NULL, 0, NULL, NULL, 0, NULL, NULL, 0, 0, 0, 0      \
	}

/*
 * Creates a channel, if the daemon's configuration lets us (`dynamic:`). NULL
 * options are the initial ones.
 *
 *   -EINVAL  a name, number or graph that cannot be
 *   -EACCES  we may not create channels         -EEXIST  the name is taken
 *   -ENOSPC, -ENOMEM  too little memory         -EUSERS  too many, or too large
 *   -EBADMSG  the name is taken, by a channel whose memory is damaged
 *   -ESHUTDOWN  the daemon is stopping
 *
 * With `prepare` also what ringbus_producer_open() returns; then nothing is left
 * of the channel.
 */
RINGBUS_API int ringbus_create(struct ringbus *bus, const char *channel,
			       const struct ringbus_channel_options *options);

/*
 * Removes a channel that was created by ringbus_create(), if we are its creator
 * or one of `admin`. -EBUSY while members are attached, -EACCES if it is not ours
 * to remove, -ENOENT.
 */
RINGBUS_API int ringbus_remove(struct ringbus *bus, const char *channel);

/*
 * Ends the stream of a channel for good: producers get -ESHUTDOWN, consumers read
 * what is there and then get it too. Whoever waits, on either side, is woken. Who
 * may do this is said by the daemon's configuration (`admin`); if it says
 * nothing, we have to be one who may publish, and on a channel of
 * ringbus_create() its creator or a producer. -EACCES, -ENOENT, -EINVAL for
 * what is no name; -EBADMSG if its memory is damaged, or -EAGAIN if it is of another
 * layout and yet to be made anew, and there is no stream.
 */
RINGBUS_API int ringbus_end(struct ringbus *bus, const char *channel);

/* The same at once: consumers get -ESHUTDOWN at their next wait, whatever is
 * left unread. */
RINGBUS_API int ringbus_abort(struct ringbus *bus, const char *channel);

/*
 * Gives up what dead producers had claimed on a strict channel, so that its
 * stream goes on: readers skip these slots. Returns how many they are; 0 if
 * nothing was missing. Who was told -EOWNERDEAD may wait again then, and misses
 * nothing else. Who may end the stream may do this. Errors as there.
 */
RINGBUS_API int64_t ringbus_mend(struct ringbus *bus, const char *channel);

/*
 * Holds the producers of a channel: to them the ring is full, whatever is free,
 * until ringbus_resume(). Those that wait without limit go on then; others get
 * -EAGAIN, -ETIMEDOUT or -ENOBUFS. What is claimed may still be published, consumers
 * read on to the end of that, and the stream may be ended. A producer that has just
 * found room makes one claim more, a single producer several as long as it publishes
 * none of them, but at most of min(256, slots / 64) slots. It stays so over a restart
 * of the daemon. Who may end the stream may do this. Errors as there, and -ESHUTDOWN
 * if the stream has ended. Again is no error.
 */
RINGBUS_API int ringbus_pause(struct ringbus *bus, const char *channel);
RINGBUS_API int ringbus_resume(struct ringbus *bus, const char *channel);

/*
 * Takes the place of a consumer away, so that nobody waits for it any more: one that
 * was kept while nobody is there, a group's too; or that of a process which is there
 * and reads copies (RINGBUS_SLOW_EVICT, _PARK, _LOSSY), and is told by -ESTALE. One
 * that reads in the ring is let be, as what it has before its eyes would be
 * overwritten: it has to end first. Who may end the stream may do this.
 *
 *   -ENOENT   no such channel; or nobody of this name has a place
 *   -EBUSY    it reads in the ring, or is a group with workers; ringbus_error() names
 *             the process. Or it is evicted already, and has yet to leave
 *   -EINVAL   a name that is none
 *   -EACCES, -EBADMSG, -EAGAIN  as of ringbus_end()
 */
RINGBUS_API int ringbus_evict(struct ringbus *bus, const char *channel,
			      const char *consumer);

/*
 * Moves the place of a consumer, or of a group, that is kept while nobody is there:
 * to a sequence, to RINGBUS_FROM_OLDEST, or to RINGBUS_FROM_NOW, where it has read all
 * that it may. Returns the sequence that it reads next; on a framed channel where the
 * next event starts. What lies between is not read, or read again; a group does again
 * what of its work was done beyond that. Who may end the stream may do this.
 *
 *   -ERANGE   what is asked for may have been overwritten, or is not published, or
 *             not read by those that it comes after; ringbus_error() has the range
 *   -EBUSY    a process is there; ringbus_error() names it
 *   -EINVAL   a name or place that is none
 *   -ENOENT, -EACCES, -EBADMSG, -EAGAIN  as above
 */
RINGBUS_API int64_t ringbus_reset(struct ringbus *bus, const char *channel,
				  const char *consumer, int64_t from);

/*
 * Has the daemon read its configuration anew: all of it, or with a mistake in it, a
 * change that cannot be had now or a channel that cannot be made, nothing. The flags
 * are 0 or of these: with DRY nothing is changed in any case; with RECREATE a channel
 * that is in use and has to be made anew is ended (producers get -ESHUTDOWN,
 * consumers read to the end), and made anew when all have left it; until then who
 * opens a handle on it gets -EAGAIN, but for a consumer whose place is kept. 0 if all
 * of it was done, or with DRY could be. -EINVAL: a mistake, or other flags; -EBUSY:
 * something cannot be had now; -ENOSPC, -ENOMEM and so on: a channel cannot be made,
 * or -ENOENT and so on: the file cannot be read;
 * -EACCES: only root, the daemon's user and those of `daemon: admin` may;
 * -ESHUTDOWN: the daemon is stopping.
 */
#define RINGBUS_RELOAD_DRY 1U
#define RINGBUS_RELOAD_RECREATE 2U
RINGBUS_API int ringbus_reload(struct ringbus *bus, unsigned flags);

/*
 * Copies line number `index`, from 0 on, of what the daemon has to say of its last
 * reload, also one that failed: each change with what becomes of it, or each mistake,
 * and a verdict. It is cut at `size` bytes, the zero included. 0; -ENOENT behind the
 * last; -EINVAL for no room; -EACCES as above.
 */
RINGBUS_API int ringbus_report(struct ringbus *bus, unsigned index, char *line,
			       size_t size);

#define RINGBUS_SETTING_SIZE 1024

/*
 * What the configuration of the channel says to the programs that take it outside:
 * `key` is one of those in JOURNAL and BRIDGE of ringbus.yaml(5) with the block in
 * front, "journal.sync", and `value`, of RINGBUS_SETTING_SIZE bytes at most, is what
 * the daemon goes by, the default if nothing is given: sizes in bytes, durations in
 * nanoseconds, `true` and `false`, words; a list has commas in it. A path that is not
 * given is that of the daemon's user, and may be "". The key "journal" or "bridge"
 * alone tells whether the channel has such a block, `true` or `false`; one that has
 * none, or that is in no configuration, has all the keys nevertheless. What a reload
 * changes is told from then on.
 *
 * A key with a value behind it, "journal.sync_interval=5ms", answers what that value
 * would be if the configuration had it, so that a program can take the same words on
 * its command line; a list with commas between.
 *
 *   -ENOENT  no such channel, or no such key
 *   -EACCES  we may do nothing at all with the channel
 *   -ENOSPC  it is longer than `size` with its zero: RINGBUS_SETTING_SIZE is enough
 *   -EINVAL  no buffer, an impossible name, or a value that the key does not take
 */
RINGBUS_API int ringbus_setting(struct ringbus *bus, const char *channel,
				const char *key, char *value, size_t size);

#define RINGBUS_EVENT_SIZE 1024
#define RINGBUS_STATUS_SIZE 1024

/*
 * The next of what has happened to channels and members, as a JSON object in one line
 * of less than RINGBUS_EVENT_SIZE bytes: the first event with the number *id or a
 * higher one. 1, and *id is the number to ask for next; begin with 0. The daemon keeps
 * the last 1024, and shows us those of channels that we may tap. Numbers go on over a
 * restart of the daemon: who asks for one of an earlier daemon gets all of this one.
 *
 *   "id", "time" (RFC 3339), "event", "text"; and if they are known
 *   "channel", "member", "pid", "sequence", "lost" (events that are gone before it)
 *
 *   -EAGAIN  none has happened since
 *   -EINVAL  a number that is negative, or too small a buffer; *id stays then
 */
RINGBUS_API int ringbus_event_next(struct ringbus *bus, int64_t *id, char *json,
				   size_t size);

/*
 * How the daemon fares: the line "key=value" at `index`, counted from 0, of less than
 * RINGBUS_STATUS_SIZE bytes. 1. -ENOENT behind the last; -EINVAL for too small a
 * buffer. The keys are in ringbusctl(1), under `status`; others may come.
 */
RINGBUS_API int ringbus_status(struct ringbus *bus, unsigned index,
			       char *key_value, size_t size);

/*** Producers ************************************************************/

/* What a call with the timeout RINGBUS_BY_POLICY does on a full ring. */
#define RINGBUS_FULL_BLOCK 0    /* waits */
#define RINGBUS_FULL_DEADLINE 1 /* for full_timeout_ns, then -ETIMEDOUT */
#define RINGBUS_FULL_FAIL 2     /* -EAGAIN */
/* -ENOBUFS, and counts; see struct ringbus_member. */
#define RINGBUS_FULL_DROP 3

/* A timeout: as the options of the producer say. */
#define RINGBUS_BY_POLICY INT64_C(-2)

struct ringbus_producer_options {
	size_t size;             /* of this struct */
	const char *name;        /* for people; NULL: "producer" */
	int wait;                /* RINGBUS_WAIT_..., for a full ring */
	int cancellable;         /* not 0: ringbus_producer_cancel() will be
				  * used */
	int full;                /* RINGBUS_FULL_... */
	int64_t full_timeout_ns; /* of RINGBUS_FULL_DEADLINE, above 0 */
	const char *type;        /* what we write; NULL: whatever it is */
	unsigned type_version;
};

#define RINGBUS_PRODUCER_OPTIONS_INIT                                          \
	{                                                                      \
		sizeof(struct ringbus_producer_options), NULL, 0, 0, 0, 0,     \
			NULL, 0                                                \
	}

/*
 * Opens a channel to publish. NULL options are the initial ones. *ret is the
 * caller's until ringbus_producer_close() or ringbus_close().
 *
 *   -ENOENT           no such channel
 *   -EACCES           we may not publish to it
 *   -EBUSY            it has its single producer
 *   -EUSERS           all its places are taken, or all that our user may have
 *   -ESHUTDOWN        its stream has ended
 *   -EAGAIN           it is to be made anew, once all have left it
 *   -EINVAL           a name or option that cannot be
 *   -EPROTOTYPE       its events are of another type or version than ours
 *   -EPROTONOSUPPORT  the channel has another layout than this library
 *   -EBADMSG          the channel's memory is damaged, or the daemon found it
 *                     so, and does not serve it
 *   -ENOMEM, -EMFILE
 */
RINGBUS_API int ringbus_producer_open(
	struct ringbus *bus, const char *channel,
	const struct ringbus_producer_options *options,
	struct ringbus_producer **ret);

/* Gives up what is claimed and not published, and leaves. NULL is allowed. */
RINGBUS_API void ringbus_producer_close(struct ringbus_producer *producer);

/*
 * Claims the next n slots of a fixed channel and returns the highest sequence
 * of them; the lowest is that - n + 1. They are ours to write until published,
 * all in a row in memory. Waits while the ring is full.
 *
 *   -EINVAL      n < 1, n above the capacity, or the channel is framed
 *   -EAGAIN      full now (RINGBUS_NOW)
 *   -ETIMEDOUT   full all the time
 *   -ENOBUFS     full, and counted as dropped (RINGBUS_FULL_DROP)
 *   -EDEADLK     full, and only this thread could make room: by publishing, or
 *                by committing on a consumer of the same bus and channel that
 *                it was the last to wait on
 *   -EBUSY       multi producer: the last claim is not all published
 *   -ECANCELED   ringbus_producer_cancel()
 *   -ESHUTDOWN   the stream has ended
 *   -EOWNERDEAD  strict: there is no room, and none will come before
 *                ringbus_mend()
 *   -ESTALE      the daemon has given this handle to another
 *   -EBADMSG     the channel's memory is damaged
 *
 * After -EAGAIN, -ETIMEDOUT, -ENOBUFS and -EDEADLK ringbus_producer_blocker()
 * tells who is in the way. A single producer may have several claims outstanding.
 */
RINGBUS_API int64_t ringbus_producer_claim(struct ringbus_producer *producer,
					   int64_t n, int64_t timeout_ns);

/*
 * Claims as many slots as are free, at least 1 and at most n, and returns the
 * highest; *ret_lowest is the lowest. Does not wait. Errors as above.
 */
RINGBUS_API int64_t ringbus_producer_claim_available(
	struct ringbus_producer *producer, int64_t n, int64_t *ret_lowest);

/*
 * The slot of a sequence that we have claimed: event_size bytes, 8-byte aligned
 * and writable until it is published. The next sequence's slot lies slot_size
 * bytes further, also across the end of the ring.
 */
RINGBUS_API void *ringbus_producer_slot(struct ringbus_producer *producer,
					int64_t sequence);

/*
 * Publishes the claimed slots lowest..highest and wakes who waits for them.
 * A single producer publishes in order. -EINVAL if they are not claimed or not
 * next; -ESHUTDOWN if the stream has ended, and consumers may not read them;
 * -EBADMSG if the channel's memory is damaged, and they are lost.
 */
RINGBUS_API int ringbus_producer_publish(struct ringbus_producer *producer,
					 int64_t lowest, int64_t highest);

/*
 * Gives claimed slots up. Of a single producer they must be the end of what it
 * has claimed, and are claimed again next time; of a multi producer readers skip
 * them. -EINVAL.
 */
RINGBUS_API int ringbus_producer_abandon(struct ringbus_producer *producer,
					 int64_t lowest, int64_t highest);

/*
 * Claims room for one event of `size` bytes, on a channel of either framing,
 * and returns its sequence; *ret_data is where to write it, 8-byte aligned.
 * Errors as for ringbus_producer_claim(), and -EMSGSIZE if no event of this
 * channel can be so large.
 */
RINGBUS_API int64_t
ringbus_producer_claim_event(struct ringbus_producer *producer, size_t size,
			     int64_t timeout_ns, void **ret_data);

/* Publishes, or gives up, the event claimed at `sequence`. Errors as for
 * ringbus_producer_publish() and ringbus_producer_abandon(). */
RINGBUS_API int ringbus_producer_publish_event(
	struct ringbus_producer *producer, int64_t sequence);
RINGBUS_API int ringbus_producer_abandon_event(
	struct ringbus_producer *producer, int64_t sequence);

/*
 * Claims, copies `size` bytes and publishes: the simple way. On a fixed channel
 * the rest of the slot becomes zero. Returns the sequence, or an error of
 * ringbus_producer_claim_event() or ringbus_producer_publish().
 */
RINGBUS_API int64_t ringbus_producer_write(struct ringbus_producer *producer,
					   const void *data, size_t size,
					   int64_t timeout_ns);

/*
 * LMAX's event translator: writes an event of `size` bytes into `slot`, in the
 * ring, 8-byte aligned. 0 publishes it; < 0 gives it up. Should it leave in
 * another way, by a C++ exception or pthread_exit() or cancellation, the event
 * is given up as well; longjmp() out of it is not allowed.
 */
typedef int (*ringbus_translator_fn)(void *context, void *slot, size_t size,
				     int64_t sequence);

/*
 * Claims room for an event of `size` bytes, has it written by `translator`, and
 * publishes it. Returns its sequence, what the translator returned if that was
 * < 0, or an error as ringbus_producer_write(); -EINVAL also without a translator,
 * or if a single producer has an earlier claim to publish first.
 */
RINGBUS_API int64_t ringbus_producer_publish_with(
	struct ringbus_producer *producer, size_t size, int64_t timeout_ns,
	ringbus_translator_fn translator, void *context);

/*
 * The same with the next n slots of a fixed channel, one call for each; all of
 * them are published, or none. Returns the highest sequence. -EINVAL as
 * ringbus_producer_claim(), before anything is claimed.
 */
RINGBUS_API int64_t ringbus_producer_publish_batch_with(
	struct ringbus_producer *producer, int64_t n, int64_t timeout_ns,
	ringbus_translator_fn translator, void *context);

/*
 * Waits until the consumers that producers wait for have read all that is
 * published. Those whose processor has failed don't count, nor those that have
 * read all that such a one before them has; a group has failed with all of its
 * workers. -ETIMEDOUT if they
 * are not done in time, and they go on; ringbus_channel_laggard() names them.
 * -EAGAIN (RINGBUS_NOW), -EDEADLK (only this thread could read it), -ECANCELED,
 * -ESHUTDOWN (the stream was aborted), -EOWNERDEAD (strict: they cannot come
 * there before ringbus_mend()), -ESTALE, -EBADMSG.
 */
RINGBUS_API int ringbus_producer_drain(struct ringbus_producer *producer,
				       int64_t timeout_ns);

/* Slots that could be claimed now: 0 to the capacity. */
RINGBUS_API int64_t
ringbus_producer_remaining(struct ringbus_producer *producer);

/* The claim that waits, or the next that would, returns -ECANCELED, once. Any
 * thread. Of a multi producer only if it was opened as cancellable. */
RINGBUS_API void ringbus_producer_cancel(struct ringbus_producer *producer);

/*** Consumers ************************************************************/

/* Where a consumer that does not resume starts, and a tap. A sequence >= 0 is a
 * place too. */
#define RINGBUS_FROM_NOW INT64_C(-1)
#define RINGBUS_FROM_OLDEST INT64_C(-2)
#define RINGBUS_FROM_RESUME INT64_C(-3) /* only where its place was kept */

/* What is done about a consumer that is too slow. */
#define RINGBUS_SLOW_DEFAULT 0 /* as declared, else GATE */
#define RINGBUS_SLOW_GATE 1    /* producers wait for it */
#define RINGBUS_SLOW_EVICT 2   /* up to a limit, then it gets -ESTALE */
/* Up to a limit, then they go on without it until it has caught up: it loses
 * events and is told which. Keeps its place by name. */
#define RINGBUS_SLOW_PARK 3
#define RINGBUS_SLOW_LOSSY 4 /* they never wait for it; told as above */

struct ringbus_consumer_options {
	size_t size;      /* of this struct */
	const char *name; /* NULL: "consumer-" and the pid */
	int wait;         /* RINGBUS_WAIT_... */
	int64_t from;     /* RINGBUS_FROM_... or a sequence */
	const char *type; /* what we read; NULL: whatever it is */
	unsigned type_version;
	/* The rest is for a name that the channel does not declare. */
	const char *after;    /* names of consumers to come after, with blanks
			       * between; NULL: producers alone */
	int64_t keep_for_ns;  /* how long our place is kept when we are gone; 0
			       * not at all, but with PARK for ever;
			       * RINGBUS_FOREVER */
	int slow;             /* RINGBUS_SLOW_... */
	int64_t max_lag;      /* slots; 0: no limit; with PARK the history */
	int64_t max_stall_ns; /* without progress; 0: no limit */
	/* The folder of the channel's journal, for any name but a group's: what
	 * is no longer in the ring is read there; see ringbus_consumer_open().
	 * NULL: none. */
	const char *journal;
};

#define RINGBUS_CONSUMER_OPTIONS_INIT                                          \
	{                                                                      \
		sizeof(struct ringbus_consumer_options), NULL, 0,              \
			RINGBUS_FROM_NOW, NULL, 0, NULL, 0, 0, 0, 0, NULL      \
	}

/*
 * Opens a channel to read. A name that the channel's configuration declares
 * takes its place in the graph; any other joins the graph where `after` says. A
 * name whose place was kept resumes there, whatever `from` says. From the moment
 * this returns a consumer that gates loses no event.
 *
 * FROM_OLDEST starts with the oldest event that is surely still there: at least
 * the channel's history. A sequence N starts there, or if that is gone with the
 * oldest. ringbus_consumer_missed() tells what could not be had.
 *
 * The name of a group joins it as one of its workers: each event goes to one of
 * them, and what one had taken and not committed when it leaves, fails or dies
 * goes to another.
 *
 * Any consumer but one that gates without limit reads copies of events that are
 * checked after they were made, so that none is ever torn.
 *
 * With `journal`, a sequence or FROM_OLDEST may be one that the ring no longer holds.
 * Then the consumer begins in the journal that ringbus-journal writes there, and
 * crosses over to the ring in one of its waits, without a gap and without a repeat.
 * Up to then
 *
 *   - it gates nobody while what it wants next is no longer in the ring, however
 *     long that takes; and from then on a nameless consumer gates in its stead
 *   - its own place, by name, it takes when it crosses: at the first wait behind a
 *     commit of all that was handed out. What it commits before is forgotten when it
 *     leaves: it is for the caller to know where to go on
 *   - events are copies, good until the next wait
 *   - wait, next, commit, run, poll, fd, arm, halt and sequence work as ever, but
 *     that arm takes up to a millisecond and says 1 where it would say 0
 *   - what the journal itself has lost counts as lost, and on_lost is told
 *   - it may see what the channel's `tap` list lets it see, and needs that right
 *
 * FROM_OLDEST is the oldest that the journal has of this incarnation of the channel;
 * what was before the channel was made anew, ringbus_journal_open() reads.
 *
 * Errors as for ringbus_producer_open(); and
 *   -EBUSY   the name is attached, or was evicted and has not closed
 *   -ENOENT  no such channel; FROM_RESUME and nothing was kept; or `after`
 *            names nobody
 *   -ERANGE  the sequence is not published yet
 *   -EINVAL  options for a name that is declared otherwise
 *
 * with a journal also those of ringbus_journal_open(); and
 *   -ENODATA  it has nothing of the channel as it is now
 *   -ENOTSUP  the name is a group's, and the place of that was never kept
 */
RINGBUS_API int ringbus_consumer_open(
	struct ringbus *bus, const char *channel,
	const struct ringbus_consumer_options *options,
	struct ringbus_consumer **ret);

/* Leaves; what is not committed is read again by the next one of that name if
 * the channel keeps it. NULL is allowed. */
RINGBUS_API void ringbus_consumer_close(struct ringbus_consumer *consumer);

/* Leaves and gives its place up, also one that would be kept. */
RINGBUS_API void ringbus_consumer_forget(struct ringbus_consumer *consumer);

/*
 * Waits until there is something to read and returns the highest sequence that
 * may be read now; of a worker one that it may get.
 *
 * In a stream that does not stop, and that comes faster when it is left alone, it
 * stays away from the producer for up to 33 us at a time, by which a timeout may be
 * exceeded; RINGBUS_NOW always looks.
 *
 *   -EAGAIN     nothing now (RINGBUS_NOW)
 *   -ETIMEDOUT  nothing all the time
 *   -ECANCELED  ringbus_consumer_halt()
 *   -ESHUTDOWN  the stream has ended and all of it was read
 *   -EOWNERDEAD  strict: all was read that comes before an event which died with
 *               its producer; see ringbus_mend(), after which one may wait again
 *   -ESTALE     this consumer was evicted, or its place given to another
 *   -EBADMSG    the channel's memory is damaged
 *
 * and before it has crossed over from a journal, told by ringbus_consumer_error()
 *
 *   -ENODATA    what comes next is neither in the ring nor in the journal, and
 *               nobody writes it there, for two seconds. One may wait again
 *   -EBADMSG    or the journal is damaged there: it goes no further
 *   -ESTALE     or the channel was removed, or made anew, before all of it was
 *               read: what is left is in the journal alone
 *   -EBUSY      its name came to a place of its own meanwhile
 *   and errors of ringbus_consumer_open() and of read(2)
 */
RINGBUS_API int64_t ringbus_consumer_wait(struct ringbus_consumer *consumer,
					  int64_t timeout_ns);

struct ringbus_event {
	const void *data; /* in the ring, until it is committed. On a fixed
			   * channel the next event is slot_size bytes further,
			   * also across the end of the ring. A copy, of a
			   * consumer that may lose events: good until the next
			   * event is asked for */
	size_t size;      /* bytes */
	int64_t sequence; /* of its first slot */
	int64_t last;     /* its last slot: the same on a fixed channel */
};

/*
 * The next event of what the last wait found: 1, or 0 if there is no further
 * one, or -EBADMSG, or -ENOMEM for a copy. Tombstones are skipped. Does not wait. A worker gets one event for each wait.
 */
RINGBUS_API int ringbus_consumer_next(struct ringbus_consumer *consumer,
				      struct ringbus_event *ret);

/*
 * Commits everything that ringbus_consumer_next() has returned. Once a batch is
 * enough. -ESTALE if the consumer was evicted or its place given to another,
 * -EBADMSG if the channel's memory is damaged, so that zeroes may have been read
 * in the place of events; then nothing is committed.
 */
RINGBUS_API int ringbus_consumer_commit(struct ringbus_consumer *consumer);

/*
 * Slots as they lie in the ring, for who moves them on as they are: to a disk, to
 * another machine.
 */
struct ringbus_span {
	size_t size;       /* of this struct; set it before the call */
	int64_t first;     /* its slots, each of which is of an event */
	int64_t last;      /* that is wholly in it */
	const void *slots; /* contiguous; good until they are committed */
	size_t slot_size;  /* bytes from one to the next */
	int64_t skipped;   /* slots right before `first` that are no event's:
			    * tombstones, and of an event that began before
			    * this consumer did the rest */
};

/* What is in front of each event in the slots of a framed channel. The event and
 * this take as many whole slots as they need. What stands here was written by a
 * producer: check it. */
struct ringbus_frame {
	uint32_t size; /* of the event, bytes, without this */
	uint32_t reserved;
};

/*
 * The next run of events of what the last wait found, and moves on behind it, as
 * ringbus_consumer_next() would one by one: 1, or 0 if there is no further event. It
 * ends before a tombstone, and has at most max_slots slots; one event that takes more
 * comes alone. Does not wait. With 0 the span is empty, `last` being before
 * `first`: up to there may be committed, and what was skipped on the way there counts
 * again in `skipped` of the next one.
 *
 *   -EBADMSG  the channel's memory is damaged
 *   -ENOTSUP  a consumer that reads copies, or a worker
 *   -EINVAL   max_slots is not positive; `size` is not one we know
 */
RINGBUS_API int ringbus_consumer_span(struct ringbus_consumer *consumer,
				      int64_t max_slots,
				      struct ringbus_span *ret);

/*
 * Commits up to `sequence`, which was handed out, by whichever call, and no further:
 * for who has several batches on their way. Errors as for ringbus_consumer_commit(),
 * and
 *
 *   -EINVAL   it was not handed out, lies before what is committed, or in the
 *             middle of an event
 *   -ENOTSUP  a consumer that reads copies, or a worker
 */
RINGBUS_API int ringbus_consumer_commit_through(
	struct ringbus_consumer *consumer, int64_t sequence);

/* The highest sequence committed; -1 before the first. Of a worker, of what it
 * did itself. */
RINGBUS_API int64_t
ringbus_consumer_sequence(const struct ringbus_consumer *consumer);

/* Slots that it asked for when it was opened and that were gone: with
 * FROM_OLDEST counted from 0, with a sequence from there, else 0. */
RINGBUS_API int64_t
ringbus_consumer_missed(const struct ringbus_consumer *consumer);

/* Slots that were overwritten before it read them, since it was opened. */
RINGBUS_API int64_t
ringbus_consumer_lost(const struct ringbus_consumer *consumer);

/* What was wrong when a wait failed before it has crossed over from a journal: with the
 * file and the offset, if it was damage; else "". Valid until the next wait. */
RINGBUS_API const char *ringbus_consumer_error(
	const struct ringbus_consumer *consumer);

/* Of a worker: how often the last event was given out, this time included; 1
 * for any other consumer. */
RINGBUS_API int ringbus_consumer_attempt(
	const struct ringbus_consumer *consumer);

/*** The event processor **************************************************/

/* What a handler returns. */
#define RINGBUS_CONTINUE 0 /* handled; the next */
#define RINGBUS_STOP 1     /* handled; that is all for now */
#define RINGBUS_SKIP 2     /* not handled, and not wanted again; the next */
#define RINGBUS_RELEASE 3  /* handled; commit up to here, then the next */
/* The batch again, from its first event that is not committed. */
#define RINGBUS_REWIND 4
/* < 0: the handler has failed, by an errno or a number of its own */

typedef int (*ringbus_handler_fn)(void *context,
				  const struct ringbus_event *event,
				  int end_of_batch);

/* What is done about a failure. FATAL: the processor stops before the event, and
 * the consumer is shown as failed. */
#define RINGBUS_FATAL 0
#define RINGBUS_IGNORE 1 /* the event counts as handled */

/* Whether and when a batch is rewound; after LMAX's BatchRewindStrategy. */
#define RINGBUS_REWIND_NEVER 0  /* RINGBUS_REWIND is a failure: -ENOTSUP */
#define RINGBUS_REWIND_ALWAYS 1 /* at once */
#define RINGBUS_REWIND_PAUSE 2  /* after rewind_pause_ns */
/* The same, twice as long each time, up to rewind_pause_max_ns. */
#define RINGBUS_REWIND_BACKOFF 3

/*
 * What an event processor calls, after LMAX's EventHandler. All but on_event may
 * be NULL. Everything is called in the thread that runs the processor, and
 * `context` is passed on as it is.
 *
 * A negative return of on_start, on_batch_start, on_timeout, on_gap, on_lost,
 * on_end or on_shutdown is a failure, like one of on_event but without an event.
 */
struct ringbus_handlers {
	size_t size; /* of this struct */
	void *context;
	ringbus_handler_fn on_event;
	/* Once a run, first and last, also if it is halted before it begins. */
	int (*on_start)(void *context);
	int (*on_shutdown)(void *context);
	/* Before each batch, also one that is rewound: how many events it has,
	 * never 0, and how many slots were there to read. Of a group's worker 1
	 * and what is there. */
	int (*on_batch_start)(void *context, int64_t batch_size,
			      int64_t queue_depth);
	/* No event for timeout_ns; `sequence` is the last one committed. */
	int (*on_timeout)(void *context, int64_t sequence);
	/* Slots whose producer died before it published, or gave them up. */
	int (*on_gap)(void *context, int64_t lowest, int64_t highest);
	/* Slots overwritten before we could read them. */
	int (*on_lost)(void *context, int64_t lowest, int64_t highest);
	/* The stream has ended, and this was its last sequence. */
	int (*on_end)(void *context, int64_t sequence);
	/* Something has failed, `event` NULL if it was not on_event: >= 0 to go
	 * on as if it had been handled, < 0 to stop with that. Instead of
	 * `exceptions`. */
	int (*on_exception)(void *context, int err,
			    const struct ringbus_event *event);
	int exceptions;              /* RINGBUS_FATAL or RINGBUS_IGNORE */
	int rewind;                  /* RINGBUS_REWIND_... */
	int64_t rewind_pause_ns;     /* of PAUSE, and the first of BACKOFF, 0
				      * being a millisecond there */
	int64_t rewind_pause_max_ns; /* of BACKOFF; 0: a second */
	int rewind_max;    /* attempts at one batch; at this many the event that
			 * asks again has failed, by -ELOOP. 0: no limit */
	int64_t max_batch; /* events; 0: no limit */
	int64_t timeout_ns; /* for on_timeout; 0: no limit */
};

#define RINGBUS_HANDLERS_INIT                                                  \
	{                                                                      \
		sizeof(struct ringbus_handlers), NULL, NULL, NULL, NULL, NULL, \
			NULL, NULL, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, 0      \
	}

/*
 * LMAX's batch event processor: waits, hands each event to on_event, commits once
 * a batch, until somebody says stop. All of a batch stays in the ring until it
 * is committed, however often it is rewound (for a consumer that producers wait
 * for; one that may lose events may lose these, and is told by on_lost). May be
 * called again.
 *
 *   0             ringbus_consumer_halt()
 *   RINGBUS_STOP  a handler said so
 *   -ESHUTDOWN    the end of the stream, and all of it is handled; or it was
 *                 aborted
 *   -EOWNERDEAD   as ringbus_consumer_wait(); all before it is handled
 *   -ESTALE       this consumer was evicted, or its place given to another
 *   -EBADMSG      the channel's memory is damaged
 *   -EINVAL       handlers that cannot be
 *   -ENOMEM       no memory for the copy of a large event
 *   other < 0     a failure, by `exceptions` or on_exception; what was handled
 *                 before it is committed, and it is not
 */
RINGBUS_API int ringbus_consumer_run(struct ringbus_consumer *consumer,
				     const struct ringbus_handlers *handlers);

/* The wait, poll or run that is on, or the next one, ends; a run with the event
 * that it is handling, or with one more if the handler has yet to be told that
 * the batch ends. Makes the consumer's descriptor readable. Any thread. */
RINGBUS_API void ringbus_consumer_halt(struct ringbus_consumer *consumer);

/*** The event poller *****************************************************/

#define RINGBUS_IDLE 0       /* nothing is published */
#define RINGBUS_PROCESSING 1 /* events were handled, or with max 0 are there */
/* Something is published that cannot be read yet: an earlier stage, or another
 * producer, is not done. Or much was, of which nothing is an event: there may be
 * more behind it. */
#define RINGBUS_GATING 2
/* The stream has ended and all of it was read, or was aborted. */
#define RINGBUS_END 3

/*
 * LMAX's event poller: hands what is there now to `handler`, at most `max`
 * events, commits them, and returns one of the above; or what the handler
 * returned, if that was < 0, and then that event and those after it are not
 * committed; or -ESTALE, -EBADMSG, -ENOMEM, -ECANCELED, -EOWNERDEAD.
 * RINGBUS_REWIND commits nothing and leaves the events for the next poll. Does not
 * wait. With max 0 it only looks, and needs no handler. A worker gets one event at a time, and one
 * that fails goes to another. -EINVAL for max < 0, or > 0 without a handler.
 */
RINGBUS_API int ringbus_consumer_poll(struct ringbus_consumer *consumer,
				      int64_t max, ringbus_handler_fn handler,
				      void *context);

/*
 * A descriptor that becomes readable when there may be something to poll, for
 * epoll, io_uring, libuv and their like. It is the consumer's, the same at each
 * call, closed with it; do not read from it. -EMFILE (also if the user has too
 * many inotify instances: fs.inotify.max_user_instances), -ENFILE, -ENOMEM,
 * -EOPNOTSUPP (no bell, no inotify, or membarrier(2) is refused).
 *
 * It only works while it is armed, so that publishers pay nothing otherwise. In
 * the loop, each time before waiting:
 *
 *	while ((r = ringbus_consumer_poll(c, 1000, handle, NULL)) ==
 *			RINGBUS_PROCESSING ||
 *	       (r == RINGBUS_IDLE || r == RINGBUS_GATING) &&
 *			(r = ringbus_consumer_arm(c)) == 1)
 *		;
 */
RINGBUS_API int ringbus_consumer_fd(struct ringbus_consumer *consumer);

/*
 * Makes the descriptor unreadable, and readable once there is something to poll
 * (or -ESTALE to be told, or the end of the stream). 0: wait for it; 1: do not,
 * there is something already; or an error of ringbus_consumer_poll(). No wake-up
 * is lost between the last poll and the wait; but where processes may be stopped
 * (SIGSTOP, a debugger, a freezer) wait with a timeout: one that is stopped in
 * the middle of waking others rings when it goes on.
 */
RINGBUS_API int ringbus_consumer_arm(struct ringbus_consumer *consumer);

/*** Taps *****************************************************************/

struct ringbus_tap_options {
	size_t size;  /* of this struct */
	int64_t from; /* RINGBUS_FROM_NOW, FROM_OLDEST or a sequence */
	int wait;     /* RINGBUS_WAIT_...; nobody wakes a tap, so that blocking
		       * ones sleep 5 ms at most */
	const char *type; /* what we read; NULL: whatever it is */
	unsigned type_version;
};

#define RINGBUS_TAP_OPTIONS_INIT                                               \
	{                                                                      \
		sizeof(struct ringbus_tap_options), RINGBUS_FROM_NOW, 0, NULL, \
			0                                                      \
	}

/*
 * Opens a channel to look at, all of it read-only. Errors as for
 * ringbus_producer_open(), and of a bus without a daemon:
 *
 *   -EACCES   its files are those of another user
 *   -ENODATA  a sealed one, whose memory only its daemon hands out
 *   -EBADMSG  what lies there is no channel, or a damaged one
 */
RINGBUS_API int ringbus_tap_open(struct ringbus *bus, const char *channel,
				 const struct ringbus_tap_options *options,
				 struct ringbus_tap **ret);

/* Leaves. NULL is allowed. */
RINGBUS_API void ringbus_tap_close(struct ringbus_tap *tap);

/*
 * Copies the next event into `buffer` and returns its sequence; *ret_size is
 * its size. What was overwritten before it could be read is skipped and counted.
 *
 *   -EMSGSIZE   the buffer is too small: *ret_size tells, the event stays
 *   -EAGAIN, -ETIMEDOUT, -ECANCELED, -ESHUTDOWN, -EOWNERDEAD, -EBADMSG as for
 *   ringbus_consumer_wait()
 */
RINGBUS_API int64_t ringbus_tap_read(struct ringbus_tap *tap, void *buffer,
				     size_t buffer_size, size_t *ret_size,
				     int64_t timeout_ns);

/* Slots that this tap missed so far. */
RINGBUS_API int64_t ringbus_tap_lost(const struct ringbus_tap *tap);

/* The read that waits, or the next one, returns -ECANCELED, once. Any thread. */
RINGBUS_API void ringbus_tap_cancel(struct ringbus_tap *tap);

/*** Journals *************************************************************/

/*
 * What ringbus-journal(8) has stored of a channel, in a folder; read without a
 * daemon, also while it is written. docs/journal-format.md has every byte.
 *
 * An epoch is one generation of the channel, numbered from 1 on: within it sequences
 * go on, with the next they begin anew. What is read is checked, all of it, and
 * nothing of it is believed: what is not whole is not given out.
 */
struct ringbus_journal;

/*
 * Opens a folder to read. The position is that of the oldest event. *ret is the
 * caller's until ringbus_journal_close(), which takes NULL. A folder without a
 * segment yet is one too.
 *
 *   -ENOENT, -ENOTDIR  no such folder, or something else
 *   -EACCES            it may not be read
 *   -EINVAL            NULL, or longer than a path
 *   -ENOMEM, -EMFILE, -ENFILE
 */
RINGBUS_API int ringbus_journal_open(const char *dir,
				     struct ringbus_journal **ret);
RINGBUS_API void ringbus_journal_close(struct ringbus_journal *journal);

/* "file:offset: what", of what was last found damaged, torn or not to be had; "" if
 * there was nothing. Valid until the next call with the journal. */
RINGBUS_API const char *ringbus_journal_error(
	const struct ringbus_journal *journal);

struct ringbus_journal_info {
	size_t size; /* of this struct; set it before the call */
	char channel[RINGBUS_NAME_SIZE];
	char type[RINGBUS_NAME_SIZE]; /* of the events; "": not declared */
	unsigned type_version;
	int framing;         /* RINGBUS_FIXED or RINGBUS_FRAMED */
	uint64_t slot_size;  /* bytes from one slot to the next */
	uint64_t event_size; /* largest event, bytes */
	int64_t epoch; /* the last one, of which all of this is; 0: there is
			      * none yet */
	uint64_t generation; /* of the channel */
	int64_t first;       /* the oldest sequence that is still there */
	int64_t last;        /* the newest; first - 1: none */
	int64_t first_ns; /* CLOCK_REALTIME of the first and the last block */
	int64_t last_ns;
	uint64_t bytes;    /* of all files, of all epochs */
	uint64_t segments; /* as many are there, of all epochs */
};

/*
 * What the journal is, and how far it has come: looks at all that its last segment
 * has, the first time, and at what has come since. A segment whose header is damaged
 * is left out but for `bytes` and `segments`, and ringbus_journal_error() names it.
 * -EINVAL if `size` is not one we know; -EBADMSG if that of each segment of the last
 * epoch is; -EPROTONOSUPPORT for another version of the format; -EIO, -ENOMEM and
 * others of open(2).
 */
RINGBUS_API int ringbus_journal_info(struct ringbus_journal *journal,
				     struct ringbus_journal_info *ret);

struct ringbus_segment {
	size_t size; /* of this struct; set it before the call */
	char file[64];
	int64_t epoch;
	uint64_t generation;
	int64_t first; /* sequence that it begins at */
	int64_t last;  /* the last that it has; first - 1: none */
	int64_t first_ns;
	int64_t last_ns;
	uint64_t bytes;
	int sealed; /* not 0: nothing more will come */
	/* Of the channel when this epoch of it began, as above. */
	int framing;
	uint64_t slot_size;
	uint64_t event_size;
	char type[RINGBUS_NAME_SIZE];
	unsigned type_version;
	char channel[RINGBUS_NAME_SIZE];
};

/*
 * The segment at `index`, from 0 on: 1, or 0 behind the last. Index 0 looks anew
 * which there are. -EBADMSG if its header is damaged; other errors as of
 * ringbus_journal_info(). With -EBADMSG and -EPROTONOSUPPORT `file`, `epoch`, `first`
 * and `bytes` are set, and further ones may be asked for.
 */
RINGBUS_API int ringbus_journal_segment(struct ringbus_journal *journal,
					unsigned index,
					struct ringbus_segment *ret);

/*
 * Moves the position in an epoch, 0 being the last, to a sequence; to
 * RINGBUS_FROM_OLDEST, or to RINGBUS_FROM_NOW, behind the last event. What comes next
 * is the first event that begins there or later. If the sequence is older than what
 * is kept, that is told first, as a hole.
 *
 *   -ENOENT  no such epoch, or nothing at all
 *   -ERANGE  the sequence, and the one before it, are not there yet; the position is
 *            behind the last event
 *   -EINVAL  another negative number
 *   and those of ringbus_journal_info()
 */
RINGBUS_API int ringbus_journal_seek(struct ringbus_journal *journal,
				     int64_t epoch, int64_t sequence);

/* The same to the first block, in the order of the files, that was written at this
 * time of CLOCK_REALTIME in nanoseconds or later; or behind the last. A clock that
 * was set back makes that a guess. Errors as above; never -ERANGE. */
RINGBUS_API int ringbus_journal_seek_time(struct ringbus_journal *journal,
					  int64_t realtime_ns);

#define RINGBUS_JOURNAL_END 0   /* nothing more for now; ask again */
#define RINGBUS_JOURNAL_EVENT 1 /* *ret is an event */
/* From ret->sequence to ret->last there is nothing: the writer says so, or trimmed it,
 * or it is missing. */
#define RINGBUS_JOURNAL_HOLE 2
/* Bytes are wrong; ringbus_journal_error() says which. The next call goes on behind
 * them, with a hole if there was something. */
#define RINGBUS_JOURNAL_DAMAGE 3
#define RINGBUS_JOURNAL_EPOCH 4 /* another epoch begins, at ret->sequence */

/*
 * What comes next: one of the above, or a negative errno, after which the position is
 * as it was. Of an event `data` is good until the next call with the journal. Slots
 * without events are skipped.
 *
 * Follows a journal that is being written, also from file to file; nobody wakes who
 * waits for it. It may see events that are not yet as durable as the journal
 * promises: what is, says the sequence of the journal's consumer in the channel. A last
 * block that is not whole is yet to be written, and so the end for now, which
 * ringbus_journal_error() tells then.
 *
 *   -EIO, -ENOMEM, -EMFILE, -ENFILE, -EACCES and others of open(2)
 */
RINGBUS_API int ringbus_journal_next(struct ringbus_journal *journal,
				     struct ringbus_event *ret);

struct ringbus_journal_place {
	size_t size; /* of this struct; set it before the call */
	int64_t epoch;
	uint64_t generation;
	int64_t sequence;
	int64_t time_ns; /* CLOCK_REALTIME when it was written, to the block */
	char file[64];
	int64_t offset; /* in that file, of the event or of what is wrong */
};

/* Where what the last ringbus_journal_next() gave is. -EINVAL if `size` is not one
 * we know; -ENODATA if it gave nothing, or nothing was asked for. */
RINGBUS_API int ringbus_journal_place(const struct ringbus_journal *journal,
				      struct ringbus_journal_place *ret);

/*
 * Removes, oldest first, whole segments all of which is before this sequence of an
 * epoch, 0 being the last; earlier epochs are before it. The last segment stays in
 * any case, and so does one that may still be written. Returns how many were removed.
 *
 *   -EACCES, -EROFS and others of unlink(2), after which some may be gone
 *   -EINVAL  a negative number
 *   and those of ringbus_journal_info()
 */
RINGBUS_API int64_t ringbus_journal_trim(struct ringbus_journal *journal,
					 int64_t epoch, int64_t sequence);

/*** Looking at a channel *************************************************/

/* The channel behind a handle. Valid until the handle is closed. */
RINGBUS_API const struct ringbus_channel *ringbus_producer_channel(
	const struct ringbus_producer *producer);
RINGBUS_API const struct ringbus_channel *ringbus_consumer_channel(
	const struct ringbus_consumer *consumer);
RINGBUS_API const struct ringbus_channel *ringbus_tap_channel(
	const struct ringbus_tap *tap);

struct ringbus_info {
	size_t size; /* of this struct; set it before the call */
	char name[RINGBUS_NAME_SIZE];
	uint64_t generation; /* differs each time the channel is made anew */
	uint64_t slots;
	uint64_t slot_size;  /* bytes from one slot to the next */
	uint64_t event_size; /* largest event, bytes */
	uint64_t history;
	uint64_t memory; /* bytes of shared memory, all in all */
	int framing;
	int producers;
	int wait;
	int ended; /* not 0: the stream has ended */
	int clear; /* not 0: slots become zero when all have read them */
	char type[RINGBUS_NAME_SIZE]; /* of the events; "": not declared */
	unsigned type_version;
	int64_t cursor; /* highest sequence published; of a multi-producer
			      * channel the highest claimed */
	int64_t gating; /* slowest gating consumer; the cursor if none; with
			      * `clear` what is cleared */
	int strict;  /* not 0: what dies with its producer stops the stream */
	int damaged; /* not 0: a client has truncated a file of it */
	int64_t broken; /* before this sequence it has stopped so; -1: not */
	int64_t stuck_after_ns; /* as in the options of ringbus_create() */
	uint64_t repairs;       /* producers that died with a claim open */
	uint64_t tombstones;    /* slots of those claims: nobody's for good */
	int isolation;          /* RINGBUS_NAMED or RINGBUS_SEALED */
	int latency;            /* not 0: latencies are measured */
	/* While producers are held by ringbus_pause(): since when, in nanoseconds
	 * of CLOCK_REALTIME; else 0. */
	int64_t paused_ns;
};

/* What the channel is and how far it has come. Reads shared memory only, so it
 * works without the daemon. -EINVAL if `size` is not one we know. */
RINGBUS_API int ringbus_channel_info(const struct ringbus_channel *channel,
				     struct ringbus_info *ret);

/* What the configuration wishes of the channel's memory, and what became of that. */
struct ringbus_placement {
	size_t size;      /* of this struct; set it before the call */
	const char *name; /* of the key: "lock"; for as long as the library */
	int asked;        /* not 0: it is wished */
	int granted;      /* not 0: and it is so */
	int error;        /* a negative errno, if it is not */
	int number;       /* of a NUMA node; -1: none belongs to it */
	char text[256]; /* why it is not, and what helps; "": nothing to say */
};

/* The wish of number `index`, from 0 on: 1, or 0 behind the last. Channels work
 * without what was not granted. -EINVAL if `size` is not one we know. */
RINGBUS_API int ringbus_channel_placement(const struct ringbus_channel *channel,
					  unsigned index,
					  struct ringbus_placement *ret);

/*
 * Pins the calling thread to the CPUs that the configuration names for this channel
 * (`cpus`), as far as this process may run there. The number of those; 0 if it names
 * none, and nothing has changed; -EINVAL if none of them is there, or for this process;
 * -EPERM if that is forbidden. There is no option for it: a handle may be opened in one
 * thread and used in another, so only the one that is to use it can call this.
 */
RINGBUS_API int ringbus_pin(const struct ringbus_channel *channel);

/*
 * Copies the channel into the folder `dirfd`, as files that ringbus_open_folder() of
 * the folder around it can look at, on any file system. While others go on, the copy
 * is of no single moment: what was published meanwhile may be missing in it, and what
 * was claimed looks like a claim of a producer that died. -EEXIST if there are such
 * files; -ENOSPC and others of open(2) and write(2); -EBADMSG if a client has
 * shortened a file of the channel. Then nothing is left behind.
 */
RINGBUS_API int ringbus_channel_copy(const struct ringbus_channel *channel,
				     int dirfd);

#define RINGBUS_HOLE_UNKNOWN 0
#define RINGBUS_HOLE_CLAIMING 1 /* claimed, and where is not yet written down */
#define RINGBUS_HOLE_CLAIMED 2

/* What several producers' consumers wait at. */
struct ringbus_hole {
	size_t size;      /* of this struct; set it before the call */
	int64_t sequence; /* the first that is claimed and not published */
	int64_t first;    /* the claim that it is in, as far as that is known */
	int64_t last;
	int producer; /* the index of the member whose it is; -1: not known */
	int state;    /* RINGBUS_HOLE_..., of that one */
};

/*
 * The first slot of a channel with several producers that is claimed and not
 * published, so that nobody reads beyond it: 1, or 0 if there is none. While
 * producers run there is one most of the time, each time another; one that stays
 * is of a producer that is stopped, stuck or dead. Reads shared memory only.
 * -EINVAL if `size` is not one we know.
 */
RINGBUS_API int ringbus_channel_hole(const struct ringbus_channel *channel,
				     struct ringbus_hole *ret);

#define RINGBUS_PRODUCER 0
#define RINGBUS_CONSUMER 1

#define RINGBUS_MEMBERS_MAX 64 /* of each role, of one channel */

#define RINGBUS_MEMBER_ATTACHED 1
#define RINGBUS_MEMBER_ABSENT 2 /* kept: gates although nobody is there */
/* Its process is dead, its claim not yet mended. */
#define RINGBUS_MEMBER_DYING 3
#define RINGBUS_MEMBER_DECLARED 4 /* in the configuration, not there, no gate */
#define RINGBUS_MEMBER_EVICTED 5  /* was too slow; its process is still there */
#define RINGBUS_MEMBER_FAILED 6   /* its event processor gave up */
#define RINGBUS_MEMBER_PARKED 7 /* too slow: does not gate until it caught up */

struct ringbus_member {
	size_t size; /* of this struct; set it before the call */
	char name[RINGBUS_NAME_SIZE];
	unsigned index;
	int role;         /* RINGBUS_PRODUCER or RINGBUS_CONSUMER */
	int state;        /* RINGBUS_MEMBER_...; once a consumer is shown as
			   * attached it misses nothing published later */
	int gates;        /* not 0: producers wait for it */
	int running;      /* not 0: its event processor is at work */
	int slow;         /* RINGBUS_SLOW_... of a consumer */
	int group;        /* not 0: a group, whose workers are members too */
	int worker_of;    /* of a worker: the index of its group; else -1 */
	int64_t pid;      /* 0 if it is not attached, or a group */
	uint64_t after;   /* bit i: comes after consumer i */
	int64_t sequence; /* highest committed; of a single producer highest
			   * published, of a multi producer -1 */
	int64_t lag;      /* slots published and not yet committed */
	int64_t failed;   /* the event it failed at last; -1: none */
	uint64_t errors;  /* times its handler failed */
	uint64_t lost;    /* slots overwritten before it read them */
	uint64_t dropped; /* slots it did not publish as the ring was full */
	uint64_t sleeps;  /* times it slept */
	uint64_t missed;  /* sleeps that no wake-up ended */
	uint64_t wakes;   /* times it woke others by a system call */
	/* For how long it has been waiting, a producer for space, a consumer for
	 * events; 0 if it is not, or has but begun. To the millisecond, and up to 49
	 * days. */
	int64_t waiting_ns;
};

/*
 * The member at `index`, of the given role, below RINGBUS_MEMBERS_MAX. 1, or 0 if
 * there is none at this place, or -EINVAL for a role or size that is none.
 */
RINGBUS_API int ringbus_channel_member(const struct ringbus_channel *channel,
				       int role, unsigned index,
				       struct ringbus_member *ret);

/* The same by name; of a worker's name its group. */
RINGBUS_API int ringbus_channel_find(const struct ringbus_channel *channel,
				     int role, const char *name,
				     struct ringbus_member *ret);

/*
 * A consumer that producers wait for and that has not read all that is
 * published, the `index`th counted from 0: 1, or 0 behind the last, or -EINVAL.
 * Who has failed does not count, as for ringbus_producer_drain().
 */
RINGBUS_API int ringbus_channel_laggard(const struct ringbus_channel *channel,
					unsigned index,
					struct ringbus_member *ret);

/*
 * The consumer that kept the last claim or drain waiting, as above: 1; or 0 if it was
 * nobody but producers themselves; or 2, with *ret as it was, if it was
 * ringbus_pause().
 */
RINGBUS_API int ringbus_producer_blocker(
	const struct ringbus_producer *producer, struct ringbus_member *ret);

/*** Outside **************************************************************/

/*
 * What a member has moved to or from what is outside of all channels, a disk or a
 * network, since it was opened. Nothing is negative. Leave what does not apply 0.
 */
struct ringbus_io {
	size_t size;     /* of this struct; set it before the call */
	int64_t bytes;   /* moved */
	int64_t batches; /* in which they were */
	int64_t errors;  /* times that failed */
	int64_t retries; /* times it tried again */
	int64_t lag; /* slots, now: here and not yet safe there, or there and
			  * not yet here */
	int up;      /* not 0: it reaches what is outside */
};

/*
 * Says so of this handle, for everybody to see: in metrics, in ringbusctl, by
 * ringbus_channel_io(). Costs as many stores, and nobody else anything. What was said
 * stays to be seen when the process is gone, as not up, until the place is another's.
 *
 *   -EINVAL   something is negative; `size` is not one we know
 *   -ESTALE   the place is no longer ours
 *   -EBADMSG  the channel's memory is damaged
 */
RINGBUS_API int ringbus_consumer_io(struct ringbus_consumer *consumer,
				    const struct ringbus_io *io);
RINGBUS_API int ringbus_producer_io(struct ringbus_producer *producer,
				    const struct ringbus_io *io);

/*
 * What the member at `index` of that role has said: 1, or 0 if nobody is there or it
 * has said nothing. Of a group what its workers said, added up. -EINVAL for a role
 * that is none; `size` is not one we know.
 */
RINGBUS_API int ringbus_channel_io(const struct ringbus_channel *channel,
				   int role, unsigned index,
				   struct ringbus_io *ret);

/*** Metrics **************************************************************/

#define RINGBUS_COUNTER 1 /* only grows, as long as whose it is stays */
#define RINGBUS_GAUGE 2   /* goes up and down */

#define RINGBUS_OF_CHANNEL 1
#define RINGBUS_OF_PRODUCER 2
#define RINGBUS_OF_CONSUMER 3

/* One of the numbers that tell how a channel fares. Strings are static. */
struct ringbus_metric {
	size_t size;      /* of this struct; set it before the call */
	const char *name; /* "ringbus_consumer_lag_slots", as it is exposed */
	const char *unit; /* of its values: "slots", "seconds"; or "" */
	const char *help; /* what it tells, for people */
	int kind;         /* RINGBUS_COUNTER or RINGBUS_GAUGE */
	int scope;        /* whom it is of: RINGBUS_OF_... */
};

/*
 * The metric at `index`, counted from 0: 1, or 0 behind the last. They are the
 * same as long as the library is; docs/metrics.md lists them. -EINVAL if `size`
 * is not one we know.
 */
RINGBUS_API int ringbus_metric(unsigned index, struct ringbus_metric *ret);

/*
 * The value of metric number `metric` of the channel, or of its producer or
 * consumer at `member_index`, below RINGBUS_MEMBERS_MAX: 1, or 0 if nobody is at
 * that place. Of a group it is that of all its workers together. Reads shared
 * memory only, so it works without the daemon. Whose counters those of a member
 * are ends with the member. -EINVAL for a metric that is none.
 */
RINGBUS_API int ringbus_channel_metric(const struct ringbus_channel *channel,
				       unsigned metric, unsigned member_index,
				       double *ret);

#define RINGBUS_LATENCY_BUCKETS 320

/* How long events took from their publish to a consumer's commit: how many did
 * for each bucket of times. Of each power of two there are eight. */
struct ringbus_latency {
	size_t size;     /* of this struct; set it before the call */
	uint64_t count;  /* events in all */
	uint64_t sum_ns; /* of their times */
	uint64_t counts[RINGBUS_LATENCY_BUCKETS];
};

/*
 * The latencies of the consumer at `index`, since it came: 1, or 0 if nobody is
 * there or the channel does not measure them (`latency:`). Of a group it is those of
 * all its workers. Who may be overtaken (RINGBUS_SLOW_ other than GATE) counts
 * none. Reads shared memory only. -EINVAL if `size` is not one we know.
 */
RINGBUS_API int ringbus_channel_latency(const struct ringbus_channel *channel,
					unsigned index,
					struct ringbus_latency *ret);

/* The longest time in nanoseconds that is counted in this bucket: INT64_MAX for the
 * last one, -EINVAL behind it. */
RINGBUS_API int64_t ringbus_latency_bound(unsigned bucket);

/*
 * A time that this part of the events did not exceed, 0 <= q <= 1: the bound of the
 * bucket in which the one is that has that rank. -EAGAIN if there are no events,
 * -EINVAL for a q that is none.
 */
RINGBUS_API int64_t
ringbus_latency_quantile(const struct ringbus_latency *latency, double q);

/*** What is inlined ******************************************************/

/*
 * The four calls that a program makes once an event. Where the compiler
 * optimises, their common case becomes part of the program; anything else, and
 * who takes their address or calls them from another language, goes to the
 * library's own. Who wants to see or replace these calls (tracers, LD_PRELOAD)
 * defines RINGBUS_NO_INLINE, which leaves them all there.
 *
 * For this the first words of a handle are as follows, as long as the library's
 * soname stays, and so are the words in shared memory that they look at. They are
 * nobody's but these functions'.
 */
struct ringbus_inlined_producer {
	char *slots;
	uint64_t mask;
	uint64_t slot_size;
	int64_t *cursor;
	const uint32_t *wanted, *stream;
	uint64_t quiet;
	int64_t ahead, next, claimable, published;
} __attribute__((__may_alias__));

struct ringbus_inlined_consumer {
	int64_t next;
	const char *slots;
	uint64_t mask;
	uint64_t slot_size;
	uint64_t event_size;
	const uint64_t *stamps;
	uint64_t is_plain;
	int64_t available;
} __attribute__((__may_alias__));

/* The library's own, by names that are never inlined; nobody else needs them. */
RINGBUS_API int64_t ringbus_producer_claim_by_call(
	struct ringbus_producer *producer, int64_t n, int64_t timeout_ns);
RINGBUS_API int ringbus_producer_publish_by_call(
	struct ringbus_producer *producer, int64_t lowest, int64_t highest);
RINGBUS_API int ringbus_consumer_next_by_call(struct ringbus_consumer *consumer,
					      struct ringbus_event *ret);

#if defined(__GNUC__) && defined(__OPTIMIZE__) && !defined(RINGBUS_NO_INLINE)

#define RINGBUS_INLINE_                                                        \
	extern __inline__ __attribute__((__gnu_inline__, __artificial__))
#define RINGBUS_PART_ RINGBUS_INLINE_ __attribute__((__always_inline__))
#define RINGBUS_USUAL_(x) __builtin_expect(!!(x), 1)

/* Has the lines of slots some way ahead made ours while we write those before; not
 * more of them than the innermost cache can spare. For x86 compilers would ask for
 * them to be read, which is once too often. */
RINGBUS_PART_ void
ringbus_prefetch_(struct ringbus_inlined_producer *p, int64_t lowest, int64_t n)
{
	uint64_t at = (uint64_t)(lowest + p->ahead) & p->mask;
	char *line = p->slots + at * p->slot_size;
	uint64_t size = (uint64_t)n * p->slot_size;
	char *end = line + (size < 4096 ? size : 4096);

	for (; line < end; line += 64)
#if defined(__x86_64__)
		__asm__ __volatile__("prefetchw %0" : : "m"(*line));
#else
		__builtin_prefetch(line, 1, 3);
#endif
}

RINGBUS_INLINE_ int64_t
ringbus_producer_claim(struct ringbus_producer *producer, int64_t n,
		       int64_t timeout_ns)
{
	struct ringbus_inlined_producer *p = (struct ringbus_inlined_producer *)
		producer;
	int64_t room = p->claimable - p->next;

	if (!RINGBUS_USUAL_(p->cursor != 0 && n > 0 && n <= room))
		return ringbus_producer_claim_by_call(producer, n, timeout_ns);
	if (p->ahead != 0 && p->ahead <= room - n)
		ringbus_prefetch_(p, p->next + 1, n);
	p->next += n;
	return p->next;
}

RINGBUS_INLINE_ void *
ringbus_producer_slot(struct ringbus_producer *producer, int64_t sequence)
{
	struct ringbus_inlined_producer *p = (struct ringbus_inlined_producer *)
		producer;

	return p->slots + ((uint64_t)sequence & p->mask) * p->slot_size;
}

/* Nobody wants to be woken, and the stream is open. */
RINGBUS_PART_ int
ringbus_is_quiet_(struct ringbus_inlined_producer *p)
{
	/* ORDER(none, relaxed) - the caller's fence orders it. */
	return __atomic_load_n(p->wanted, __ATOMIC_RELAXED) == p->quiet &&
	       /* ORDER(closing, acquire) - after the store: the end, if the
		* stream has one, includes what it published. */
	       __atomic_load_n(p->stream, __ATOMIC_ACQUIRE) == 0;
}

RINGBUS_INLINE_ int
ringbus_producer_publish(struct ringbus_producer *producer, int64_t lowest,
			 int64_t highest)
{
	struct ringbus_inlined_producer *p = (struct ringbus_inlined_producer *)
		producer;

	if (!RINGBUS_USUAL_(p->cursor != 0 && lowest == p->published + 1 &&
			    highest >= lowest && highest <= p->next))
		return ringbus_producer_publish_by_call(producer, lowest,
							highest);
	/* ORDER(publish, release) - the events up to `highest`. */
	__atomic_store_n(p->cursor, highest, __ATOMIC_RELEASE);
	/* ORDER(wake, compiler) - who goes to sleep meanwhile issues a
	 * membarrier that comes here. */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (!RINGBUS_USUAL_(ringbus_is_quiet_(p)))
		/* Stores the same once more, and does what is to be done. */
		return ringbus_producer_publish_by_call(producer, lowest,
							highest);
	p->published = highest;
	return 0;
}

/* Not a tombstone: what producers that died have left. */
RINGBUS_PART_ int
ringbus_is_event_(struct ringbus_inlined_consumer *c, int64_t sequence)
{
	uint64_t event = (uint64_t)(sequence + 1) << 2 | 1;
	const uint64_t *stamps = c->stamps;

	if (stamps == 0) /* of one producer */
		return 1;
	stamps += (uint64_t)sequence & c->mask;
	/* ORDER(none, relaxed) - the wait has acquired it. */
	return __atomic_load_n(stamps, __ATOMIC_RELAXED) == event;
}

RINGBUS_INLINE_ int
ringbus_consumer_next(struct ringbus_consumer *consumer,
		      struct ringbus_event *ret)
{
	struct ringbus_inlined_consumer *c = (struct ringbus_inlined_consumer *)
		consumer;
	struct ringbus_event event;
	int64_t sequence = c->next;
	int found;

	if (RINGBUS_USUAL_(c->is_plain && sequence <= c->available &&
			   ringbus_is_event_(c, sequence))) {
		c->next = sequence + 1;
		ret->data = c->slots +
			    ((uint64_t)sequence & c->mask) * c->slot_size;
		ret->size = c->event_size;
		ret->sequence = sequence;
		ret->last = sequence;
		return 1;
	}
	/* By way of a copy, so that *ret may live in registers. */
	found = ringbus_consumer_next_by_call(consumer, &event);
	if (found > 0)
		*ret = event;
	return found;
}

#undef RINGBUS_INLINE_
#undef RINGBUS_PART_
#undef RINGBUS_USUAL_
#endif

#ifdef __cplusplus
}
#endif

#endif
